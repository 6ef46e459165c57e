//! What is in force, found out by trying.
//!
//! A kernel may lack a layer, a container may forbid one, a later version of this program may break one. So nobody is told
//! what *should* hold: a worker process puts its layers on one by one, tries what each must refuse, and reports.

use std::fmt;

use crate::parent::{Outcome, Start, Worker};
use crate::{Limits, frame::Tag};

/// How much of landlock there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Landlock {
    /// No such thing on this system, or files could be opened all the same.
    #[default]
    None,
    /// Some of what is asked for, by a kernel that has this version of it.
    Partial {
        /// 1 to 5: no TCP before 4, no scopes before 6.
        abi: u8,
    },
    /// All that is asked for.
    Full {
        /// 6 or more.
        abi: u8,
    },
}

/// What held when a worker process tried. Source of each: an attempt that was refused, unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Enforced {
    /// Memory beyond the limit is refused; files written and core dumps are limited to nothing (as the system states).
    pub rlimits: bool,
    /// Sockets, programs and writing are refused by the filter of system calls, before landlock is on.
    pub seccomp: bool,
    /// Files that could be opened before are refused by landlock, before the filter refuses them too. Its version is as the
    /// kernel states it; what it does to TCP the filter hides.
    pub landlock: Landlock,
    /// No privileges are gained by starting a program (as the system states).
    pub no_new_privileges: bool,
    /// Other processes of the user cannot look into it, and no core is dumped (as the system states).
    pub not_dumpable: bool,
    /// No connection, no listening, no datagram.
    pub network_blocked: bool,
    /// No program, no other process.
    pub programs_blocked: bool,
    /// No file is opened for reading.
    pub reads_blocked: bool,
    /// No file is opened for writing.
    pub writes_blocked: bool,
}

impl Enforced {
    /// Whether every layer is there and nothing that was tried came through. Landlock may be an older one: what it lacks the
    /// filter has.
    pub fn is_complete(&self) -> bool {
        self.bits().into_iter().all(|held| held) && self.landlock != Landlock::None
    }

    fn bits(&self) -> [bool; 8] {
        [
            self.rlimits,
            self.seccomp,
            self.no_new_privileges,
            self.not_dumpable,
            self.network_blocked,
            self.programs_blocked,
            self.reads_blocked,
            self.writes_blocked,
        ]
    }

    /// For the pipe: a byte for each, then landlock's kind and version.
    pub(crate) fn to_bytes(self) -> [u8; 10] {
        let mut bytes = [0; 10];
        for (byte, held) in bytes.iter_mut().zip(self.bits()) {
            *byte = u8::from(held);
        }
        [bytes[8], bytes[9]] = match self.landlock {
            Landlock::None => [0, 0],
            Landlock::Partial { abi } => [1, abi],
            Landlock::Full { abi } => [2, abi],
        };
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; 10] = bytes.try_into().ok()?;
        let held = |at: usize| bytes[at] == 1;
        Some(Self {
            rlimits: held(0),
            seccomp: held(1),
            landlock: match bytes[8] {
                1 => Landlock::Partial { abi: bytes[9] },
                2 => Landlock::Full { abi: bytes[9] },
                _ => Landlock::None,
            },
            no_new_privileges: held(2),
            not_dumpable: held(3),
            network_blocked: held(4),
            programs_blocked: held(5),
            reads_blocked: held(6),
            writes_blocked: held(7),
        })
    }
}

/// One line for people: `rlimits, seccomp, landlock ABI 7, no network, no programs, no files read, no files written`; `process
/// only` where nothing holds.
impl fmt::Display for Enforced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let landlock = match self.landlock {
            Landlock::None => String::new(),
            Landlock::Partial { abi } => format!("landlock ABI {abi} (partial)"),
            Landlock::Full { abi } => format!("landlock ABI {abi}"),
        };
        let words = [
            (self.rlimits, "rlimits"),
            (self.seccomp, "seccomp"),
            (self.landlock != Landlock::None, &landlock),
            (self.network_blocked, "no network"),
            (self.programs_blocked, "no programs"),
            (self.reads_blocked, "no files read"),
            (self.writes_blocked, "no files written"),
        ];
        let held: Vec<_> = words.into_iter().filter_map(|(held, word)| held.then_some(word)).collect();
        f.write_str(if held.is_empty() { "process only" } else { "" })?;
        f.write_str(&held.join(", "))
    }
}

/// Starts a worker process as `start` says, has it try what its layers must refuse, and ends it. Touches nothing: it opens
/// `/dev/null`, `/etc/passwd` and `/`, asks for a port of 127.0.0.1 and for a program that does not exist.
///
/// # Errors
/// How the worker ended, when it could not say.
pub fn enforced(start: &Start, limits: Limits) -> Result<Enforced, Outcome> {
    let mut told = None;
    let mut worker = Worker::new(start.clone(), limits);
    let outcome = worker.order(Tag::Measure, &mut |value| {
        told = Enforced::from_bytes(value);
    });
    match (outcome, told) {
        (Outcome::Done, Some(told)) => Ok(told),
        (Outcome::Done, None) => Err(Outcome::Crashed { detail: "the worker did not say".to_owned() }),
        (outcome, _) => Err(outcome),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_survives_the_pipe_and_nothing_is_said_for_nothing() {
        let all = Enforced {
            rlimits: true,
            seccomp: true,
            landlock: Landlock::Full { abi: 7 },
            no_new_privileges: true,
            not_dumpable: true,
            network_blocked: true,
            programs_blocked: true,
            reads_blocked: true,
            writes_blocked: true,
        };
        let some = Enforced { landlock: Landlock::Partial { abi: 3 }, seccomp: false, ..all };
        for told in [all, some, Enforced::default()] {
            assert_eq!(Enforced::from_bytes(&told.to_bytes()), Some(told));
        }
        assert!(all.is_complete() && !some.is_complete());
        assert!(!Enforced { landlock: Landlock::None, ..all }.is_complete());
        assert_eq!(Enforced::default().to_string(), "process only");
        assert_eq!(
            all.to_string(),
            "rlimits, seccomp, landlock ABI 7, no network, no programs, no files read, no files written"
        );
        assert_eq!(Enforced::from_bytes(b"short"), None);
    }
}
