//! The ring: exact radius search in sublinear time.
//!
//! The 256 bits are cut into `m` chunks. Two codes at most `r` bits apart cannot differ much in every chunk: with
//! thresholds `t` whose `t + 1` sum to `r + 1`, going round the ring of chunks there is a place `i` from which every
//! running sum of differing bits stays within the running sum of thresholds (Qin and Xiao, "Pigeonring", PVLDB 12(1), 2018;
//! it is the cycle lemma). Its first two steps are what the tables serve: chunk `i` differs in at most `t[i]` bits, so the
//! code stands in one of few buckets, and chunks `i` and `i + 1` together in at most `t[i] + t[i+1] + 1`: each bucket
//! holds 16 bits of the next chunk beside each other, so one vector compare sorts out 32 entries at once. Beside the number
//! of a code stand as many further bits as find room: they serve the rest of the second step and some of the third. What is
//! left, one in some hundreds to thousands, is compared in full.
//!
//! Every answer is exact for every radius; only the cost depends on thresholds and widths.

mod build;
mod layout;
mod permute;
mod plan;
mod search;
#[cfg(test)]
mod tests;

pub(crate) use build::{Records, build_table, in_parallel};
pub(crate) use layout::{Extra, Layout, number_bits};
pub(crate) use permute::{Bits, Nibbles, apply, permute, restore, split_mix};
pub(crate) use plan::{MAX_RADIUS, Plans};
pub(crate) use search::{
    Compare, Damaged, Guard, Job, NEXT_PADDING, PlainCompare, Ring, Table, Trusted, search,
};
