//! Known pictures into a stored bank: each file with its digests, its hash and its features, the last sealed.
//!
//! Afterwards the pictures are not needed any more: what the bank holds finds them inside others.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use lodestone_index::ByteVector;
use lodestone_store::{Batch, ImportOptions, ListSource, StoreError};
use lodestone_types::{ListEntry, Observation, Signal, SignalType, Unreadable};

use super::folder::{entry_of, features_of, is_no_picture, relative};
use super::likeness::{DescriptorSeal, asked};
use super::sealed::{FeatureSeal, check_features};
use crate::examine::{ExamineContext, examine};
use crate::scan::ScanOptions;
use crate::walk::path_text;

/// The source of entries that were made from files.
const SOURCE: ListSource<'_> = ListSource { name: "files", sha256: "" };

/// Entries that are written together.
const TOGETHER: usize = 64;

/// A picture that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadFile {
    /// Name it has, or would have, in the bank.
    pub name: String,
    /// Why.
    pub why: Unreadable,
    /// Whether it is banked by its digests.
    pub banked: bool,
}

/// What came of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptFiles {
    /// Files with at least their digests.
    pub entries: u64,
    /// Entries that are new.
    pub added: u64,
    /// Entries whose file is another one now.
    pub updated: u64,
    /// Entries that were there already.
    pub unchanged: u64,
    /// Files with a PDQ of a quality that is searched.
    pub hashed: u64,
    /// Files with local features in the bank.
    pub with_features: u64,
    /// Of these, those whose features were sealed now.
    pub features_sealed: u64,
    /// Files with a vector of the user's descriptor in the bank.
    pub described: u64,
    /// Of these, those whose vector was sealed now.
    pub descriptors_sealed: u64,
    /// Pictures that the descriptor should describe and does not, and why: layer 4 cannot find them.
    pub undescribed: Vec<(String, String)>,
    /// Files that are no pictures: known by their bytes only.
    pub no_pictures: u64,
    /// Pictures that cannot be read: known by their bytes only, or not at all.
    pub unreadable: Vec<UnreadFile>,
    /// It was stopped before its end.
    pub interrupted: bool,
}

/// Observes files, and folders with all below them, and keeps them in a bank, each named by its path from the folder
/// given, or by its file name. The same files again change nothing. `seal`: who seals their features; without, none are
/// kept. `describing`: who seals the vectors of a user's descriptor, and its model.
///
/// `options.observe.parts` says whether features are made. Steps are the batch's: after an error, an interruption, or
/// more unreadable pictures than the caller allows, the batch has to be given up.
///
/// # Errors
/// [`StoreError`], and that of sealing, as an I/O error's source.
pub fn keep_files(
    batch: &mut Batch<'_>,
    bank: &str,
    seal: Option<&dyn FeatureSeal>,
    describing: Option<Describing<'_>>,
    options: &ScanOptions,
    context: ExamineContext<'_>,
) -> io::Result<KeptFiles> {
    let mut keeping = Keeping {
        batch,
        bank,
        seal,
        describing,
        names: Names::new(&options.roots),
        seen: BTreeMap::new(),
        waiting: Vec::new(),
        kept: KeptFiles::default(),
    };
    let ended = examine(options, context, &mut |record| {
        keeping.take(&record.path, &record.observation, options.appraise.min_quality)
    })?;
    keeping.write()?;
    keeping.kept.interrupted = ended.interrupted;
    Ok(keeping.kept)
}

/// Who seals vectors of a user's descriptor, and its model with its dimension.
#[derive(Clone, Copy)]
pub struct Describing<'a> {
    /// Who holds the keys.
    pub seal: &'a dyn DescriptorSeal,
    /// The model, as [`lodestone_types::Descriptors::model`] names it.
    pub model: &'a str,
    /// Values of a vector.
    pub dimension: usize,
}

/// What waits to be written.
struct Waiting {
    entry: ListEntry,
    /// The record of its features.
    record: Option<Vec<u8>>,
    /// Its vector.
    vector: Option<Vec<u8>>,
}

