//! Edit distance up to a limit.

/// Levenshtein distance of two texts if it is at most `limit`. Cost: what both begin and end with is compared once;
/// the rest costs its length times the distance (bands of growing width are tried, each left when every path is too
/// long), so unlike texts cost little.
/// *Source:* E. Ukkonen, "Algorithms for approximate string matching", 1985.
pub(super) fn edits_within(a: &[char], b: &[char], limit: usize) -> Option<usize> {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[same..], &b[same..]);
    let same = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[..a.len() - same], &b[..b.len() - same]);
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let least = long.len() - short.len();
    if least > limit {
        return None;
    }
    if short.is_empty() {
        return Some(long.len());
    }
    let mut band = least.max(8).min(limit);
    loop {
        if let Some(edits) = banded(short, long, band) {
            return Some(edits);
        }
        if band == limit {
            return None;
        }
        band = (band * 4).min(limit);
    }
}

/// The distance if at most `band`; only cells that near to the diagonal are looked at.
fn banded(short: &[char], long: &[char], band: usize) -> Option<usize> {
    const FAR: usize = usize::MAX / 2;
    let width = 2 * band + 1;
    // Cell `k` of the row of `i` letters of `short` is that of `i + k - band` letters of `long`.
    let mut row: Vec<usize> = (0..width).map(|k| k.checked_sub(band).unwrap_or(FAR)).collect();
    for (i, letter) in short.iter().enumerate() {
        let i = i + 1;
        let (mut left, mut best) = (FAR, FAR);
        for k in 0..width {
            let above = if k + 1 < width { row[k + 1] } else { FAR };
            let cell = match (i + k).checked_sub(band) {
                Some(0) => i,
                Some(j) if j <= long.len() => {
                    let swap = row[k] + usize::from(long[j - 1] != *letter);
                    swap.min(above + 1).min(left + 1)
                }
                _ => FAR,
            };
            row[k] = cell;
            left = cell;
            best = best.min(cell);
        }
        if best > band {
            return None;
        }
    }
    let edits = row[long.len() + band - short.len()];
    (edits <= band).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(a: &[char], b: &[char]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut before = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let swap = before + usize::from(x != y);
                before = row[j + 1];
                row[j + 1] = swap.min(before + 1).min(row[j] + 1);
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn the_banded_distance_is_the_whole_one_up_to_the_limit(a in "[abc]{0,60}", b in "[abc]{0,60}", limit in 0usize..70) {
            let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            let edits = whole(&a, &b);
            prop_assert_eq!(edits_within(&a, &b, limit), (edits <= limit).then_some(edits));
        }
    }
}
