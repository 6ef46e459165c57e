//! Regions: rectangles of a questioned picture in which a known picture may stand whole.
//!
//! Hash lists hold one hash of each known picture. A screenshot, a collage or a picture with borders has another hash, but
//! the rectangle within has the known one. PDQ forgives some two or three per cent of misplacement, so a blind grid finds
//! little: rectangles are proposed where borders, gutters and long straight edges say that a picture ends.

mod bounds;
mod frame;
mod grid;
mod lattice;
mod lines;
mod panels;
mod prints;
mod propose;
mod rects;
mod refine;
mod window;

pub use prints::{RegionOptions, RegionPrint, RegionPrints, region_prints};
pub use propose::{Proposal, ProposalKind, propose};
pub use refine::{Refined, refine};

/// A rectangle of a picture, in pixels from its top left, with parts of pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Region {
    /// Left side.
    pub x: f32,
    /// Top.
    pub y: f32,
    /// Width, above 0.
    pub width: f32,
    /// Height, above 0.
    pub height: f32,
}

impl Region {
    /// Right side.
    pub fn right(&self) -> f32 {
        self.x + self.width
    }

    /// Bottom.
    pub fn bottom(&self) -> f32 {
        self.y + self.height
    }

    /// Area that two regions share, of the area of both together: 0 apart, 1 equal.
    pub fn overlap(&self, other: &Self) -> f32 {
        let shared = self.shared(other);
        let all = self.width * self.height + other.width * other.height - shared;
        if all > 0.0 { shared / all } else { 0.0 }
    }

    /// Area in both, in pixels.
    fn shared(&self, other: &Self) -> f32 {
        let width = self.right().min(other.right()) - self.x.max(other.x);
        let height = self.bottom().min(other.bottom()) - self.y.max(other.y);
        width.max(0.0) * height.max(0.0)
    }

    /// Whether no side is farther from the other's than `part` of the smaller one's width or height.
    fn is_near(&self, other: &Self, part: f32) -> bool {
        let x = part * self.width.min(other.width);
        let y = part * self.height.min(other.height);
        (self.x - other.x).abs() <= x
            && (self.right() - other.right()).abs() <= x
            && (self.y - other.y).abs() <= y
            && (self.bottom() - other.bottom()).abs() <= y
    }

    /// The part of the region within a picture of `width` × `height` pixels, or nothing if less than a pixel is left.
    fn within(&self, width: f32, height: f32) -> Option<Self> {
        let (x, y) = (self.x.max(0.0), self.y.max(0.0));
        let (w, h) = (self.right().min(width) - x, self.bottom().min(height) - y);
        (w >= 1.0 && h >= 1.0).then_some(Self { x, y, width: w, height: h })
    }

    /// With these parts of its width added on the left and right, and of its height above and below.
    fn grown(&self, across: f32, down: f32) -> Self {
        let (x, y) = (across * self.width, down * self.height);
        Self { x: self.x - x, y: self.y - y, width: self.width + 2.0 * x, height: self.height + 2.0 * y }
    }

    fn scaled(&self, x: f32, y: f32) -> Self {
        Self { x: self.x * x, y: self.y * y, width: self.width * x, height: self.height * y }
    }
}
