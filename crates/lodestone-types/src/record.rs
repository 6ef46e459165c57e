//! Records, groups and the summary of a run: what a scan prints.

use serde::{Deserialize, Serialize};

use crate::{Match, Observation, Transform};

/// How a path ends. Precedence is the order of declaration. Every path ends as one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A digest, or a PDQ within the radius, of a bank of known material.
    Known,
    /// Made from known material, or holds it: found by a region or by local features, not by the whole picture. Also what
    /// only matches entries that lack the support their bank asks for ([`Match::lacks_support`]): for a person to look at.
    Derived,
    /// An exact digest of a known-good bank.
    KnownGood,
    /// Grouped with another scanned file only.
    Alike,
    /// Read and hashed, nothing matched.
    Examined,
    /// Could not be read; matched by digest where there was one.
    Unreadable,
}

/// One file after matching.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Path as walked, `/` between archive and member as `outer.zip!/inner`; lossy where it is not UTF-8.
    pub path: String,
    /// Hexadecimal of the path's bytes, when they are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_bytes_hex: Option<String>,
    /// How it ended.
    pub state: State,
    /// What the file says of itself.
    pub observation: Observation,
    /// What it matches, best first: digests before similarity, then distance, bank, entry.
    pub matches: Vec<Match>,
    /// The snapshot that gave the matches.
    pub generation: u64,
    /// Number of the group it belongs to, once triage has run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u64>,
}

/// Why two members stand in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EdgeKind {
    /// The same bytes.
    Identical,
    /// PDQ distance up to 31.
    SamePicture,
    /// PDQ distance 32 to 48.
    Similar,
    /// Both match the same bank content.
    SameKnown,
    /// One is a crop of what the other shows.
    CropOf,
    /// One stands within the other: a collage, a screen, a frame.
    InCollageWith,
    /// One is edited from what the other shows.
    EditOf,
}

/// A typed edge between two members of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Edge {
    /// Index into the group's `members`.
    pub a: usize,
    /// Index into the group's `members`.
    pub b: usize,
    /// Why.
    pub kind: EdgeKind,
    /// PDQ distance in bits; 0 for identical bytes.
    pub distance_bits: u32,
    /// Which form of `b` is near `a` as stored.
    pub transform: Transform,
}

/// One factor of a priority, with its share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// A stable code: `derivative_of_known`, `camera_chain`, `generator_metadata` …
    pub code: String,
    /// Points it adds; see `Priority::points`.
    pub points: i32,
    /// A sentence for people.
    pub why: String,
}

/// Where a group stands in the order, and why. Points only order groups; they are no probability.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priority {
    /// Sum of the factors, at least 1: nothing is ever ranked to zero.
    pub points: i32,
    /// The factors, largest first.
    pub factors: Vec<Factor>,
}

/// One card: files that show the same or a similar picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Number, from 1, in rank order.
    pub group: u64,
    /// Rank, from 1.
    pub rank: u64,
    /// Paths, in path order.
    pub members: Vec<String>,
    /// Index into `members` of the one to look at first: best quality, then most pixels, then path.
    pub representative: usize,
    /// Sentences that say why it ranks here, and why its members stand together.
    pub reasons: Vec<String>,
    /// The factors behind the rank.
    pub priority: Priority,
    /// Why the members stand together. Exact stacks hang on their first member.
    pub edges: Vec<Edge>,
    /// Members that need no looking at because the representative shows them: `members.len() - 1`, or all when known.
    pub exposures_saved: u64,
}

/// Totals of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Paths accounted for, archive members included.
    pub files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Ended as `known`.
    pub known: u64,
    /// Ended as `derived`.
    #[serde(default)]
    pub derived: u64,
    /// Of those, how many only match, as a whole, entries that lack the support their bank asks for.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unsupported: u64,
    /// Ended as `known_good`.
    pub known_good: u64,
    /// Ended as `alike`.
    pub alike: u64,
    /// Ended as `examined`.
    pub examined: u64,
    /// Ended as `unreadable`.
    pub unreadable: u64,
    /// Pictures that break off or are damaged, hashed as far as they go: [`crate::Picture::partial`]. Not a state.
    #[serde(default)]
    pub partial: u64,
    /// Groups.
    pub groups: u64,
    /// Looks needed: one per group that holds anything unknown.
    pub exposures_needed: u64,
    /// Looks that grouping and matching save.
    pub exposures_saved: u64,
    /// Paths found but not reached, when interrupted.
    #[serde(default)]
    pub not_reached: u64,
    /// The run was interrupted.
    #[serde(default)]
    pub interrupted: bool,
    /// Unreadable files by `stage/reason`, sorted.
    #[serde(default)]
    pub unreadable_reasons: Vec<(String, u64)>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
