//! What was replaced of a known picture, once the two are laid over each other.

use lodestone_features::{Alignment, Bounds, Cell, Change, Difference, Luma, difference};
use lodestone_types::{Box2, Edit, Milli};

/// Share of the known picture that one replaced patch must have for the picture to be called edited: a face can be as
/// small. Less may be a line of text or a compression's trace.
const EDITED_SHARE: f32 = 0.02;
/// Patches told.
const MOST_REGIONS: usize = 16;

/// Lays the known picture over the questioned one and says what differs; `None` where nothing of it is to be seen.
///
/// Sizes are those of the pictures that features were measured in; `stored`: stored pixels of the questioned picture to
/// one of its own, across and down.
pub(super) fn edit(
    (known, known_size): (&Luma, (u16, u16)),
    (questioned, questioned_size): (&Luma, (u16, u16)),
    alignment: &Alignment,
    stored: (f64, f64),
) -> Option<(Edit, bool)> {
    let told = difference(known, known_size, questioned, questioned_size, alignment)?;
    let milli = |value: f32| Milli::from_f64(f64::from(value));
    let shape = shape(&told);
    let edited = matches!(shape, "centre" | "surround" | "most")
        || told.replaced.iter().any(|patch| patch.share_of_known >= EDITED_SHARE);
    let edit = Edit {
        replaced_share: milli(told.replaced_share),
        outside_share: milli(told.outside_share),
        regions: told
            .replaced
            .iter()
            .take(MOST_REGIONS)
            .map(|patch| scaled(&patch.in_questioned, stored))
            .collect(),
        shape: shape.to_owned(),
        mask: told.cells.chunks(told.columns.max(1)).map(|row| row.iter().map(letter).collect()).collect(),
    };
    Some((edit, edited && alignment.is_match()))
}

fn shape(told: &Difference) -> &'static str {
    match (told.centre, told.surround) {
        (Change::Replaced, Change::Replaced) => "most",
        (Change::Replaced, Change::Kept) => "centre",
        (Change::Kept, Change::Replaced) => "surround",
        (Change::CannotSay, Change::CannotSay) => "cannot_say",
        _ if told.replaced.is_empty() => "none",
        _ => "part",
    }
}

fn letter(cell: &Cell) -> char {
    match cell {
        Cell::Kept => '.',
        Cell::Replaced => '#',
        Cell::Even => '-',
        Cell::Outside => ' ',
    }
}

fn scaled(bounds: &Bounds, (across, down): (f64, f64)) -> Box2 {
    let edge = |value: f32, by: f64| (f64::from(value) * by).round() as i32;
    let (x, y) = (edge(bounds.left, across), edge(bounds.top, down));
    Box2 { x, y, width: edge(bounds.right, across) - x, height: edge(bounds.bottom, down) - y }
}
