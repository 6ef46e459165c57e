//! Unrelated pictures by the user's descriptor: what a score has to stand out from. `docs/formats/descriptors.md` draws the
//! file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use lodestone_index::{Best, ByteVector, CosineIndex};
use lodestone_types::{Descriptors, hex};
use sha2::{Digest as _, Sha256};

/// Nearest unrelated pictures whose mean is taken off a score, whole. *Source:* facebookresearch/sscd-copy-detection
/// `docs/Evaluation.md`, score normalisation `1.00[0,2]`; as in the Image Similarity Challenge of 2021.
pub(super) const NEAREST: usize = 3;
/// Pictures that say anything at all.
pub(super) const LEAST_PICTURES: usize = 20;
/// Most pictures: each is compared with each when they are learned, some minutes at this number.
const MOST_PICTURES: usize = 10_000;
/// Most vectors of a picture: whole, mirrored, six regions.
pub(super) const MOST_VECTORS: usize = 8;
/// Longest file.
const MAX_BYTES: u64 = 512 << 20;
const MAGIC: &[u8; 4] = b"LdDB";
const VERSION: u16 = 1;
const HEADER: usize = 48;
const DIGEST: usize = 32;

/// Why a file of unrelated pictures cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackgroundError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is none, or damaged.
    #[error("no background of a descriptor: {0}")]
    Malformed(&'static str),
    /// It was made with another model, or with another preparation of pictures.
    #[error(
        "the background was made with another model or preparation of pictures ({found}, not {wanted}): make it anew \
         with `lodestone eval background`"
    )]
    Another {
        /// The model in the file.
        found: String,
        /// The model in use.
        wanted: String,
    },
    /// Too few pictures.
    #[error("{0} unrelated pictures are too few: at least {LEAST_PICTURES}, and thousands are better")]
    TooFew(usize),
}

/// One vector of an unrelated picture.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unrelated {
    pub(super) vector: ByteVector,
    /// Mean cosine with the whole of the nearest [`NEAREST`] others.
    pub(super) nearness: f32,
}

/// Unrelated pictures, each with the vectors that a questioned picture has. Immutable.
#[derive(Clone, Debug)]
pub struct Background {
    model: [u8; 32],
    pictures: Vec<Vec<Unrelated>>,
    /// The first vector of each: its whole.
    wholes: CosineIndex,
}

impl Background {
    /// Reads a file that [`BackgroundLearner`] wrote, for a model.
    ///
    /// # Errors
    /// [`BackgroundError`].
    pub fn load(path: &Path, model: &str) -> Result<Self, BackgroundError> {
        let failed = |source| BackgroundError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        File::open(path).map_err(failed)?.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
        let background = Self::from_bytes(&bytes)?;
        let found = hex::encode(&background.model);
        if found == model {
            Ok(background)
        } else {
            Err(BackgroundError::Another { found, wanted: model.to_owned() })
        }
    }

