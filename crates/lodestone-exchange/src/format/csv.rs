//! Tables with a header row: CSV by RFC 4180, and NSRL RDSv2, which is one.

use std::io::BufRead;

use lodestone_types::{ListEntry, Reject, RejectKind, SignalType};
use serde_json::{Map, Value};

use super::mapping::{Mapping, Role, told};
use super::{Refusal, fatal, lines::Lines, lines::MAX_LINE, meaningful, plain, reject, signal};

type Row = Result<ListEntry, Reject>;

/// Whether a first line is the header of `NSRLFile.txt`. *Source:* NSRL RDS 2.x.
pub(super) fn is_rds2_header(line: &str) -> bool {
    let names: Vec<_> = fields(line, b',').iter().map(|name| name.trim().to_ascii_uppercase()).collect();
    names.starts_with(&["SHA-1".to_owned(), "MD5".to_owned(), "CRC32".to_owned()])
}

/// What a first line says as a header: `None` when it names no column that is known here.
pub(super) fn header(line: &str, declared: Option<SignalType>) -> Option<Result<(), Refusal>> {
    let header = fields(line, delimiter(line));
    let named = header.iter().any(|name| told(name) != Role::Other);
    named.then(|| roles(&header, declared, None).map(|_| ()))
}

/// A table read by its header, or by the caller's mapping.
pub(super) fn mapped<R: BufRead>(
    input: R,
    declared: Option<SignalType>,
    mapping: Option<&Mapping>,
) -> Result<impl Iterator<Item = Row> + use<R>, Refusal> {
    let mut records = Records::new(input);
    let header = records.header()?;
    let roles = roles(&header, declared, mapping)?;
    let has_id = roles.contains(&Role::Id);
    let table = Table { header, roles, declared, has_id };
    Ok(records.map(move |record| record.and_then(|(line, fields)| table.row(line, &fields))))
}

/// `NSRLFile.txt`: SHA-1 and MD5 of each row, nothing else.
pub(super) fn nsrl_rds2<R: BufRead>(input: R) -> Result<impl Iterator<Item = Row>, Refusal> {
    let mut records = Records::new(input);
    let header = records.header()?;
    let at = |wanted: &str| header.iter().position(|name| name.trim().eq_ignore_ascii_case(wanted));
    let (Some(sha1), Some(md5)) = (at("SHA-1"), at("MD5")) else {
        return Err(Refusal::new("not an NSRLFile.txt: no columns SHA-1 and MD5", ""));
    };
    Ok(records.map(move |record| {
        let (line, fields) = record?;
        let mut entry = ListEntry { entry: line.to_string(), line, ..ListEntry::default() };
        for (at, kind) in [(sha1, SignalType::Sha1), (md5, SignalType::Md5)] {
            let text = fields.get(at).map_or("", |text| text.trim());
            if !text.is_empty() {
                entry.signals.push(signal(kind, text, line)?);
            }
        }
        meaningful(entry)
    }))
}

/// The role of each column.
fn roles(
    header: &[String],
    declared: Option<SignalType>,
    mapping: Option<&Mapping>,
) -> Result<Vec<Role>, Refusal> {
    if let Some(mapping) = mapping {
        return mapping
            .roles(header)
            .map_err(|reason| Refusal::new(reason, format!("its columns: {}", header.join(", "))));
    }
    let mut roles: Vec<Role> = header.iter().map(|name| told(name)).collect();
    // HashKeeper's header: its `hash` is an MD5. *Source:* Autopsy HashkeeperHashSetParser.
    if header.first().is_some_and(|name| name == "file_id") && header.iter().any(|name| name == "hashset_id")
    {
        for role in &mut roles {
            if *role == Role::Value {
                *role = Role::Signal(SignalType::Md5);
            }
        }
    }
    if !roles.contains(&Role::Id)
        && let Some(role) = roles.iter_mut().find(|role| **role == Role::Name)
    {
        *role = Role::Id;
    }
    let named = roles.iter().any(|role| matches!(role, Role::Signal(_)));
    let valued = roles.contains(&Role::Value) && (declared.is_some() || roles.contains(&Role::Kind));
    if named || valued {
        return Ok(roles);
    }
    if roles.contains(&Role::Value) {
        return Err(Refusal::new(
            "a column of values does not say of which type they are",
            "name the column pdq, md5, sha1 or sha256, declare the type (--known pdq:FILE), or map it \
             (--map pdq=COLUMN)",
        ));
    }
    Err(Refusal::new(
        "no column of the table holds values that are known here",
        format!("map its columns (--map pdq=COLUMN,id=COLUMN); its columns: {}", header.join(", ")),
    ))
}

