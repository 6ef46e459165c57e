//! Which ids hold a code: one value a code, lists for codes that several hold.

use super::format::{CANARY, Span};
use crate::ring::{Damaged, Guard};

/// How ids become values; also what decides whether an id fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Scheme {
    pub(super) base: u64,
    /// 4 or 8.
    pub(super) bytes: u32,
}

impl Scheme {
    /// The top bit of a value: the rest is an index into the lists.
    fn list_flag(self) -> u64 {
        1 << (8 * self.bytes - 1)
    }

    /// The value of a code that has this one owner, if it can stand alone.
    pub(super) fn alone(self, id: u64) -> Option<u64> {
        let value = id.checked_sub(self.base)?;
        (id != CANARY && value < self.list_flag()).then_some(value)
    }

    /// The value of a code whose list begins at this word.
    pub(super) fn list(self, word: u64) -> u64 {
        self.list_flag() | word
    }

    /// The lists can have so many words.
    pub(super) fn holds(self, words: u64) -> bool {
        words < self.list_flag()
    }
}

/// Owners of the codes of one part, as they lie in the image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owners<'a> {
    pub(super) scheme: Scheme,
    pub(super) values: &'a [u8],
    pub(super) values_at: u64,
    pub(super) lists: &'a [u64],
    pub(super) lists_at: u64,
}

impl Owners<'_> {
    /// Gives every owner of code number `position`, ascending, canaries included.
    #[inline]
    pub(super) fn each<G: Guard>(
        &self,
        guard: &G,
        position: usize,
        mut each: impl FnMut(u64),
    ) -> Result<(), Damaged> {
        let size = self.scheme.bytes as usize;
        let span = Span { at: (position * size) as u64, len: size as u64 };
        let bytes = span.of(self.values);
        if bytes.is_empty() || !guard.ready(self.values_at + span.at, span.len) {
            return Err(Damaged);
        }
        let mut word = [0; 8];
        word[..size].copy_from_slice(bytes);
        let value = u64::from_le_bytes(word);
        let flag = self.scheme.list_flag();
        if value & flag == 0 {
            each(self.scheme.base.checked_add(value).ok_or(Damaged)?);
            return Ok(());
        }
        let start = usize::try_from(value & !flag).map_err(|_| Damaged)?;
        let count = *self.words(guard, start, 1)?.first().ok_or(Damaged)?;
        let count = usize::try_from(u64::from_le(count)).map_err(|_| Damaged)?;
        for id in self.words(guard, start + 1, count)? {
            each(u64::from_le(*id));
        }
        Ok(())
    }

    fn words<G: Guard>(&self, guard: &G, start: usize, count: usize) -> Result<&[u64], Damaged> {
        let words = self.lists.get(start..start.checked_add(count).ok_or(Damaged)?).ok_or(Damaged)?;
        if guard.ready(self.lists_at + 8 * start as u64, 8 * count as u64) { Ok(words) } else { Err(Damaged) }
    }
}
