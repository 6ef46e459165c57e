//! A pool of worker processes with limits and deadlines, fed bytes, returning values.
//!
//! Everything that touches hostile bytes runs in a child process: the same program, started again. The parent opens
//! files and hands out bytes when the child asks for a range; the child parses, and answers with values. A child that
//! crashes, overruns its deadline or its memory is killed, counted and replaced; what it was working on is a result
//! ([`Outcome`]), never silence.
//!
//! ```text
//! parent                                      child
//!   Job ───────────────────────────────────────▶ handler(job, bytes)
//!   ◀──────────────────────────── Read{at, len}
//!   Bytes ─────────────────────────────────────▶
//!   ◀─────────────────── Begin(what comes next)      restarts the deadline
//!   ◀────────────────────────────── Emit(value)
//!   ◀───────────────────────────────────── Done
//! ```
//!
//! Limits: address space, open files, no file written, no core dumped (rlimits, Unix), and a wall-clock
//! deadline per step. seccomp and landlock come with the server. This crate does not know what runs in it.
#![forbid(unsafe_code)]

mod child;
mod frame;
mod limits;
mod parent;

pub use child::{Answers, Job, RemoteBytes, serve};
pub use limits::{Limits, enforced};
pub use parent::{Event, Outcome, Source, Start, Worker};
