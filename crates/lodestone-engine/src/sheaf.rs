//! What one file gave: itself, then its members, in order. An archive may hold a million of them, so that all but the
//! first few wait on disk until every one is known to stand: a file that changed while it was read takes them all back.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use lodestone_types::{Observation, Stage, Unreadable};

use crate::observer::{Member, Observed};

/// Items held in memory; the others are lines of a temporary file.
const HELD: usize = 64;

/// Everything observed of one file.
#[derive(Debug, Default)]
pub struct Sheaf {
    held: Vec<Observed>,
    spilled: Option<BufWriter<File>>,
    count: u64,
    /// What was found out about spilled items after they were observed.
    amended: BTreeMap<u64, Unreadable>,
    changed: bool,
    passing: bool,
    pictures: bool,
}

impl Sheaf {
    /// Of a single item.
    pub fn one(observation: Observation) -> Self {
        let mut sheaf = Self::default();
        sheaf.push(Observed { member: None, observation });
        sheaf
    }

    /// The file itself.
    pub fn file(&self) -> Option<&Observed> {
        self.held.first()
    }

    /// How many items there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Whether all of them are in memory.
    pub(crate) fn is_small(&self) -> bool {
        self.spilled.is_none()
    }

    /// Whether another run may well find something else: bytes that could not be read, a worker that died or was late.
    pub(crate) fn is_passing(&self) -> bool {
        self.passing || self.changed
    }

    /// Whether pixels were seen in any of them.
    pub(crate) fn has_pictures(&self) -> bool {
        self.pictures
    }

    /// Adds the next item.
    pub(crate) fn push(&mut self, one: Observed) {
        self.note(one.observation.unreadable.as_ref());
        self.pictures |= one.observation.picture.is_some();
        self.count += 1;
        if self.held.len() < HELD {
            self.held.push(one);
            return;
        }
        if self.spilled.is_none() {
            self.spilled = tempfile::tempfile().ok().map(BufWriter::new);
        }
        let written = self.spilled.as_mut().is_some_and(|out| {
            serde_json::to_writer(&mut *out, &(&one.member, &one.observation)).is_ok()
                && out.write_all(b"\n").is_ok()
        });
        if !written {
            // No room for temporary files: the count says that one is missing, and reading back fails.
            self.passing = true;
        }
    }

    /// Says why item `number` could not be read to its end, unless something is said already.
    pub(crate) fn amend(&mut self, number: u64, why: Unreadable) {
        self.note(Some(&why));
        match usize::try_from(number).ok().and_then(|at| self.held.get_mut(at)) {
            Some(one) => {
                one.observation.unreadable.get_or_insert(why);
            }
            None => {
                self.amended.entry(number).or_insert(why);
            }
        }
    }

    /// Says why the file as a whole was given up.
    pub(crate) fn give_up(&mut self, why: Unreadable) {
        self.note(Some(&why));
        if let Some(file) = self.held.first_mut() {
            file.observation.unreadable = Some(why);
        }
    }

    /// The file changed while it was read: nothing that was seen holds.
    pub(crate) fn changed(&mut self) {
        self.changed = true;
    }

    fn note(&mut self, why: Option<&Unreadable>) {
        self.passing |= why.is_some_and(|why| matches!(why.stage, Stage::Walk | Stage::Read | Stage::Worker));
    }

    /// Hands over every item in order.
    ///
    /// # Errors
    /// Those of `take`, which end it, and those of the temporary file.
    pub fn each<E: From<io::Error>>(
        mut self,
        mut take: impl FnMut(Observed) -> Result<(), E>,
    ) -> Result<(), E> {
        let held = std::mem::take(&mut self.held);
        let mut seen = held.len() as u64;
        for one in held {
            take(stands(one, self.changed))?;
        }
        self.spilled(seen, |one| {
            seen += 1;
            take(one)
        })?;
        if seen == self.count { Ok(()) } else { Err(io::Error::from(io::ErrorKind::StorageFull).into()) }
    }

