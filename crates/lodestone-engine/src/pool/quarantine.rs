//! Bytes that ended workers, remembered so that the same upload sent again and again costs no more processes.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use lodestone_types::ContentId;

/// Inputs remembered; the oldest makes room.
const ROOM: usize = 1024;
/// Deaths after which an input is given to no worker any more. One may have been somebody else's doing: the system ran out
/// of memory, or time.
const DEATHS: u32 = 2;
/// How long an input is remembered after its last death: a busy hour is no reason to refuse a file for good.
const MEMORY: Duration = Duration::from_secs(3600);

struct Entry {
    size_bytes: u64,
    deaths: u32,
    last: Instant,
    reason: String,
}

/// What ended workers lately.
#[derive(Default)]
pub(super) struct Quarantine {
    entries: HashMap<ContentId, Entry>,
    order: VecDeque<ContentId>,
}

impl Quarantine {
    /// An input ended a worker.
    pub(super) fn note(&mut self, id: ContentId, size_bytes: u64, reason: &str, now: Instant) {
        if !self.entries.contains_key(&id) {
            if self.order.len() >= ROOM
                && let Some(oldest) = self.order.pop_front()
            {
                self.entries.remove(&oldest);
            }
            self.order.push_back(id);
        }
        let entry = self.entries.entry(id).or_insert(Entry {
            size_bytes,
            deaths: 0,
            last: now,
            reason: String::new(),
        });
        entry.deaths = if Self::is_fresh(entry, now) { entry.deaths.saturating_add(1) } else { 1 };
        entry.last = now;
        reason.clone_into(&mut entry.reason);
    }

    /// Whether an input of this size may be among them: nothing is digested without need.
    pub(super) fn may_hold(&self, size_bytes: u64, now: Instant) -> bool {
        self.entries.values().any(|entry| entry.size_bytes == size_bytes && Self::holds(entry, now))
    }

    /// How the last worker ended over it, if it is given to no other.
    pub(super) fn why(&self, id: ContentId, now: Instant) -> Option<&str> {
        self.entries.get(&id).filter(|entry| Self::holds(entry, now)).map(|entry| entry.reason.as_str())
    }

    /// Inputs remembered.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    fn is_fresh(entry: &Entry, now: Instant) -> bool {
        now.saturating_duration_since(entry.last) < MEMORY
    }

    fn holds(entry: &Entry, now: Instant) -> bool {
        entry.deaths >= DEATHS && Self::is_fresh(entry, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u16) -> ContentId {
        let mut bytes = [0; 32];
        bytes[..2].copy_from_slice(&number.to_le_bytes());
        ContentId(bytes)
    }

    #[test]
    fn an_input_is_held_from_its_second_death_on_for_an_hour() {
        let (mut held, now) = (Quarantine::default(), Instant::now());
        held.note(id(1), 10, "crash", now);
        assert!(!held.may_hold(10, now) && held.why(id(1), now).is_none());
        held.note(id(1), 10, "timeout", now);
        assert!(held.may_hold(10, now) && !held.may_hold(11, now));
        assert_eq!(held.why(id(1), now), Some("timeout"));
        assert_eq!(held.why(id(2), now), None);
        let later = now + MEMORY;
        assert!(!held.may_hold(10, later) && held.why(id(1), later).is_none());
        held.note(id(1), 10, "crash", later);
        assert_eq!(held.why(id(1), later), None, "the deaths of an hour ago no longer count");
    }

    #[test]
    fn the_oldest_makes_room() {
        let (mut held, now) = (Quarantine::default(), Instant::now());
        for number in 0..=ROOM as u16 {
            held.note(id(number), 10, "crash", now);
            held.note(id(number), 10, "crash", now);
        }
        assert_eq!(held.len(), ROOM);
        assert!(held.why(id(0), now).is_none() && held.why(id(1), now).is_some());
    }
}
