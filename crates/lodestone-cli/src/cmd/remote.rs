//! Remote matchers in `lodestone match`: exchanges of the data folder that are asked for the hashes of what is matched.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use lodestone_exchange::client::matcher;
use lodestone_hash::Digester;
use lodestone_net::Outbound;
use lodestone_server::clock::Clock;
use lodestone_server::exchanging::{Asker, RemoteAnswers, RemoteState, RemoteTally, settings_of, signals_of};
use lodestone_store::Store;
use lodestone_types::{Record, Signal};
use serde_json::{Value, json};

use super::key;
use crate::args::{Match, SecretKeys};
use crate::settings::Settings;
use crate::words::{count, visible};

/// Files that are asked for together.
pub(super) const TOGETHER: usize = 64;
/// Largest file that is sent, in bytes: it is held in memory.
const MAX_FILE: u64 = 64 << 20;

/// The matchers that a command asks.
pub(super) struct Remotes {
    all: Vec<Remote>,
    sends_files: bool,
    min_quality: u8,
}

struct Remote {
    name: String,
    asker: Asker,
    tally: RemoteTally,
}

/// What matchers say of one item.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// How it went with each, as it is told: a matcher may be asked for hashes and for the file.
    states: Vec<Value>,
    matches: Vec<Value>,
    /// A line for people each.
    lines: Vec<String>,
    /// Something was not answered: it is not "no match".
    pub(super) incomplete: bool,
    /// A matcher knows it.
    pub(super) known: bool,
    /// What one knows is for a person to look at.
    pub(super) for_review: bool,
}

impl Remotes {
    /// The matchers that were named.
    pub(super) fn open(args: &Match, settings: &Settings, stop: &Arc<AtomicBool>) -> Result<Self> {
        let mut all = Vec::new();
        let min_quality = settings.appraise.min_quality;
        if args.remote.is_empty() {
            return Ok(Self { all, sends_files: false, min_quality });
        }
        let folder = settings.need_data()?;
        let store = Store::open_read_only(folder)?;
        let lists = &args.lists;
        let keys = SecretKeys { key_file: lists.key_file.clone(), old_key_file: lists.old_key_file.clone() };
        let secrets = key::secrets_at(folder, &keys, &store)?;
        for name in &args.remote {
            if all.iter().any(|one: &Remote| one.name == *name) {
                continue;
            }
            let found = store.exchange(name)?;
            let exchange = found.with_context(|| {
                format!("--remote {name}: no such exchange; `lodestone exchange list` names them")
            })?;
            if !matcher::is_known(&exchange.api) {
                bail!("--remote {name}: an exchange of {} has a list, and is fetched", exchange.api);
            }
            if !exchange.enabled {
                bail!("--remote {name}: the exchange is switched off");
            }
            let stopping = Arc::clone(stop);
            let asker = Asker::open(
                &exchange.api,
                &settings_of(&store, &secrets, &exchange)?,
                &Outbound::default(),
                Clock::system(),
                None,
                Arc::new(move || stopping.load(Ordering::SeqCst)),
            )
            .with_context(|| format!("--remote {name}"))?;
            if args.send_files && !asker.sends_files() {
                bail!(
                    "--send-files: exchange {name} is not set up to be sent files; nothing was asked. A matcher that takes \
                     them is added with `lodestone exchange add --send-files`"
                );
            }
            all.push(Remote { name: name.clone(), asker, tally: RemoteTally::default() });
        }
        Ok(Self { all, sends_files: args.send_files, min_quality })
    }

