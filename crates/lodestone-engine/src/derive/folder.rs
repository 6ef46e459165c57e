//! A folder of known pictures as a bank: every file with its digests, its hash and, where asked for, its features.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use lodestone_features::Features;
use lodestone_hash::Digester;
use lodestone_types::{
    Bank, BankKind, ListEntry, ListVersion, Observation, Record, Signal, SignalType, Unreadable, hex,
};

use super::Kept;
use crate::examine::{ExamineContext, examine};
use crate::lists::{Within, bank_name, file_name};
use crate::scan::ScanOptions;
use crate::snapshot::{BuildError, SnapshotBuilder};
use crate::walk::path_text;

/// What a folder gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadedFolder {
    /// Name of the bank made of it.
    pub bank: String,
    /// Entries: files with at least their digests.
    pub entries: u64,
    /// Entries with a PDQ of a quality that is searched.
    pub hashed: u64,
    /// Entries with local features.
    pub with_features: u64,
    /// Entries that the user's descriptor describes.
    pub described: u64,
    /// Pictures that it should describe and does not, and why: layer 4 cannot find them.
    pub undescribed: Vec<(String, String)>,
    /// Files that are no pictures: known by their bytes only.
    pub no_pictures: u64,
    /// What cannot be read, and why: pictures are known by their bytes only, others not at all.
    pub unreadable: Vec<(String, Unreadable)>,
    /// Pictures that break off, and why: known by what was there.
    pub partial: Vec<(String, String)>,
    /// It was stopped before its end.
    pub interrupted: bool,
}

/// Observes every file below a folder and adds them as a bank named after it; each entry is named by its path from there.
///
/// `options.observe.parts` says whether features are made. The bank's version is the SHA-256 of names and digests.
///
/// # Errors
/// [`BuildError`] as an I/O error's source; the builder is then of no use.
pub fn load_folder(
    builder: &mut SnapshotBuilder,
    names: &mut BTreeSet<String>,
    (folder, kind, within): (&Path, BankKind, Within),
    options: &ScanOptions,
    context: ExamineContext<'_>,
) -> io::Result<LoadedFolder> {
    let mut loaded = LoadedFolder { bank: bank_name(folder, names), ..LoadedFolder::default() };
    builder.bank(Bank {
        name: loaded.bank.clone(),
        kind,
        radius_bits: within.radius_bits,
        photodna_max_distance: within.photodna_max_distance,
        source: file_name(folder),
        version: ListVersion::default(),
    });
    let (root, _) = path_text(folder);
    let mut digester = Digester::new();
    let ended = examine(options, context, &mut |record| {
        let mut name = relative(&record.path, &root).to_owned();
        if let Some(bytes) = &record.path_bytes_hex {
            // Two names that are no text may look the same.
            name = format!("{name} ({bytes})");
        }
        digester.update(name.as_bytes());
        digester.update(&[0]);
        digester.update(&record.observation.digests.map_or([0; 32], |digests| digests.sha256.0));
        take(builder, &mut loaded, name, record, options.appraise.min_quality).map_err(io::Error::other)
    })?;
    loaded.interrupted = ended.interrupted;
    let sha256 = hex::encode(&digester.finish().sha256);
    builder.version(ListVersion { number: 1, sha256, entries: loaded.entries });
    Ok(loaded)
}

fn take(
    builder: &mut SnapshotBuilder,
    loaded: &mut LoadedFolder,
    name: String,
    record: Record,
    min_quality: u8,
) -> Result<(), BuildError> {
    let seen = record.observation;
    let partial = seen.picture.as_ref().and_then(|picture| picture.partial.clone());
    if let Some(why) = &partial {
        loaded.partial.push((name.clone(), why.clone()));
    }
    if let Some(why) = &seen.unreadable {
        match is_no_picture(&name, why) {
            true => loaded.no_pictures += 1,
            false => loaded.unreadable.push((name.clone(), why.clone())),
        }
    }
    let entry = entry_of(name.clone(), &seen, min_quality);
    if entry.signals.is_empty() {
        return Ok(());
    }
    loaded.hashed += u64::from(entry.pdq_quality.is_some());
    loaded.entries += 1;
    let key = builder.keyed(&entry)?;
    if let Some((features, _)) = features_of(&seen) {
        loaded.with_features += u64::from(builder.known_mut().features(key, &features));
    }
    if let Some(likeness) = builder.likeness_mut().filter(|_| seen.picture.is_some()) {
        match likeness.observed(key, &seen) {
            Ok(()) => loaded.described += 1,
            Err(why) => loaded.undescribed.push((name, why)),
        }
    }
    if let Some(Kept(luma)) = Kept::of(&seen).filter(|_| partial.is_none()) {
        builder.known_mut().grey(key, luma);
    }
    Ok(())
}

