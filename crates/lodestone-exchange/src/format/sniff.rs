//! Tells a list's format by its content. What a list does not say is never guessed.

use lodestone_types::SignalType;

use super::{ListFormat, Refusal, csv, digests, lines::BOM, ndjson};

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
    matches!(format, ListFormat::Hashdeep | ListFormat::NsrlRds2 | ListFormat::NsrlRds3)
}

fn told(head: &[u8], declared: Option<SignalType>) -> Result<ListFormat, Refusal> {
    if head.starts_with(b"SQLite format 3\0") {
        return Ok(ListFormat::NsrlRds3);
    }
    let text = text_of(head)?;
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
    if csv::is_rds2_header(first) {
        return Ok(ListFormat::NsrlRds2);
    }
    if digests::is_bsd_row(first) {
        return Ok(ListFormat::Md5sum);
    }
    if hma_type(first).is_some() {
        return Ok(ListFormat::HmaLocalFile);
    }
    if let Some(header) = csv::header(first, declared) {
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
        None => Err(Refusal::new("not a list in a format that is known here", HINT_ANY)),
    }
}

/// Likewise when the caller maps columns: then it is CSV, or nothing.
pub(super) fn sniff_mapped(head: &[u8]) -> Result<ListFormat, Refusal> {
    if head.starts_with(b"SQLite format 3\0") {
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
    if format == ListFormat::NsrlRds3 {
        return Ok(());
    }
    let text = text_of(head)?;
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
fn text_of(head: &[u8]) -> Result<&str, Refusal> {
    if head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]) {
        return Err(Refusal::new("the list is UTF-16 text", "convert it to UTF-8"));
    }
    for (magic, what) in [
        (&b"PK\x03\x04"[..], "a zip archive"),
        (b"\x1f\x8b", "gzip data"),
        (b"7z\xbc\xaf", "a 7z archive"),
        (b"HASH\r\n\xff\0", "an EnCase hash set"),
    ] {
        if head.starts_with(magic) {
            let hint = if what.contains("EnCase") { "export it as text or CSV" } else { "unpack it first" };
            return Err(Refusal::new(format!("the list is {what}"), hint));
        }
    }
    let head = head.strip_prefix(BOM).unwrap_or(head);
    let strange = head.iter().filter(|c| matches!(c, 0..=8 | 14..=26 | 28..=31)).count();
    if head.contains(&0) || strange * 20 > head.len() {
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
