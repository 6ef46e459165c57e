//! What was replaced of a known picture, once the two are laid over each other.

use lodestone_features::{Alignment, Luma};
use lodestone_types::Edit;

/// Lays the known picture over the questioned one and says what differs; `None` where the alignment cannot carry it.
///
/// `known_size`: of the picture its features were measured in; `stored`: stored pixels of the questioned picture to one of
/// its grey copy, across and down.
pub(super) fn edit(
    _known: &Luma,
    _questioned: &Luma,
    _alignment: &Alignment,
    _known_size: (f64, f64),
    _stored: (f64, f64),
) -> Option<Edit> {
    None
}

/// Whether so much was replaced, in so compact a shape, that the picture is called edited.
pub(super) fn shows_edit(edit: &Edit) -> bool {
    matches!(edit.shape.as_str(), "part" | "centre" | "surround" | "most")
}