    /// Reads what [`Background::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`BackgroundError`], of everything that is not exactly so.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BackgroundError> {
        let malformed = BackgroundError::Malformed;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(malformed("it is larger than 512 MiB"));
        }
        let (content, digest) = bytes.split_last_chunk::<DIGEST>().ok_or(malformed("it is cut short"))?;
        if !content.starts_with(MAGIC) {
            return Err(malformed("it does not begin as one"));
        }
        if Sha256::digest(content).as_slice() != digest {
            return Err(malformed("its checksum is another: it is damaged or cut short"));
        }
        let mut rest = Bytes(content);
        rest.take(MAGIC.len())?;
        if rest.u16()? != VERSION {
            return Err(malformed("it is of another version"));
        }
        let dimension = usize::from(rest.u16()?);
        let model = rest.array::<32>()?;
        let [nearest, zeros @ ..] = rest.array::<4>()?;
        if usize::from(nearest) != NEAREST || zeros != [0; 3] {
            return Err(malformed("its scores are normalised otherwise"));
        }
        let count = u32::from_le_bytes(rest.array()?) as usize;
        if !(LEAST_PICTURES..=MOST_PICTURES).contains(&count) {
            return Err(malformed("it has too few or too many pictures"));
        }
        let mut pictures = Vec::new();
        for _ in 0..count {
            let [vectors] = rest.array::<1>()?;
            if !(1..=MOST_VECTORS).contains(&usize::from(vectors)) {
                return Err(malformed("a picture has none or too many vectors"));
            }
            let mut picture = Vec::new();
            for _ in 0..vectors {
                let nearness = f32::from_le_bytes(rest.array()?);
                if !(-1.0..=1.0).contains(&nearness) {
                    return Err(malformed("a mean that is no cosine"));
                }
                let vector = ByteVector::from_bytes(rest.take(dimension + 4)?);
                let vector = vector.map_err(|_| malformed("a vector that cannot be"))?;
                picture.push(Unrelated { vector, nearness });
            }
            pictures.push(picture);
        }
        if !rest.0.is_empty() {
            return Err(malformed("something follows its end"));
        }
        Ok(Self::of(model, pictures))
    }

    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_le_bytes());
        out.extend((self.dimension() as u16).to_le_bytes());
        out.extend(self.model);
        out.extend([NEAREST as u8, 0, 0, 0]);
        out.extend((self.pictures.len() as u32).to_le_bytes());
        debug_assert_eq!(out.len(), HEADER);
        for picture in &self.pictures {
            out.push(picture.len() as u8);
            for one in picture {
                out.extend(one.nearness.to_le_bytes());
                out.extend(one.vector.to_bytes());
            }
        }
        let digest = Sha256::digest(&out);
        out.extend(digest);
        out
    }

    fn of(model: [u8; 32], pictures: Vec<Vec<Unrelated>>) -> Self {
        let mut wholes = CosineIndex::default();
        for whole in pictures.iter().filter_map(|picture| picture.first()) {
            wholes.push(&whole.vector);
        }
        Self { model, pictures, wholes }
    }

    /// How many pictures.
    pub fn pictures(&self) -> usize {
        self.pictures.len()
    }

    /// Values of a vector.
    pub fn dimension(&self) -> usize {
        self.wholes.dimension()
    }

    /// The vectors of each picture.
    pub(super) fn vectors(&self) -> &[Vec<Unrelated>] {
        &self.pictures
    }

    /// For each vector the mean cosine with the nearest [`NEAREST`] pictures.
    pub(super) fn nearness(&self, vectors: &[ByteVector]) -> Vec<f32> {
        nearness(&self.wholes, vectors, None)
    }
}

/// For each vector the mean cosine with its nearest rows, one row left out.
fn nearness(wholes: &CosineIndex, vectors: &[ByteVector], but: Option<usize>) -> Vec<f32> {
    let mut best = vec![Best::new(NEAREST); vectors.len()];
    wholes.for_each(vectors, |query, row, cosine| {
        if Some(row) != but {
            best[query].take(cosine, row);
        }
    });
    best.iter().map(|best| mean(best.held().iter().map(|(cosine, _)| *cosine))).collect()
}

/// Of none: 0.
pub(super) fn mean(values: impl Iterator<Item = f32>) -> f32 {
    let (sum, count) = values.fold((0.0, 0u16), |(sum, count), value| (sum + value, count + 1));
    sum / f32::from(count.max(1))
}

/// What became of a picture that was to be learned from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learned {
    /// It is one of the background.
    Taken,
    /// One that is the same was taken before: twice the same picture would be near itself.
    Same,
    /// There are as many as a background may have.
    Full,
}

/// Gathers unrelated pictures.
#[derive(Debug)]
pub struct BackgroundLearner {
    model: [u8; 32],
    dimension: usize,
    pictures: Vec<Vec<ByteVector>>,
    seen: BTreeSet<Vec<u8>>,
}

impl BackgroundLearner {
    /// Learns for a model, by its hexadecimal digest; `None` where it is none.
    pub fn new(model: &str, dimension: usize) -> Option<Self> {
        let model = hex::decode(model)?;
        Some(Self { model, dimension, pictures: Vec::new(), seen: BTreeSet::new() })
    }

    /// Takes a picture as a questioned one is described.
    ///
    /// # Errors
    /// In words, why it cannot be: it was not described whole, or by another model.
    pub fn take(&mut self, descriptors: Option<&Descriptors>) -> Result<Learned, String> {
        let model = hex::encode(&self.model);
        let asked = super::asked(descriptors, &model, self.dimension)?;
        if let Some(why) = asked.failed {
            return Err(why.to_owned());
        }
        if self.pictures.len() >= MOST_PICTURES {
            return Ok(Learned::Full);
        }
        if asked.parts.len() > MOST_VECTORS || asked.parts.first().is_some_and(|part| part.region.is_some()) {
            return Err("it is described in a way that none is".to_owned());
        }
        if !self.seen.insert(asked.vectors[0].to_bytes()) {
            return Ok(Learned::Same);
        }
        self.pictures.push(asked.vectors);
        Ok(Learned::Taken)
    }

