//! Labelled folders: `manifest.csv`, or subfolders named after what they hold.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use lodestone_types::Proposition;
use sha2::{Digest, Sha256};

use super::case::proposition;

/// Subfolders that stand for labels where there is no manifest.
pub const FOLDERS: [&str; 4] = ["camera", "edited", "ai_edited", "ai"];

/// One file of a labelled folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Relative to the folder.
    pub path: PathBuf,
    /// `camera`, `edited`, `ai` …
    pub label: String,
    /// What kind of it; may be empty.
    pub subtype: String,
    /// Where it comes from; without one, its folder.
    pub source: String,
    /// What made it, as the folder's maker believes; may be empty.
    pub generator: String,
    /// `YYYY-MM`, from a column `date` or `month`; may be empty.
    pub month: String,
    /// Width in pixels; 0: not told.
    pub width: u32,
    /// Height; 0: not told.
    pub height: u32,
    /// Camera maker that its EXIF names, by the manifest; may be empty.
    pub make: String,
    /// SHA-256 by the manifest; may be empty.
    pub sha256: String,
}

impl Row {
    /// What is known to hold; `None`: not for fitting or judging likelihood ratios.
    pub fn proposition(&self) -> Option<Proposition> {
        proposition(&self.label, &self.subtype)
    }
}

/// A labelled folder's files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labelled {
    /// In the manifest's order, or sorted.
    pub rows: Vec<Row>,
    /// SHA-256 over paths, labels, subtypes and digests, sorted; hexadecimal.
    pub digest: String,
}

impl Labelled {
    /// Reads `manifest.csv` (columns `path`, `label`; `subtype`, `source_repo` or `source`, `generator`, `date` or `month`, `width`,
    /// `height`, `make`, `sha256` if there) or walks the subfolders of [`FOLDERS`], where a file's source is the folder it is in. Files are
    /// not opened.
    ///
    /// # Errors
    /// When the folder cannot be read, the manifest is no CSV with these columns, or there is neither.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let manifest = folder.join("manifest.csv");
        let rows = match std::fs::read(&manifest) {
            Ok(text) => parse(&text).map_err(|what| {
                io::Error::new(io::ErrorKind::InvalidData, format!("manifest.csv: {what}"))
            })?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => walk(folder)?,
            Err(e) => return Err(e),
        };
        if rows.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "no labelled files: neither a manifest.csv with rows nor subfolders named camera, edited, ai_edited or ai",
            ));
        }
        let lines: BTreeSet<String> = rows
            .iter()
            .map(|r| format!("{}\t{}\t{}\t{}\n", r.path.display(), r.label, r.subtype, r.sha256))
            .collect();
        let mut hash = Sha256::new();
        for line in lines {
            hash.update(line.as_bytes());
        }
        let digest = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
        Ok(Self { rows, digest })
    }
}

fn parse(text: &[u8]) -> Result<Vec<Row>, String> {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text);
    let header = reader.byte_headers().map_err(|e| e.to_string())?.clone();
    let column = |names: &[&str]| {
        header.iter().position(|h| {
            let h = h.strip_prefix(b"\xef\xbb\xbf").unwrap_or(h);
            names.iter().any(|n| n.as_bytes() == h)
        })
    };
    let path = column(&["path"]).ok_or("no column path")?;
    let label = column(&["label"]).ok_or("no column label")?;
    let others = [
        column(&["subtype"]),
        column(&["source_repo", "source"]),
        column(&["generator"]),
        column(&["month", "date"]),
        column(&["width"]),
        column(&["height"]),
        column(&["make"]),
        column(&["sha256"]),
    ];
    let mut rows = Vec::new();
    for record in reader.byte_records() {
        let record = record.map_err(|e| e.to_string())?;
        let text = |at: usize| String::from_utf8_lossy(record.get(at).unwrap_or_default()).trim().to_owned();
        let [subtype, source, generator, month, width, height, make, sha256] =
            others.map(|at| at.map_or_else(String::new, text));
        let path = PathBuf::from(text(path));
        let source = if source.is_empty() { folder_of(&path) } else { source };
        rows.push(Row {
            path,
            label: text(label),
            subtype,
            source,
            generator,
            month: month.get(..7).unwrap_or_default().to_owned(),
            width: width.parse().unwrap_or(0),
            height: height.parse().unwrap_or(0),
            make,
            sha256,
        });
    }
    Ok(rows)
}

fn folder_of(path: &Path) -> String {
    path.parent().map(|p| p.display().to_string()).unwrap_or_default()
}

fn walk(folder: &Path) -> io::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for label in FOLDERS {
        let mut open = vec![folder.join(label)];
        while let Some(here) = open.pop() {
            let entries = match std::fs::read_dir(&here) {
                Ok(entries) => entries,
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(e),
            };
            for entry in entries {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    open.push(entry.path());
                } else if kind.is_file() {
                    let path = entry.path().strip_prefix(folder).map(Path::to_owned).unwrap_or_default();
                    let source = folder_of(&path);
                    rows.push(Row { path, label: label.to_owned(), source, ..Row::default() });
                }
            }
        }
    }
    rows.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_is_read_by_the_names_of_its_columns() {
        let text = b"label,path,subtype,source_repo,note,date\r\nai,a/1.png,,\"x, y\",\"two\nlines\",2026-05-03\r\ncamera,b/2.jpg,web photo,,\r\n";
        let rows = parse(text).expect("a manifest");
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].source.as_str(), rows[0].month.as_str()), ("x, y", "2026-05"));
        assert_eq!(rows[0].proposition(), Some(Proposition::AiGenerated));
        assert_eq!((rows[1].source.as_str(), rows[1].proposition()), ("b", Some(Proposition::EditedCapture)));
        assert!(parse(b"file,kind\n").is_err());
    }
}
