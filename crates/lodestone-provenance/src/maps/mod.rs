//! Aids to look at: error level, noise level, grid, ghosts. Never scored.

use crate::item::{Item, Map};

pub(crate) fn draw(_item: &Item<'_>) -> Vec<Map> {
    Vec::new()
}
