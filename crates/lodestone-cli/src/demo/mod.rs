//! The demo's pile: small benign pictures drawn on the spot, and a synthetic list that knows some of them.
//!
//! Nothing here comes from anywhere else: charts, hills, fractals and things, drawn by integer arithmetic, so that the
//! pile is the same on each computer. Camera-like files name a maker that does not exist; generated-looking files carry
//! the metadata that generators write, and were drawn like all the others.

mod canvas;
mod exif;
mod files;
mod plan;
mod said;
mod scenes;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// What marks a folder as drawn by the demo, so that it may be drawn over.
const MARKER: &str = ".lodestone-demo";
/// Rows of the list that match nothing: a list of four would not look like one.
const STRANGERS: u64 = 36;

/// A drawn pile, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DemoSet {
    /// The folder to scan.
    pub(crate) pictures: PathBuf,
    /// The synthetic list of known pictures: CSV with the columns `id`, `pdq` and `md5`.
    pub(crate) known: PathBuf,
    /// The list of known-good files, as md5sum writes it.
    pub(crate) known_good: PathBuf,
    /// What a scan should find.
    pub(crate) expected: Expected,
}

/// What a scan of the pile should find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// Files in the folder, archives counted as one.
    pub(crate) files: usize,
    /// Members of the archives that can be opened.
    pub(crate) members: usize,
    /// Files and members that are, or derive from, an entry of the list.
    pub(crate) from_known: usize,
    /// Files of the known-good list.
    pub(crate) known_good: usize,
    /// Files and members that cannot be read as a picture or an archive.
    pub(crate) unreadable: usize,
}

/// Gives PDQ (64 hexadecimal digits) and its quality of a picture file.
type Hasher<'a> = &'a dyn Fn(&[u8]) -> Option<(String, u8)>;

/// Draws the pile into `dir`. `hash` gives PDQ (64 hexadecimal digits) and its quality of a picture file: the program's
/// own hash makes the list.
///
/// # Errors
/// If `dir` holds something that the demo has not drawn, cannot be written, or `hash` cannot read a drawn picture.
pub(crate) fn draw(dir: &Path, hash: Hasher<'_>) -> Result<DemoSet> {
    draw_sized(dir, hash, 40)
}

fn draw_sized(dir: &Path, hash: Hasher<'_>, unit: u32) -> Result<DemoSet> {
    claim(dir)?;
    let pile = plan::pile(unit)?;
    let pictures = dir.join("pictures");
    let lists = dir.join("lists");
    fs::create_dir_all(&lists).with_context(|| format!("making {}", lists.display()))?;
    for (path, bytes) in &pile.files {
        put(&pictures.join(path), bytes)?;
    }

    let mut rows = String::from("id,pdq,md5\n");
    for (id, bytes) in &pile.known {
        let (pdq, _quality) = hash(bytes).with_context(|| format!("hashing the demo's own picture {id}"))?;
        writeln!(rows, "{id},{pdq},{}", md5(bytes))?;
    }
    for n in 0..STRANGERS {
        let words = |seed: u64, count: u64| {
            (0..count).map(|at| format!("{:016x}", scenes::mix(seed + n, at))).collect::<String>()
        };
        writeln!(rows, "LD-{:04},{},{}", 5 + n, words(900, 4), words(5000, 2))?;
    }
    let known = lists.join("known.csv");
    put(&known, rows.as_bytes())?;

    let mut rows = String::new();
    for (name, bytes) in &pile.known_good {
        writeln!(rows, "{}  {name}", md5(bytes))?;
    }
    let known_good = lists.join("known-good.md5");
    put(&known_good, rows.as_bytes())?;

    let expected = Expected {
        files: pile.files.len(),
        members: pile.members,
        from_known: pile.from_known,
        known_good: pile.known_good.len(),
        unreadable: pile.unreadable,
    };
    put(&dir.join("README.txt"), about(&expected).as_bytes())?;
    Ok(DemoSet { pictures, known, known_good, expected })
}

/// What stands beside the pile, for whoever finds it later.
fn about(expected: &Expected) -> String {
    let Expected { files, members, from_known, known_good, unreadable } = expected;
    format!(
        "Drawn by `lodestone demo`: charts, hills, fractals and things, none of them a photograph. Camera-like files name\n\
         a maker that does not exist; generated-looking files only carry the metadata that generators write.\n\n\
         pictures/   {files} files, and {members} more inside the archives\n\
         lists/      a synthetic list, and a list of known-good files\n\n\
         Of these, {from_known} are or derive from an entry of the list, {known_good} is known good, and {unreadable} cannot be read as a\n\
         picture or an archive.\n"
    )
}

/// Makes the folder, or takes over one that an earlier demo drew.
fn claim(dir: &Path) -> Result<()> {
    let marker = dir.join(MARKER);
    if marker.is_file() {
        for part in ["pictures", "lists"] {
            let part = dir.join(part);
            if part.is_dir() {
                fs::remove_dir_all(&part).with_context(|| format!("clearing {}", part.display()))?;
            }
        }
    } else if dir.exists() {
        let mut inside = fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))?;
        if inside.next().is_some() {
            bail!(
                "{} is not empty and was not drawn by the demo; name another folder: lodestone demo FOLDER",
                dir.display()
            );
        }
    }
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    put(&marker, b"Drawn by `lodestone demo`, which may clear pictures/ and lists/ beside this file.\n")
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))
}

fn md5(bytes: &[u8]) -> String {
    let mut digester = lodestone_hash::Digester::new();
    digester.update(bytes);
    lodestone_types::hex::encode(&digester.finish().md5)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stub(bytes: &[u8]) -> Option<(String, u8)> {
        (!bytes.is_empty()).then(|| ("ab".repeat(32), 100))
    }

    #[test]
    fn the_pile_is_drawn_with_its_lists_and_again_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let set = draw_sized(dir.path(), &stub, 8).unwrap();
        let card = set.pictures.join("DCIM/100LODES/LD_0001.JPG");
        let first = fs::read(&card).unwrap();
        assert!(first.starts_with(&[0xff, 0xd8, 0xff, 0xe1]), "camera files begin with EXIF");
        assert_eq!(fs::read_to_string(&set.known).unwrap().lines().count(), 1 + 4 + STRANGERS as usize);
        assert!(fs::read_to_string(&set.known_good).unwrap().ends_with("  wallpaper.png\n"));
        assert!((40..=60).contains(&set.expected.files), "{:?}", set.expected);
        let again = draw_sized(dir.path(), &stub, 8).unwrap();
        assert_eq!(again, set);
        assert_eq!(fs::read(&card).unwrap(), first);
    }

    #[test]
    fn a_folder_of_someone_else_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.txt"), "mine").unwrap();
        let refused = draw_sized(dir.path(), &stub, 8).unwrap_err().to_string();
        assert!(refused.contains("not empty"), "{refused}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn copies_are_the_same_bytes_and_no_other_two_files_are() {
        let pile = plan::pile(8).unwrap();
        let mut digests: Vec<String> = pile.files.iter().map(|(_, bytes)| md5(bytes)).collect();
        digests.sort();
        let all = digests.len();
        digests.dedup();
        assert_eq!(all - digests.len(), 2);
    }
}
