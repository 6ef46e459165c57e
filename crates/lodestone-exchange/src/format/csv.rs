//! Tables whose header row, or whose caller, says what each column holds.

use std::io::BufRead;

use lodestone_types::{ListEntry, Reject, SignalType};
use serde_json::{Map, Value};

use super::exact::{self, Exact};
use super::mapping::{Mapping, Role, told};
use super::records::{Records, delimiter, fields, named_delimiter};
use super::{Refusal, meaningful, plain, reject, spelling, values};

type Row = Result<ListEntry, Reject>;

/// What a first line says as a header: `None` when it names no column that is known here.
pub(super) fn header(lines: &[&str], declared: Option<SignalType>) -> Option<Result<(), Refusal>> {
    let (line, named) = header_line(lines)?;
    let header = fields(line, named.unwrap_or_else(|| delimiter(line)));
    let named = header.iter().any(|name| told(name) != Role::Other);
    named.then(|| roles(&header, declared, None).map(|_| ()))
}

/// The header row, and the delimiter that a spreadsheet has named before it.
pub(super) fn header_line<'t>(lines: &[&'t str]) -> Option<(&'t str, Option<u8>)> {
    let first = lines.first()?;
    match named_delimiter(first) {
        Some(delimiter) => lines.get(1).map(|second| (*second, Some(delimiter))),
        None => Some((first, None)),
    }
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
    Ok(rows(records, Table::new(header, roles, declared)))
}

/// The rows of a table.
pub(super) fn rows<R: BufRead>(records: Records<R>, table: Table) -> impl Iterator<Item = Row> + use<R> {
    records.map(move |record| record.and_then(|(line, fields)| table.row(line, &fields)))
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

/// A table: what its columns are called, and what they hold.
pub(super) struct Table {
    header: Vec<String>,
    roles: Vec<Role>,
    declared: Option<SignalType>,
    has_id: bool,
}

impl Table {
    /// Columns by name and role. What a row has once is told by the first column that holds it; a second such column is
    /// carried. Names that stand twice, or are empty, are told apart, so that no field takes another's place.
    pub(super) fn new(header: Vec<String>, mut roles: Vec<Role>, declared: Option<SignalType>) -> Self {
        let mut seen = Vec::new();
        for role in &mut roles {
            if matches!(role, Role::Id | Role::Quality | Role::Classification | Role::Tags | Role::Extra) {
                if seen.contains(role) {
                    *role = Role::Other;
                } else {
                    seen.push(*role);
                }
            }
        }
        let mut names: Vec<String> = Vec::new();
        for (at, name) in header.into_iter().enumerate() {
            let name = if name.is_empty() { format!("column {}", at + 1) } else { name };
            let mut unique = name.clone();
            let mut number = 2;
            while names.contains(&unique) {
                unique = format!("{name}#{number}");
                number += 1;
            }
            names.push(unique);
        }
        let has_id = roles.contains(&Role::Id);
        Self { header: names, roles, declared, has_id }
    }

    fn row(&self, line: u64, fields: &[String]) -> Row {
        // A delimiter too many at the end says nothing.
        if fields.iter().skip(self.header.len()).any(|field| !field.trim().is_empty()) {
            return Err(reject(line, format!("{} fields under {} columns", fields.len(), self.header.len())));
        }
        let mut entry = ListEntry { line, ..ListEntry::default() };
        let mut extra = Map::new();
        let mut numbers = Map::new();
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
                Role::Extra => match exact::parse(text.as_bytes(), "") {
                    Ok(Exact { fault: Some(fault), .. }) => return Err(reject(line, fault)),
                    Ok(Exact { value: Value::Object(fields), numbers: spelled, .. }) => {
                        numbers.extend(spelled);
                        for (name, value) in fields {
                            carry(&mut extra, name, value, line)?;
                        }
                    }
                    _ => carry(&mut extra, name.clone(), Value::String(field.clone()), line)?,
                },
                Role::Name | Role::Other => {
                    carry(&mut extra, name.clone(), Value::String(field.clone()), line)?;
                }
            }
        }
        if extra.contains_key(spelling::NUMBERS) {
            return Err(reject(line, spelling::RESERVED));
        }
        spelling::keep(&mut extra, numbers);
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

/// Carries a field; none takes another's place.
fn carry(extra: &mut Map<String, Value>, name: String, value: Value, line: u64) -> Result<(), Reject> {
    match extra.insert(name, value) {
        None => Ok(()),
        Some(_) => Err(reject(line, "two carried fields of the same name")),
    }
}

/// Values of one field: one, or several with blanks between.
fn add_values(entry: &mut ListEntry, kind: SignalType, text: &str, line: u64) -> Result<(), Reject> {
    if kind == SignalType::Photodna && values::photodna_numbers(text).is_some() {
        entry.signals.push(values::value(kind, text, line)?);
        return Ok(());
    }
    for value in text.split_ascii_whitespace() {
        entry.signals.push(values::value(kind, value, line)?);
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