struct Table {
    header: Vec<String>,
    roles: Vec<Role>,
    declared: Option<SignalType>,
    has_id: bool,
}

impl Table {
    fn row(&self, line: u64, fields: &[String]) -> Row {
        if fields.len() > self.header.len() {
            return Err(reject(line, format!("{} fields under {} columns", fields.len(), self.header.len())));
        }
        let mut entry = ListEntry { line, ..ListEntry::default() };
        let mut extra = Map::new();
        let mut kind = self.declared;
        for (field, role) in fields.iter().zip(&self.roles) {
            if *role == Role::Kind && !field.trim().is_empty() {
                kind = Some(kind_of(field, line)?);
            }
        }
        for ((field, role), name) in fields.iter().zip(&self.roles).zip(&self.header) {
            let text = field.trim();
            if text.is_empty() {
                continue;
            }
            match role {
                Role::Signal(kind) => add_values(&mut entry, *kind, text, line)?,
                Role::Value => {
                    let kind = kind.ok_or_else(|| reject(line, "a value without a type"))?;
                    add_values(&mut entry, kind, text, line)?;
                }
                Role::Id => entry.entry = text.to_owned(),
                Role::Quality => entry.pdq_quality = Some(plain::quality(line, text)?),
                Role::Classification => entry.classification = Some(text.to_owned()),
                Role::Tags => entry.tags = split_tags(text),
                Role::Kind => {}
                Role::Extra => match serde_json::from_str::<Value>(text) {
                    Ok(Value::Object(fields)) => extra.extend(fields),
                    _ => {
                        extra.insert(name.clone(), Value::String(field.clone()));
                    }
                },
                Role::Name | Role::Other => {
                    extra.insert(name.clone(), Value::String(field.clone()));
                }
            }
        }
        if entry.entry.is_empty() {
            if self.has_id && entry.signals.is_empty() {
                return Err(reject(line, "no value"));
            }
            entry.entry = line.to_string();
        }
        if !extra.is_empty() {
            entry.extra = Some(Value::Object(extra));
        }
        meaningful(entry)
    }
}

/// Values of one field: one, or several with blanks between.
fn add_values(entry: &mut ListEntry, kind: SignalType, text: &str, line: u64) -> Result<(), Reject> {
    for value in text.split_ascii_whitespace() {
        entry.signals.push(signal(kind, value, line)?);
    }
    Ok(())
}

fn kind_of(text: &str, line: u64) -> Result<SignalType, Reject> {
    match told(text) {
        Role::Signal(kind) => Ok(kind),
        _ => Err(reject(line, "a signal type that is not supported")),
    }
}

