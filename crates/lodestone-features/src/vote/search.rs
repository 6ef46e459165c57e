//! Votes for known pictures, and which are worth a closer look.

use super::block::Near;
use super::simd::fetch;
use super::{NOBODY, VoteIndex, fold};
use crate::align::{APART, Pair, Questioned, Tie};
use crate::{Descriptor, Form};

/// How hard to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VoteOptions {
    /// Buckets looked into for each feature and form.
    pub probes: usize,
    /// Centres of the first level whose buckets are considered.
    pub beam: usize,
    /// How near the border between two kept forms a feature may lie without being looked up in both.
    pub margin: i32,
    /// Bits by which a feature and its copy may differ.
    pub limit_bits: u16,
    /// Nearest hits of a feature that vote at most.
    pub hits: usize,
    /// Forms looked for.
    pub forms: &'static [Form],
    /// Pictures (in one form each) given at most.
    pub candidates: usize,
}

impl Default for VoteOptions {
    /// Chosen by recall against exact matching, see the crate's `vote_scale` example.
    fn default() -> Self {
        Self { probes: 6, beam: 2, margin: 3, limit_bits: 60, hits: 32, forms: &Form::ALL, candidates: 64 }
    }
}

/// What a search did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct VoteStats {
    /// Features and forms looked up.
    pub look_ups: u64,
    /// Blocks of eight descriptors compared.
    pub blocks: u64,
    /// Votes cast.
    pub votes: u64,
    /// Pictures in one form with votes that could be judged together.
    pub pictures: u64,
}

/// A known picture that the votes speak for.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) picture: u32,
    pub(crate) form: Form,
    /// Weight of the votes that agree on how it was moved.
    pub(crate) score: u32,
    /// Those votes that were cast for it, by number of the feature within the picture.
    pub(crate) pairs: Vec<Pair>,
}

#[derive(Debug, Clone, Copy)]
struct Vote {
    /// Four times the picture and the form.
    key: u32,
    questioned: u32,
    slot: u32,
    distance: u16,
    weight: u16,
}

/// Votes of one picture that are judged together at most.
const JUDGED: usize = 48;
/// Blocks compared for one feature at most, in multiples of what buckets of equal length would need.
const UNEVEN: usize = 4;

impl VoteIndex {
    /// The pictures that the votes of a questioned picture's features speak for, best first.
    pub(crate) fn vote(
        &self,
        questioned: &Questioned,
        options: &VoteOptions,
        stats: &mut VoteStats,
    ) -> Vec<Candidate> {
        if self.blocks.is_empty() || questioned.is_empty() {
            return Vec::new();
        }
        let votes = self.cast(questioned, options, stats);
        let grouped = group(votes, self.pictures.len() * Form::ALL.len());
        let mut out: Vec<Candidate> = Vec::new();
        for votes in grouped.chunk_by(|a, b| a.key == b.key).filter(|votes| votes.len() >= 2) {
            stats.pictures += 1;
            let form = Form::ALL[votes[0].key as usize % Form::ALL.len()];
            let score = self.agreeing(questioned, form, votes);
            if score > 0 {
                let picture = votes[0].key / Form::ALL.len() as u32;
                out.push(Candidate { picture, form, score, pairs: self.pairs(picture, votes) });
            }
        }
        out.sort_by_key(|c| (std::cmp::Reverse(c.score), c.picture, c.form));
        out.truncate(options.candidates);
        out
    }

    fn cast(&self, questioned: &Questioned, options: &VoteOptions, stats: &mut VoteStats) -> Vec<Vote> {
        let mut votes = Vec::new();
        let mut work = Work::default();
        let forms = Form::ALL.len() as u32;
        for (number, descriptor) in (0u32..).zip(&questioned.sheets[0].descriptors) {
            for asked in fold::asked(*descriptor, options.margin) {
                self.look_up(&descriptor.in_form(asked), options, &mut work, stats);
                let several = work.near.len() as u32;
                for &(slot, distance) in &work.near {
                    let owner = self.owners[slot as usize];
                    // From the known picture to the form kept of both, and on to the questioned one.
                    let form = asked.then(Form::ALL[(owner % forms) as usize]);
                    if !options.forms.contains(&form) {
                        continue;
                    }
                    // A feature that is everywhere says little about any one picture.
                    let weight = (u32::from(options.limit_bits - distance) + 12) * 16 / (12 + several);
                    let key = owner / forms * forms + form.number() as u32;
                    votes.push(Vote {
                        key,
                        questioned: number,
                        slot,
                        distance,
                        weight: weight.max(1) as u16,
                    });
                }
            }
        }
        stats.votes += votes.len() as u64;
        votes
    }

