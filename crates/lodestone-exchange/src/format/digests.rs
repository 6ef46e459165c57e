//! Lists that digest tools write: hashdeep, md5sum and its kin.

use std::io::BufRead;

use lodestone_types::{ListEntry, Reject, SignalType};

use super::{meaningful, plain, reject, signal, values};

type Row = Result<ListEntry, Reject>;

/// Whether a line is the first of a hashdeep list.
pub(super) fn is_hashdeep_magic(line: &str) -> bool {
    line.trim_end() == "%%%% HASHDEEP-1.0"
}

/// hashdeep: a magic line, a line that names the columns, `##` comments, rows `size,md5,sha256,filename`.
pub(super) fn hashdeep<R: BufRead>(input: R) -> impl Iterator<Item = Row> {
    let mut columns: Vec<(String, Option<SignalType>)> = Vec::new();
    let mut seen_magic = false;
    plain::rows(input, move |line, text| {
        if !seen_magic {
            seen_magic = true;
            return if is_hashdeep_magic(text) {
                None
            } else {
                plain::fatal_row(line, "not a hashdeep list: no %%%% HASHDEEP-1.0")
            };
        }
        if let Some(names) = text.strip_prefix("%%%%") {
            // Two lists written one after the other repeat both lines.
            if is_hashdeep_magic(text) {
                columns.clear();
                return None;
            }
            columns = names.split(',').map(|name| (name.trim().to_owned(), column(name))).collect();
            let named = columns.len() >= 2
                && names.trim().starts_with("size,")
                && names.trim_end().ends_with(",filename")
                && columns.iter().any(|(_, kind)| kind.is_some());
            return if named {
                None
            } else {
                plain::fatal_row(line, "hashdeep columns that are not known here")
            };
        }
        if columns.is_empty() {
            return plain::fatal_row(line, "a hashdeep list that does not name its columns");
        }
        Some(hashdeep_row(line, text, &columns))
    })
}

/// The digests of hashdeep that are known here; `sha-1` is one of its names too.
fn column(name: &str) -> Option<SignalType> {
    match name.trim() {
        "md5" => Some(SignalType::Md5),
        "sha1" | "sha-1" => Some(SignalType::Sha1),
        "sha256" | "sha-256" => Some(SignalType::Sha256),
        _ => None,
    }
}

fn hashdeep_row(line: u64, text: &str, columns: &[(String, Option<SignalType>)]) -> Row {
    let fields: Vec<&str> = text.splitn(columns.len(), ',').collect();
    if fields.len() != columns.len() {
        return Err(reject(line, format!("{} fields where {} are named", fields.len(), columns.len())));
    }
    let mut entry = ListEntry { entry: line.to_string(), line, ..ListEntry::default() };
    let mut others = serde_json::Map::new();
    let last = columns.len() - 1;
    for (at, (field, (name, kind))) in fields.iter().zip(columns).enumerate() {
        match kind {
            Some(kind) => entry.signals.push(signal(*kind, field, line)?),
            // Whirlpool and Tiger.
            None if at > 0 && at < last => {
                others.insert(name.clone(), (*field).into());
            }
            None => {}
        }
    }
    if let (Some(size), Some(name)) = (fields.first(), fields.last()) {
        let size: u64 = size.trim().parse().map_err(|_| reject(line, "size is not a number"))?;
        let mut extra = serde_json::json!({ "filename": name, "size": size });
        if let Some(extra) = extra.as_object_mut() {
            extra.extend(others);
        }
        entry.extra = Some(extra);
    }
    meaningful(entry)
}

/// `hash  name`, `hash *name`, `\hash  name` with escapes, `MD5 (name) = hash`. `declared` names the type of rows that
/// do not tell theirs.
pub(super) fn md5sum<R: BufRead>(input: R, declared: Option<SignalType>) -> impl Iterator<Item = Row> {
    plain::rows(input, move |line, text| Some(md5sum_row(line, text, declared)))
}

fn md5sum_row(line: u64, text: &str, declared: Option<SignalType>) -> Row {
    let (escaped, text) = match text.strip_prefix('\\') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (kind, value, name) = if let Some((kind, name, value)) = bsd_row(text) {
        (kind, value, name)
    } else {
        let (value, name) = split_named(text).ok_or_else(|| reject(line, "not of the form `hash  name`"))?;
        let kind = match (declared, value.len()) {
            (Some(kind), _) => kind,
            (None, 32) => SignalType::Md5,
            (None, 40) => SignalType::Sha1,
            (None, digits) => {
                return Err(reject(
                    line,
                    format!("the type of a value of {digits} characters is not declared"),
                ));
            }
        };
        (kind, value, name)
    };
    let name = if escaped { unescape(name) } else { name.to_owned() };
    let signals = vec![values::value(kind, value, line)?];
    let extra = Some(serde_json::json!({ "filename": name }));
    meaningful(ListEntry { entry: line.to_string(), signals, extra, line, ..ListEntry::default() })
}

/// `hash  name` or `hash *name`, or with any blanks between.
fn split_named(text: &str) -> Option<(&str, &str)> {
    let (value, rest) = text.trim_start().split_once([' ', '\t'])?;
    let name = rest.strip_prefix([' ', '*']).unwrap_or(rest).trim_start_matches([' ', '\t']);
    (!name.trim().is_empty()).then_some((value, name))
}

/// Digits of the value in a `hash  name` row; `None` when it is none.
pub(super) fn named_row_digits(line: &str) -> Option<usize> {
    let (value, _) = split_named(line.trim_start_matches('\\'))?;
    (value.len() >= 32 && value.bytes().all(|c| c.is_ascii_hexdigit())).then_some(value.len())
}

/// Whether a row is of the form `MD5 (name) = hash`.
pub(super) fn is_bsd_row(line: &str) -> bool {
    bsd_row(line.trim_start_matches('\\')).is_some()
}

fn bsd_row(text: &str) -> Option<(SignalType, &str, &str)> {
    let (kind, rest) = text.split_once(" (")?;
    let kind = match kind.trim() {
        "MD5" => SignalType::Md5,
        "SHA1" => SignalType::Sha1,
        "SHA256" | "SHA2-256" => SignalType::Sha256,
        _ => return None,
    };
    let (name, value) = rest.rsplit_once(") = ")?;
    Some((kind, name, value))
}

/// GNU escapes in names: `\\`, `\n`, `\r`.
fn unescape(name: &str) -> String {
    let mut out = String::new();
    let mut chars = name.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('\\') | None => out.push('\\'),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_escapes_and_parentheses_are_read() {
        let md5 = "ab".repeat(16);
        let row = md5sum_row(1, &format!("\\{md5}  a\\nb\\\\c"), None).unwrap();
        assert_eq!(row.extra.unwrap()["filename"], "a\nb\\c");
        let row = md5sum_row(1, &format!("MD5 (a (1) = x.png) = {md5}"), None).unwrap();
        assert_eq!(row.extra.unwrap()["filename"], "a (1) = x.png");
        assert_eq!(
            md5sum_row(1, &format!("{md5} *b.png"), None).unwrap().extra.unwrap()["filename"],
            "b.png"
        );
    }

    #[test]
    fn a_64_digit_row_needs_its_type_declared() {
        let value = "ab".repeat(32);
        assert!(md5sum_row(1, &format!("{value}  a"), None).is_err());
        let row = md5sum_row(1, &format!("{value}  a"), Some(SignalType::Sha256)).unwrap();
        assert_eq!(row.signals[0].kind(), SignalType::Sha256);
    }
}
