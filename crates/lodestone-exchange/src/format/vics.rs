//! Project VIC data model 1.2, 1.3 and 2.0: hash sets (`#Media`) and cases (`#Cases`), read one medium at a time.
//!
//! ```text
//! {"@odata.context": "…/2.0.xml/US/$metadata#Media", "value": [ Media, Media, … ]}
//! {"odata.metadata": "…/1.3.xml#Cases",              "value": [ {"CaseID": …, "Media": [ Media, … ]}, … ]}
//! ```
//!
//! Which of the two it is shows in the structure, so that the order of members does not matter. A document that ends
//! early or breaks JSON's rules is fatal: whoever imports keeps nothing of it.

use std::io::BufRead;

use lodestone_types::{ListEntry, Reject};
use serde_json::{Map, Value};

use super::json::{MAX_VALUE, Pull};
use super::{fatal, reject, vics_media};

/// Media of a VICS document.
pub(super) fn read<R: BufRead>(input: R) -> impl Iterator<Item = Result<ListEntry, Reject>> {
    Vics {
        pull: Pull::new(input),
        place: Place::Start,
        record: 0,
        first_root: true,
        first_value: true,
        first_member: true,
        first_medium: true,
        seen_value: false,
        is_case: false,
        fields: Map::new(),
        size: 0,
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

struct Vics<R> {
    pull: Pull<R>,
    place: Place,
    record: u64,
    first_root: bool,
    first_value: bool,
    first_member: bool,
    first_medium: bool,
    seen_value: bool,
    is_case: bool,
    fields: Map<String, Value>,
    size: usize,
}

type Row = Result<ListEntry, Reject>;

impl<R: BufRead> Vics<R> {
    /// One step; `None` when it gave no row yet.
    fn step(&mut self) -> Result<Option<Row>, String> {
        match self.place {
            Place::Start => {
                self.pull.skip_mark()?;
                self.pull.expect(b'{')?;
                self.place = Place::Root;
            }
            Place::Root => match self.pull.member(&mut self.first_root)?.as_deref() {
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
                Some(_) => {
                    self.pull.value()?;
                }
            },
            Place::Values => {
                if !self.pull.element(&mut self.first_value)? {
                    self.place = Place::Root;
                } else if self.pull.peek()? == Some(b'{') {
                    self.pull.expect(b'{')?;
                    self.fields = Map::new();
                    self.size = 0;
                    self.is_case = false;
                    self.first_member = true;
                    self.place = Place::Item;
                } else {
                    let value = self.pull.value()?;
                    return Ok(Some(self.medium(value)));
                }
            }
            Place::Item => match self.pull.member(&mut self.first_member)? {
                None => {
                    self.place = Place::Values;
                    if !self.is_case {
                        let fields = std::mem::take(&mut self.fields);
                        return Ok(Some(self.medium(Value::Object(fields))));
                    }
                }
                Some(name) if name == "Media" && self.pull.peek()? == Some(b'[') => {
                    self.pull.expect(b'[')?;
                    self.is_case = true;
                    self.fields = Map::new();
                    self.first_medium = true;
                    self.place = Place::CaseMedia;
                }
                Some(name) => {
                    let value = self.pull.value()?;
                    self.size = self.size.saturating_add(name.len()).saturating_add(self.pull.captured());
                    if self.size > MAX_VALUE {
                        return Err("a record bigger than 16 MiB".to_owned());
                    }
                    if !self.is_case {
                        self.fields.insert(name, value);
                    }
                }
            },
            Place::CaseMedia => {
                if self.pull.element(&mut self.first_medium)? {
                    let value = self.pull.value()?;
                    return Ok(Some(self.medium(value)));
                }
                self.place = Place::Item;
            }
            Place::Done => {}
        }
        Ok(None)
    }

    fn medium(&mut self, value: Value) -> Row {
        self.record = self.record.saturating_add(1);
        match value {
            Value::Object(fields) => vics_media::from_media(fields, self.record),
            _ => Err(reject(self.record, "not a medium")),
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
