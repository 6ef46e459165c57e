//! Tells a list's format by its content. What a list does not say is never guessed.

use std::borrow::Cow;
use std::io::Read;

use lodestone_types::SignalType;

use super::{
    ListFormat, Refusal, csv, digests, encase, lines::BOM, ndjson, nist_caid, tables, utf16, values,
};

/// How much of a list's beginning [`sniff`] wants to see.
pub const HEAD_BYTES: usize = 1 << 16;

/// What to say when a list does not name the type of its values.
pub(super) const HINT_ANY: &str =
    "say which type they are: --known pdq:FILE, --known md5:FILE, --known sha1:FILE or --known sha256:FILE";

/// Tells the format of a list from its beginning (up to [`HEAD_BYTES`]; the whole list if it is shorter).
///
/// # Errors
/// [`Refusal`] for what is no list, for values of no named type, and for a declared type that the values contradict.
pub fn sniff(head: &[u8], declared: Option<SignalType>) -> Result<ListFormat, Refusal> {
    let format = told(head, declared)?;
    match declared {
        Some(kind) if only_digests(format) && !kind.is_digest() => Err(Refusal::new(
            format!("a {format} list holds digests of files, no {kind} values"),
            format!("give it without {kind}: before its name"),
        )),
        _ => Ok(format),
    }
}

fn only_digests(format: ListFormat) -> bool {
    matches!(
        format,
        ListFormat::Hashdeep
            | ListFormat::NsrlRds2
            | ListFormat::NsrlRds3
            | ListFormat::NistCaid
            | ListFormat::HashKeeper
            | ListFormat::EnCase
            | ListFormat::AutopsyKdb
    )
}

fn told(head: &[u8], declared: Option<SignalType>) -> Result<ListFormat, Refusal> {
    if head.starts_with(SQLITE) {
        return Ok(database(head));
    }
    if head.starts_with(encase::MAGIC) {
        return Ok(ListFormat::EnCase);
    }
    let text = text_of(head)?;
    let text = text.as_ref();
    if text.starts_with('{') {
        if text.lines().next().is_some_and(ndjson::is_row) {
            return Ok(ListFormat::Ndjson);
        }
        return vics(text);
    }
    if text.starts_with('[') {
        return Err(Refusal::new("JSON, but no Project VIC data (no object with \"value\")", ""));
    }
    let lines = data_lines(text, head.len() >= HEAD_BYTES);
    let Some(first) = lines.first().copied() else {
        return Err(Refusal::new("no entries: the list is empty", ""));
    };
    if first.starts_with("%%%%") {
        return if digests::is_hashdeep_magic(first) {
            Ok(ListFormat::Hashdeep)
        } else {
            Err(Refusal::new(
                "a hashdeep list of an unknown version",
                "write it with hashdeep in its default format",
            ))
        };
    }
    if let Some(table) = tables::told(&lines) {
        return table;
    }
    if is_sql(first) {
        return Err(Refusal::new(
            "SQL statements, such as NSRL's quarterly changes: not a list",
            "apply them to the set they belong to (sqlite3 SET.db < FILE), and give that",
        ));
    }
    if is_vpdq_frame(first) {
        return Err(Refusal::new(
            "frames of one video (vPDQ: number, quality, hash, time): not a list of known items",
            "keep the hashes only, one a line, and say --known pdq:FILE",
        ));
    }
    if values::photodna_numbers(first).is_some() {
        return match declared {
            None => Err(untyped(PHOTODNA_DIGITS)),
            Some(kind) => check_lengths(&lines, kind, whole_line).map(|()| ListFormat::Plain),
        };
    }
    if digests::is_bsd_row(first) {
        return Ok(ListFormat::Md5sum);
    }
    if hma_type(first).is_some() {
        return Ok(ListFormat::HmaLocalFile);
    }
    if let Some(header) = csv::header(&lines, declared) {
        return header.map(|()| ListFormat::Csv);
    }
    if let Some(digits) = digests::named_row_digits(first) {
        return match (digits, declared) {
            (32 | 40, None) => Ok(ListFormat::Md5sum),
            (_, None) => Err(untyped(digits)),
            (_, Some(kind)) => {
                check_lengths(&lines, kind, digests::named_row_digits).map(|()| ListFormat::Md5sum)
            }
        };
    }
    let head_value = first.split(',').next().unwrap_or_default().trim();
    if is_value(head_value) {
        let rows = first.contains(',') || lines.iter().any(|line| line.contains(','));
        return match declared {
            None => Err(untyped(head_value.len())),
            Some(SignalType::Pdq) if rows => {
                check_lengths(&lines, SignalType::Pdq, first_field).map(|()| ListFormat::PdqText)
            }
            Some(_) if first.contains(',') => Err(no_header()),
            Some(kind) => check_lengths(&lines, kind, whole_line).map(|()| ListFormat::Plain),
        };
    }
    if first.contains([',', ';', '\t']) {
        return Err(no_header());
    }
    match declared {
        // Perhaps only the first line is bad.
        Some(kind) => check_lengths(&lines, kind, whole_line).map(|()| ListFormat::Plain),
        None if is_photodna_base64(first) => Err(untyped(PHOTODNA_DIGITS)),
        None => Err(Refusal::new("not a list in a format that is known here", HINT_ANY)),
    }
}

