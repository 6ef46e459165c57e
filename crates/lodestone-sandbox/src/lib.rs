//! A pool of worker processes with limits and deadlines, fed bytes, returning values.
//!
//! Everything that touches hostile bytes runs in a child process: the same program, started again. The parent opens
//! files and hands out bytes when the child asks for a range; the child parses, and answers with values. A child that
//! crashes, overruns its deadline or its memory is killed, counted and replaced; what it was working on is a result
//! ([`Outcome`]), never silence.
//!
//! ```text
//! parent                                      child
//!   Job, first Bytes ──────────────────────────▶ handler(job, bytes)
//!   ◀─────────────────── Begin(what comes next)      restarts the deadline
//!   ◀──────────────────────────── Read{at, len}      where the first mebibyte is not all
//!   Bytes ─────────────────────────────────────▶
//!   ◀────────────────────────────── Emit(value)
//!   ◀───────────────────────────────────── Done
//! ```
//!
//! Layers, each where the platform has it:
//! - rlimits (Unix): address space, open files, no file written, no core dumped; a wall-clock deadline per step everywhere;
//! - seccomp (Linux on x86-64 and AArch64): no network, no other program or process, no change to any file from the start; no
//!   file opened at all from the first byte of an item on;
//! - landlock (Linux): no file and no TCP from the first byte of an item on.
//!
//! [`enforced()`] has a worker try and says which of them hold. This crate does not know what runs in it.
#![forbid(unsafe_code)]

mod child;
mod enforced;
#[cfg(target_os = "linux")]
mod files;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter;
mod frame;
mod layers;
mod limits;
mod parent;
mod tries;

pub use child::{Answers, Job, RemoteBytes, serve};
pub use enforced::{Enforced, Landlock, enforced};
pub use limits::Limits;
pub use parent::{Event, Killer, Outcome, Source, Start, Worker};

/// Bytes of an item sent unasked, and asked for at a time.
const CHUNK: usize = 1 << 20;
