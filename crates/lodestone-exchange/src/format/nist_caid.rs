//! NIST's known software in the shape of Project VIC's model 1.2, as it is made for CAID: known-good only.
//!
//! ```text
//! {"odata.metadata": "http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media",
//!  "value": [ {"MediaID": 1, "MD5": …, "SHA1": …, "MediaSize": "512", "MediaFiles": [{"FileName": …}]}, … ]}
//! ```
//!
//! A set of known material in model 1.2 begins with the same line, and as known-good it would hide evidence. So this
//! format is never told by content: the caller says it. And it holds nothing but digests, sizes and names of files: the
//! first medium that says anything else (a category, a PhotoDNA value, a victim) ends the whole list. Names and sizes are
//! not kept, as with the other sets of NSRL.
//!
//! *Source:* IPED, `HashDBTool.readNistCaid`.

use lodestone_types::{ListEntry, Reject, SignalType};
use serde_json::{Map, Value};

use super::{Refusal, meaningful, reject, signal, vics_media};

/// Why a list ends.
pub(super) const NOT_SOFTWARE: &str = "this is no list of software: a medium says more than digests, size and names; as known-good it would hide evidence";

/// Names that a medium of NIST's may have, without case.
const NAMES: [&str; 9] =
    ["mediaid", "md5", "sha1", "sha256", "mediasize", "filename", "mediafiles", "mimetype", "odata.type"];

/// Whether a list begins as NIST's does.
///
/// # Errors
/// [`Refusal`] for another model and for cases.
pub(super) fn check_head(text: &str) -> Result<(), Refusal> {
    let plain: String = text.chars().take(4096).filter(|c| !c.is_whitespace()).collect();
    let plain = plain.to_ascii_lowercase();
    if plain.starts_with("{\"odata.metadata\":\"") && plain.contains("/1.2.xml#media\"") {
        return Ok(());
    }
    Err(Refusal::new(
        "not NIST's set for CAID: it begins with \"odata.metadata\" of model 1.2, #Media",
        "a Project VIC set is --as vics, and never known-good",
    ))
}

/// Reads a medium; an error is fatal.
pub(super) fn from_media(
    fields: &Map<String, Value>,
    record: u64,
) -> Result<Result<ListEntry, Reject>, String> {
    for (name, value) in fields {
        let says = match value {
            Value::Null => false,
            Value::String(text) => !text.trim().is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        };
        if says && !NAMES.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(NOT_SOFTWARE.to_owned());
        }
    }
    Ok(entry(fields, record))
}

fn entry(fields: &Map<String, Value>, record: u64) -> Result<ListEntry, Reject> {
    let mut entry = ListEntry { line: record, ..ListEntry::default() };
    entry.entry =
        vics_media::word(vics_media::field(fields, "MediaID")).unwrap_or_else(|| record.to_string());
    for (name, kind) in [("MD5", SignalType::Md5), ("SHA1", SignalType::Sha1), ("SHA256", SignalType::Sha256)]
    {
        match vics_media::field(fields, name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.trim().is_empty() => {}
            Some(Value::String(text)) => entry.signals.push(signal(kind, text, record)?),
            Some(_) => return Err(reject(record, format!("{name} is no text"))),
        }
    }
    meaningful(entry)
}