const SQLITE: &[u8] = b"SQLite format 3\0";

/// Which database: Autopsy's has tables of its own, whose definitions stand on the first page.
fn database(head: &[u8]) -> ListFormat {
    let has = |what: &[u8]| head.windows(what.len()).any(|window| window == what);
    if has(b"db_properties") && has(b"sha2_256") { ListFormat::AutopsyKdb } else { ListFormat::NsrlRds3 }
}

/// Whether a list begins with a statement of SQL.
fn is_sql(line: &str) -> bool {
    let line = line.trim_start().to_ascii_uppercase();
    ["INSERT INTO ", "DELETE FROM ", "CREATE TABLE ", "BEGIN TRANSACTION", "PRAGMA ", "UPDATE ", "DROP "]
        .iter()
        .any(|statement| line.starts_with(statement))
}

/// `0,100,e2f1…,0.000`. *Source:* ThreatExchange `vpdq/sample-hashes`.
fn is_vpdq_frame(line: &str) -> bool {
    let parts: Vec<&str> = line.trim().split(',').collect();
    matches!(parts.as_slice(), [frame, quality, hash, time]
        if frame.parse::<u32>().is_ok() && quality.parse::<u8>().is_ok() && hash.len() == 64 && is_value(hash)
            && time.bytes().all(|c| c.is_ascii_digit() || c == b'.'))
}

fn is_photodna_base64(text: &str) -> bool {
    let text = text.trim();
    text.len() == 192 && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'+' || c == b'/')
}

/// Hexadecimal digits of a PhotoDNA value.
const PHOTODNA_DIGITS: usize = 288;

/// Likewise when the caller maps columns: then it is CSV, or nothing.
pub(super) fn sniff_mapped(head: &[u8]) -> Result<ListFormat, Refusal> {
    if head.starts_with(SQLITE) {
        return Err(Refusal::new("a database has no CSV columns to map", ""));
    }
    text_of(head).map(|_| ListFormat::Csv)
}

/// When the caller names the format: whether the declared type fits.
pub(super) fn check_declared(
    format: ListFormat,
    head: &[u8],
    declared: Option<SignalType>,
) -> Result<(), Refusal> {
    if !format.is_text() {
        return Ok(());
    }
    let text = text_of(head)?;
    let text = text.as_ref();
    if format == ListFormat::NistCaid {
        return nist_caid::check_head(text);
    }
    let lines = data_lines(text, head.len() >= HEAD_BYTES);
    match (format, declared) {
        (ListFormat::PdqText, Some(SignalType::Pdq) | None) => {
            check_lengths(&lines, SignalType::Pdq, first_field)
        }
        (ListFormat::PdqText, Some(kind)) => Err(Refusal::new(
            format!("PDQ text holds pdq values, not {kind}"),
            "declare pdq, or another format",
        )),
        (ListFormat::Plain, Some(kind)) => check_lengths(&lines, kind, whole_line),
        _ => Ok(()),
    }
}

/// The head as text, without byte order mark and leading blanks.
fn text_of(head: &[u8]) -> Result<Cow<'_, str>, Refusal> {
    if utf16::is_marked(head) {
        let mut decoded = Vec::new();
        // The head may end within a character.
        let _ = utf16::Utf16::new(head).read_to_end(&mut decoded);
        return utf8(&decoded).map(|text| Cow::Owned(text.to_owned()));
    }
    utf8(head).map(Cow::Borrowed)
}

fn utf8(head: &[u8]) -> Result<&str, Refusal> {
    for (magic, what, hint) in [
        (&b"PK\x03\x04"[..], "a zip archive", "unpack it first"),
        (b"\x1f\x8b", "gzip data", "unpack it first"),
        (b"7z\xbc\xaf", "a 7z archive", "unpack it first"),
        (b"\xff\xfe\0\0", "UTF-32 text", "convert it to UTF-8"),
        (b"\0\0\xfe\xff", "UTF-32 text", "convert it to UTF-8"),
    ] {
        if head.starts_with(magic) {
            return Err(Refusal::new(format!("the list is {what}"), hint));
        }
    }
    let head = head.strip_prefix(BOM).unwrap_or(head);
    // Every second byte zero: Latin letters in UTF-16 that nobody has marked.
    let zeros = head.iter().filter(|c| **c == 0).count();
    if zeros > 0 && zeros * 5 > head.len() * 2 && zeros * 5 < head.len() * 3 {
        return Err(Refusal::new("UTF-16 text without a byte order mark", "convert it to UTF-8"));
    }
    let strange = head.iter().filter(|c| matches!(c, 0..=8 | 14..=25 | 28..=31)).count();
    if zeros > 0 || strange * 20 > head.len() {
        return Err(Refusal::new("binary data: not a list", ""));
    }
    // Names in another encoding do not matter here: look at the text before them.
    let text = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) => {
            let valid = head.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
    };
    if text.is_empty() && !head.is_empty() {
        return Err(Refusal::new("binary data: not a list", ""));
    }
    Ok(text.trim_start())
}

