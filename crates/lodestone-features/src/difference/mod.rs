//! What of a known picture was kept in a questioned one, and what was replaced.
//!
//! Needs both pictures' pixels. The questioned picture is brought back onto the known one by the alignment; then both are
//! compared cell by cell by their pattern, not their values, so that brightness, contrast, compression and colour
//! filters do not count as change. A cell may lie a little elsewhere than the alignment says: redrawn pictures are
//! bent. What comes out are facts of geometry: which cells show something else. Whether that is a subject or a
//! background, and what it means, is for people.

mod compare;
mod regions;
mod warp;

use crate::{Alignment, Bounds, Luma};

/// Cells along the longer side of the known picture.
const CELLS: usize = 32;
/// Pixels along a cell's side when compared.
const CELL_SIDE: usize = 8;

/// What a cell of the known picture shows in the questioned one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cell {
    /// The same pattern.
    Kept,
    /// Another.
    Replaced,
    /// Even in both: nothing to tell by.
    Even,
    /// Not in the questioned picture.
    Outside,
}

/// What became of a part of the known picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Change {
    /// At most 15 % of what can be told is replaced.
    Kept,
    /// More than that, less than half.
    Partly,
    /// Half or more.
    Replaced,
    /// Too little can be told, or the alignment is too weak.
    CannotSay,
}

/// A patch of replaced cells that touch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ReplacedRegion {
    /// Its bounds in known pixels.
    pub in_known: Bounds,
    /// Its bounds in questioned pixels.
    pub in_questioned: Bounds,
    /// Its share of the known picture's area.
    pub share_of_known: f32,
}

/// A known picture compared with what a questioned one shows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Cells in a row.
    pub columns: usize,
    /// Row after row, from the top left of the known picture.
    pub cells: Vec<Cell>,
    /// Of the cells that can be told, the share that is replaced.
    pub replaced_share: f32,
    /// Share of the known picture that is in the questioned one.
    pub visible_share: f32,
    /// Share of the questioned picture that is not the known one: what stands around it.
    pub outside_share: f32,
    /// Patches of replaced cells, largest first.
    pub replaced: Vec<ReplacedRegion>,
    /// The middle half of the known picture's width and height.
    pub centre: Change,
    /// What is not the centre.
    pub surround: Change,
}

/// Compares a known picture with what a questioned one shows of it.
///
/// `None` where the alignment shows nothing of the known picture. The pictures may have another size than those that were
/// aligned, if width and height are in the same proportion. Cost: some 10 ms.
pub fn difference(
    known: &Luma,
    known_size: (u16, u16),
    questioned: &Luma,
    questioned_size: (u16, u16),
    alignment: &Alignment,
) -> Option<Difference> {
    let sheet = warp::Sheet::new(known, known_size, questioned, questioned_size, alignment)?;
    let cells = regions::without_specks(sheet.columns, &compare::cells(&sheet));
    let tellable = |cell: &Cell| matches!(cell, Cell::Kept | Cell::Replaced);
    let told = cells.iter().filter(|c| tellable(c)).count();
    let replaced = cells.iter().filter(|c| **c == Cell::Replaced).count();
    let visible = cells.iter().filter(|c| **c != Cell::Outside).count();
    if visible == 0 {
        return None;
    }
    let (centre, surround) = if alignment.is_match() {
        (regions::change(sheet.columns, &cells, true), regions::change(sheet.columns, &cells, false))
    } else {
        (Change::CannotSay, Change::CannotSay)
    };
    Some(Difference {
        columns: sheet.columns,
        replaced_share: replaced as f32 / told.max(1) as f32,
        visible_share: visible as f32 / cells.len() as f32,
        outside_share: warp::outside_share(known_size, questioned_size, alignment),
        replaced: regions::replaced(&sheet, &cells),
        centre,
        surround,
        cells,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OrbOptions, Questioned, align, extract};

    /// Smooth noise: patches of several sizes.
    pub(crate) fn scene(width: u32, height: u32, seed: u32) -> Luma {
        let value = |x: u32, y: u32, layer: u32| {
            let mut h = x.wrapping_mul(0x9e37_79b1)
                ^ y.wrapping_mul(0x85eb_ca77)
                ^ (seed + layer).wrapping_mul(0xc2b2_ae3d);
            h ^= h >> 15;
            h = h.wrapping_mul(0x2c1b_3c6d);
            h ^= h >> 12;
            h & 255
        };
        let pixels = (0..width * height)
            .map(|k| {
                let (x, y) = (k % width, k / width);
                ((value(x / 23, y / 19, 0) * 3 + value(x / 9, y / 11, 1) * 2 + value(x / 4, y / 5, 2)) / 6)
                    as u8
            })
            .collect();
        Luma::new(width, height, pixels).expect("sides and length agree")
    }

    fn with_patch(luma: &Luma, patch: &Luma, left: u32, top: u32) -> Luma {
        let mut pixels = luma.pixels().to_vec();
        for y in 0..patch.height() {
            for x in 0..patch.width() {
                pixels[((top + y) * luma.width() + left + x) as usize] = patch.row(y)[x as usize];
            }
        }
        Luma::new(luma.width(), luma.height(), pixels).expect("same size")
    }

    fn compared(known: &Luma, questioned: &Luma) -> Difference {
        let features = extract(known, &OrbOptions::KNOWN);
        let asked = extract(questioned, &OrbOptions::QUESTIONED);
        let alignment = align(&Questioned::new(&asked), &features).expect("they align");
        let size = |l: &Luma| (l.width() as u16, l.height() as u16);
        difference(known, size(known), questioned, size(questioned), &alignment).expect("it is visible")
    }

    #[test]
    fn a_replaced_middle_is_found_where_it_is() {
        let known = scene(480, 360, 1);
        let questioned = with_patch(&known, &scene(200, 150, 77), 140, 100);
        let found = compared(&known, &questioned);
        assert_eq!((found.centre, found.surround), (Change::Replaced, Change::Kept), "{found:?}");
        let expected = 200.0 * 150.0 / (480.0 * 360.0);
        assert!((found.replaced_share - expected).abs() < 0.06, "{}", found.replaced_share);
        let region = found.replaced[0].in_known;
        assert!((region.left - 140.0).abs() < 20.0 && (region.bottom - 250.0).abs() < 20.0, "{region:?}");
        assert!(found.outside_share < 0.02);
    }

    #[test]
    fn tone_and_mirroring_replace_nothing_and_a_frame_is_outside() {
        let known = scene(480, 360, 2);
        let mut framed = vec![30u8; 600 * 450];
        for y in 0..360usize {
            for x in 0..480usize {
                framed[(y + 40) * 600 + x + 60] = known.row(y as u32)[479 - x] / 2 + 90;
            }
        }
        let found = compared(&known, &Luma::new(600, 450, framed).expect("600 x 450"));
        assert!(found.replaced_share < 0.03, "{}", found.replaced_share);
        assert_eq!((found.centre, found.surround), (Change::Kept, Change::Kept));
        let expected = 1.0 - 480.0 * 360.0 / (600.0 * 450.0);
        assert!((found.outside_share - expected).abs() < 0.03, "{}", found.outside_share);
    }
}