/// Tags in one field, with `;`, `|` or `,` between; our own writer uses a JSON array where a tag holds one of them.
pub(super) fn split_tags(text: &str) -> Vec<String> {
    if text.starts_with('[')
        && let Ok(tags) = serde_json::from_str::<Vec<String>>(text)
    {
        return tags;
    }
    text.split([';', '|', ',']).map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

/// The delimiter of a header row: the one of `,` `;` tab that stands most often outside quotes.
fn delimiter(header: &str) -> u8 {
    let mut counts = [(0u32, b','), (0, b';'), (0, b'\t')];
    let mut quoted = false;
    for c in header.bytes() {
        quoted ^= c == b'"';
        if !quoted {
            for (count, delimiter) in &mut counts {
                *count += u32::from(c == *delimiter);
            }
        }
    }
    // The first of equals: a comma.
    counts.iter().rev().max_by_key(|(count, _)| *count).map_or(b',', |(_, delimiter)| *delimiter)
}

/// Where a record stands between two characters. A quote opens only at the beginning of a field; elsewhere it is a
/// character like others (`5" disk`).
#[derive(Clone, Copy)]
struct Quoting {
    quoted: bool,
    blank: bool,
}

/// What a character is in its record.
enum Part {
    Text,
    Delimiter,
    Quote,
    /// The first of two quotes that stand for one.
    Pair,
}

impl Quoting {
    fn start() -> Self {
        Self { quoted: false, blank: true }
    }

    fn step(&mut self, c: u8, next: Option<u8>, delimiter: u8) -> Part {
        if c == b'"' && self.quoted {
            if next == Some(b'"') {
                return Part::Pair;
            }
            self.quoted = false;
            return Part::Quote;
        }
        if c == b'"' && self.blank {
            *self = Self { quoted: true, blank: false };
            return Part::Quote;
        }
        if c == delimiter && !self.quoted {
            self.blank = true;
            return Part::Delimiter;
        }
        self.blank &= c == b' ' || c == b'\t';
        Part::Text
    }
}

/// Fields of one complete record.
fn fields(record: &str, delimiter: u8) -> Vec<String> {
    let mut out = Vec::new();
    let mut field = String::new();
    let mut quoting = Quoting::start();
    let mut text_from = 0;
    let bytes = record.as_bytes();
    let mut at = 0;
    while let Some(c) = bytes.get(at) {
        let part = quoting.step(*c, bytes.get(at + 1).copied(), delimiter);
        if !matches!(part, Part::Text) {
            // All parts but text are ASCII, so that these are character boundaries.
            field.push_str(record.get(text_from..at).unwrap_or_default());
            text_from = at + 1;
        }
        match part {
            Part::Text => {}
            Part::Delimiter => out.push(std::mem::take(&mut field)),
            Part::Quote => {
                if quoting.quoted {
                    field.clear();
                }
            }
            Part::Pair => {
                field.push('"');
                at += 1;
                text_from = at + 1;
            }
        }
        at += 1;
    }
    field.push_str(record.get(text_from..).unwrap_or_default());
    out.push(field);
    out
}

/// Records with the line they start on. A quoted field may span lines.
struct Records<R> {
    lines: Lines<R>,
    delimiter: Option<u8>,
    done: bool,
}

impl<R: BufRead> Records<R> {
    fn new(input: R) -> Self {
        Self { lines: Lines::new(input), delimiter: None, done: false }
    }

    /// The first record, which names the columns, and with it the delimiter.
    fn header(&mut self) -> Result<Vec<String>, Refusal> {
        match self.record() {
            None => Err(Refusal::new("no entries: the list is empty", "")),
            Some(Err(error)) => Err(Refusal::new(error.reason, "")),
            Some(Ok((_, header))) => Ok(header.iter().map(|name| name.trim().to_owned()).collect()),
        }
    }

    fn record(&mut self) -> Option<Result<(u64, Vec<String>), Reject>> {
        let mut record = String::new();
        let mut start = 0;
        let mut quoting = Quoting::start();
        loop {
            let (line, bytes) = match self.lines.next_line() {
                Some(Ok(line)) => line,
                Some(Err(error)) => return Some(Err(error)),
                None if start == 0 => return None,
                None => return Some(Err(fatal(start, "the list ends within quotes: it is cut short"))),
            };
            if start == 0 {
                // Blank rows are none; comments only stand before the header, an id may well start with `#`.
                if bytes.trim_ascii().is_empty() || (self.delimiter.is_none() && bytes.starts_with(b"#")) {
                    continue;
                }
                start = line;
            } else {
                record.push('\n');
            }
            let from = record.len();
            record.push_str(&String::from_utf8_lossy(bytes));
            if record.len() > MAX_LINE {
                return Some(Err(fatal(start, "a record longer than 1 MiB: a quote is not closed")));
            }
            let added = record.get(from..).unwrap_or_default();
            let delimiter = *self.delimiter.get_or_insert_with(|| delimiter(added));
            let mut rest = added.bytes().peekable();
            while let Some(c) = rest.next() {
                if let Part::Pair = quoting.step(c, rest.peek().copied(), delimiter) {
                    rest.next();
                }
            }
            if !quoting.quoted {
                return Some(Ok((start, fields(&record, delimiter))));
            }
        }
    }
}

impl<R: BufRead> Iterator for Records<R> {
    type Item = Result<(u64, Vec<String>), Reject>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let record = self.record()?;
        self.done = matches!(&record, Err(error) if error.kind == RejectKind::Fatal);
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_hold_delimiters_quotes_and_line_ends() {
        assert_eq!(fields(r#"a,"b,""c""",d"#, b','), ["a", "b,\"c\"", "d"]);
        assert_eq!(fields(r#"5" disk, "é,é" ,"#, b','), ["5\" disk", "é,é ", ""]);
        let mut records = Records::new(&b"h1,h2\n1,\"two\nlines\"\n3,4"[..]);
        records.header().unwrap();
        let rows: Vec<_> = records.map(Result::unwrap).collect();
        assert_eq!(rows[0], (2, vec!["1".to_owned(), "two\nlines".to_owned()]));
        assert_eq!(rows[1].0, 4);
    }

    #[test]
    fn the_delimiter_is_the_most_frequent_outside_quotes() {
        assert_eq!(delimiter("a;b;\"c,d,e\""), b';');
        assert_eq!(delimiter("a\tb"), b'\t');
        assert_eq!(delimiter("pdq"), b',');
    }
}