    /// As [`Sheaf::each`], leaving the sheaf whole.
    pub(crate) fn look<E: From<io::Error>>(
        &mut self,
        mut take: impl FnMut(&Observed) -> Result<(), E>,
    ) -> Result<(), E> {
        for one in &self.held {
            take(one)?;
        }
        self.spilled(self.held.len() as u64, |one| take(&one))
    }

    fn spilled<E: From<io::Error>>(
        &mut self,
        from: u64,
        mut take: impl FnMut(Observed) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(out) = &mut self.spilled else { return Ok(()) };
        out.flush()?;
        let mut file = out.get_ref();
        file.seek(SeekFrom::Start(0))?;
        let mut lines = BufReader::new(file);
        let mut line = Vec::new();
        for number in from.. {
            line.clear();
            if lines.read_until(b'\n', &mut line)? == 0 {
                break;
            }
            let (member, observation): (Option<Member>, Observation) =
                serde_json::from_slice(&line).map_err(io::Error::from)?;
            let mut one = Observed { member, observation };
            if let Some(why) = self.amended.get(&number) {
                one.observation.unreadable.get_or_insert_with(|| why.clone());
            }
            take(stands(one, self.changed))?;
        }
        Ok(())
    }
}

fn stands(one: Observed, changed: bool) -> Observed {
    if !changed {
        return one;
    }
    let why = Unreadable::new(Stage::Read, "changed", "the file changed while it was read");
    let size_bytes = one.observation.size_bytes;
    Observed {
        observation: Observation { size_bytes, unreadable: Some(why), ..Observation::default() },
        ..one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheaf(count: u64) -> Sheaf {
        let mut sheaf = Sheaf::default();
        for number in 0..count {
            let member = (number > 0).then(|| Member { name: format!("m{number}\n"), bytes_hex: None });
            let observation = Observation { size_bytes: number, ..Observation::default() };
            sheaf.push(Observed { member, observation });
        }
        sheaf
    }

    fn all(sheaf: Sheaf) -> Vec<Observed> {
        let mut all = Vec::new();
        sheaf
            .each::<io::Error>(|one| {
                all.push(one);
                Ok(())
            })
            .unwrap();
        all
    }

    #[test]
    fn items_come_back_in_order_from_memory_and_disk_as_often_as_wanted() {
        for count in [1, HELD as u64, HELD as u64 + 1, 1000] {
            let mut sheaf = sheaf(count);
            assert_eq!(sheaf.is_small(), count <= HELD as u64);
            for _ in 0..2 {
                let mut next = 0;
                sheaf
                    .look::<io::Error>(|one| {
                        assert_eq!(one.observation.size_bytes, next);
                        next += 1;
                        Ok(())
                    })
                    .unwrap();
                assert_eq!(next, count);
            }
            let all = all(sheaf);
            assert!((0..).zip(&all).all(|(n, one)| one.observation.size_bytes == n));
            assert_eq!(all.len() as u64, count);
        }
    }

    #[test]
    fn what_is_found_out_later_reaches_items_on_disk() {
        let mut late = sheaf(200);
        assert!(!late.is_passing());
        late.amend(150, Unreadable::new(Stage::Unpack, "truncated", ""));
        assert!(!late.is_passing());
        late.amend(3, Unreadable::new(Stage::Worker, "crash", ""));
        assert!(late.is_passing());
        let unreadable: Vec<_> = (0..)
            .zip(all(late))
            .filter_map(|(n, one)| Some((n, one.observation.unreadable?.reason)))
            .collect();
        assert_eq!(unreadable, [(3, "crash".to_owned()), (150, "truncated".to_owned())]);
    }

    #[test]
    fn a_file_that_changed_takes_back_every_member() {
        let mut changed = sheaf(200);
        changed.changed();
        assert!(changed.is_passing());
        let all = all(changed);
        assert_eq!(all.len(), 200);
        assert!(all.iter().all(|one| one.observation.unreadable.as_ref().unwrap().reason == "changed"));
    }
}
