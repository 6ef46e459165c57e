//! Who is known to write a signature. The file format is described in `docs/formats/structures.md`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::signature::{Digest, Level, SIGNATURE_VERSION, Signature};
use crate::kit::KitError;

/// Built-in files, with their names.
const BUILT_IN: [(&str, &str); 2] = [
    ("cameras.ndjson", include_str!("../../structures/cameras.ndjson")),
    ("software.ndjson", include_str!("../../structures/software.ndjson")),
];
/// Bytes of a database file. 64 MiB: some 200,000 entries.
const MAX_FILE: u64 = 64 << 20;

/// What kind of writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A camera.
    Camera,
    /// A phone.
    Phone,
    /// A library that many programs use.
    Library,
    /// An editor.
    Editor,
    /// A service that re-encodes what is uploaded.
    Social,
    /// Not known.
    Unknown,
}

impl Class {
    /// Its name in facts and files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Camera => "camera",
            Self::Phone => "phone",
            Self::Library => "library",
            Self::Editor => "editor",
            Self::Social => "social",
            Self::Unknown => "unknown",
        }
    }
}

/// The first line of a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) format: String,
    pub(super) version: u8,
    pub(super) name: String,
    pub(super) date: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) licence: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) sources: BTreeMap<String, String>,
}

pub(super) const FORMAT: &str = "lodestone-structures";

/// Every other line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) level: Level,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) digest: Option<String>,
    /// Instead of a digest, at level `tables`: the tables in file order, each row by row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) rows: Vec<Vec<u16>>,
    pub(super) class: Class,
    pub(super) who: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) models: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) files: Option<u32>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) sources: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) note: Option<String>,
}

/// Who is known to write a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// How closely it was compared.
    pub level: Level,
    /// What kind of writer.
    pub class: Class,
    /// Maker, program or service, or the operator's label.
    pub who: String,
    /// Models, versions or settings.
    pub models: Vec<String>,
    /// Files it was learned from; `None` where it was published or computed.
    pub files: Option<u32>,
    /// The database's name and date.
    pub database: String,
}

/// Known structures: built in, and learned from the operator's own files. Immutable once loaded; cheap to copy.
#[derive(Clone, Debug, Default)]
pub struct Database {
    files: Vec<Arc<File>>,
}

/// One file's entries.
#[derive(Debug)]
struct File {
    described: String,
    known: Vec<Known>,
    index: BTreeMap<(Level, Digest), Vec<usize>>,
}

impl Database {
    /// What is built in. Parsed once.
    pub fn built_in() -> Self {
        static PARSED: LazyLock<Database> = LazyLock::new(|| {
            let mut database = Database::default();
            for (name, text) in BUILT_IN {
                let added = database.add_text(name, text);
                debug_assert_eq!(added, Ok(()), "built-in files are tested");
            }
            database
        });
        PARSED.clone()
    }

    /// Adds a file written by [`super::Learner`] or by hand.
    ///
    /// # Errors
    /// When it cannot be read, is above 64 MiB, or a line is not as the format says.
    pub fn add_file(&mut self, path: &Path) -> Result<(), KitError> {
        let io = |source| KitError::Io { path: path.to_owned(), source };
        let invalid = |what| KitError::Invalid { path: path.to_owned(), what };
        if std::fs::metadata(path).map_err(io)?.len() > MAX_FILE {
            return Err(invalid(format!("above {MAX_FILE} bytes")));
        }
        let text = std::fs::read_to_string(path).map_err(io)?;
        let name = path.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        self.add_text(&name, &text).map_err(invalid)
    }

    /// Adds a file's text. Nothing is added when a line is wrong.
    ///
    /// # Errors
    /// What is wrong, with its line number.
    pub fn add_text(&mut self, file: &str, text: &str) -> Result<(), String> {
        self.files.push(Arc::new(File::parse(file, text)?));
        Ok(())
    }

    /// Names, dates and digests of the files in use, one line each.
    pub fn describe(&self) -> Vec<String> {
        self.files.iter().map(|f| f.described.clone()).collect()
    }

