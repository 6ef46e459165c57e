//! A file system in memory that fails and forgets as a real one may.
//!
//! What was written and not synced may be lost, empty, cut off or there after a crash; a name that appeared, changed or
//! went in a folder that was not synced may be there or not, each on its own.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use lodestone_tlog::Files;

/// What a name in a folder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Folder,
    File(usize),
}

#[derive(Debug, Clone, Default)]
struct File {
    content: Vec<u8>,
    durable: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Default)]
struct State {
    names: BTreeMap<String, Named>,
    durable_names: BTreeMap<String, Named>,
    files: Vec<File>,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing happens.
    Before,
    /// Half of it happens, where it has halves.
    Torn,
    /// It happens, and an error comes back.
    After,
}

/// What a crash leaves of what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crash {
    /// Nothing: the power went.
    Lost,
    /// All of it: only the process went.
    Kept,
    /// Some of it, by these random bits.
    Mixed(u64),
}

/// A handle; clones share the disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Disk {
    state: Rc<RefCell<State>>,
    operations: Rc<Cell<usize>>,
    /// The operation that fails, and every one after it.
    fault: Rc<Cell<Option<(usize, Fault)>>>,
}

impl Disk {
    /// The same content, nothing shared.
    pub(crate) fn copy(&self) -> Self {
        Self { state: Rc::new(RefCell::new(self.state.borrow().clone())), ..Self::default() }
    }

    /// Makes the `n`th operation from now on (the first is 1) fail, once.
    pub(crate) fn fail(&self, n: usize, fault: Fault) {
        self.operations.set(0);
        self.fault.set(Some((n, fault)));
    }

    /// Whether the failure that was asked for has not come yet.
    pub(crate) fn fault_pending(&self) -> bool {
        self.fault.get().is_some()
    }

    /// What the next process finds.
    pub(crate) fn after(&self, crash: Crash) -> Self {
        let state = self.state.borrow();
        let mut bits = match crash {
            Crash::Mixed(seed) => seed,
            _ => 0,
        };
        let mut pick = |choices: u64| match crash {
            Crash::Lost => 0,
            Crash::Kept => choices - 1,
            Crash::Mixed(_) => {
                // SplitMix64.
                bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut x = bits;
                x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                (x ^ (x >> 31)) % choices
            }
        };
        let mut files = state.files.clone();
        for file in &mut files {
            if file.durable.as_ref() != Some(&file.content) {
                let half = file.content[..file.content.len() / 2].to_vec();
                file.content = match pick(4) {
                    0 => file.durable.clone().unwrap_or_default(),
                    1 => Vec::new(),
                    2 => half,
                    _ => file.content.clone(),
                };
            }
            file.durable = Some(file.content.clone());
        }
        let mut names = state.durable_names.clone();
        let mut all: Vec<&String> = state.names.keys().chain(state.durable_names.keys()).collect();
        all.sort();
        all.dedup();
        for path in all {
            let (now, then) = (state.names.get(path), state.durable_names.get(path));
            if now != then && pick(2) == 1 {
                match now {
                    Some(named) => names.insert(path.clone(), *named),
                    None => names.remove(path),
                };
            }
        }
        // What lies in a folder that is gone is gone.
        let kept = names.clone();
        names.retain(|path, _| {
            std::iter::successors(Some(path.as_str()), |path| Some(path.rsplit_once('/')?.0))
                .all(|above| kept.contains_key(above))
        });
        let state = State { durable_names: names.clone(), names, files };
        Self { state: Rc::new(RefCell::new(state)), ..Self::default() }
    }

