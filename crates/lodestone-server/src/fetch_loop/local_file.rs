//! `local_file`: a list that lies in a folder of the server, in any format that banks are imported from.
//!
//! Whoever may make exchanges is not thereby one who may read the server's files: only files below one folder are read
//! (`lists` in the data folder, if no other was set). With `--dev` any file is.

use std::fs::{File, Metadata};
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use lodestone_exchange::format::{self, ReadOptions};
use lodestone_types::{RejectKind, SignalType};
use serde_json::{Map, Value, json};

use super::sync::{Sync, of_row};
use super::turn::{FetchError, Turn};
use crate::Config;

/// Refuses a configuration whose file could never be read. The file itself need not be there yet.
///
/// # Errors
/// Why.
pub(crate) fn check(config: &Config, fields: &Map<String, Value>) -> Result<(), String> {
    declared(fields.get("signal_type"))?;
    if fields.get("filename").and_then(Value::as_str).is_none_or(str::is_empty) {
        return Err("filename is empty".to_owned());
    }
    let path = wanted(config, fields.get("filename"));
    let steps_out = path.components().any(|part| part == Component::ParentDir);
    let inside = match (config.dev, path.canonicalize()) {
        (true, _) => true,
        (false, Ok(_)) => resolve(config, &path).is_ok(),
        (false, Err(_)) => !steps_out && path.starts_with(folder(config)),
    };
    inside.then_some(()).ok_or_else(outside)
}

fn outside() -> String {
    "the file is not below the folder from which lists are read".to_owned()
}

/// The folder below which files are read.
fn folder(config: &Config) -> PathBuf {
    let folder = config.lists.clone().unwrap_or_else(|| config.data.join("lists"));
    std::path::absolute(&folder).unwrap_or(folder)
}

/// The path that was named; a relative one is below the folder.
fn wanted(config: &Config, filename: Option<&Value>) -> PathBuf {
    folder(config).join(filename.and_then(Value::as_str).unwrap_or_default())
}

/// The file's true path.
fn resolve(config: &Config, path: &Path) -> Result<PathBuf, String> {
    let real = path.canonicalize().map_err(|error| format!("the list cannot be read: {error}"))?;
    if config.dev {
        return Ok(real);
    }
    let folder = folder(config).canonicalize().map_err(|_| outside())?;
    if real.starts_with(folder) { Ok(real) } else { Err(outside()) }
}

fn declared(signal_type: Option<&Value>) -> Result<Option<SignalType>, String> {
    let name = signal_type.and_then(Value::as_str).filter(|name| !name.is_empty());
    let of =
        |name: &str| SignalType::from_wire(name).ok_or_else(|| "signal_type is no signal type".to_owned());
    name.map(of).transpose()
}

/// What tells one state of the file from another.
fn state_of(metadata: &Metadata, kinds: &[SignalType]) -> Value {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    json!({
        "size_bytes": metadata.len(),
        "modified_us": modified.map(|since| u64::try_from(since.as_micros()).unwrap_or(u64::MAX)),
        "signal_types": kinds.iter().map(|kind| kind.as_str()).collect::<Vec<_>>(),
    })
}

pub(super) fn fetch(turn: &Turn<'_>) -> Result<(), FetchError> {
    let fields = &turn.exchange.config;
    let path = resolve(&turn.app.config, &wanted(&turn.app.config, fields.get("filename")))?;
    let failed = |error: std::io::Error| format!("the list cannot be read: {error}");
    // Asked before it is opened: opening a pipe would wait for its other end.
    if !path.metadata().map_err(failed)?.is_file() {
        return Err("the list is not a file".to_owned().into());
    }
    let file = File::open(&path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let kinds: Vec<SignalType> = turn.app.types.all().into_iter().map(|(kind, _)| kind).collect();
    let checkpoint = state_of(&metadata, &kinds);
    let before = &turn.exchange.fetch;
    if before.up_to_date && before.checkpoint.as_ref() == Some(&checkpoint) {
        return turn.complete(Vec::new(), true, |_, _| {});
    }
    let options = ReadOptions { declared: declared(fields.get("signal_type"))?, ..ReadOptions::default() };
    let list = format::open(&file, &options).map_err(|refusal| refusal.to_string())?;
    let mut sync = Sync::open(turn)?;
    let (mut skipped, mut unreadable) = (0u64, 0u64);
    for row in list.entries {
        if turn.is_over() {
            return sync.interrupt();
        }
        let mut row = match row {
            Ok(row) => row,
            Err(reject) if reject.kind == RejectKind::Fatal => {
                return Err(format!("line {}: {}", reject.line, reject.reason).into());
            }
            Err(_) => {
                unreadable += 1;
                continue;
            }
        };
        row.signals.retain(|signal| kinds.contains(&signal.kind()));
        match row.signals.is_empty() {
            true => skipped += 1,
            false => sync.take(of_row(row))?,
        }
    }
    if unreadable + skipped > 0 {
        let exchange = turn.exchange.name.as_str();
        tracing::warn!(
            exchange,
            unreadable,
            skipped,
            "rows that are no entries, or of types that are not offered"
        );
    }
    // One that is being written is read again, and nothing goes before.
    if path.metadata().ok().map(|now| state_of(&now, &kinds)).as_ref() != Some(&checkpoint) {
        return sync.interrupt();
    }
    let modified_s = checkpoint.get("modified_us").and_then(Value::as_i64).map(|us| us / 1_000_000);
    sync.finish(checkpoint, modified_s)
}

impl From<String> for FetchError {
    fn from(why: String) -> Self {
        Self::Failed(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(data: &Path) -> Config {
        Config::new(data.to_owned(), ([127, 0, 0, 1], 0).into(), PathBuf::from("none"))
    }

    fn named(filename: &str) -> Map<String, Value> {
        json!({ "filename": filename, "signal_type": null }).as_object().unwrap().clone()
    }

    #[test]
    fn only_files_below_the_folder_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        let lists = dir.path().join("lists");
        // A folder and files that are not there yet.
        assert!(check(&config, &named("a.txt")).is_ok());
        assert!(check(&config, &named(&lists.join("b/a.txt").display().to_string())).is_ok());
        for outside in ["/etc/passwd", "../a.txt", "b/../../a.txt", "/no/such/file", ""] {
            assert!(check(&config, &named(outside)).is_err(), "{outside}");
        }
        std::fs::create_dir(&lists).unwrap();
        std::fs::write(lists.join("a.txt"), "x").unwrap();
        std::fs::write(dir.path().join("secret"), "x").unwrap();
        assert!(resolve(&config, &wanted(&config, Some(&json!("a.txt")))).is_ok());
        assert!(check(&config, &named("../secret")).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(dir.path().join("secret"), lists.join("link")).unwrap();
            assert!(check(&config, &named("link")).is_err());
            assert!(resolve(&config, &wanted(&config, Some(&json!("link")))).is_err());
        }
        config.dev = true;
        assert!(check(&config, &named(&dir.path().join("secret").display().to_string())).is_ok());
    }

    #[test]
    fn the_signal_type_is_one_or_none() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        let mut fields = named("a");
        fields.insert("signal_type".to_owned(), json!("video_md5"));
        assert!(check(&config, &fields).is_ok());
        fields.insert("signal_type".to_owned(), json!("vpdq?"));
        assert_eq!(check(&config, &fields).unwrap_err(), "signal_type is no signal type");
    }
}
