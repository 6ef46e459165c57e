//! Walking folders: every path once, nothing in silence.
//!
//! Links are followed, each folder behind a link once; a link that leads back to where it stands is a `loop`. What cannot
//! be listed, opened or read by its kind is a [`Step::Trouble`], which becomes a record like any other.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use lodestone_types::{Stage, Unreadable};

/// What to walk and what to leave out.
#[derive(Clone, Debug, Default)]
pub struct WalkOptions {
    /// Follow symbolic links.
    pub follow_links: bool,
    /// Folders and files to leave out, by their canonical path: the program's own state and output.
    pub skip: Vec<PathBuf>,
}

/// One step of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A regular file.
    File {
        /// As reached from the root that was given.
        path: PathBuf,
        /// Size in bytes.
        size_bytes: u64,
        /// Time of last change, nanoseconds since 1970; 0 where the system gives none.
        mtime_ns: i64,
    },
    /// A path that cannot be walked or is no file.
    Trouble {
        /// As reached from the root that was given.
        path: PathBuf,
        /// Why.
        why: Unreadable,
    },
}

/// Walks `roots` (files or folders) in the order of their names until `visit` breaks.
///
/// Overlapping roots are walked once. Memory: the names of one folder at each level.
pub fn walk(roots: &[PathBuf], options: &WalkOptions, visit: &mut dyn FnMut(Step) -> ControlFlow<()>) {
    let mut roots = roots.to_vec();
    roots.sort();
    roots.dedup();
    let canonical: Vec<_> = roots.iter().map(|root| fs::canonicalize(root).ok()).collect();
    let all: BTreeSet<_> = canonical.iter().flatten().collect();
    let mut walked = BTreeSet::new();
    let mut walker = Walker { options, seen: BTreeSet::new(), open: Vec::new(), visit };
    for (root, own) in roots.iter().zip(&canonical) {
        let twice = own.as_ref().is_some_and(|own| {
            own.ancestors().skip(1).any(|above| all.contains(&above.to_path_buf())) || !walked.insert(own)
        });
        if !twice && walker.root(root).is_break() {
            return;
        }
    }
}

struct Walker<'a> {
    options: &'a WalkOptions,
    /// Canonical folders reached so far through links, and every folder that has one below it.
    seen: BTreeSet<PathBuf>,
    /// The folders that the walk stands in, with what is left of each. No recursion: a tree may be thousands deep.
    open: Vec<(PathBuf, std::vec::IntoIter<OsString>)>,
    visit: &'a mut dyn FnMut(Step) -> ControlFlow<()>,
}

impl Walker<'_> {
    fn trouble(&mut self, path: &Path, reason: &str, detail: impl Into<String>) -> ControlFlow<()> {
        let why = Unreadable::new(Stage::Walk, reason, detail);
        (self.visit)(Step::Trouble { path: path.to_owned(), why })
    }

    fn root(&mut self, root: &Path) -> ControlFlow<()> {
        self.entry(root, true)?;
        while let Some((folder, names)) = self.open.last_mut() {
            let Some(name) = names.next() else {
                self.open.pop();
                continue;
            };
            let child = folder.join(name);
            if child.as_os_str().len() > 32_768 {
                self.trouble(&child, "too_deep", "path longer than 32 KiB")?;
                continue;
            }
            self.entry(&child, false)?;
        }
        ControlFlow::Continue(())
    }

    fn entry(&mut self, path: &Path, is_root: bool) -> ControlFlow<()> {
        let meta = match fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) => return self.trouble(path, io_reason(&error), error.to_string()),
        };
        if !meta.is_symlink() {
            return self.plain(path, &meta);
        }
        if !self.options.follow_links && !is_root {
            return self.trouble(path, "link", "symbolic link, not followed");
        }
        let (meta, target) = match fs::metadata(path).and_then(|meta| Ok((meta, fs::canonicalize(path)?))) {
            Ok(found) => found,
            Err(error) if is_loop(&error) => return self.trouble(path, "loop", "symbolic links in a circle"),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.trouble(path, "broken_link", "symbolic link that leads nowhere");
            }
            Err(error) => return self.trouble(path, io_reason(&error), error.to_string()),
        };
        if meta.is_dir() && !is_root {
            let here = path.parent().and_then(|parent| fs::canonicalize(parent).ok());
            if here.is_some_and(|here| here.starts_with(&target)) {
                return self.trouble(path, "loop", "symbolic link to a folder that it stands in");
            }
            if !self.seen.insert(target) {
                return self.trouble(
                    path,
                    "loop",
                    "symbolic link to a folder that was walked through another link",
                );
            }
        }
        self.plain(path, &meta)
    }

    fn plain(&mut self, path: &Path, meta: &fs::Metadata) -> ControlFlow<()> {
        if meta.is_dir() {
            return self.folder(path);
        }
        if !meta.is_file() {
            return self.trouble(path, "special", "neither file nor folder: a pipe, socket or device");
        }
        let named = |own: &PathBuf| own.file_name() == path.file_name();
        if self.options.skip.iter().any(named) && self.is_skipped(path) {
            return ControlFlow::Continue(());
        }
        let mtime_ns = meta
            .modified()
            .ok()
            .and_then(|time| time.duration_since(UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_nanos()).ok())
            .unwrap_or(0);
        (self.visit)(Step::File { path: path.to_owned(), size_bytes: meta.len(), mtime_ns })
    }

    fn is_skipped(&self, path: &Path) -> bool {
        fs::canonicalize(path).is_ok_and(|own| self.options.skip.contains(&own))
    }

    fn folder(&mut self, path: &Path) -> ControlFlow<()> {
        if !self.options.skip.is_empty() && self.is_skipped(path) {
            return ControlFlow::Continue(());
        }
        let listing = match fs::read_dir(path) {
            Ok(listing) => listing,
            Err(error) => return self.trouble(path, io_reason(&error), error.to_string()),
        };
        let mut names = Vec::new();
        for entry in listing {
            match entry {
                Ok(entry) => names.push(entry.file_name()),
                Err(error) => self.trouble(path, io_reason(&error), error.to_string())?,
            }
        }
        names.sort();
        self.open.push((path.to_owned(), names.into_iter()));
        ControlFlow::Continue(())
    }
}