/// Names that pictures have.
const PICTURES: [&str; 16] = [
    "jpg", "jpeg", "jpe", "jfif", "png", "apng", "gif", "webp", "bmp", "tif", "tiff", "heic", "heif", "avif",
    "jxl", "ico",
];

/// Whether a file that cannot be read is no picture, as its name says too: an empty `a.jpg` is a copy that failed.
pub(super) fn is_no_picture(name: &str, why: &Unreadable) -> bool {
    let named =
        name.rsplit_once('.').is_some_and(|(_, end)| PICTURES.contains(&end.to_ascii_lowercase().as_str()));
    matches!(why.reason.as_str(), "unsupported" | "empty") && !named
}

/// Hashes of a known animation at most.
const MOST_FRAMES: usize = 256;

/// A file as an entry: its digests, and the hash of each frame where that is of a quality that is searched. No signals: nothing that
/// could be matched is known of it.
pub(super) fn entry_of(name: String, seen: &Observation, min_quality: u8) -> ListEntry {
    let mut entry = ListEntry { entry: name, ..ListEntry::default() };
    let mut add = |kind, bytes: &[u8]| entry.signals.extend(Signal::from_bytes(kind, bytes));
    if let Some(digests) = &seen.digests {
        add(SignalType::Md5, &digests.md5);
        add(SignalType::Sha1, &digests.sha1);
        add(SignalType::Sha256, &digests.sha256.0);
    }
    let hashed = seen.primary().filter(|print| print.quality >= min_quality);
    if let Some((print, hash)) = hashed.and_then(|print| Some((print, print.pdq_dihedral.first()?))) {
        add(SignalType::Pdq, hash);
        entry.pdq_quality = Some(print.quality);
    }
    // The other frames of an animation, and a see-through picture on another ground.
    for print in seen.fingerprints.iter().filter(|print| print.quality >= min_quality).take(MOST_FRAMES) {
        let of_frame = print.pdq_dihedral.first().and_then(|hash| Signal::from_bytes(SignalType::Pdq, hash));
        if let Some(signal) = of_frame.filter(|signal| !entry.signals.contains(signal)) {
            entry.pdq_quality = entry.pdq_quality.or(Some(print.quality));
            entry.signals.push(signal);
        }
    }
    // Every empty file has these digests.
    entry.signals.retain(|signal| !signal.says_nothing());
    entry
}

/// Local features that were made of a known picture, with their record; `None` where there are none.
pub(super) fn features_of(seen: &Observation) -> Option<(Features, &[u8])> {
    let record = &seen.features.first()?.0;
    let features = Features::from_bytes(record).ok().filter(|features| !features.is_empty())?;
    Some((features, record))
}

pub(super) fn relative<'a>(path: &'a str, root: &str) -> &'a str {
    let rest = path.strip_prefix(root).map(|rest| rest.trim_start_matches(['/', '\\']));
    rest.filter(|rest| !rest.is_empty()).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Fingerprint, Form, HashMode, Observation, SignalType, Stage, Unreadable};

    use super::{entry_of, is_no_picture, relative};

    #[test]
    fn every_frame_of_a_known_animation_is_known_once_and_plain_ones_are_not() {
        let print = |frame: u32, value: u8, quality: u8| Fingerprint {
            form: Form { frame, ..Form::default() },
            pdq_dihedral: vec![[value; 32]; 8],
            quality,
            mode: HashMode::default(),
        };
        // A blank first frame hides nothing.
        let fingerprints =
            vec![print(0, 1, 3), print(1, 2, 90), print(2, 2, 80), print(3, 4, 60), print(4, 5, 49)];
        let entry = entry_of("a.gif".to_owned(), &Observation { fingerprints, ..Observation::default() }, 50);
        let hashes: Vec<u8> = entry.signals.iter().map(|signal| signal.bytes()[0]).collect();
        assert!(entry.signals.iter().all(|signal| signal.kind() == SignalType::Pdq));
        assert_eq!((hashes, entry.pdq_quality), (vec![2, 4], Some(90)));
    }

    #[test]
    fn what_is_named_like_a_picture_and_is_none_is_told() {
        let why = |reason: &str| Unreadable::new(Stage::Identify, reason, "");
        assert!(is_no_picture("notes.txt", &why("unsupported")) && is_no_picture("README", &why("empty")));
        assert!(!is_no_picture("a.JPG", &why("empty")) && !is_no_picture("a.webp", &why("unsupported")));
        assert!(!is_no_picture("notes.txt", &why("truncated")));
    }

    #[test]
    fn entries_are_named_from_the_folder_on() {
        assert_eq!(relative("known/a/b.jpg", "known"), "a/b.jpg");
        assert_eq!(relative("known/a.jpg", "known/"), "a.jpg");
        assert_eq!(relative("known", "known"), "known");
    }
}