    /// Compares each picture with all others. Cost: for 1,000 pictures of eight vectors a second, for 10,000 a minute or two.
    ///
    /// # Errors
    /// [`BackgroundError::TooFew`].
    pub fn finish(self) -> Result<Background, BackgroundError> {
        if self.pictures.len() < LEAST_PICTURES {
            return Err(BackgroundError::TooFew(self.pictures.len()));
        }
        let mut wholes = CosineIndex::default();
        for whole in self.pictures.iter().filter_map(|picture| picture.first()) {
            wholes.push(whole);
        }
        let mut pictures = Vec::new();
        for (own, vectors) in self.pictures.into_iter().enumerate() {
            let near = nearness(&wholes, &vectors, Some(own));
            let each = vectors.into_iter().zip(near);
            pictures.push(each.map(|(vector, nearness)| Unrelated { vector, nearness }).collect());
        }
        Ok(Background::of(self.model, pictures))
    }
}

/// What is left to read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], BackgroundError> {
        let (taken, rest) =
            self.0.split_at_checked(count).ok_or(BackgroundError::Malformed("it is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BackgroundError> {
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| BackgroundError::Malformed("it is cut short"))
    }

    fn u16(&mut self) -> Result<u16, BackgroundError> {
        self.array().map(u16::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{MODEL, described, random};
    use super::*;

    fn background(pictures: u64) -> Background {
        let mut learner = BackgroundLearner::new(MODEL, 24).unwrap();
        for seed in 0..pictures {
            let vectors: Vec<_> = (0..=seed % 3).map(|k| random(seed * 10 + k, 24)).collect();
            assert_eq!(learner.take(Some(&described(&vectors))), Ok(Learned::Taken));
        }
        learner.finish().unwrap()
    }

    #[test]
    fn what_is_written_is_read_the_same_and_each_mean_is_that_of_others() {
        let made = background(25);
        let bytes = made.to_bytes();
        let read = Background::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes(), bytes);
        assert_eq!((read.pictures(), read.dimension()), (25, 24));
        for one in read.vectors().iter().flatten() {
            assert!(one.nearness < 0.99, "itself does not count");
        }
        // Asked again it is among the background: its own whole is the nearest.
        let whole = &read.vectors()[7][0];
        assert!(read.nearness(std::slice::from_ref(&whole.vector))[0] > whole.nearness);
    }

    #[test]
    fn the_same_picture_counts_once_and_few_are_too_few() {
        let mut learner = BackgroundLearner::new(MODEL, 24).unwrap();
        let one = described(&[random(1, 24)]);
        assert_eq!(learner.take(Some(&one)), Ok(Learned::Taken));
        assert_eq!(learner.take(Some(&one)), Ok(Learned::Same));
        assert!(learner.take(None).is_err());
        let failed = Descriptors { failed: Some("too dark".to_owned()), ..described(&[random(2, 24)]) };
        assert_eq!(learner.take(Some(&failed)), Err("too dark".to_owned()));
        assert!(learner.take(Some(&described(&[random(2, 23)]))).is_err());
        let other = Descriptors { model: "ab".repeat(32), ..described(&[random(2, 24)]) };
        assert!(learner.take(Some(&other)).is_err());
        assert!(matches!(learner.finish(), Err(BackgroundError::TooFew(1))));
    }

    #[test]
    fn another_models_background_is_refused_with_both_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("b.lddb");
        std::fs::write(&path, background(20).to_bytes()).unwrap();
        assert!(Background::load(&path, MODEL).is_ok());
        let other = "ab".repeat(32);
        let error = Background::load(&path, &other).unwrap_err().to_string();
        assert!(error.contains(&other) && error.contains(MODEL), "{error}");
        assert!(matches!(Background::load(folder.path(), MODEL), Err(BackgroundError::Io { .. })));
    }

    /// As a fuzzer would, with the checksum made right again: what is read is written back the same, and nothing panics.
    #[test]
    fn changed_files_are_refused_or_read_as_they_are() {
        let good = background(20).to_bytes();
        let mut state = 0x9e37_79b9u32;
        let mut next = |n: usize| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            state as usize % n
        };
        assert!(Background::from_bytes(&good[..good.len() - 1]).is_err());
        let (mut refused, mut read) = (0, 0);
        for round in 0..3000 {
            let mut bytes = good[..good.len() - DIGEST].to_vec();
            for _ in 0..=next(3) {
                // The header oftener than its share.
                let at = if next(2) == 0 { next(HEADER + 1) } else { next(bytes.len()) };
                bytes[at] = next(256) as u8;
            }
            match next(4) {
                0 => bytes.truncate(next(bytes.len() + 1)),
                1 => bytes.extend(vec![7; next(40)]),
                _ => {}
            }
            if round % 8 != 0 {
                let digest = Sha256::digest(&bytes);
                bytes.extend(digest);
            }
            match Background::from_bytes(&bytes) {
                Ok(one) => {
                    assert_eq!(one.to_bytes(), bytes);
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 1000 && read > 20, "{refused} {read}");
    }
}