/// Lines that hold data; a last line that the head cuts off is left out.
fn data_lines(text: &str, cut: bool) -> Vec<&str> {
    let text = match text.rfind('\n') {
        Some(end) if cut => text.get(..end).unwrap_or(text),
        _ => text,
    };
    text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')).collect()
}

fn vics(text: &str) -> Result<ListFormat, Refusal> {
    if text.contains("\"value\"")
        || text.contains("\"odata.metadata\"")
        || text.contains("\"@odata.context\"")
    {
        Ok(ListFormat::Vics)
    } else {
        Err(Refusal::new("JSON, but no Project VIC data (no \"odata.metadata\", no \"value\")", ""))
    }
}

/// Whether a text has the shape of a value of some type.
fn is_value(text: &str) -> bool {
    matches!(text.len(), 32 | 40 | 64 | 96 | 128 | 288) && text.bytes().all(|c| c.is_ascii_hexdigit())
}

/// The signal type an HMA local file's row starts with; also types that this program does not match.
fn hma_type(line: &str) -> Option<&str> {
    const OTHER: [&str; 9] =
        ["vpdq", "tmk", "url", "raw_text", "trend_query", "pdq_ocr", "tlsh", "tlsh_pdf", "pdq_index"];
    let (kind, rest) = line.trim().split_once([' ', '\t'])?;
    let plausible = !rest.trim().is_empty()
        && kind.bytes().all(|c| c.is_ascii_lowercase() || b"0123456789_".contains(&c));
    (plausible && (OTHER.contains(&kind) || SignalType::HASHES.iter().any(|known| known.as_str() == kind)))
        .then_some(kind)
}

fn whole_line(line: &str) -> Option<usize> {
    // Other spellings count as the digits they stand for.
    if values::base32_sha1(line).is_some() {
        return Some(40);
    }
    if values::photodna_numbers(line).is_some() {
        return Some(PHOTODNA_DIGITS);
    }
    Some(line.trim().chars().count())
}

fn first_field(line: &str) -> Option<usize> {
    Some(line.split(',').next().unwrap_or_default().trim().chars().count())
}

/// Most rows must have the length of the declared type.
fn check_lengths(lines: &[&str], kind: SignalType, length: fn(&str) -> Option<usize>) -> Result<(), Refusal> {
    // Kinds of text have no length to check.
    let Some(size) = kind.size_bytes() else { return Ok(()) };
    let fits = |found: usize| found == size * 2 || (kind == SignalType::Photodna && found == 192);
    let lengths: Vec<usize> = lines.iter().map(|line| length(line).unwrap_or(0)).collect();
    let wrong = lengths.iter().filter(|found| !fits(**found)).count();
    if wrong * 2 <= lengths.len() {
        return Ok(());
    }
    let first = lengths.iter().copied().find(|found| !fits(*found)).unwrap_or(0);
    let looks = match first {
        32 => "; 32 digits are what md5 values have",
        40 => "; 40 digits are what sha1 values have",
        64 => "; 64 digits are what pdq and sha256 values have",
        _ => "",
    };
    Err(Refusal::new(
        format!(
            "the list is declared as {kind} ({} hexadecimal digits), but most of its lines hold something else \
             ({first} characters){looks}",
            size * 2
        ),
        "declare the type its values have",
    ))
}

/// Refusal of values without a type.
fn untyped(digits: usize) -> Refusal {
    match digits {
        64 => Refusal::new(
            "64 hexadecimal digits can be PDQ or SHA-256",
            "say --known pdq:FILE or --known sha256:FILE",
        ),
        32 => Refusal::new(
            "the list does not say what its 32-digit values are (MD5 of pictures, MD5 of videos)",
            "say --known md5:FILE",
        ),
        40 => Refusal::new("the list does not say what its 40-digit values are", "say --known sha1:FILE"),
        288 => {
            Refusal::new("the list does not say what its 288-digit values are", "say --known photodna:FILE")
        }
        _ => Refusal::new(
            format!("values of {digits} hexadecimal digits are of no type that is matched here"),
            HINT_ANY,
        ),
    }
}

fn no_header() -> Refusal {
    Refusal::new(
        "a table whose first row does not name its columns",
        "add a header row such as id,pdq or id,md5, or map its columns: --map pdq=COLUMN,id=COLUMN",
    )
}
