//! The loops over pixels in safe source, to be compiled for several instruction sets (see `simd.rs`).
#![allow(clippy::needless_range_loop)] // plain loops: a closure is not compiled for its caller's instruction set

/// Pixels in one step of [`corner_row`].
const LANES: usize = 32;

/// The circle of 16 pixels around a corner, as (right, down). *Source:* Rosten and Drummond, "Machine learning for
/// high-speed corner detection", ECCV 2006.
const CIRCLE: [(i32, i32); 16] = [
    (0, -3),
    (1, -3),
    (2, -2),
    (3, -1),
    (3, 0),
    (3, 1),
    (2, 2),
    (1, 3),
    (0, 3),
    (-1, 3),
    (-2, 2),
    (-3, 1),
    (-3, 0),
    (-3, -1),
    (-2, -2),
    (-1, -3),
]; // by eights

/// For every arc of nine the least difference, of these the greatest.
#[inline(always)]
fn strongest_arc(d: &[[u8; LANES]; 16]) -> [u8; LANES] {
    let mut best = [0; LANES];
    let (mut two, mut four) = ([[0; LANES]; 16], [[0; LANES]; 16]);
    for i in 0..16 {
        for l in 0..LANES {
            two[i][l] = d[i][l].min(d[(i + 1) % 16][l]);
        }
    }
    for i in 0..16 {
        for l in 0..LANES {
            four[i][l] = two[i][l].min(two[(i + 2) % 16][l]);
        }
    }
    for i in 0..16 {
        for l in 0..LANES {
            let nine = four[i][l].min(four[(i + 4) % 16][l]).min(d[(i + 8) % 16][l]);
            best[l] = best[l].max(nine);
        }
    }
    best
}

/// How strong a corner each pixel of the middle row is: the greatest `t` such that nine neighbours in a row on the
/// circle are all brighter, or all darker, by `t`. `rows` are three above to three below; three pixels at each end of
/// `out` are left alone.
#[inline(always)]
pub(crate) fn corner_row(rows: &[&[u8]; 7], out: &mut [u8]) {
    let width = out.len();
    if width < LANES + 6 {
        return;
    }
    let end = width - 3 - LANES;
    let mut x = 3;
    loop {
        let mut centre = [0; LANES];
        centre.copy_from_slice(&rows[3][x..x + LANES]);
        let (mut brighter, mut darker) = ([[0; LANES]; 16], [[0; LANES]; 16]);
        for i in 0..16 {
            let (right, down) = CIRCLE[i];
            let at = (x as i32 + right) as usize;
            let row = &rows[(3 + down) as usize][at..at + LANES];
            for l in 0..LANES {
                brighter[i][l] = row[l].saturating_sub(centre[l]);
                darker[i][l] = centre[l].saturating_sub(row[l]);
            }
        }
        let (a, b) = (strongest_arc(&brighter), strongest_arc(&darker));
        for l in 0..LANES {
            out[x + l] = a[l].max(b[l]);
        }
        if x == end {
            return;
        }
        x = (x + LANES).min(end); // the last step overlaps
    }
}

/// Gauss with sigma 2 in seven taps, of 256.
const GAUSS: [u16; 7] = [18, 34, 49, 54, 49, 34, 18];

/// The weighted mean of seven rows, in 256ths.
#[inline(always)]
pub(crate) fn smooth_down(rows: &[&[u8]; 7], out: &mut [u16]) {
    let n = out.len();
    let r: [&[u8]; 7] = [
        &rows[0][..n],
        &rows[1][..n],
        &rows[2][..n],
        &rows[3][..n],
        &rows[4][..n],
        &rows[5][..n],
        &rows[6][..n],
    ];
    for x in 0..n {
        let ends = (u16::from(r[0][x]) + u16::from(r[6][x])) * GAUSS[0];
        let outer = (u16::from(r[1][x]) + u16::from(r[5][x])) * GAUSS[1];
        let inner = (u16::from(r[2][x]) + u16::from(r[4][x])) * GAUSS[2];
        out[x] = ends + outer + inner + u16::from(r[3][x]) * GAUSS[3];
    }
}

/// The weighted mean of seven neighbours of a row that has three more at each end.
#[inline(always)]
pub(crate) fn smooth_across(padded: &[u16], out: &mut [u8]) {
    let n = out.len();
    let p = &padded[..n + 6];
    for x in 0..n {
        let mut sum = 1u32 << 15;
        for k in 0..7 {
            sum += u32::from(p[x + k]) * u32::from(GAUSS[k]);
        }
        out[x] = (sum >> 16) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By the definition.
    fn slow(rows: &[Vec<u8>], x: usize) -> u8 {
        let centre = i32::from(rows[3][x]);
        let d = |i: usize| {
            let (right, down) = CIRCLE[i % 16];
            i32::from(rows[(3 + down) as usize][(x as i32 + right) as usize]) - centre
        };
        let arc = |sign: i32| (0..16).map(|i| (i..i + 9).map(|k| sign * d(k)).min().unwrap()).max().unwrap();
        arc(1).max(arc(-1)).max(0) as u8
    }

    #[test]
    fn corners_are_those_of_the_definition() {
        let mut seed = 1u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8 / 64 * 80
        };
        for width in [38, 39, 70, 101] {
            let rows: Vec<Vec<u8>> = (0..7).map(|_| (0..width).map(|_| next()).collect()).collect();
            let views: [&[u8]; 7] = std::array::from_fn(|i| rows[i].as_slice());
            let mut out = vec![0; width];
            corner_row(&views, &mut out);
            let slow: Vec<u8> =
                (0..width).map(|x| if x < 3 || x + 3 >= width { 0 } else { slow(&rows, x) }).collect();
            assert_eq!(out, slow);
            assert!(out.iter().any(|s| *s > 0));
        }
    }
}