    /// Who is known to write this structure: exact matches first, then tables, then layout; in the order of the files.
    ///
    /// Cost: three look-ups in a sorted map for each file, below a microsecond.
    pub fn look_up(&self, signature: &Signature) -> Vec<&Known> {
        let mut found = Vec::new();
        for level in [Level::Exact, Level::Tables, Level::Layout] {
            let key = (level, signature.digest(level));
            for file in &self.files {
                found.extend(file.index.get(&key).into_iter().flatten().filter_map(|&i| file.known.get(i)));
            }
        }
        found
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.files.iter().map(|f| f.known.len()).sum()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl File {
    fn parse(file: &str, text: &str) -> Result<Self, String> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let (_, first) = lines.next().ok_or("empty")?;
        let head: Head = serde_json::from_str(first).map_err(|e| format!("line 1: {e}"))?;
        if head.format != FORMAT || head.version != SIGNATURE_VERSION {
            return Err(format!(
                "line 1: {} {} is not {FORMAT} {SIGNATURE_VERSION}",
                head.format, head.version
            ));
        }
        let database = format!("{} ({})", head.name, head.date);
        let (mut known, mut index) = (Vec::new(), BTreeMap::<_, Vec<usize>>::new());
        for (number, line) in lines {
            let wrong = |what: String| format!("line {}: {what}", number + 1);
            let entry: Entry = serde_json::from_str(line).map_err(|e| wrong(e.to_string()))?;
            if let Some(source) = entry.sources.iter().find(|s| !head.sources.contains_key(*s)) {
                return Err(wrong(format!("source {source} is not in the first line")));
            }
            let digest = digest(&entry).map_err(wrong)?;
            index.entry((entry.level, digest)).or_default().push(known.len());
            let Entry { level, class, who, models, files, .. } = entry;
            known.push(Known { level, class, who, models, files, database: database.clone() });
        }
        let sha256: String = Sha256::digest(text).iter().take(8).map(|b| format!("{b:02x}")).collect();
        let described = format!("structures {file}: {database}, {} entries, sha256 {sha256}…", known.len());
        Ok(Self { described, known, index })
    }
}

fn digest(entry: &Entry) -> Result<Digest, String> {
    if let Some(text) = &entry.digest {
        return Digest::parse(text).ok_or_else(|| "a digest has 32 hexadecimal digits".to_owned());
    }
    if entry.level != Level::Tables || entry.rows.is_empty() || entry.rows.len() > 4 {
        return Err("a digest, or at level tables one to four tables, are needed".to_owned());
    }
    let mut tables = Vec::new();
    for rows in &entry.rows {
        let rows: &[u16; 64] = rows.as_slice().try_into().map_err(|_| "a table has 64 steps".to_owned())?;
        let mut zigzag = [0; 64];
        for (to, &from) in zigzag.iter_mut().zip(&ZIGZAG) {
            *to = rows[from];
        }
        tables.push(zigzag);
    }
    Ok(Digest::of_tables(&tables))
}

/// Where the k-th coefficient of the zigzag stands, row by row. *Source:* T.81 figure A.6.
#[rustfmt::skip]
pub(super) const ZIGZAG: [usize; 64] = [
     0,  1,  8, 16,  9,  2,  3, 10, 17, 24, 32, 25, 18, 11,  4,  5,
    12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13,  6,  7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51,
    58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"format":"lodestone-structures","version":1,"name":"t","date":"2026-01-01","sources":{"s":"own"}}"#;

    #[test]
    fn the_built_in_files_can_be_read() {
        let mut database = Database::default();
        for (name, text) in BUILT_IN {
            assert_eq!(database.add_text(name, text), Ok(()), "{name}");
        }
        assert!(database.len() > 50, "{}", database.len());
        assert_eq!(database.describe().len(), BUILT_IN.len());
    }

    #[test]
    fn wrong_lines_are_refused_with_their_number() {
        let bad = [
            ("{}", "line 1"),
            (r#"{"level":"tables","class":"camera","who":"x"}"#, "line 2"),
            (r#"{"level":"exact","digest":"zz","class":"camera","who":"x"}"#, "line 2"),
            (r#"{"level":"tables","rows":[[1]],"class":"camera","who":"x"}"#, "line 2"),
            (
                r#"{"level":"exact","digest":"00112233445566778899aabbccddeeff","class":"camera","who":"x","sources":["q"]}"#,
                "line 2",
            ),
        ];
        for (line, place) in bad {
            let text = if place == "line 1" { line.to_owned() } else { format!("{HEAD}\n{line}") };
            let mut database = Database::default();
            let error = database.add_text("t", &text).expect_err(line);
            assert!(error.starts_with(place), "{error}");
            assert!(database.is_empty());
        }
    }

    #[test]
    fn digests_are_written_as_they_are_read() {
        let text = "00112233445566778899aabbccddeeff";
        assert_eq!(Digest::parse(text).map(|d| d.to_string()).as_deref(), Some(text));
        assert_eq!(Digest::parse("0011"), None);
        assert_eq!(Digest::parse(&"é".repeat(16)), None);
    }
}
