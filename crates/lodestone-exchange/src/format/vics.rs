//! Project VIC data model 1.2, 1.3 and 2.0: hash sets (`#Media`) and cases (`#Cases`), read one medium at a time.
//!
//! ```text
//! {"@odata.context": "…/2.0.xml/US/$metadata#Media", "value": [ Media, Media, … ]}
//! {"odata.metadata": "…/1.3.xml#Cases",              "value": [ {"CaseID": …, "Media": [ Media, … ]}, … ]}
//! ```
//!
//! Which of the two it is shows in the structure, so that the order of members does not matter. A document that ends
//! early or breaks JSON's rules is fatal: whoever imports keeps nothing of it. A medium that is of no use in itself (a
//! text that is no UTF-8, a name twice, a value of the wrong kind) is a reject, and the next one is read.

use std::io::BufRead;

use lodestone_types::{ListEntry, Reject};
use serde_json::{Map, Value};

use super::exact::{self, Exact};
use super::json::{MAX_VALUE, Pull};
use super::{fatal, nist_caid, reject, vics_media};

/// What the media of a document may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Known material.
    Material,
    /// NIST's known software: see [`nist_caid`].
    Software,
}

/// Media of a VICS document.
pub(super) fn read<R: BufRead>(input: R, holds: Holds) -> impl Iterator<Item = Result<ListEntry, Reject>> {
    Vics {
        pull: Pull::new(input),
        holds,
        place: Place::Start,
        record: 0,
        first_root: true,
        first_value: true,
        first_member: true,
        first_medium: true,
        seen_value: false,
        item: Item::default(),
    }
}

enum Place {
    Start,
    Root,
    Values,
    /// Within a medium or a case: which of them shows when a member `Media` comes.
    Item,
    CaseMedia,
    Done,
}

/// A medium or a case as far as it has been read.
#[derive(Default)]
struct Item {
    is_case: bool,
    fields: Map<String, Value>,
    numbers: Map<String, Value>,
    /// Why it is of no use.
    fault: Option<&'static str>,
    /// It has hashes of its own: a case has none.
    has_hash: bool,
    size: usize,
    values: u32,
}

struct Vics<R> {
    pull: Pull<R>,
    holds: Holds,
    place: Place,
    record: u64,
    first_root: bool,
    first_value: bool,
    first_member: bool,
    first_medium: bool,
    seen_value: bool,
    item: Item,
}

type Row = Result<ListEntry, Reject>;

/// Names that only a medium has.
const HASHES: [&str; 5] = ["MD5", "SHA1", "SHA256", "PhotoDNA", "AlternativeHashes"];

impl<R: BufRead> Vics<R> {
    /// One step; `None` when it gave no row yet.
    fn step(&mut self) -> Result<Option<Row>, String> {
        match self.place {
            Place::Start => {
                self.pull.skip_mark()?;
                self.pull.expect(b'{')?;
                self.place = Place::Root;
            }
            Place::Root => return self.root(),
            Place::Values => {
                if !self.pull.element(&mut self.first_value)? {
                    self.place = Place::Root;
                } else if self.pull.peek()? == Some(b'{') {
                    self.pull.expect(b'{')?;
                    self.item = Item::default();
                    self.first_member = true;
                    self.place = Place::Item;
                } else {
                    let value = self.pull.exact("")?;
                    return self.medium(value).map(Some);
                }
            }
            Place::Item => return self.member(),
            Place::CaseMedia => {
                if self.pull.element(&mut self.first_medium)? {
                    let value = self.pull.exact("")?;
                    return self.medium(value).map(Some);
                }
                self.place = Place::Item;
            }
            Place::Done => {}
        }
        Ok(None)
    }

    fn root(&mut self) -> Result<Option<Row>, String> {
        match self.pull.member(&mut self.first_root)?.as_deref() {
            None => {
                if self.pull.peek()?.is_some() {
                    return Err("not valid JSON: data after its end".to_owned());
                }
                if !self.seen_value {
                    return Err("no Project VIC data: no \"value\"".to_owned());
                }
                self.place = Place::Done;
            }
            Some("value") => {
                self.pull.expect(b'[')?;
                self.seen_value = true;
                self.first_value = true;
                self.place = Place::Values;
            }
            Some(name) => {
                let value = self.pull.exact("")?.value;
                if name.ends_with("odata.nextLink") && !value.is_null() {
                    // OData's way to say that a document is one page of several.
                    let reason = "the document is one page of several (nextLink): the others are not in it";
                    return Ok(Some(Err(reject(self.record, reason))));
                }
            }
        }
        Ok(None)
    }

    fn member(&mut self) -> Result<Option<Row>, String> {
        match self.pull.member(&mut self.first_member)? {
            None => {
                self.place = Place::Values;
                let item = std::mem::take(&mut self.item);
                if !item.is_case {
                    let value = Value::Object(item.fields);
                    let exact =
                        Exact { value, numbers: item.numbers, fault: item.fault, values: item.values };
                    return self.medium(exact).map(Some);
                }
                if item.has_hash {
                    return Ok(Some(Err(reject(
                        self.record,
                        "a medium that holds media: its own hashes are not taken",
                    ))));
                }
            }
            Some(name) if name == "Media" && self.pull.peek()? == Some(b'[') => {
                if self.holds == Holds::Software {
                    return Err(nist_caid::NOT_SOFTWARE.to_owned());
                }
                self.pull.expect(b'[')?;
                // What a case says of itself and of those who work on it is no part of a list.
                self.item = Item { is_case: true, has_hash: self.item.has_hash, ..Item::default() };
                self.first_medium = true;
                self.place = Place::CaseMedia;
            }
            Some(name) => {
                let mut at = String::new();
                exact::push(&mut at, &name);
                let exact = self.pull.exact(&at)?;
                let item = &mut self.item;
                item.size = item.size.saturating_add(name.len()).saturating_add(self.pull.captured());
                if item.size > MAX_VALUE {
                    return Err("a record bigger than 16 MiB".to_owned());
                }
                item.has_hash |= HASHES.contains(&name.as_str()) && !exact.value.is_null();
                item.values = item.values.saturating_add(exact.values);
                if item.values > exact::MAX_VALUES {
                    item.fault = item.fault.or(Some(exact::TOO_MANY));
                } else if !item.is_case {
                    item.fault = item.fault.or(exact.fault);
                    item.numbers.extend(exact.numbers);
                    if item.fields.insert(name, exact.value).is_some() {
                        item.fault = Some("a name that stands twice in one object");
                    }
                }
            }
        }
        Ok(None)
    }

    /// A medium as a row; an error is fatal.
    fn medium(&mut self, medium: Exact) -> Result<Row, String> {
        self.record = self.record.saturating_add(1);
        if let Some(fault) = medium.fault {
            return Ok(Err(reject(self.record, fault)));
        }
        let Value::Object(fields) = medium.value else {
            return Ok(Err(reject(self.record, "not a medium")));
        };
        match self.holds {
            Holds::Material => Ok(vics_media::from_media(fields, medium.numbers, self.record)),
            Holds::Software => nist_caid::from_media(&fields, self.record),
        }
    }
}

impl<R: BufRead> Iterator for Vics<R> {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        while !matches!(self.place, Place::Done) {
            match self.step() {
                Ok(None) => {}
                Ok(Some(row)) => return Some(row),
                Err(reason) => {
                    self.place = Place::Done;
                    return Some(Err(fatal(self.record.saturating_add(1), reason)));
                }
            }
        }
        None
    }
}