struct Keeping<'a, 'b> {
    batch: &'a mut Batch<'b>,
    bank: &'a str,
    seal: Option<&'a dyn FeatureSeal>,
    describing: Option<Describing<'a>>,
    names: Names,
    /// SHA-256 of the files so far, by name.
    seen: BTreeMap<String, [u8; 32]>,
    waiting: Vec<Waiting>,
    kept: KeptFiles,
}

impl Keeping<'_, '_> {
    fn take(&mut self, path: &str, seen: &Observation, min_quality: u8) -> io::Result<()> {
        let name = self.name(path, seen)?;
        let entry = entry_of(name.clone(), seen, min_quality);
        let banked = !entry.signals.is_empty();
        if let Some(why) = &seen.unreadable {
            match is_no_picture(&name, why) {
                true => self.kept.no_pictures += 1,
                false => {
                    self.kept.unreadable.push(UnreadFile { name: name.clone(), why: why.clone(), banked })
                }
            }
        }
        if !banked {
            return Ok(());
        }
        let sha256 = seen.digests.map_or([0; 32], |digests| digests.sha256.0);
        if self.seen.insert(name.clone(), sha256).is_some() {
            return Ok(());
        }
        self.kept.entries += 1;
        self.kept.hashed += u64::from(entry.pdq_quality.is_some());
        let record = self.seal.and_then(|_| features_of(seen)).map(|(_, record)| record.to_vec());
        let vector = self.vector(&name, seen);
        self.waiting.push(Waiting { entry, record, vector });
        if self.waiting.len() >= TOGETHER { self.write() } else { Ok(()) }
    }

    /// The name of a file in the bank. Another file of the same name, now or banked before, keeps it: this one is told apart by
    /// the first of its SHA-256, so that no known picture takes the place of another.
    fn name(&self, path: &str, seen: &Observation) -> io::Result<String> {
        let name = self.names.of(path);
        let Some(digests) = &seen.digests else { return Ok(name) };
        let own = digests.sha256.0;
        let held = match self.seen.get(&name) {
            Some(before) => *before != own,
            None => self.is_another(&name, &own).map_err(io::Error::other)?,
        };
        match held {
            true => Ok(format!("{name}@{}", lodestone_types::hex::encode(&own[..6]))),
            false => Ok(name),
        }
    }

    /// Whether the bank has an entry of this name that is another file.
    fn is_another(&self, name: &str, own: &[u8; 32]) -> Result<bool, StoreError> {
        let of_source = format!("{}:{name}", SOURCE.name);
        for name in [name, &of_source] {
            if let Some(found) = self.batch.entry(self.bank, name)? {
                let mut digests = found.row.signals.iter().filter(|one| one.kind() == SignalType::Sha256);
                return Ok(!digests.any(|one| one.bytes() == own));
            }
        }
        Ok(false)
    }

    /// The vector of a picture's whole; where it should have one and has none, that is noted.
    fn vector(&mut self, name: &str, seen: &Observation) -> Option<Vec<u8>> {
        let Describing { model, dimension, .. } = self.describing.filter(|_| seen.picture.is_some())?;
        match asked(seen.descriptors.as_ref(), model, dimension) {
            Ok(asked) => asked.vectors.first().map(ByteVector::to_bytes),
            Err(why) => {
                self.kept.undescribed.push((name.to_owned(), why));
                None
            }
        }
    }

    /// Writes what waits.
    fn write(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let rows = waiting.iter().map(|one| Ok(one.entry.clone()));
        let options = ImportOptions { now_us: self.batch.now_us(), ..ImportOptions::default() };
        let report = self.batch.import(self.bank, SOURCE, rows, options).map_err(refused)?;
        self.kept.added += report.added;
        self.kept.updated += report.updated;
        self.kept.unchanged += report.unchanged;
        for Waiting { entry, record, vector } in &waiting {
            if let (Some(describing), Some(vector)) = (self.describing, vector) {
                self.describe(describing, entry, vector)?;
            }
            let (Some(seal), Some(record)) = (self.seal, record) else { continue };
            let no = self.number_of(entry).map_err(io::Error::other)?;
            self.kept.with_features += 1;
            if let Some(sealed) = self.batch.features(no).map_err(io::Error::other)? {
                let held = seal.open(no, &sealed).map_err(|error| failed(&entry.entry, &error))?;
                // Those of another extractor are made again.
                if check_features(&held).is_ok() {
                    continue;
                }
            }
            let sealed = seal.seal(self.batch, no, record).map_err(|error| failed(&entry.entry, &error))?;
            self.batch.put_features(no, &sealed).map_err(io::Error::other)?;
            self.kept.features_sealed += 1;
        }
        Ok(())
    }

