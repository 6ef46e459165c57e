//! Plane transforms: applied, inverted, and fitted to pairs of places.

/// How general a [`Transform`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransformKind {
    /// Moved, turned and scaled (and mirrored).
    Similarity,
    /// Also stretched and sheared.
    Affine,
    /// Also seen at an angle.
    Perspective,
}

/// A transform of the plane: from pixels of the known picture to pixels of the questioned one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transform {
    /// How general it is.
    pub kind: TransformKind,
    /// Rows of the matrix on homogeneous places; the last entry is 1.
    pub matrix: [[f64; 3]; 3],
}

/// A known place with its questioned place.
pub(crate) type Places = [f64; 4];

impl Transform {
    pub(crate) fn similarity(a: f64, b: f64, x: f64, y: f64) -> Self {
        Self { kind: TransformKind::Similarity, matrix: [[a, -b, x], [b, a, y], [0.0, 0.0, 1.0]] }
    }

    /// Where a place comes to lie.
    pub fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let [top, middle, bottom] = &self.matrix;
        let row = |r: &[f64; 3]| r[0] * x + r[1] * y + r[2];
        let depth = row(bottom);
        (row(top) / depth, row(middle) / depth)
    }

    /// Derivatives of the new place: `[[dx'/dx, dx'/dy], [dy'/dx, dy'/dy]]`.
    pub(crate) fn slope(&self, x: f64, y: f64) -> [[f64; 2]; 2] {
        let m = &self.matrix;
        let depth = m[2][0] * x + m[2][1] * y + m[2][2];
        let (u, v) = self.apply(x, y);
        [
            [(m[0][0] - u * m[2][0]) / depth, (m[0][1] - u * m[2][1]) / depth],
            [(m[1][0] - v * m[2][0]) / depth, (m[1][1] - v * m[2][1]) / depth],
        ]
    }

    /// This transform after mirroring at a picture of `width` pixels, in the picture as it is.
    pub(crate) fn unmirrored(&self, width: f64) -> Self {
        let [top, middle, bottom] = self.matrix;
        let top = std::array::from_fn(|k| width * bottom[k] - top[k]);
        Self { kind: self.kind, matrix: [top, middle, bottom] }
    }

    /// From questioned pixels back to known ones; `None` if it has no inverse.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.matrix;
        let minor = |r: usize, c: usize| {
            let (r1, r2, c1, c2) = ((r + 1) % 3, (r + 2) % 3, (c + 1) % 3, (c + 2) % 3);
            m[r1][c1] * m[r2][c2] - m[r1][c2] * m[r2][c1]
        };
        let last = minor(2, 2);
        let determinant = m[0][0] * minor(0, 0) + m[0][1] * minor(0, 1) + m[0][2] * minor(0, 2);
        if last.abs() < 1e-12 || determinant.abs() < 1e-12 || !determinant.is_finite() {
            return None;
        }
        let mut matrix = [[0.0; 3]; 3];
        for (r, row) in matrix.iter_mut().enumerate() {
            for (c, value) in row.iter_mut().enumerate() {
                *value = minor(c, r) / last;
            }
        }
        Some(Self { kind: self.kind, matrix })
    }

    /// Least squares over `places`; `None` if they do not settle it.
    pub(crate) fn fit(kind: TransformKind, places: &[Places]) -> Option<Self> {
        let (known, questioned) = (Frame::of(places, 0)?, Frame::of(places, 2)?);
        let local: Vec<Places> = places
            .iter()
            .map(|p| {
                let ((a, b), (c, d)) = (known.inward(p[0], p[1]), questioned.inward(p[2], p[3]));
                [a, b, c, d]
            })
            .collect();
        let m = match kind {
            TransformKind::Similarity => similarity(&local),
            TransformKind::Affine => affine(&local)?,
            TransformKind::Perspective => perspective(&local)?,
        };
        // Out of the frame of the known places, and into that of the questioned.
        let (k, q) = (known, questioned);
        let mut matrix = m;
        for row in &mut matrix {
            row[2] -= (row[0] * k.x + row[1] * k.y) / k.size;
            row[0] /= k.size;
            row[1] /= k.size;
        }
        let [top, middle, bottom] = matrix;
        let outward = |row: [f64; 3], at: f64| std::array::from_fn(|c| row[c] * q.size + at * bottom[c]);
        let mut matrix = [outward(top, q.x), outward(middle, q.y), bottom];
        let last = bottom[2];
        if last.abs() < 1e-9 {
            return None;
        }
        matrix.iter_mut().flatten().for_each(|value| *value /= last);
        matrix.iter().flatten().all(|value| value.is_finite()).then_some(Self { kind, matrix })
    }
}

/// Centre and size of places: fits are made with numbers near 1.
#[derive(Clone, Copy)]
struct Frame {
    x: f64,
    y: f64,
    size: f64,
}

impl Frame {
    fn of(places: &[Places], at: usize) -> Option<Self> {
        let n = places.len() as f64;
        let x = places.iter().map(|p| p[at]).sum::<f64>() / n;
        let y = places.iter().map(|p| p[at + 1]).sum::<f64>() / n;
        let square = |p: &Places| (p[at] - x) * (p[at] - x) + (p[at + 1] - y) * (p[at + 1] - y);
        let size = (places.iter().map(square).sum::<f64>() / n).sqrt();
        (size > 1e-6).then_some(Self { x, y, size })
    }

