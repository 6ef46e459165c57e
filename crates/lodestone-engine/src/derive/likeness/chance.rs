//! How often unrelated pictures score so high: counted, never assumed, and no further than what was counted reaches.

use lodestone_index::{Best, CosineIndex};

use super::background::{Background, NEAREST, mean};

/// Scores of one unrelated picture that are counted. A picture that has more high ones is counted as if all were.
const MOST_A_PICTURE: usize = 16;
/// Multiplications that counting may take: some seconds.
const MOST_WORK: usize = 50_000_000_000;

/// Normalised scores that unrelated pictures have with the known ones.
#[derive(Clone, Debug)]
pub(super) struct Chance {
    /// Highest first.
    scores: Vec<f32>,
    /// Unrelated pictures that were compared.
    pictures: usize,
    /// Known pictures they were compared with.
    known: usize,
    /// At this score and below not all were counted.
    floor: f32,
    /// Counted with one vector a picture, not with all that a questioned picture has.
    one_vector: bool,
}

impl Chance {
    /// Counts with pictures of the background in the place of questioned ones, each with all of its vectors.
    pub(super) fn of_background(background: &Background, known: &CosineIndex) -> Self {
        let vectors: usize = background.vectors().iter().map(Vec::len).sum();
        let step = step(vectors, known);
        let mut chance = Self::none(known.len(), false);
        let mut best_of_row = vec![f32::NEG_INFINITY; known.len()];
        for picture in background.vectors().iter().step_by(step) {
            best_of_row.fill(f32::NEG_INFINITY);
            let vectors: Vec<_> = picture.iter().map(|one| one.vector.clone()).collect();
            known.for_each(&vectors, |query, row, cosine| {
                let score = cosine - picture[query].nearness;
                best_of_row[row] = best_of_row[row].max(score);
            });
            let mut best = Best::new(MOST_A_PICTURE);
            best_of_row.iter().enumerate().for_each(|(row, score)| best.take(*score, row));
            chance.take(best.held().iter().map(|(score, _)| *score));
        }
        chance.sorted()
    }

    /// Counts with the known pictures in the place of questioned ones, each against all others.
    pub(super) fn of_itself(known: &CosineIndex) -> Self {
        let mut chance = Self::none(known.len().saturating_sub(1), true);
        for own in (0..known.len()).step_by(step(known.len(), known)) {
            let mut best = Best::new(MOST_A_PICTURE);
            if let Some(vector) = known.row(own) {
                known.for_each(&[vector], |_, row, cosine| {
                    if row != own {
                        best.take(cosine, row);
                    }
                });
            }
            let held = best.held();
            let mut scores: Vec<f32> =
                held.iter().map(|(cosine, row)| cosine - nearness(held, *row)).collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            chance.take(scores.into_iter());
        }
        chance.sorted()
    }

    fn none(known: usize, one_vector: bool) -> Self {
        Self { scores: Vec::new(), pictures: 0, known, floor: f32::NEG_INFINITY, one_vector }
    }

    /// Takes the scores of a picture, highest first.
    fn take(&mut self, scores: impl Iterator<Item = f32>) {
        let before = self.scores.len();
        self.scores.extend(scores);
        let taken = self.scores.len() - before;
        if taken == MOST_A_PICTURE && taken < self.known {
            self.floor = self.floor.max(self.scores.last().copied().unwrap_or(self.floor));
        }
        self.pictures += 1;
    }

    fn sorted(mut self) -> Self {
        self.scores.sort_by(|a, b| b.total_cmp(a));
        self
    }

    /// How many known pictures an unrelated one is expected to score so high with: one more than was counted, since what was
    /// never seen in so many pictures may be seen in the next.
    pub(super) fn expected(&self, score: f32, vectors: usize) -> f64 {
        let all = self.known as f64;
        if score <= self.floor || self.pictures == 0 {
            return all;
        }
        let reached = self.scores.partition_point(|held| *held >= score);
        let times = if self.one_vector { vectors.max(1) } else { 1 };
        ((reached + 1) as f64 / self.pictures as f64 * times as f64).min(all)
    }

    /// Unrelated pictures that were compared.
    pub(super) fn pictures(&self) -> usize {
        self.pictures
    }
}

/// The mean of the nearest ones but one.
pub(super) fn nearness(held: &[(f32, usize)], but: usize) -> f32 {
    mean(held.iter().filter(|(_, row)| *row != but).take(NEAREST).map(|(cosine, _)| *cosine))
}

/// One of how many is compared, so that it does not take too long.
fn step(vectors: usize, known: &CosineIndex) -> usize {
    let work = vectors.saturating_mul(known.len()).saturating_mul(known.dimension());
    work.div_ceil(MOST_WORK).max(1)
}

#[cfg(test)]
mod tests {
    use super::super::tests::random;
    use super::*;

    #[test]
    fn what_was_never_seen_is_still_expected_once_in_as_many_pictures_as_were_looked_at() {
        let mut known = CosineIndex::default();
        for seed in 0..300 {
            assert!(known.push(&random(seed, 48)));
        }
        let chance = Chance::of_itself(&known);
        assert_eq!(chance.pictures(), 300);
        assert_eq!(chance.expected(1.5, 1), 1.0 / 300.0);
        assert_eq!(chance.expected(1.5, 8), 8.0 / 300.0);
        assert_eq!(chance.expected(-2.0, 1), 299.0, "below what was counted all are");
        let mut last = 0.0;
        for score in (-100i16..=100).rev() {
            let expected = chance.expected(f32::from(score) / 100.0, 1);
            assert!(expected >= last, "{score}");
            last = expected;
        }
    }
}