    /// Leaves in `work.near` the nearest hits of a descriptor.
    fn look_up(
        &self,
        descriptor: &Descriptor,
        options: &VoteOptions,
        work: &mut Work,
        stats: &mut VoteStats,
    ) {
        let Work { first, second, order, leaves, near } = work;
        let tree = &self.tree;
        first.clear();
        self.kernel.distances(&tree.first, descriptor, first);
        least(first, options.beam, order);
        second.clear();
        for &centre in order.iter() {
            self.kernel.distances(tree.under(centre as usize), descriptor, second);
        }
        let beam = std::mem::take(order);
        least(second, options.probes, order);
        leaves.clear();
        leaves.extend(order.iter().map(|&k| {
            let leaf = beam[k as usize / tree.branch] as usize * tree.branch + k as usize % tree.branch;
            (self.starts[leaf], self.starts[leaf + 1])
        }));
        *order = beam;
        near.clear();
        stats.look_ups += 1;
        let mut budget = UNEVEN * (options.probes * self.blocks.len() / tree.leaves() + options.probes);
        for k in 0..leaves.len() {
            if let Some(&(start, end)) = leaves.get(k + 3) {
                fetch(&self.blocks[start as usize..end as usize]);
            }
            let (start, end) = (leaves[k].0 as usize, leaves[k].1 as usize);
            let end = end.min(start + budget);
            budget -= end - start;
            stats.blocks += (end - start) as u64;
            let first_slot = (start * super::LANES) as u32;
            self.kernel.near(&self.blocks[start..end], first_slot, descriptor, options.limit_bits, near);
        }
        near.retain(|(slot, _)| self.owners[*slot as usize] != NOBODY);
        nearest_only(near, options.hits);
    }

    /// The greatest weight of votes that agree with one of them; 0 where no two agree.
    fn agreeing(&self, questioned: &Questioned, form: Form, votes: &[Vote]) -> u32 {
        let mut votes: Vec<&Vote> = votes.iter().collect();
        if votes.len() > JUDGED {
            votes.sort_by_key(|v| (std::cmp::Reverse(v.weight), v.slot, v.questioned));
            votes.truncate(JUDGED);
        }
        let sheet = &questioned.sheets[form.number()];
        let known = &self.pictures[votes[0].key as usize / Form::ALL.len()];
        let least = APART * f32::from(known.width.max(known.height)) / 640.0;
        let ties: Vec<Tie> = votes
            .iter()
            .map(|v| Tie::new(self.keypoints[v.slot as usize].into(), sheet.points[v.questioned as usize]))
            .collect();
        let mut sums: Vec<u32> = vec![0; ties.len()];
        for i in 0..ties.len() {
            for j in 0..i {
                if ties[i].with(&ties[j], least).is_some() {
                    sums[i] += u32::from(votes[j].weight);
                    sums[j] += u32::from(votes[i].weight);
                }
            }
        }
        sums.iter()
            .zip(&votes)
            .filter(|(sum, _)| **sum > 0)
            .map(|(sum, v)| sum + u32::from(v.weight))
            .max()
            .unwrap_or(0)
    }

    fn pairs(&self, picture: u32, votes: &[Vote]) -> Vec<Pair> {
        let slots = self.slots_of(picture as usize);
        votes
            .iter()
            .filter_map(|v| {
                let known = slots.binary_search(&v.slot).ok()? as u32;
                Some(Pair { distance_bits: v.distance.into(), known, questioned: v.questioned })
            })
            .collect()
    }
}

/// Memory that serves one look-up after another.
#[derive(Default)]
struct Work {
    first: Vec<u16>,
    second: Vec<u16>,
    order: Vec<u32>,
    leaves: Vec<(u32, u32)>,
    near: Vec<Near>,
}

/// Numbers of the `count` least distances, in ascending order of number; of equals the first.
fn least(distances: &[u16], count: usize, out: &mut Vec<u32>) {
    let mut counts = [0u32; 257];
    for &d in distances {
        counts[usize::from(d).min(256)] += 1;
    }
    let (mut below, mut limit) = (0usize, 0usize);
    while limit < 257 && below + counts[limit] as usize <= count {
        below += counts[limit] as usize;
        limit += 1;
    }
    let mut equal = count - below.min(count);
    out.clear();
    for (number, &d) in (0u32..).zip(distances) {
        let d = usize::from(d);
        if d < limit {
            out.push(number);
        } else if d == limit && equal > 0 {
            equal -= 1;
            out.push(number);
        }
    }
}

/// Keeps about the `most` nearest: all of a distance or none, so that no order decides. Nothing, if more are equally near.
fn nearest_only(near: &mut Vec<Near>, most: usize) {
    if near.len() <= most {
        return;
    }
    let mut counts = [0usize; 257];
    for &(_, d) in near.iter() {
        counts[usize::from(d).min(256)] += 1;
    }
    let (mut below, mut limit) = (0, 0);
    while limit < 257 && below + counts[limit] <= most {
        below += counts[limit];
        limit += 1;
    }
    near.retain(|(_, d)| usize::from(*d) < limit);
}

/// Votes of each picture that has at least two side by side, in the order of pictures.
fn group(votes: Vec<Vote>, keys: usize) -> Vec<Vote> {
    let mut counts = vec![0u8; keys];
    for vote in &votes {
        let count = &mut counts[vote.key as usize];
        *count = count.saturating_add(1);
    }
    let mut kept: Vec<Vote> = votes.into_iter().filter(|vote| counts[vote.key as usize] > 1).collect();
    kept.sort_unstable_by_key(|vote| (vote.key, vote.questioned, vote.slot));
    kept
}
