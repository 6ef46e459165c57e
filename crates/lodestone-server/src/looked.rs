//! What is written down of a look-up that found something; the same for all routes that look up.

use std::collections::BTreeMap;

use lodestone_engine::live::LiveState;
use lodestone_types::{Signal, SignalType, hex};
use serde_json::Value;

use crate::App;
use crate::auth::Caller;
use crate::events::{EventMatch, MatchEvent};
use crate::lookup::Found;

/// A look-up that was made.
pub struct Looked<'l> {
    /// Who asked.
    pub caller: &'l Caller,
    /// Whose content it was, where the caller says so.
    pub sender: Option<&'l str>,
    /// The caller's own name of the content, where given.
    pub content_ref: Option<&'l str>,
    /// SHA-256 of the file, where there was one.
    pub sha256: Option<[u8; 32]>,
    /// The signals looked up.
    pub signals: &'l [Signal],
    /// What they match, without what is suppressed.
    pub found: &'l [Found],
    /// How many more match.
    pub left_out: u64,
    /// Matches of one bank and signal type that are written down, the nearest: [`OF_A_BANK`], or less where one request
    /// looks much up.
    pub of_a_bank: u32,
    /// What examination found, where it was asked for.
    pub assessment: Option<Value>,
}

impl Looked<'_> {
    /// What is to be written down; `None` where nothing was found.
    pub fn event(&self, app: &App, state: &LiveState) -> Option<MatchEvent> {
        if self.found.is_empty() {
            return None;
        }
        let of = |found: &Found| EventMatch::of(found, state.said_of(found.entry_no));
        let kept = kept(self.found, self.of_a_bank);
        Some(MatchEvent {
            id: app.new_id(),
            at_us: app.clock.now_us(),
            key: self.caller.key.to_string(),
            sender: self.sender.map(str::to_owned),
            content_ref: self.content_ref.map(str::to_owned),
            generation: state.generation(),
            sha256: self.sha256.map(|sha256| hex::encode(&sha256)),
            signals: self.signals.iter().map(|s| (s.kind().as_str().to_owned(), s.to_text())).collect(),
            left_out: self.left_out.saturating_add((self.found.len() - kept.len()) as u64),
            matches: kept.into_iter().map(of).collect(),
            assessment: self.assessment.clone(),
        })
    }
}

/// Matches of one bank and signal type that are written down: a hash that a list has a hundred thousand times must not make
/// an event too long to be one.
pub const OF_A_BANK: u32 = 500;
/// Of all banks.
pub const IN_ALL: usize = 20_000;

/// What is written down of what was found: the nearest of each bank, whose order is that of `found`.
fn kept(found: &[Found], most: u32) -> Vec<&Found> {
    let mut of_bank: BTreeMap<(u64, SignalType), u32> = BTreeMap::new();
    let has_room = |found: &&Found| {
        let count = of_bank.entry((found.bank.number, found.signal_type)).or_default();
        *count = count.saturating_add(1);
        *count <= most
    };
    found.iter().filter(has_room).take(IN_ALL).collect()
}
