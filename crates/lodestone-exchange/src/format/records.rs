//! Records of a table with a delimiter: RFC 4180, as spreadsheets and databases write it.

use std::io::BufRead;

use lodestone_types::{Reject, RejectKind};

use super::lines::{Lines, MAX_LINE, text};
use super::{Refusal, fatal};

/// The delimiter of a header row: the one of `,` `;` tab that stands most often outside quotes.
pub(super) fn delimiter(header: &str) -> u8 {
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

/// The delimiter that a spreadsheet's own first line names: `sep=;`.
pub(super) fn named_delimiter(line: &str) -> Option<u8> {
    match line.trim_end().as_bytes() {
        [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', delimiter @ (b',' | b';' | b'|')] => Some(*delimiter),
        _ if line.trim_end_matches(['\r', '\n']).eq_ignore_ascii_case("sep=\t") => Some(b'\t'),
        _ => None,
    }
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
pub(super) fn fields(record: &str, delimiter: u8) -> Vec<String> {
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
pub(super) struct Records<R> {
    lines: Lines<R>,
    delimiter: Option<u8>,
    done: bool,
}

impl<R: BufRead> Records<R> {
    pub(super) fn new(input: R) -> Self {
        Self { lines: Lines::new(input), delimiter: None, done: false }
    }

    /// The first record, which names the columns, and with it the delimiter.
    pub(super) fn header(&mut self) -> Result<Vec<String>, Refusal> {
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
            record.push_str(&text(bytes));
            if record.len() > MAX_LINE {
                return Some(Err(fatal(start, "a record longer than 1 MiB: a quote is not closed")));
            }
            let added = record.get(from..).unwrap_or_default();
            if self.delimiter.is_none()
                && let Some(named) = named_delimiter(added)
            {
                self.delimiter = Some(named);
                record.clear();
                start = 0;
                continue;
            }
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
