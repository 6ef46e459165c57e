//! What a kernel is asked and what it answers.

use crate::Code256;

/// One code to look for. Query numbers are the caller's own; they come back unread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Probe {
    pub(crate) code: Code256,
    /// Number under which codes near `code` are reported.
    pub(crate) near: u32,
    /// Number under which codes near `!code` are reported, where those are wanted too: one pass serves both, since
    /// the distances add up to 256.
    pub(crate) far: Option<u32>,
}

/// A code within the radius.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) query: u32,
    pub(crate) position: usize,
    pub(crate) distance_bits: u32,
}

/// Makes probes of a batch: a query directly followed by its complement becomes one two-sided probe. Two-sided
/// probes come first, so that groups are alike.
pub(crate) fn probes(queries: &[Code256]) -> Vec<Probe> {
    let mut one_sided = Vec::new();
    let mut probes = Vec::new();
    let mut numbered = (0u32..).zip(queries).peekable();
    while let Some((near, code)) = numbered.next() {
        let complement = numbered.next_if(|(_, next)| **next == !*code);
        match complement {
            Some((far, _)) => probes.push(Probe { code: *code, near, far: Some(far) }),
            None => one_sided.push(Probe { code: *code, near, far: None }),
        }
    }
    probes.append(&mut one_sided);
    probes
}
