//! Known pictures by the user's descriptor.

use std::collections::BTreeMap;

use lodestone_index::{Best, ByteVector, CosineIndex};
use lodestone_types::{Observation, Standing};

use super::background::{Background, MOST_VECTORS};
use super::chance::{Chance, nearness};
use super::{Asked, asked};

/// Candidates of a questioned picture: those that are verified, and no others.
pub(super) const CANDIDATES: usize = 10;
/// Known pictures from which on they stand in for unrelated ones, where none are given.
const ENOUGH: usize = 200;

/// Accidental hits of a picture at which a score that nothing confirms is for a person to see.
const REVIEW_TARGET: f64 = 1e-3;
/// The same for a possible derivative, which only raises a file's place.
const POSSIBLE_TARGET: f64 = 0.05;
/// Cosine from which on a picture is a possible derivative, where there is nothing to normalise by. *Source:* SSCD's README
/// gives 0.75 for a precision of 90 % on its own benchmark; here nothing is known of the model.
const POSSIBLE_COSINE: f32 = 0.9;

/// Gathers vectors of known pictures, by the keys of their entries.
#[derive(Debug)]
pub(crate) struct LikenessBuilder {
    model: String,
    dimension: usize,
    index: CosineIndex,
    keys: Vec<u64>,
    background: Option<Background>,
}

impl LikenessBuilder {
    pub(crate) fn new(model: &str, dimension: usize, background: Option<Background>) -> Self {
        let (index, keys) = (CosineIndex::default(), Vec::new());
        Self { model: model.to_owned(), dimension, index, keys, background }
    }

    /// The model that vectors have to be of.
    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// Takes an entry's vector; `false` where it is of another dimension.
    pub(crate) fn push(&mut self, key: u64, vector: &ByteVector) -> bool {
        let taken = vector.dimension() == self.dimension && self.index.push(vector);
        if taken {
            self.keys.push(key);
        }
        taken
    }

    /// Takes what a known picture was described as.
    ///
    /// # Errors
    /// In words, why it has no vector.
    pub(crate) fn observed(&mut self, key: u64, seen: &Observation) -> Result<(), String> {
        let asked = asked(seen.descriptors.as_ref(), &self.model, self.dimension)?;
        match (asked.failed, asked.vectors.first()) {
            (Some(why), _) => Err(why.to_owned()),
            (None, Some(vector)) if self.push(key, vector) => Ok(()),
            _ => Err("its vector is of another dimension".to_owned()),
        }
    }

    pub(crate) fn build(self) -> Likeness {
        let Self { model, dimension, index, keys, background } = self;
        let (by, chance) = match background {
            _ if index.is_empty() => (By::Nothing, None),
            Some(background) => {
                let chance = Chance::of_background(&background, &index);
                (By::Background(Box::new(background)), Some(chance))
            }
            None if index.len() >= ENOUGH => (By::Itself, Some(Chance::of_itself(&index))),
            None => (By::Nothing, None),
        };
        Likeness { model, dimension, index, keys, by, chance }
    }
}

/// What a score is normalised by.
#[derive(Debug)]
enum By {
    Background(Box<Background>),
    /// The other known pictures.
    Itself,
    Nothing,
}

/// Known pictures by the user's descriptor. Immutable.
#[derive(Debug)]
pub(crate) struct Likeness {
    model: String,
    dimension: usize,
    index: CosineIndex,
    keys: Vec<u64>,
    by: By,
    chance: Option<Chance>,
}

/// A known picture that resembles the questioned one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Near {
    pub(super) key: u64,
    pub(super) score: f32,
    pub(super) normalised: Option<f32>,
    pub(super) expected_false_hits: Option<f64>,
    /// Which of the questioned picture's vectors.
    pub(super) vector: usize,
}

