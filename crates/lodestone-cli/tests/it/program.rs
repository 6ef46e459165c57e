//! A folder of its own, and the program run in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder in which a test runs the program. Paths in arguments are relative to it.
pub(crate) struct Place {
    dir: tempfile::TempDir,
}

/// How a run ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file, and the folders above it.
    pub(crate) fn put(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// The program, with nothing of the tester's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lodestone"));
        for (name, _) in std::env::vars_os().filter(|(n, _)| n.to_string_lossy().starts_with("LODESTONE_")) {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .current_dir(self.dir.path())
            .env("XDG_CONFIG_HOME", self.dir.path())
            .env("HOME", self.dir.path())
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().unwrap())
    }

    /// `scan … --format ndjson`.
    pub(crate) fn scan(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["scan"], arguments, &["--format", "ndjson"]].concat())
    }

    /// Everything in this folder, by name.
    pub(crate) fn names(&self) -> Vec<String> {
        names(self.dir.path())
    }
}

pub(crate) fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Every line of standard output as an object.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    pub(crate) fn of_kind(&self, kind: &str) -> Vec<Value> {
        self.objects().into_iter().filter(|object| object["kind"] == kind).collect()
    }

    /// The object of one path.
    pub(crate) fn file(&self, path: &str) -> Value {
        let mut found = self.of_kind("file").into_iter().filter(|object| object["path"] == path);
        let one = found.next().unwrap_or_else(|| panic!("no {path} in {}\n{}", self.out, self.err));
        assert!(found.next().is_none(), "{path} comes twice");
        one
    }

    /// `path state`, with `stage/reason` of what is unreadable, a line each.
    pub(crate) fn states(&self) -> String {
        let mut text = String::new();
        for file in self.of_kind("file") {
            let word = |value: &Value| value.as_str().unwrap_or("?").to_owned();
            text += &format!("{} {}", word(&file["path"]), word(&file["state"]));
            if !file["unreadable"].is_null() {
                let why = &file["unreadable"];
                text += &format!(" {}/{}", word(&why["stage"]), word(&why["reason"]));
            }
            text.push('\n');
        }
        text
    }
}
