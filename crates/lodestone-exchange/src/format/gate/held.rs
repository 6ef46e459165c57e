//! A list written through the gate, and the list of what was held back.

use std::collections::BTreeMap;
use std::io::{self, Write};

use lodestone_types::{BankKind, ListEntry};
use serde_json::{Value, json};

use super::{Answer, OriginFacts, Reason, ReasonCode, answer};
use crate::format::write::quoted;
use crate::format::{ListWriter, WriteReport};

/// How the list of what was held back is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeldFormat {
    /// One JSON object a line.
    #[default]
    Ndjson,
    /// A table with a header row; the evidence is JSON.
    Csv,
}

/// Writes what was held back: each entry by its id, with reasons and evidence, and without its values.
///
/// ```text
/// {"entry":"a-17","line":17,"bank":"known-real","target":"known-real","reasons":[{"code":"suspected_synthetic",
///  "evidence":[{"from":"flag","what":"generativeAi is set"}]}],"listed_by":"x.csv","examined_by":[],"decisions":[]}
/// ```
pub struct HeldWriter<W> {
    out: W,
    format: HeldFormat,
    begun: bool,
}

impl<W: Write> HeldWriter<W> {
    /// Starts a list.
    pub fn new(out: W, format: HeldFormat) -> Self {
        Self { out, format, begun: false }
    }

    /// Writes one entry.
    ///
    /// # Errors
    /// The writer's own.
    pub fn entry(
        &mut self,
        entry: &ListEntry,
        facts: &OriginFacts,
        target: BankKind,
        reasons: &[Reason],
    ) -> io::Result<()> {
        let told: Vec<Value> = reasons.iter().map(reason).collect();
        match self.format {
            HeldFormat::Ndjson => {
                let decisions: Vec<Value> = facts
                    .decisions
                    .iter()
                    .map(|one| json!({ "who": one.who, "says": one.says.as_str(), "at_us": one.at_us, "note": one.note }))
                    .collect();
                let row = json!({
                    "entry": entry.entry, "line": entry.line, "bank": facts.bank.as_str(), "target": target.as_str(),
                    "reasons": told, "listed_by": facts.listed_by, "examined_by": facts.examined_by,
                    "decisions": decisions,
                });
                serde_json::to_writer(&mut self.out, &row)?;
                self.out.write_all(b"\n")
            }
            HeldFormat::Csv => {
                self.header()?;
                let codes: Vec<_> = reasons.iter().map(|reason| reason.code.as_str()).collect();
                let evidence = Value::Array(told).to_string();
                writeln!(
                    self.out,
                    "{},{},{},{},{},{},{}",
                    quoted(&entry.entry),
                    entry.line,
                    facts.bank,
                    target,
                    codes.join(";"),
                    quoted(facts.listed_by.as_deref().unwrap_or_default()),
                    quoted(&evidence)
                )
            }
        }
    }

    /// Ends the list, and flushes.
    ///
    /// # Errors
    /// The writer's own.
    pub fn finish(mut self) -> io::Result<()> {
        self.header()?;
        self.out.flush()
    }

    fn header(&mut self) -> io::Result<()> {
        if self.format == HeldFormat::Csv && !std::mem::replace(&mut self.begun, true) {
            writeln!(self.out, "entry,line,bank,target,reasons,listed_by,evidence")?;
        }
        Ok(())
    }
}

fn reason(reason: &Reason) -> Value {
    let evidence: Vec<Value> =
        reason.evidence.iter().map(|found| json!({ "from": found.from, "what": found.what })).collect();
    json!({ "code": reason.code.as_str(), "evidence": evidence })
}

/// What went out, and what did not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GateReport {
    /// What was written.
    pub written: WriteReport,
    /// Entries held back.
    pub held: u64,
    /// How often each reason stood; an entry may have several.
    pub reasons: BTreeMap<ReasonCode, u64>,
}

/// Where entries of a list go: a [`ListWriter`], or a caller's own that writes no stream.
pub trait EntrySink {
    /// Takes one entry.
    ///
    /// # Errors
    /// The sink's own.
    fn entry(&mut self, entry: &ListEntry) -> io::Result<()>;

    /// Ends the list.
    ///
    /// # Errors
    /// The sink's own.
    fn finish(self) -> io::Result<WriteReport>;
}

impl<W: Write> EntrySink for ListWriter<W> {
    fn entry(&mut self, entry: &ListEntry) -> io::Result<()> {
        Self::entry(self, entry)
    }

    fn finish(self) -> io::Result<WriteReport> {
        Self::finish(self)
    }
}

/// A list that only what goes out is written to; the rest is listed apart.
pub struct GatedWriter<L, H> {
    list: L,
    held: HeldWriter<H>,
    target: BankKind,
    report: GateReport,
}

impl<L: EntrySink, H: Write> GatedWriter<L, H> {
    /// Gates a list of this kind. Of kinds that are not gated ([`super::is_gated`]) everything goes out.
    pub fn new(list: L, held: HeldWriter<H>, target: BankKind) -> Self {
        Self { list, held, target, report: GateReport::default() }
    }

    /// Writes one entry where it belongs; returns whether it goes out.
    ///
    /// # Errors
    /// The writers' own.
    pub fn entry(&mut self, entry: &ListEntry, facts: &OriginFacts) -> io::Result<bool> {
        match answer(self.target, facts) {
            Answer::GoesOut => self.list.entry(entry).map(|()| true),
            Answer::Held(reasons) => {
                self.report.held += 1;
                for reason in &reasons {
                    *self.report.reasons.entry(reason.code).or_default() += 1;
                }
                self.held.entry(entry, facts, self.target, &reasons).map(|()| false)
            }
        }
    }

    /// Ends both lists.
    ///
    /// # Errors
    /// The writers' own.
    pub fn finish(self) -> io::Result<GateReport> {
        let written = self.list.finish()?;
        self.held.finish()?;
        Ok(GateReport { written, ..self.report })
    }
}