    /// Asks for signals that were given by value; nothing where nobody is asked.
    pub(super) fn signals(&mut self, signals: &[Signal]) -> Vec<Said> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let items: Vec<Vec<Signal>> = signals.iter().map(|signal| vec![signal.clone()]).collect();
        let mut said: Vec<Said> = items.iter().map(|_| Said::default()).collect();
        for remote in &mut self.all {
            let answers = remote.asker.ask(&items);
            for (answer, said) in answers.iter().zip(&mut said) {
                remote.tally.count(answer);
                said.take(&remote.name, &[("hashes", answer)]);
            }
        }
        said
    }

    /// Asks for files: for their hashes, and by sending them where that is set up and was said. Nothing where
    /// nobody is asked.
    pub(super) fn records(&mut self, records: &[Record]) -> Vec<Said> {
        if self.all.is_empty() {
            return Vec::new();
        }
        let items: Vec<Vec<Signal>> =
            records.iter().map(|record| signals_of(&record.observation, self.min_quality)).collect();
        let mut said: Vec<Said> = items.iter().map(|_| Said::default()).collect();
        for remote in &mut self.all {
            let answers = remote.asker.ask(&items);
            for ((answer, record), said) in answers.iter().zip(records).zip(&mut said) {
                let file = self.sends_files.then(|| remote.file(record));
                remote.tally.count(file.as_ref().filter(|_| !is_answered(answer)).unwrap_or(answer));
                let mut by = vec![("hashes", answer)];
                by.extend(file.as_ref().map(|file| ("file", file)));
                said.take(&remote.name, &by);
            }
        }
        said
    }

    /// Says how it went, without hashes.
    pub(super) fn say(&self) {
        for remote in &self.all {
            let tally = &remote.tally;
            let mut line = format!(
                "remote {}: {} asked for, {} answered, {} known there",
                remote.name,
                count(tally.items, "item", "items"),
                tally.answered,
                tally.matched
            );
            for (number, what) in [
                (tally.unanswered, "unanswered"),
                (tally.not_asked, "not asked for"),
                (tally.failed, "failed"),
                (tally.files_sent, "sent as files"),
            ] {
                if number > 0 {
                    line += &format!(", {number} {what}");
                }
            }
            let missing = tally.unanswered + tally.not_asked + tally.failed;
            eprintln!(
                "{line}{}",
                if missing > 0 { ": what is not answered is not \"no match\"" } else { "" }
            );
        }
    }
}

fn is_answered(answer: &RemoteAnswers) -> bool {
    answer.state == RemoteState::Answered
}

impl Remote {
    /// Asks for one file by sending it, if it is the file that was read.
    fn file(&mut self, record: &Record) -> RemoteAnswers {
        match read_again(record) {
            Ok((media_type, bytes)) => {
                let answer = self.asker.ask_file(media_type, &bytes);
                self.tally.files_sent += u64::from(answer.state != RemoteState::NotAsked);
                answer
            }
            Err(why) => RemoteAnswers::without(RemoteState::NotAsked, why),
        }
    }
}

