//! Borders taken off: uniform ones of any tone, and blurred ones that hold no detail.

use crate::{
    Luma,
    region::{Proposal, ProposalKind, Region, bounds::Bounds},
};

/// Grey levels that a uniform line's pixels may lie from their mean.
const TOLERANCE: u8 = 14;
/// One pixel in this many of a uniform line may lie farther: dust, and what compression leaves beside the picture.
const STRAY: usize = 40;
/// A border without detail has less than this part of the detail of the picture.
const DETAIL: f32 = 0.33;

/// Pixels looked at first, evenly spread; with more than [`STRAY_PROBES`] of them off their median, the line is not uniform.
const PROBES: usize = 16;
const STRAY_PROBES: usize = 3;

/// Whether row `y` is of one tone between the bounds.
pub(crate) fn row_is_uniform(luma: &Luma, within: Bounds, y: usize) -> bool {
    let row = &luma.row(y as u32)[within.left..within.right];
    if row.is_empty() {
        return true;
    }
    let mut probes: [u8; PROBES] = std::array::from_fn(|i| row[(2 * i + 1) * row.len() / (2 * PROBES)]);
    probes.sort_unstable();
    let middle = probes[PROBES / 2];
    if probes.iter().filter(|probe| probe.abs_diff(middle) > 2 * TOLERANCE).count() > STRAY_PROBES {
        return false;
    }
    let sum: u32 = row.iter().map(|&value| u32::from(value)).sum();
    let mean = (sum / row.len() as u32) as u8;
    let stray: u32 = row.iter().map(|value| u32::from(value.abs_diff(mean) > TOLERANCE)).sum();
    stray as usize * STRAY <= row.len()
}

/// `within` without its uniform border: each side on its own, again until nothing changes. `turned` is the picture turned
/// over its diagonal.
pub(crate) fn without_uniform(luma: &Luma, turned: &Luma, within: Bounds) -> Bounds {
    let mut inner = within;
    for _ in 0..4 {
        let before = inner;
        inner = rows_off(luma, inner);
        inner = rows_off(turned, inner.turned()).turned();
        if inner == before || inner.is_empty() {
            break;
        }
    }
    inner
}

fn rows_off(luma: &Luma, mut within: Bounds) -> Bounds {
    while within.top < within.bottom && row_is_uniform(luma, within, within.top) {
        within.top += 1;
    }
    while within.bottom > within.top && row_is_uniform(luma, within, within.bottom - 1) {
        within.bottom -= 1;
    }
    within
}

/// `within` without borders that hold no detail, whatever their tones: rows first, then columns.
fn without_blurred(luma: &Luma, turned: &Luma, within: Bounds) -> Bounds {
    let inner = plain_rows_off(luma, within);
    plain_rows_off(turned, inner.turned()).turned()
}

fn plain_rows_off(luma: &Luma, within: Bounds) -> Bounds {
    let (width, height) = (within.right - within.left, within.bottom - within.top);
    if width < 16 || height < 32 {
        return within;
    }
    let mut detail = Vec::new();
    for y in within.top..within.bottom {
        let row = &luma.row(y as u32)[within.left..within.right];
        detail.push(bends(row) as f32 / width as f32);
    }
    let smooth: Vec<f32> = (0..height)
        .map(|i| {
            let near = &detail[i.saturating_sub(2)..(i + 3).min(height)];
            near.iter().sum::<f32>() / near.len() as f32
        })
        .collect();
    let mut sorted = smooth.clone();
    sorted.sort_by(f32::total_cmp);
    let bar = DETAIL * sorted[height * 3 / 4];
    let from = smooth.iter().position(|&value| value >= bar).unwrap_or(0);
    let to = smooth.iter().rposition(|&value| value >= bar).unwrap_or(height - 1) + 1;
    Bounds { top: within.top + from, bottom: within.top + to, ..within }
}

/// How much neighbours of a row bend away from a straight line, each at most 32 grey levels.
fn bends(row: &[u8]) -> i32 {
    let mut sum = 0;
    // Sums of 512 bends fit the 16 bits that make the loop fast.
    for start in (0..row.len().saturating_sub(2)).step_by(512) {
        let part = &row[start..(start + 514).min(row.len())];
        let n = part.len() - 2;
        let (a, b, c) = (&part[..n], &part[1..n + 1], &part[2..]);
        let mut bends = 0_i16;
        for x in 0..n {
            bends += (2 * i16::from(b[x]) - i16::from(a[x]) - i16::from(c[x])).abs().min(32);
        }
        sum += i32::from(bends);
    }
    sum
}

/// The picture without its borders, in the ways that change something.
pub(crate) fn frames(luma: &Luma, turned: &Luma) -> Vec<Proposal> {
    let whole = Bounds::of(luma);
    let mut found: Vec<Proposal> = Vec::new();
    let mut add = |bounds: Bounds, kind, score| {
        if bounds != whole && bounds.right - bounds.left >= 24 && bounds.bottom - bounds.top >= 24 {
            found.push(Proposal { region: Region::from(bounds), kind, score });
        }
    };
    let inner = without_uniform(luma, turned, whole);
    add(inner, ProposalKind::Frame, 2.0);
    let sharp = without_blurred(luma, turned, if inner.is_empty() { whole } else { inner });
    if sharp != inner {
        add(sharp, ProposalKind::Blur, 1.7);
    }
    let columns_first = without_blurred(turned, luma, whole.turned()).turned();
    if columns_first != sharp && columns_first != inner {
        add(columns_first, ProposalKind::Blur, 1.5);
    }
    found
}
