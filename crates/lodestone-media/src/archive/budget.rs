//! What walking one outer archive may cost, nested ones counted in.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Limits};

/// Unpacked bytes up to which no ratio is looked at.
const RATIO_FREE_BYTES: u64 = 1 << 20;

/// Members and bytes that walking one outer archive may still yield. Make one for each outer archive and hand it to the
/// walks of the archives inside.
#[derive(Debug)]
pub struct Budget {
    limits: Limits,
    members: AtomicU64,
    unpacked: AtomicU64,
}

impl Budget {
    /// A fresh budget.
    pub fn new(limits: &Limits) -> Self {
        Self { limits: *limits, members: AtomicU64::new(0), unpacked: AtomicU64::new(0) }
    }

    /// Members met so far.
    pub fn members(&self) -> u64 {
        self.members.load(Ordering::Relaxed)
    }

    /// Bytes unpacked so far.
    pub fn unpacked(&self) -> u64 {
        self.unpacked.load(Ordering::Relaxed)
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(super) fn enter(&self, depth: u32) -> Result<(), Error> {
        if depth >= self.limits.max_depth {
            return Err(Error::TooDeep { limit: self.limits.max_depth });
        }
        Ok(())
    }

    pub(super) fn member(&self) -> Result<(), Error> {
        if self.members.fetch_add(1, Ordering::Relaxed) >= self.limits.max_members {
            return Err(Error::TooManyMembers { limit: self.limits.max_members });
        }
        Ok(())
    }

    /// Whether the unpacked bytes are within the limit.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.unpacked() > self.limits.max_unpacked {
            let limit = self.limits.max_unpacked;
            return Err(Error::TooManyBytes { what: "unpacked from one archive".into(), limit });
        }
        Ok(())
    }

    fn spend(&self, bytes: usize) -> Result<(), Error> {
        self.unpacked.fetch_add(bytes as u64, Ordering::Relaxed);
        self.check()
    }
}

/// Counts the packed bytes that went into a decoder.
pub(super) struct Counting<'c, R> {
    pub(super) inner: R,
    pub(super) count: &'c AtomicU64,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(to)?;
        self.count.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// A member's content under the budget: stops at the total, at an absurd ratio, and tells a member that is shorter or
/// other than stated from a whole one.
pub(super) struct Guard<'b, R> {
    pub(super) inner: R,
    pub(super) budget: &'b Budget,
    /// Packed bytes consumed so far; `None` when nothing is packed.
    pub(super) packed: Option<&'b AtomicU64>,
    /// Bytes the member must have.
    pub(super) size: Option<u64>,
    /// CRC-32 the member must have.
    pub(super) crc: Option<u32>,
    came: u64,
    hasher: crc32fast::Hasher,
    failed: Option<Error>,
}

impl<'b, R: Read> Guard<'b, R> {
    pub(super) fn new(inner: R, budget: &'b Budget) -> Self {
        let hasher = crc32fast::Hasher::new();
        Self { inner, budget, packed: None, size: None, crc: None, came: 0, hasher, failed: None }
    }

    fn check(&self) -> Result<(), Error> {
        let Some(packed) = self.packed else { return Ok(()) };
        let most = packed.load(Ordering::Relaxed).saturating_mul(self.budget.limits.max_ratio);
        if self.came > RATIO_FREE_BYTES && self.came > most {
            let what = "unpacked bytes for each packed one".into();
            return Err(Error::TooManyBytes { what, limit: self.budget.limits.max_ratio });
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Error> {
        match self.size {
            Some(size) if self.came < size => {
                return Err(Error::Truncated(format!("archive member: {} of {size} bytes", self.came)));
            }
            Some(size) if self.came > size => {
                return Err(Error::Malformed(format!("archive member: more than the stated {size} bytes")));
            }
            _ => {}
        }
        if self.crc.is_some_and(|crc| crc != self.hasher.clone().finalize()) {
            return Err(Error::Malformed("archive member: check sum is wrong".into()));
        }
        Ok(())
    }
}

impl<R: Read> Read for Guard<'_, R> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if let Some(e) = &self.failed {
            return Err(io::Error::other(e.clone()));
        }
        if to.is_empty() {
            return Ok(0);
        }
        let n = self.inner.read(to)?;
        self.came = self.came.saturating_add(n as u64);
        self.hasher.update(to.get(..n).unwrap_or_default());
        let result = if n == 0 { self.end() } else { self.budget.spend(n).and_then(|()| self.check()) };
        match result {
            Ok(()) => Ok(n),
            Err(e) => {
                self.failed = Some(e.clone());
                Err(io::Error::other(e))
            }
        }
    }
}