    fn inward(self, x: f64, y: f64) -> (f64, f64) {
        ((x - self.x) / self.size, (y - self.y) / self.size)
    }
}

fn similarity(places: &[Places]) -> [[f64; 3]; 3] {
    // Centred: the shift is nothing.
    let (mut a, mut b, mut square) = (0.0, 0.0, 0.0);
    for [x, y, u, v] in places {
        a += x * u + y * v;
        b += x * v - y * u;
        square += x * x + y * y;
    }
    let (a, b) = (a / square, b / square);
    [[a, -b, 0.0], [b, a, 0.0], [0.0, 0.0, 1.0]]
}

fn affine(places: &[Places]) -> Option<[[f64; 3]; 3]> {
    let (mut xx, mut xy, mut yy, mut right) = (0.0, 0.0, 0.0, [[0.0; 2]; 2]);
    for [x, y, u, v] in places {
        xx += x * x;
        xy += x * y;
        yy += y * y;
        for (k, to) in [u, v].into_iter().enumerate() {
            right[k][0] += x * to;
            right[k][1] += y * to;
        }
    }
    let determinant = xx * yy - xy * xy;
    // Places near a line do not tell how far across it the picture is stretched.
    if determinant < 1e-3 * (xx + yy) * (xx + yy) {
        return None;
    }
    let row =
        |r: [f64; 2]| [(r[0] * yy - r[1] * xy) / determinant, (r[1] * xx - r[0] * xy) / determinant, 0.0];
    Some([row(right[0]), row(right[1]), [0.0, 0.0, 1.0]])
}

fn perspective(places: &[Places]) -> Option<[[f64; 3]; 3]> {
    // Eight unknowns, normal equations: rows (x, y, 1, 0, 0, 0, -ux, -uy) = u and (0, 0, 0, x, y, 1, -vx, -vy) = v.
    let mut system = [[0.0f64; 9]; 8];
    for &[x, y, u, v] in places {
        for row in
            [[x, y, 1.0, 0.0, 0.0, 0.0, -u * x, -u * y, u], [0.0, 0.0, 0.0, x, y, 1.0, -v * x, -v * y, v]]
        {
            for r in 0..8 {
                for c in 0..9 {
                    system[r][c] += row[r] * row[c];
                }
            }
        }
    }
    // What perspective is not settled by the places is drawn towards none.
    let ridge = 1e-3 * places.len() as f64;
    system[6][6] += ridge;
    system[7][7] += ridge;
    let h = solve(&mut system)?;
    Some([[h[0], h[1], h[2]], [h[3], h[4], h[5]], [h[6], h[7], 1.0]])
}

/// Gauss' elimination with row exchange.
fn solve(system: &mut [[f64; 9]; 8]) -> Option<[f64; 8]> {
    for pivot in 0..8 {
        let best = (pivot..8).max_by(|&a, &b| system[a][pivot].abs().total_cmp(&system[b][pivot].abs()))?;
        system.swap(pivot, best);
        let line = system[pivot];
        if line[pivot].abs() < 1e-9 {
            return None;
        }
        for row in &mut system[pivot + 1..] {
            let factor = row[pivot] / line[pivot];
            for c in pivot..9 {
                row[c] -= factor * line[c];
            }
        }
    }
    let mut out = [0.0; 8];
    for r in (0..8).rev() {
        let known: f64 = (r + 1..8).map(|c| system[r][c] * out[c]).sum();
        out[r] = (system[r][8] - known) / system[r][r];
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: (f64, f64), b: (f64, f64)) {
        assert!((a.0 - b.0).abs() < 1e-3 && (a.1 - b.1).abs() < 1e-3, "{a:?} is not {b:?}");
    }

    #[test]
    fn each_kind_is_found_again_from_its_places_and_undone_by_its_inverse() {
        let of = |kind, matrix| Transform { kind, matrix };
        let all = [
            of(TransformKind::Similarity, [[0.6, -0.8, 30.0], [0.8, 0.6, -5.0], [0.0, 0.0, 1.0]]),
            of(TransformKind::Affine, [[1.2, 0.3, 10.0], [-0.1, 0.7, 3.0], [0.0, 0.0, 1.0]]),
            of(TransformKind::Perspective, [[1.1, 0.1, 4.0], [0.05, 0.9, 8.0], [1e-4, -5e-5, 1.0]]),
        ];
        for transform in all {
            let places: Vec<Places> = (0..25)
                .map(|k| {
                    let (x, y) = (f64::from(k % 5 * 130), f64::from(k / 5 * 90));
                    let (u, v) = transform.apply(x, y);
                    [x, y, u, v]
                })
                .collect();
            let found = Transform::fit(transform.kind, &places).expect("places settle it");
            for [x, y, u, v] in places {
                let slack = if transform.kind == TransformKind::Perspective { 0.5 } else { 1e-3 };
                let at = found.apply(x, y);
                assert!((at.0 - u).abs() < slack && (at.1 - v).abs() < slack);
                let back = transform.inverse().expect("it has one");
                close(back.apply(u, v), (x, y));
            }
        }
    }

    #[test]
    fn places_on_a_line_settle_no_affine_transform() {
        let line: Vec<Places> =
            (0..9).map(|k| [f64::from(k), f64::from(2 * k), f64::from(k), f64::from(k)]).collect();
        assert_eq!(Transform::fit(TransformKind::Affine, &line), None);
        assert_eq!(Transform::fit(TransformKind::Similarity, &[[1.0; 4]; 3]), None);
    }
}
