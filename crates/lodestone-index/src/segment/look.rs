//! Looking up: parts, then owners.

use std::ops::ControlFlow;

use super::format::{CANARY, CODE_BYTES, Span};
use super::linear::{self, KEPT};
use super::owners::{Owners, Scheme};
use super::{Part, Segment};
use crate::probe::{Found, Probe, probes};
use crate::ring::{Bits, Damaged, Guard, MAX_RADIUS, Plans, Trusted, permute, restore};
use crate::{Code256, Hit, SearchStats};

impl Segment {
    /// What a part needs beside its bytes.
    pub(super) fn prepare(&self, number: usize) -> Result<Part, Damaged> {
        let shape = &self.shape.parts[number];
        let Some(layout) = &shape.layout else {
            let codes = self.codes(number)?;
            let ready = |guard: &dyn Fn(u64, u64) -> bool| {
                let span = self.plan.parts[number].codes;
                if guard(span.at, span.len) { Ok(linear::tiles(codes)) } else { Err(Damaged) }
            };
            let tiles = match (codes.len() <= KEPT, self.checked()) {
                (false, _) => None,
                (true, None) => Some(ready(&|at, len| Trusted.ready(at, len))?),
                (true, Some(guard)) => Some(ready(&|at, len| guard.ready(at, len))?),
            };
            return Ok(Part { plans: None, tiles });
        };
        Ok(Part { plans: Some(Plans::new(layout.widths(), shape.codes as usize)), tiles: None })
    }

    /// See [`Segment::search_at_most`]; on failure, and where there are more than `most`, `hits` holds anything.
    pub(super) fn look_up<G: Guard>(
        &self,
        guard: &G,
        queries: &[Code256],
        radius: u32,
        most: usize,
        hits: &mut Vec<Hit>,
        stats: &mut SearchStats,
    ) -> Result<bool, Damaged> {
        let before = hits.len();
        let full = before.saturating_add(most);
        let permuted: Vec<Bits> = queries.iter().map(|code| permute(self.kernel, *code)).collect();
        let mut found = Vec::new();
        stats.queries += queries.len() as u64;
        for part in 0..self.parts.len() {
            self.find(guard, part, &permuted, radius, &mut found, stats)?;
            if found.is_empty() {
                continue;
            }
            let owners = self.owners(part)?;
            for Found { query, position, distance_bits } in found.drain(..) {
                let mut has_room = true;
                owners.each(guard, position, |id| {
                    if id != CANARY {
                        has_room = hits.len() < full;
                        if has_room {
                            hits.push(Hit { query, distance_bits, id });
                        }
                    }
                })?;
                if !has_room {
                    return Ok(false);
                }
            }
        }
        hits[before..].sort_unstable();
        stats.hits += (hits.len() - before) as u64;
        Ok(true)
    }

    /// Appends every code of a part within the radius of each query, canaries included.
    pub(super) fn find<G: Guard>(
        &self,
        guard: &G,
        part: usize,
        queries: &[Bits],
        radius: u32,
        found: &mut Vec<Found>,
        stats: &mut SearchStats,
    ) -> Result<(), Damaged> {
        if let Some(plans) = &self.parts[part].plans
            && radius <= MAX_RADIUS
        {
            return self.find_in_tables(guard, (part, plans), queries, radius, found, stats);
        }
        // Distances in permuted bits are distances.
        let words: Vec<Code256> = queries.iter().map(|bits| Code256(bits.0)).collect();
        let probes: Vec<Probe> = probes(&words);
        stats.scanned += self.shape.parts[part].codes * queries.len() as u64;
        match &self.parts[part].tiles {
            Some(tiles) => linear::scan(tiles, self.kernel, &probes, radius, found),
            None => {
                let codes = (self.codes(part)?, self.plan.parts[part].codes.at);
                linear::scan_rows(guard, codes, self.kernel, &probes, radius, found)?;
            }
        }
        Ok(())
    }

    /// See [`Segment::for_each`].
    pub(super) fn every_pair<G: Guard>(
        &self,
        guard: &G,
        each: &mut dyn FnMut(Code256, u64) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Damaged> {
        for part in 0..self.parts.len() {
            let (codes, owners) = (self.codes(part)?, self.owners(part)?);
            let codes_at = self.plan.parts[part].codes.at;
            for (position, bits) in codes.iter().enumerate() {
                if !guard.ready(codes_at + CODE_BYTES * position as u64, CODE_BYTES) {
                    return Err(Damaged);
                }
                let code = restore(bits.to_le());
                let mut flow = ControlFlow::Continue(());
                owners.each(guard, position, |id| {
                    if id != CANARY && flow.is_continue() {
                        flow = each(code, id);
                    }
                })?;
                if flow.is_break() {
                    return Ok(flow);
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Gives the id of every pair, canaries left out.
    pub(super) fn every_id<G: Guard>(&self, guard: &G, each: &mut dyn FnMut(u64)) -> Result<(), Damaged> {
        for part in 0..self.parts.len() {
            let owners = self.owners(part)?;
            for position in 0..self.shape.parts[part].codes as usize {
                owners.each(guard, position, |id| {
                    if id != CANARY {
                        each(id);
                    }
                })?;
            }
        }
        Ok(())
    }

    /// The codes of a part, permuted, in the byte order of the disk.
    pub(super) fn codes(&self, part: usize) -> Result<&[Bits], Damaged> {
        self.numbers(self.plan.parts[part].codes)
    }

    pub(super) fn owners(&self, part: usize) -> Result<Owners<'_>, Damaged> {
        let values = self.plan.parts[part].owners;
        Ok(Owners {
            scheme: Scheme { base: self.shape.base, bytes: self.shape.owner_bytes },
            values: values.of(&self.image),
            values_at: values.at,
            lists: self.numbers(self.plan.lists)?,
            lists_at: self.plan.lists.at,
        })
    }

    /// A section as numbers. Sections begin at pages, so this fails for no image that was opened.
    pub(super) fn numbers<T: bytemuck::AnyBitPattern>(&self, span: Span) -> Result<&[T], Damaged> {
        bytemuck::try_cast_slice(span.of(&self.image)).map_err(|_| Damaged)
    }
}
