//! Rectangles of whole pixels, while borders and gutters are looked for.

use crate::{Luma, region::Region};

/// Columns `left` to `right` and rows `top` to `bottom`, the ends not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) right: usize,
    pub(crate) bottom: usize,
}

impl Bounds {
    pub(crate) fn of(luma: &Luma) -> Self {
        Self { left: 0, top: 0, right: luma.width() as usize, bottom: luma.height() as usize }
    }

    /// The same rectangle of the picture turned over its diagonal.
    pub(crate) fn turned(self) -> Self {
        Self { left: self.top, top: self.left, right: self.bottom, bottom: self.right }
    }

    pub(crate) fn width(self) -> usize {
        self.right.saturating_sub(self.left)
    }

    pub(crate) fn height(self) -> usize {
        self.bottom.saturating_sub(self.top)
    }

    /// Whether `other` lies within and is not the same.
    pub(crate) fn holds(self, other: &Self) -> bool {
        self != *other
            && self.left <= other.left
            && self.top <= other.top
            && self.right >= other.right
            && self.bottom >= other.bottom
    }

    pub(crate) fn is_empty(self) -> bool {
        self.width() == 0 || self.height() == 0
    }
}

impl From<Bounds> for Region {
    fn from(bounds: Bounds) -> Self {
        Self {
            x: bounds.left as f32,
            y: bounds.top as f32,
            width: bounds.width() as f32,
            height: bounds.height() as f32,
        }
    }
}
