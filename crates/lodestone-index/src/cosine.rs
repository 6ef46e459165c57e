//! Exact search of vectors by cosine, each dimension kept in a byte: the shape of learned descriptors.
//!
//! A vector is divided by its largest value and rounded to -127 to 127; of descriptors with some hundred dimensions the
//! cosine changes by some thousandths. Every stored vector is compared with every query: no index that leaves some out,
//! because what is left out cannot be told.

/// Longest vector.
const MAX_DIMENSION: usize = 4096;
/// Rows that all queries are compared with before the next ones: they stay in the first-level cache.
const ROWS: usize = 32;

/// Why numbers are no vector that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CosineError {
    /// Infinite, or no numbers.
    #[error("it holds values that are no finite numbers")]
    NotFinite,
    /// All zero: it has no direction.
    #[error("all its values are zero")]
    Zero,
    /// None, or more than 4,096.
    #[error("it has {0} dimensions, not 1 to 4096")]
    Dimension(usize),
    /// Bytes that no vector is written as.
    #[error("its bytes are not those of a vector")]
    Malformed,
}

/// A direction: a byte for each dimension, and the factor that makes its length one.
#[derive(Clone, Debug, PartialEq)]
pub struct ByteVector {
    values: Box<[i8]>,
    factor: f32,
}

impl ByteVector {
    /// Most dimensions.
    pub const MAX_DIMENSION: usize = MAX_DIMENSION;

    /// Rounds values, of any length, to bytes.
    ///
    /// # Errors
    /// [`CosineError`].
    pub fn from_values(values: &[f32]) -> Result<Self, CosineError> {
        if values.is_empty() || values.len() > MAX_DIMENSION {
            return Err(CosineError::Dimension(values.len()));
        }
        if values.iter().any(|value| !value.is_finite()) {
            return Err(CosineError::NotFinite);
        }
        let largest = values.iter().fold(0.0f64, |most, value| most.max(f64::from(value.abs())));
        if largest <= 0.0 {
            return Err(CosineError::Zero);
        }
        let rounded = |value: &f32| (f64::from(*value) / largest * 127.0).round() as i8;
        let values: Box<[i8]> = values.iter().map(rounded).collect();
        let factor = inverse_length(&values) as f32;
        Ok(Self { values, factor })
    }

    /// Reads what [`ByteVector::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`CosineError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CosineError> {
        let (factor, values) = bytes.split_first_chunk::<4>().ok_or(CosineError::Malformed)?;
        if values.is_empty() || values.len() > MAX_DIMENSION {
            return Err(CosineError::Dimension(values.len()));
        }
        let factor = f32::from_le_bytes(*factor);
        let values: Box<[i8]> = values.iter().map(|byte| byte.cast_signed()).collect();
        // The largest is always 127; a factor that disagrees with the length is none of ours.
        let largest = values.iter().map(|value| value.unsigned_abs()).max();
        let unit = factor * (dot(&values, &values) as f32).sqrt();
        if largest != Some(127) || values.contains(&i8::MIN) || !(0.999..=1.001).contains(&unit) {
            return Err(CosineError::Malformed);
        }
        Ok(Self { values, factor })
    }

    /// The factor (`f32`, little-endian), then a signed byte for each dimension: four bytes more than there are dimensions.
    pub fn to_bytes(&self) -> Vec<u8> {
        let values = self.values.iter().map(|value| value.cast_unsigned());
        self.factor.to_le_bytes().into_iter().chain(values).collect()
    }

    /// How many dimensions it has.
    pub fn dimension(&self) -> usize {
        self.values.len()
    }

    /// The cosine of the angle between two, -1 to 1; of the first dimensions where one has fewer.
    pub fn cosine(&self, other: &Self) -> f32 {
        cosine(dot(&self.values, &other.values), inverse_length(&self.values), inverse_length(&other.values))
    }
}

/// Vectors of one dimension, by rows.
#[derive(Clone, Debug, Default)]
pub struct CosineIndex {
    dimension: usize,
    values: Vec<i8>,
    inverse_lengths: Vec<f64>,
}

impl CosineIndex {
    /// Adds a vector as the next row; `false`, and nothing is added, where it has another dimension than the rows before.
    pub fn push(&mut self, vector: &ByteVector) -> bool {
        if self.is_empty() {
            self.dimension = vector.dimension();
        }
        let fits = vector.dimension() == self.dimension;
        if fits {
            self.values.extend_from_slice(&vector.values);
            self.inverse_lengths.push(inverse_length(&vector.values));
        }
        fits
    }

    /// Rows.
    pub fn len(&self) -> usize {
        self.inverse_lengths.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.inverse_lengths.is_empty()
    }

    /// Dimensions of each row; 0 where there is none.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// A row as a vector.
    pub fn row(&self, row: usize) -> Option<ByteVector> {
        let from = row.checked_mul(self.dimension)?;
        let values: Box<[i8]> = self.values.get(from..from.checked_add(self.dimension)?)?.into();
        let factor = *self.inverse_lengths.get(row)? as f32;
        Some(ByteVector { values, factor })
    }

