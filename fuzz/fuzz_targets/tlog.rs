//! Logs of strangers: notes and keys come out as they went in; a changed folder is never called whole.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use lodestone_tlog::{Checkpoint, Expected, Files, Log, Note, SigningKey, VerifierKey, bundle, verify};

/// A folder in memory.
#[derive(Debug, Default)]
struct Memory(Mutex<BTreeMap<String, Vec<u8>>>);

impl Memory {
    fn files(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files for &Memory {
    fn read(&self, path: &str, limit: usize) -> std::io::Result<Option<Vec<u8>>> {
        let content = self.files().get(path).cloned();
        if content.as_ref().is_some_and(|content| content.len() > limit) {
            return Err(std::io::Error::other("too large"));
        }
        Ok(content)
    }

    fn list(&self, folder: &str) -> std::io::Result<Vec<String>> {
        Ok(self.files().keys().filter_map(|path| path.strip_prefix(folder)).map(str::to_owned).collect())
    }

    fn write(&self, path: &str, content: &[u8]) -> std::io::Result<()> {
        self.files().insert(path.to_owned(), content.to_vec());
        Ok(())
    }

    fn sync(&self, _: &str) -> std::io::Result<()> {
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> std::io::Result<()> {
        let content = self.files().remove(from).unwrap_or_default();
        self.files().insert(to.to_owned(), content);
        Ok(())
    }

    fn remove_folder(&self, folder: &str) -> std::io::Result<()> {
        self.files().retain(|path, _| !path.starts_with(&format!("{folder}/")));
        Ok(())
    }
}

fn key() -> SigningKey {
    SigningKey::from_seed("fuzz.example/log", [7; 32]).expect("a good name")
}

/// 300 entries, in one batch: no file that is not looked at.
static LOG: LazyLock<Memory> = LazyLock::new(|| {
    let memory = Memory::default();
    let mut log = Log::create(&memory, key()).expect("memory does not fail");
    log.append(&(0..300).map(|i| format!("{i}")).collect::<Vec<_>>()).expect("memory does not fail");
    drop(log);
    memory
});

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let keys = [key().verifier().clone()];
    if let Ok(note) = Note::parse(bytes) {
        assert_eq!(note.to_string().as_bytes(), bytes);
        let _ = note.verify(&keys);
        if let Ok(checkpoint) = Checkpoint::parse(&note.text) {
            assert_eq!(checkpoint.to_string(), note.text);
        }
    }
    let text = String::from_utf8_lossy(bytes);
    if let Ok(key) = VerifierKey::parse(&text) {
        assert_eq!(VerifierKey::parse(&key.to_string()).ok(), Some(key));
    }
    let _ = SigningKey::parse(&text);
    assert!(bundle::entries(bytes).map(|entry| 2 + entry.len()).sum::<usize>() <= bytes.len());

    // The first byte chooses a file, the rest takes the place of its content from an offset on.
    let Some(([which, high, low], rest)) = bytes.split_first_chunk::<3>() else { return };
    let mut files = LOG.files().clone();
    let count = files.len();
    let Some((_, content)) = files.iter_mut().nth(usize::from(*which) % count) else { return };
    let before = content.clone();
    let at = usize::from(u16::from_be_bytes([*high, *low])) % (content.len() + 1);
    let until = (at + rest.len()).min(content.len());
    content.splice(at..until, rest.iter().copied());
    let same = *content == before;
    let changed = Memory(Mutex::new(files));
    let report = verify(&&changed, &Expected { keys: &keys, older: None }, |_, _| {});
    let _ = report.to_string();
    assert_eq!(report.is_whole(), same);
    let _ = Log::open(&changed, key(), &[]);
});
