//! All near pairs within one set.

use std::ops::ControlFlow;

use crate::probe::{Found, Probe};
use crate::tiles::Tiles;
use crate::{Code256, Kernel};

/// Codes whose forms are compared with all earlier codes before the next stripe; also the grain of progress.
const STRIPE: usize = 128;

/// Pairs handed over at once, about.
const FLUSH: usize = 1 << 16;

/// Two codes of a set, `a < b`, within the radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Place of the earlier code.
    pub a: u32,
    /// Place of the later code.
    pub b: u32,
    /// Which form of `b` is near `a`; 0 in a plain self-join.
    pub form: u8,
    /// It is the complement of that form.
    pub complement: bool,
    /// Bits that differ.
    pub distance_bits: u32,
}

/// Some pairs, and how far the join has come.
#[derive(Clone, Copy, Debug)]
pub struct JoinStep<'a> {
    /// Pairs found since the last step; may be empty.
    pub pairs: &'a [Pair],
    /// Comparisons done, of `total`.
    pub done: u64,
    /// Comparisons in all.
    pub total: u64,
}

/// Finds all pairs of `codes` within `radius_bits`, each once.
///
/// Pairs stream to `step` in an order that depends on the input alone; nothing is kept, so a dense set costs time,
/// not memory. `step` is also called where nothing was found, as progress, and stops the join by breaking.
/// Cost: `n² / 2` comparisons, tiled.
///
/// # Panics
/// With more than `u32::MAX` codes.
pub fn self_join(
    codes: &[Code256],
    radius_bits: u32,
    step: &mut dyn FnMut(JoinStep<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut as_is = |b: usize, probes: &mut Vec<Probe>| {
        probes.push(Probe { code: codes[b], near: b as u32, far: None });
    };
    join(codes, 1, radius_bits, &mut as_is, &mut |query| (query, 0, false), step)
}

/// Finds all pairs `a < b` for which one of the `K` forms of `b`, or its complement, lies within `radius_bits` of `a`
/// as it is. A pair can come several times, once for each form that is near.
///
/// `forms` holds the forms of each code, in the order of `codes`. Complements cost next to nothing more. Otherwise as
/// [`self_join`]; cost `K` times as much.
///
/// # Panics
/// If `forms` and `codes` differ in length, or with more than `u32::MAX / 2 / K` codes.
pub fn self_join_forms<const K: usize>(
    codes: &[Code256],
    forms: &[&[Code256; K]],
    radius_bits: u32,
    step: &mut dyn FnMut(JoinStep<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    assert_eq!(codes.len(), forms.len(), "one set of forms for each code");
    let per_code = 2 * K as u32;
    let mut all_forms = |b: usize, probes: &mut Vec<Probe>| {
        for (form, code) in (0u32..).zip(forms[b]) {
            let near = b as u32 * per_code + 2 * form;
            probes.push(Probe { code: *code, near, far: Some(near + 1) });
        }
    };
    let mut name = |query: u32| {
        let form = query % per_code;
        (query / per_code, (form / 2) as u8, form % 2 == 1)
    };
    join(codes, per_code, radius_bits, &mut all_forms, &mut name, step)
}

/// `probes_of` makes the probes of code `b`; `name` turns a query number back into `b`, form and complement.
fn join(
    codes: &[Code256],
    numbers_per_code: u32,
    radius_bits: u32,
    probes_of: &mut dyn FnMut(usize, &mut Vec<Probe>),
    name: &mut dyn FnMut(u32) -> (u32, u8, bool),
    step: &mut dyn FnMut(JoinStep<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let n = codes.len();
    let numbers = u32::try_from(n).ok().and_then(|n| n.checked_mul(numbers_per_code));
    assert!(numbers.is_some(), "too many codes for one join");
    let tiles = Tiles::new(codes);
    let kernel = Kernel::detect();
    let total = n as u64 * (n as u64).saturating_sub(1) / 2;
    let (mut probes, mut found, mut pairs) = (Vec::new(), Vec::<Found>::new(), Vec::new());
    for start in (0..n).step_by(STRIPE) {
        let end = (start + STRIPE).min(n);
        probes.clear();
        (start..end).for_each(|b| probes_of(b, &mut probes));
        let done = end as u64 * (end as u64 - 1) / 2;
        for tile in tiles.tiles_below(end) {
            kernel.scan(tile, &probes, radius_bits, &mut found);
            for Found { query, position, distance_bits } in found.drain(..) {
                let (b, form, complement) = name(query);
                if position < b as usize {
                    pairs.push(Pair { a: position as u32, b, form, complement, distance_bits });
                }
            }
            if pairs.len() >= FLUSH {
                step(JoinStep { pairs: &pairs, done: done.min(start as u64 * start as u64 / 2), total })?;
                pairs.clear();
            }
        }
        step(JoinStep { pairs: &pairs, done, total })?;
        pairs.clear();
    }
    ControlFlow::Continue(())
}
