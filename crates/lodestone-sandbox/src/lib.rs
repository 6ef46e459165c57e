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
//! Limits: address space, open files, no file written, no core dumped (rlimits, Unix), a wall-clock deadline per step,
//! and no network, no other program or process, no change to any file (seccomp, Linux on x86-64 and AArch64). [`enforced`] says which of
//! them this platform has. This crate does not know what runs in it.
#![forbid(unsafe_code)]

mod child;
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
mod filter;
mod frame;
mod limits;
mod parent;

pub use child::{Answers, Job, RemoteBytes, serve};
pub use limits::{Limits, enforced};
pub use parent::{Event, Outcome, Source, Start, Worker};
