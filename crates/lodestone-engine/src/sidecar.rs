//! Text that generators write beside a picture, under its name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Bytes read of one. 1 MiB: generators write a few kB, a workflow reaches some 100 kB.
const MAX_BYTES: u64 = 1 << 20;

/// Text of the first file that stands beside `path` under its name: `NAME.txt`, `NAME.png.txt`, then `.json`. Lossy where
/// it is not UTF-8, cut at [`MAX_BYTES`]; `None` where there is none, or it is empty, a link, or cannot be read.
pub(crate) fn beside(path: &Path) -> Option<String> {
    candidates(path).into_iter().filter(|one| one != path).find_map(|one| read(&one))
}

fn candidates(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name() else { return Vec::new() };
    let mut found = Vec::new();
    for extension in ["txt", "json"] {
        found.push(path.with_extension(extension));
        let mut longer = name.to_owned();
        longer.push(".");
        longer.push(extension);
        found.push(path.with_file_name(longer));
    }
    found
}

fn read(path: &Path) -> Option<String> {
    // Not through links: who laid out the folder must not choose what else is read.
    if !std::fs::symlink_metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_beside_a_picture_is_found_by_its_name_and_never_the_file_itself() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (name, text) in [("a.txt", "of a"), ("b.png.txt", "of b"), ("c.json", "{}"), ("d.txt", " \n")] {
            std::fs::write(at(name), text).unwrap();
        }
        assert_eq!(beside(&at("a.png")).as_deref(), Some("of a"));
        assert_eq!(beside(&at("b.png")).as_deref(), Some("of b"));
        assert_eq!(beside(&at("c.jpg")).as_deref(), Some("{}"));
        assert_eq!(beside(&at("d.png")), None, "nothing but space");
        assert_eq!(beside(&at("e.png")), None);
        assert_eq!(beside(&at("a.txt")), None);
    }

    #[test]
    fn a_long_one_is_cut() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.txt"), "x".repeat((1 << 20) + 9)).unwrap();
        assert_eq!(beside(&dir.path().join("a.png")).map(|text| text.len()), Some(1 << 20));
    }
}
