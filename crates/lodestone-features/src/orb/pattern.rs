//! The pairs of points that a descriptor compares.
//!
//! Chosen one after another among 2,200 random pairs, by boosting (exponential loss, one weight for all): each is the one
//! whose four forms best told, where those before it failed, 14,000 pairs of a corner and its copy from 20,000 pairs of
//! unrelated corners, most of them the most similar of 120. The copies came from tilts, perspective, crops, recompression,
//! tone, blur, noise and redrawing of 32 landscapes and drawings. At 7 of 10 copies recognised, 1 of 1,000 such unrelated
//! pairs is taken for one; of tests drawn at random it is 43 of 1,000.
//!
//! *Source of the method:* Suárez, Sfeir, Buenaposada, Baumela, "BEBLID: boosted efficient binary local image descriptor",
//! Pattern Recognition Letters 133, 2020. The tests are our own.

/// One of each four tests: `[px, py, qx, qy]`, is the point p darker than the point q; x along the direction of the
/// feature. The other three are its mirror images.
#[rustfmt::skip] // four to a line
pub(crate) static TESTS: [[i8; 4]; 64] = [
    [-9, -1, -13, -5], [-9, -5, -11, -8], [8, -1, 14, 0], [3, 9, 4, 13],
    [12, -5, 14, 0], [-7, -7, -9, -10], [9, 5, 13, 5], [-12, -1, -13, -5],
    [-1, -9, -1, -13], [-12, -3, -12, 0], [11, 3, 11, 8], [-10, 2, -13, 3],
    [-6, -9, -6, -12], [-13, -2, -10, -4], [10, -5, 9, -9], [11, -6, 8, -5],
    [-6, -7, -7, -10], [-11, -1, -13, -4], [12, 3, 12, -1], [12, -4, 9, -6],
    [9, -7, 7, -12], [-9, 5, -12, 7], [-9, 10, -5, 9], [11, 6, 10, 2],
    [-3, 9, -4, 13], [-3, 13, 0, 14], [5, -8, 4, -5], [7, -7, 11, -7],
    [10, 2, 10, -1], [-11, -8, -12, -1], [7, 11, 5, -10], [5, 7, 6, 10],
    [10, -4, 8, -7], [-7, -1, -10, -2], [0, 13, 0, 8], [-12, 0, -12, 4],
    [9, 5, 13, 3], [10, -8, 8, -5], [10, -6, 7, -12], [-2, -8, -1, -5],
    [-4, 11, -3, -9], [9, -3, 8, -6], [-2, 9, -4, 12], [9, 1, 13, 2],
    [7, 3, 6, 0], [-3, 10, 0, 14], [6, -8, 10, -7], [-7, -7, -6, -12],
    [-12, 0, -13, -5], [10, 3, 12, 0], [10, 7, 6, 5], [-7, 2, -7, 5],
    [6, 3, 5, 0], [8, -7, 11, -4], [4, -11, 9, -9], [6, 8, 6, 4],
    [0, 14, -4, 10], [3, -8, 3, -11], [-9, 3, -5, 2], [7, 2, 6, -2],
    [9, 4, 9, 8], [-5, 9, -10, 9], [-11, 0, -11, 3], [-1, 10, 2, 13],
];