    /// Compares each query with each row: `each` is told the query's number, the row's and their cosine; of one query, rows
    /// come in rising order. Queries of another dimension are left out.
    ///
    /// Cost: a multiplication of bytes for each dimension of each pair; memory: none.
    pub fn for_each(&self, queries: &[ByteVector], mut each: impl FnMut(usize, usize, f32)) {
        if self.is_empty() {
            return;
        }
        let lengths: Vec<f64> = queries.iter().map(|query| inverse_length(&query.values)).collect();
        let blocks = self.values.chunks(self.dimension * ROWS).zip(self.inverse_lengths.chunks(ROWS));
        for (block, (rows, inverse_lengths)) in blocks.enumerate() {
            for (number, (query, length)) in queries.iter().zip(&lengths).enumerate() {
                if query.dimension() != self.dimension {
                    continue;
                }
                for (k, (row, other)) in rows.chunks(self.dimension).zip(inverse_lengths).enumerate() {
                    each(number, block * ROWS + k, cosine(dot(&query.values, row), *length, *other));
                }
            }
        }
    }
}

/// The best of what it is shown: highest score first, of equal ones the lower row.
#[derive(Clone, Debug)]
pub struct Best {
    most: usize,
    held: Vec<(f32, usize)>,
}

impl Best {
    /// Holds so many at most.
    pub fn new(most: usize) -> Self {
        Self { most, held: Vec::new() }
    }

    /// Shows it a row. Rows come in rising order.
    pub fn take(&mut self, score: f32, row: usize) {
        if self.held.len() == self.most {
            match self.held.last() {
                Some((least, _)) if score > *least => {
                    self.held.pop();
                }
                _ => return,
            }
        }
        let at = self.held.partition_point(|(held, _)| *held >= score);
        self.held.insert(at, (score, row));
    }

    /// What it holds, best first.
    pub fn held(&self) -> &[(f32, usize)] {
        &self.held
    }
}

/// At most 4,096 x 127²: no overflow. The compiler makes vector instructions of it.
fn dot(a: &[i8], b: &[i8]) -> i32 {
    a.iter().zip(b).map(|(a, b)| i32::from(*a) * i32::from(*b)).sum()
}

fn inverse_length(values: &[i8]) -> f64 {
    1.0 / f64::from(dot(values, values).max(1)).sqrt()
}

fn cosine(dot: i32, a: f64, b: f64) -> f32 {
    (f64::from(dot) * a * b).clamp(-1.0, 1.0) as f32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_has_no_direction_or_no_numbers_is_refused() {
        assert_eq!(ByteVector::from_values(&[0.0, -0.0]), Err(CosineError::Zero));
        assert_eq!(ByteVector::from_values(&[1.0, f32::NAN]), Err(CosineError::NotFinite));
        assert_eq!(ByteVector::from_values(&[f32::INFINITY]), Err(CosineError::NotFinite));
        assert_eq!(ByteVector::from_values(&[]), Err(CosineError::Dimension(0)));
        assert_eq!(ByteVector::from_values(&vec![1.0; 4097]), Err(CosineError::Dimension(4097)));
        let least = ByteVector::from_values(&[f32::MIN_POSITIVE, 0.0]).unwrap();
        let most = ByteVector::from_values(&[f32::MAX, 0.0]).unwrap();
        assert_eq!(least.cosine(&most), 1.0);
    }

    #[test]
    fn bytes_that_no_vector_has_are_refused() {
        let good = ByteVector::from_values(&[0.5, -2.0, 1.0]).unwrap().to_bytes();
        assert_eq!(good.len(), 7);
        assert!(ByteVector::from_bytes(&good).is_ok());
        for (at, value) in [(3, 0xff), (5, 0x80), (5, 1), (3, 0x00)] {
            let mut bad = good.clone();
            bad[at] = value;
            assert_eq!(ByteVector::from_bytes(&bad), Err(CosineError::Malformed), "{at} {value}");
        }
        assert!(ByteVector::from_bytes(&good[..4]).is_err() && ByteVector::from_bytes(&[]).is_err());
    }

    #[test]
    fn the_best_are_held_in_order_and_of_equal_ones_the_first() {
        let mut best = Best::new(3);
        for (row, score) in [0.1, 0.5, 0.5, -1.0, 0.7, 0.5].into_iter().enumerate() {
            best.take(score, row);
        }
        assert_eq!(best.held(), [(0.7, 4), (0.5, 1), (0.5, 2)]);
    }

    proptest! {
        #[test]
        fn bytes_say_nearly_what_the_numbers_say_and_the_index_says_the_same(
            rows in proptest::collection::vec(proptest::collection::vec(-5.0f32..5.0, 70), 1..80),
        ) {
            let vectors: Vec<ByteVector> =
                rows.iter().filter_map(|row| ByteVector::from_values(row).ok()).collect();
            let mut index = CosineIndex::default();
            for vector in &vectors {
                prop_assert!(index.push(vector));
                prop_assert_eq!(&ByteVector::from_bytes(&vector.to_bytes()).unwrap(), vector);
            }
            let mut seen = 0;
            index.for_each(&vectors[..vectors.len().min(3)], |query, row, cosine| {
                seen += 1;
                assert_eq!(cosine, vectors[query].cosine(&vectors[row]));
                let exact = |a: &[f32], b: &[f32]| {
                    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
                    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
                };
                if vectors.len() == rows.len() {
                    assert!((cosine - exact(&rows[query], &rows[row])).abs() < 0.02);
                }
            });
            prop_assert_eq!(seen, vectors.len().min(3) * vectors.len());
            let other = ByteVector::from_values(&[1.0]).unwrap();
            prop_assert!(!index.push(&other));
            index.for_each(&[other], |_, _, _| panic!("another dimension"));
        }
    }
}