    /// Seals an entry's vector, unless it has one of this model.
    fn describe(&mut self, by: Describing<'_>, entry: &ListEntry, vector: &[u8]) -> io::Result<()> {
        let no = self.number_of(entry).map_err(io::Error::other)?;
        let failed = |error| io::Error::other(format!("the descriptor of entry {:?}: {error}", entry.entry));
        self.kept.described += 1;
        if let Some(sealed) = self.batch.descriptor(no, by.model).map_err(io::Error::other)? {
            by.seal.open_descriptor(no, by.model, &sealed).map_err(failed)?;
            return Ok(());
        }
        let sealed = by.seal.seal_descriptor(self.batch, no, by.model, vector).map_err(failed)?;
        self.batch.put_descriptor(no, by.model, &sealed).map_err(io::Error::other)?;
        self.kept.descriptors_sealed += 1;
        Ok(())
    }

    /// Number of the entry that was written: a name that is a whole number may have become a longer one.
    fn number_of(&self, entry: &ListEntry) -> Result<i64, StoreError> {
        let sha256 =
            |signals: &[Signal]| signals.iter().find(|one| one.kind() == SignalType::Sha256).cloned();
        for name in [entry.entry.clone(), format!("{}:{}", SOURCE.name, entry.entry)] {
            if let Some(found) = self.batch.entry(self.bank, &name)?
                && sha256(&found.row.signals) == sha256(&entry.signals)
            {
                return Ok(found.entry_no);
            }
        }
        Err(StoreError::Corrupt {
            reason: format!("entry {:?}, which was written, is not found", entry.entry),
        })
    }
}

fn failed(entry: &str, error: &dyn std::fmt::Display) -> io::Error {
    io::Error::other(format!("the local features of entry {entry:?}: {error}"))
}

/// A file that is refused says why, not how many were allowed.
fn refused(error: StoreError) -> io::Error {
    match error {
        StoreError::Rejected { report, .. } => {
            io::Error::other(report.rejected.first().map_or_else(String::new, |one| one.reason.clone()))
        }
        error => io::Error::other(error),
    }
}

/// What files are called in a bank.
struct Names {
    /// The roots as text, longest first, with what is cut off the paths below.
    roots: Vec<(String, String)>,
}

impl Names {
    fn new(roots: &[PathBuf]) -> Self {
        let of = |root: &PathBuf| {
            let above = root.parent().unwrap_or(Path::new(""));
            (path_text(root).0, path_text(if root.is_dir() { root } else { above }).0)
        };
        let mut roots: Vec<_> = roots.iter().map(of).collect();
        roots.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.cmp(b)));
        Self { roots }
    }

    fn of(&self, path: &str) -> String {
        let below = |root: &str| {
            let rest = path.strip_prefix(root);
            rest.is_some_and(|rest| {
                rest.is_empty() || root.ends_with(['/', '\\']) || rest.starts_with(['/', '\\', '!'])
            })
        };
        let base = self.roots.iter().find(|(root, _)| below(root)).map_or("", |(_, base)| base.as_str());
        relative(path, base).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_their_folder_on_and_by_their_name_alone() {
        let roots = |all: &[(&str, &str)]| Names {
            roots: all.iter().map(|(root, base)| ((*root).to_owned(), (*base).to_owned())).collect(),
        };
        let names = roots(&[("in/known/deep", "in/known/deep"), ("in/known", "in/known"), ("x/a.zip", "x")]);
        assert_eq!(names.of("in/known/a/b.jpg"), "a/b.jpg");
        assert_eq!(names.of("in/known/deep/b.jpg"), "b.jpg");
        assert_eq!(names.of("in/known2/b.jpg"), "in/known2/b.jpg");
        assert_eq!(names.of("x/a.zip!/in/c.png"), "a.zip!/in/c.png");
        assert_eq!(names.of("x/a.zip"), "a.zip");
        assert_eq!(roots(&[("one.png", "")]).of("one.png"), "one.png");
    }
}
