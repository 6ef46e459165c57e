//! Features laid out for matching: places as numbers, and a grid to find those near a place.

use crate::orb::trig;
use crate::{Descriptor, Features, Form, Keypoint};

/// A keypoint in pixels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) x: f32,
    pub(crate) y: f32,
    /// Pixels to one pixel of its level.
    pub(crate) scale: f32,
    /// 256ths of a turn.
    pub(crate) angle: u8,
}

impl From<Keypoint> for Point {
    fn from(keypoint: Keypoint) -> Self {
        let (x, y) = keypoint.place();
        Self { x, y, scale: keypoint.scale_factor(), angle: keypoint.angle }
    }
}

/// Cells along the longer side.
const CELLS: f32 = 32.0;

/// Features of one picture in one form.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) width: f32,
    pub(crate) height: f32,
    pub(crate) points: Vec<Point>,
    pub(crate) descriptors: Vec<Descriptor>,
    cell: f32,
    across: usize,
    starts: Vec<u32>,
    order: Vec<u32>,
}

impl Sheet {
    /// The features as they lie in the picture in this form.
    pub(crate) fn new(features: &Features, form: Form) -> Self {
        let n = features.keypoints.len().min(features.descriptors.len());
        let (width, height) = (f32::from(features.width.max(1)), f32::from(features.height.max(1)));
        let points: Vec<Point> =
            features.keypoints[..n].iter().map(|k| form.keypoint(features.width, *k).into()).collect();
        let descriptors = features.descriptors[..n].iter().map(|d| d.in_form(form)).collect();
        let cell = width.max(height) / CELLS;
        let (across, down) = ((width / cell) as usize + 1, (height / cell) as usize + 1);
        let mut sheet = Self {
            width,
            height,
            points,
            descriptors,
            cell,
            across,
            starts: vec![0; across * down + 1],
            order: vec![0; n],
        };
        let places: Vec<usize> = sheet.points.iter().map(|p| sheet.cell_of(p.x, p.y)).collect();
        for &place in &places {
            sheet.starts[place + 1] += 1;
        }
        for k in 1..sheet.starts.len() {
            sheet.starts[k] += sheet.starts[k - 1];
        }
        let mut next = sheet.starts.clone();
        for (k, &place) in places.iter().enumerate() {
            sheet.order[next[place] as usize] = k as u32;
            next[place] += 1;
        }
        sheet
    }

    /// One 640th of the longer side: the pixel that tolerances are counted in.
    pub(crate) fn unit(&self) -> f32 {
        self.width.max(self.height) / 640.0
    }

    fn cell_of(&self, x: f32, y: f32) -> usize {
        let rows = self.starts.len() / self.across;
        let column = ((x / self.cell) as usize).min(self.across - 1);
        let row = ((y / self.cell) as usize).min(rows.max(1) - 1);
        row * self.across + column
    }

    /// Calls `each` with the numbers of all features in cells that a square around a place touches.
    pub(crate) fn around(&self, x: f32, y: f32, radius: f32, mut each: impl FnMut(u32)) {
        if !(x + radius >= 0.0 && y + radius >= 0.0 && x - radius <= self.width && y - radius <= self.height)
        {
            return;
        }
        let first = self.cell_of((x - radius).max(0.0), (y - radius).max(0.0));
        let last = self.cell_of((x + radius).min(self.width), (y + radius).min(self.height));
        for row in first / self.across..=last / self.across {
            let start = row * self.across + first % self.across;
            let end = row * self.across + last % self.across;
            for &k in &self.order[self.starts[start] as usize..self.starts[end + 1] as usize] {
                each(k);
            }
        }
    }
}

/// A questioned picture's features in all four forms, ready to be matched.
#[derive(Debug, Clone)]
pub struct Questioned {
    pub(crate) sheets: [Sheet; 4],
}

impl Questioned {
    /// Lays out the features of a questioned picture.
    pub fn new(features: &Features) -> Self {
        Self { sheets: Form::ALL.map(|form| Sheet::new(features, form)) }
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.sheets[0].points.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A known feature with a questioned one, and the movement that they alone tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tie {
    pub(crate) known: Point,
    pub(crate) questioned: Point,
    /// Scale times cosine and sine of the turn, by their own scales and angles.
    turn: (f32, f32),
}

impl Tie {
    pub(crate) fn new(known: Point, questioned: Point) -> Self {
        let (c, s) = trig::unit(questioned.angle.wrapping_sub(known.angle));
        let scale = questioned.scale / known.scale;
        Self { known, questioned, turn: (c * scale, s * scale) }
    }

    /// The similarity that moves both known places onto both questioned ones, if the two agree with it in scale and turn
    /// and lie at least `least` known pixels apart.
    pub(crate) fn with(&self, other: &Self, least: f32) -> Option<Similarity> {
        let (kx, ky) = (other.known.x - self.known.x, other.known.y - self.known.y);
        let square = kx * kx + ky * ky;
        if square < least * least {
            return None;
        }
        let (qx, qy) = (other.questioned.x - self.questioned.x, other.questioned.y - self.questioned.y);
        let a = (qx * kx + qy * ky) / square;
        let b = (qy * kx - qx * ky) / square;
        if !self.agrees(a, b) || !other.agrees(a, b) {
            return None;
        }
        let x = self.questioned.x - (a * self.known.x - b * self.known.y);
        let y = self.questioned.y - (b * self.known.x + a * self.known.y);
        Some(Similarity { a, b, x, y })
    }

    /// Whether scale (by a factor of 1.6) and turn (by 31°) are as this tie tells.
    fn agrees(&self, a: f32, b: f32) -> bool {
        let (c, s) = self.turn;
        let square = c * c + s * s;
        let along = (a * c + b * s) / square;
        let across = (b * c - a * s) / square;
        (0.6..=1.6).contains(&along) && across.abs() <= 0.6 * along
    }
}

/// `(x, y)` to `(a x - b y + x0, b x + a y + y0)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Similarity {
    pub(crate) a: f32,
    pub(crate) b: f32,
    pub(crate) x: f32,
    pub(crate) y: f32,
}