fn is_loop(error: &io::Error) -> bool {
    // `ErrorKind::FilesystemLoop` is not stable; ELOOP is 40 on Linux, 62 on the BSDs and macOS.
    let code = if cfg!(target_os = "linux") { 40 } else { 62 };
    cfg!(unix) && error.raw_os_error() == Some(code)
}

/// The stable word for an I/O error.
pub(crate) fn io_reason(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission",
        io::ErrorKind::NotFound => "gone",
        _ => "io",
    }
}

/// A path as text for output, with `/` between its parts; and the hexadecimal of its bytes when that loses something.
pub fn path_text(path: &Path) -> (String, Option<String>) {
    match path.to_str() {
        Some(text) if cfg!(windows) => (text.replace('\\', "/"), None),
        Some(text) => (text.to_owned(), None),
        None => {
            let bytes = path.as_os_str().as_encoded_bytes();
            (path.to_string_lossy().into_owned(), Some(lodestone_types::hex::encode(bytes)))
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn steps(roots: &[PathBuf]) -> Vec<(String, String)> {
        let mut steps = Vec::new();
        walk(roots, &WalkOptions { follow_links: true, skip: Vec::new() }, &mut |step| {
            steps.push(match step {
                Step::File { path, .. } => (path_text(&path).0, "file".to_owned()),
                Step::Trouble { path, why } => (path_text(&path).0, why.reason),
            });
            ControlFlow::Continue(())
        });
        steps
    }

    #[test]
    fn links_loops_and_special_files_are_all_told() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        fs::write(root.join("a/b/one"), b"1").unwrap();
        fs::write(root.join("a.txt"), b"2").unwrap();
        symlink(root.join("a"), root.join("a/b/up")).unwrap();
        symlink("self", root.join("self")).unwrap();
        symlink("nowhere", root.join("broken")).unwrap();
        symlink("a.txt", root.join("alias")).unwrap();
        symlink(root.join("a/b"), root.join("z1")).unwrap();
        symlink(root.join("a/b"), root.join("z2")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("socket")).unwrap();
        let found: Vec<_> = steps(&[root.to_owned()])
            .into_iter()
            .map(|(path, what)| (path[root.to_str().unwrap().len() + 1..].to_owned(), what))
            .collect();
        let expected = [
            ("a/b/one", "file"),
            ("a/b/up", "loop"),
            ("a.txt", "file"),
            ("alias", "file"),
            ("broken", "broken_link"),
            ("self", "loop"),
            ("socket", "special"),
            ("z1/one", "file"),
            ("z1/up", "loop"),
            ("z2", "loop"),
        ];
        let expected: Vec<_> = expected.map(|(path, what)| (path.to_owned(), what.to_owned())).into();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_folder_or_a_file_to_leave_out_is_left_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        fs::create_dir_all(root.join("state")).unwrap();
        fs::create_dir_all(root.join("in")).unwrap();
        for name in ["state/x", "in/report.html", "report.html", "kept"] {
            fs::write(root.join(name), b"").unwrap();
        }
        let options =
            WalkOptions { follow_links: true, skip: vec![root.join("state"), root.join("report.html")] };
        let mut found = Vec::new();
        walk(std::slice::from_ref(&root), &options, &mut |step| {
            if let Step::File { path, .. } = step {
                found.push(path.strip_prefix(&root).unwrap().to_owned());
            }
            ControlFlow::Continue(())
        });
        assert_eq!(found, [Path::new("in/report.html"), Path::new("kept")]);
    }

    #[test]
    fn a_tree_as_deep_as_paths_can_be_is_walked_on_a_small_stack() {
        let dir = tempfile::tempdir().unwrap();
        let mut path = dir.path().to_owned();
        let mut depth = 0;
        while fs::create_dir(path.join("a")).is_ok() {
            path.push("a");
            depth += 1;
        }
        assert!(depth > 300, "{depth}");
        let root = dir.path().to_owned();
        let walked = std::thread::Builder::new().stack_size(128 << 10).spawn(move || steps(&[root])).unwrap();
        walked.join().unwrap();
        // Removing it is a recursion of std's own.
        while path != dir.path() {
            fs::remove_dir(&path).unwrap();
            path.pop();
        }
    }

    #[test]
    fn overlapping_roots_are_walked_once_and_a_missing_one_is_told() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("in")).unwrap();
        fs::write(dir.path().join("in/x"), b"").unwrap();
        let roots =
            [dir.path().to_owned(), dir.path().join("in"), dir.path().join("in/x"), dir.path().join("none")];
        let found: Vec<_> = steps(&roots).into_iter().map(|(_, what)| what).collect();
        assert_eq!(found, ["file", "gone"]);
    }
}