    /// All files and their contents.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state.borrow();
        let files = state.names.iter().filter_map(|(path, named)| match named {
            Named::File(id) => Some((path.clone(), state.files[*id].content.clone())),
            Named::Folder => None,
        });
        files.collect()
    }

    /// Puts a file there, or takes it away, durably and without failing.
    pub(crate) fn put(&self, path: &str, content: Option<Vec<u8>>) {
        let mut state = self.state.borrow_mut();
        match content {
            None => {
                state.names.remove(path);
            }
            Some(content) => state.write(path, &content),
        }
        let names = state.names.clone();
        state.durable_names = names;
        state.files.iter_mut().for_each(|file| file.durable = Some(file.content.clone()));
    }

    /// Counts an operation; says how it is to fail.
    fn turn(&self) -> Option<Fault> {
        self.operations.set(self.operations.get() + 1);
        match self.fault.get() {
            Some((n, fault)) if n == self.operations.get() => {
                self.fault.set(None);
                Some(fault)
            }
            _ => None,
        }
    }
}

impl State {
    fn write(&mut self, path: &str, content: &[u8]) {
        for (at, _) in path.match_indices('/') {
            self.names.entry(path[..at].to_owned()).or_insert(Named::Folder);
        }
        match self.names.get(path) {
            Some(Named::File(id)) => self.files[*id].content = content.to_vec(),
            _ => {
                self.files.push(File { content: content.to_vec(), durable: None });
                self.names.insert(path.to_owned(), Named::File(self.files.len() - 1));
            }
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(named) = self.names.remove(from) {
            self.names.insert(to.to_owned(), named);
        }
    }

    fn sync(&mut self, path: &str) {
        if let Some(Named::File(id)) = self.names.get(path) {
            let file = &mut self.files[*id];
            file.durable = Some(file.content.clone());
            return;
        }
        let inside = |name: &String| name.rsplit_once('/').map_or("", |(parent, _)| parent) == path;
        self.durable_names.retain(|name, _| !inside(name));
        for (name, named) in self.names.iter().filter(|(name, _)| inside(name)) {
            self.durable_names.insert(name.clone(), *named);
        }
    }
}

fn failed() -> io::Error {
    io::Error::other("made to fail")
}

impl Files for Disk {
    fn read(&self, path: &str, limit: usize) -> io::Result<Option<Vec<u8>>> {
        if self.turn().is_some() {
            return Err(failed());
        }
        let state = self.state.borrow();
        match state.names.get(path) {
            Some(Named::File(id)) if state.files[*id].content.len() > limit => {
                Err(io::Error::other("too large"))
            }
            Some(Named::File(id)) => Ok(Some(state.files[*id].content.clone())),
            _ => Ok(None),
        }
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        if self.turn().is_some() {
            return Err(failed());
        }
        let state = self.state.borrow();
        let names = state.names.keys().filter_map(|name| {
            let inside = name.strip_prefix(folder)?.strip_prefix('/')?;
            (!inside.contains('/')).then(|| inside.to_owned())
        });
        Ok(names.collect())
    }

    fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        let fault = self.turn();
        match fault {
            Some(Fault::Before) => {}
            Some(Fault::Torn) => self.state.borrow_mut().write(path, &content[..content.len() / 2]),
            Some(Fault::After) | None => self.state.borrow_mut().write(path, content),
        }
        fault.map_or(Ok(()), |_| Err(failed()))
    }

    fn sync(&self, path: &str) -> io::Result<()> {
        let fault = self.turn();
        if matches!(fault, None | Some(Fault::After)) {
            self.state.borrow_mut().sync(path);
        }
        fault.map_or(Ok(()), |_| Err(failed()))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let fault = self.turn();
        if matches!(fault, None | Some(Fault::After)) {
            self.state.borrow_mut().rename(from, to);
        }
        fault.map_or(Ok(()), |_| Err(failed()))
    }

    fn remove_folder(&self, folder: &str) -> io::Result<()> {
        let fault = self.turn();
        let inside = format!("{folder}/");
        let mut state = self.state.borrow_mut();
        match fault {
            Some(Fault::Before) => {}
            Some(Fault::Torn) => {
                if let Some(first) = state.names.keys().find(|name| name.starts_with(&inside)).cloned() {
                    state.names.remove(&first);
                }
            }
            Some(Fault::After) | None => {
                state.names.retain(|name, _| name != folder && !name.starts_with(&inside));
            }
        }
        fault.map_or(Ok(()), |_| Err(failed()))
    }
}