impl Said {
    /// What one matcher said, in one way or two.
    fn take(&mut self, name: &str, by: &[(&'static str, &RemoteAnswers)]) {
        for (way, answer) in by {
            let mut told = answer.told();
            told.insert("name".to_owned(), json!(name));
            told.insert("by".to_owned(), json!(way));
            self.states.push(Value::Object(told));
            let matches = answer.told_matches(name);
            self.lines.extend(matches.iter().map(|one| line(name, one)));
            self.matches.extend(matches);
            self.known |= answer.is_known();
            self.for_review |= answer.is_for_review();
            if !is_answered(answer) {
                let why = answer.reason.as_deref().unwrap_or_default();
                let state = answer.state.as_str().replace('_', " ");
                self.lines.push(format!("remote {name}, by {way}: {state}: {why}"));
            }
        }
        let went_wrong = |state| matches!(state, RemoteState::Failed | RemoteState::Unanswered);
        self.incomplete |= by.iter().any(|(_, answer)| went_wrong(answer.state))
            || !by.iter().any(|(_, answer)| is_answered(answer));
    }

    /// Lines for people: matches, and what was not answered.
    pub(super) fn lines(&self) -> &[String] {
        &self.lines
    }

    /// Adds it to an object with `matches`.
    pub(super) fn add_to(self, object: &mut Value) {
        if let Some(Value::Array(matches)) = object.get_mut("matches") {
            matches.extend(self.matches);
        }
        object["remote"] = Value::Array(self.states);
    }
}

/// `remote SHIELD: csam (known-real), pdq at distance 1200`.
fn line(name: &str, one: &Value) -> String {
    let text = |field: &str| one[field].as_str().map(visible);
    let kind = text("bank_kind").unwrap_or_else(|| "of a kind that is not known here".to_owned());
    let how = match (one["exact"] == true, text("distance")) {
        (true, _) => "same bytes".to_owned(),
        (false, Some(distance)) => {
            format!(
                "{} at its distance {distance}",
                text("signal_type").unwrap_or_else(|| "the file".to_owned())
            )
        }
        (false, None) => text("signal_type").unwrap_or_else(|| "the file".to_owned()),
    };
    let entry = text("entry").map(|entry| format!(" entry {entry}")).unwrap_or_default();
    let review = if one["standing"].is_null() { "" } else { ", for a person to look at" };
    format!("remote {name}: {}{entry} ({kind}): {how}{review}", text("bank").unwrap_or_default())
}

/// The bytes of the file that was read, and its media type.
fn read_again(record: &Record) -> Result<(&'static str, Vec<u8>), &'static str> {
    let seen = &record.observation;
    let digests = seen.digests.ok_or("it could not be read")?;
    if record.path_bytes_hex.is_some() {
        return Err("a file whose name is no text is not sent");
    }
    if seen.size_bytes > MAX_FILE {
        return Err("a file of more than 64 MiB is not sent");
    }
    let file = File::open(Path::new(&record.path));
    let file = file.map_err(|_| "a member of an archive, or what cannot be opened again, is not sent")?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|_| "it cannot be read again")?;
    let mut digester = Digester::new();
    digester.update(&bytes);
    if digester.finish().sha256 != digests.sha256.0 {
        return Err("it is another file than the one that was read");
    }
    let media_type =
        media_type(seen.format.as_deref(), &bytes).ok_or("it is neither a picture nor a video")?;
    Ok((media_type, bytes))
}

/// Of a picture by its format, of a video by its first bytes. `None`: it is neither, and texts, archives and whatever else
/// never leave.
fn media_type(format: Option<&str>, bytes: &[u8]) -> Option<&'static str> {
    let begins = |at: usize, what: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(what));
    match format {
        Some("jpeg") => Some("image/jpeg"),
        Some("png") => Some("image/png"),
        Some("gif") => Some("image/gif"),
        Some("webp") => Some("image/webp"),
        Some("bmp") => Some("image/bmp"),
        Some("tiff") => Some("image/tiff"),
        Some("jxl") => Some("image/jxl"),
        Some("heif") => Some("image/heif"),
        Some("avif") => Some("image/avif"),
        Some(_) => None,
        None if begins(4, b"ftyp") => Some("video/mp4"),
        None if begins(0, b"\x1a\x45\xdf\xa3") => Some("video/webm"),
        None if begins(0, b"RIFF") && begins(8, b"AVI ") => Some("video/x-msvideo"),
        None if begins(0, b"\0\0\x01\xba") => Some("video/mpeg"),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_and_videos_have_a_media_type_and_nothing_else_does() {
        assert_eq!(media_type(Some("jpeg"), b""), Some("image/jpeg"));
        assert_eq!(media_type(None, b"\0\0\0\x18ftypmp42"), Some("video/mp4"));
        assert_eq!(media_type(None, b"RIFF\0\0\0\0AVI LIST"), Some("video/x-msvideo"));
        for (format, bytes) in [
            (Some("zip"), &b"PK\x03\x04"[..]),
            (Some("raw"), b"II"),
            (None, b"private words"),
            (None, b""),
            (None, b"RIFF\0\0\0\0WAVE"),
        ] {
            assert_eq!(media_type(format, bytes), None, "{format:?}");
        }
    }

    #[test]
    fn an_item_is_complete_when_one_way_of_asking_was_answered_and_none_failed() {
        let answered = RemoteAnswers { state: RemoteState::Answered, ..RemoteAnswers::default() };
        let of = |state| RemoteAnswers::without(state, "why");
        for (by, incomplete) in [
            (vec![&answered], false),
            (vec![&of(RemoteState::NotAsked)], true),
            (vec![&of(RemoteState::NotAsked), &answered], false),
            (vec![&answered, &of(RemoteState::NotAsked)], false),
            (vec![&answered, &of(RemoteState::Failed)], true),
            (vec![&of(RemoteState::Unanswered), &answered], true),
        ] {
            let mut said = Said::default();
            let by: Vec<_> = by.into_iter().map(|answer| ("hashes", answer)).collect();
            said.take("R", &by);
            assert_eq!(said.incomplete, incomplete, "{by:?}");
            assert!(said.matches.is_empty() && !said.known);
        }
    }
}