impl Near {
    /// What the score alone is worth; `None`: nothing.
    pub(super) fn standing(&self) -> Option<Standing> {
        match self.expected_false_hits {
            Some(hits) if hits <= REVIEW_TARGET => Some(Standing::Review),
            Some(hits) if hits <= POSSIBLE_TARGET => Some(Standing::PossibleDerivative),
            None if self.score >= POSSIBLE_COSINE => Some(Standing::PossibleDerivative),
            _ => None,
        }
    }
}

impl Likeness {
    pub(crate) fn model(&self) -> &str {
        &self.model
    }

    /// Known pictures with a vector.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The vectors of a questioned picture.
    pub(super) fn asked<'a>(&self, observation: &'a Observation) -> Result<Asked<'a>, String> {
        asked(observation.descriptors.as_ref(), &self.model, self.dimension)
    }

    /// The known pictures that resemble these vectors of one questioned picture most, best first.
    ///
    /// Cost: a multiplication for each dimension of each vector, known picture and unrelated picture.
    pub(super) fn nearest(&self, vectors: &[ByteVector]) -> Vec<Near> {
        let mut best = vec![Best::new(CANDIDATES); vectors.len()];
        self.index.for_each(vectors, |query, row, cosine| best[query].take(cosine, row));
        let unrelated = match &self.by {
            By::Background(background) => background.nearness(vectors),
            By::Itself | By::Nothing => vec![0.0; vectors.len()],
        };
        // Of each known picture the vector that says most for it.
        let mut of_row: BTreeMap<usize, (f32, f32, usize)> = BTreeMap::new();
        for (vector, (best, unrelated)) in best.iter().zip(unrelated).enumerate() {
            for (score, row) in best.held() {
                let normalised = match self.by {
                    By::Itself => score - nearness(best.held(), *row),
                    By::Background(_) | By::Nothing => score - unrelated,
                };
                let held = of_row.entry(*row).or_insert((normalised, *score, vector));
                if normalised > held.0 {
                    *held = (normalised, *score, vector);
                }
            }
        }
        let mut rows: Vec<_> = of_row.into_iter().collect();
        rows.sort_by(|(a, of_a), (b, of_b)| of_b.0.total_cmp(&of_a.0).then(a.cmp(b)));
        let near = |(row, (normalised, score, vector)): (usize, (f32, f32, usize))| {
            let chance = self.chance.as_ref();
            Some(Near {
                key: *self.keys.get(row)?,
                score,
                normalised: chance.map(|_| normalised),
                expected_false_hits: chance.map(|chance| chance.expected(normalised, vectors.len())),
                vector,
            })
        };
        rows.into_iter().filter_map(near).take(CANDIDATES).collect()
    }

    /// What scores are compared with, and what that can vouch for, in words.
    pub(crate) fn told(&self) -> String {
        let known = self.len();
        let chance = self.chance.as_ref().map(|chance| {
            let least = chance.expected(f32::INFINITY, MOST_VECTORS);
            let enough = if least <= REVIEW_TARGET {
                String::new()
            } else {
                format!(
                    "; {} pictures vouch for no less than {least:.1e} accidental hits of a picture, and {REVIEW_TARGET:.0e} \
                     are allowed: a score alone is at most a possible derivative",
                    chance.pictures()
                )
            };
            (chance.pictures(), enough)
        });
        match (&self.by, chance) {
            (By::Background(background), Some((_, enough))) => {
                let unrelated = background.pictures();
                format!("{known} known pictures; scores are normalised by {unrelated} unrelated ones{enough}")
            }
            (By::Itself, Some((_, enough))) => format!(
                "{known} known pictures; no background is given (--background): scores are normalised by the other known \
                 pictures{enough}"
            ),
            _ => format!(
                "{known} known pictures; no background is given (--background) and fewer than {ENOUGH} are known: scores \
                 are bare cosines, no false hits can be told, and what local features do not confirm is at most a \
                 possible derivative, from a cosine of {POSSIBLE_COSINE} on"
            ),
        }
    }
}
