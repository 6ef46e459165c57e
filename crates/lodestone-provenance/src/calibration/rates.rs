//! How often each thing is found, by label, source and generator of a labelled folder.

use std::collections::BTreeMap;
use std::fmt::Write;

use lodestone_types::{Assessment, CameraChain};
use serde::Serialize;

use super::labelled::Row;
use super::metrics::proportion;

/// One labelled file and its reading; `None`: it could not be read.
pub type Read<'a> = (&'a Row, Option<&'a Assessment>);

/// How often each thing is found in a group of files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rates {
    /// Files.
    pub files: usize,
    /// Of them unreadable.
    pub unreadable: usize,
    /// A generator is named.
    pub generator: usize,
    /// And an input picture was used.
    pub input_image_used: usize,
    /// Camera's trace, by its state.
    pub chain: BTreeMap<&'static str, usize>,
    /// An editor is named.
    pub editor: usize,
    /// Content Credentials that could be parsed.
    pub credentials: usize,
    /// Watermarks, by scheme.
    pub watermarks: BTreeMap<String, usize>,
    /// Nothing bears on origin.
    pub abstains: usize,
}

impl Rates {
    fn add(&mut self, reading: Option<&Assessment>) {
        self.files += 1;
        let Some(reading) = reading else {
            self.unreadable += 1;
            return;
        };
        self.generator += usize::from(reading.generator.is_some());
        self.input_image_used += usize::from(reading.input_picture_used);
        let chain = match reading.camera_chain {
            CameraChain::None => "none",
            CameraChain::Contradicted => "contradicted",
            CameraChain::Weak => "weak",
            CameraChain::Strong => "strong",
        };
        *self.chain.entry(chain).or_default() += 1;
        self.editor += usize::from(reading.editor.is_some());
        self.credentials += usize::from(reading.credentials.as_ref().is_some_and(|c| c.parsed));
        for mark in &reading.watermarks {
            *self.watermarks.entry(mark.scheme.clone()).or_default() += 1;
        }
        self.abstains += usize::from(reading.abstains);
    }

    fn chain(&self, state: &str) -> usize {
        self.chain.get(state).copied().unwrap_or(0)
    }
}

/// By kind of group (`label`, `source`, `generator`, `expected`), then by its name.
pub type Table = BTreeMap<&'static str, BTreeMap<String, Rates>>;

/// Counts. `expected` holds the groups of which something is to be expected: camera files whose EXIF names a maker by the
/// manifest, and edits that carry one.
pub fn rates(read: &[Read<'_>]) -> Table {
    let mut out = Table::new();
    for (row, reading) in read {
        let kind = if row.subtype.is_empty() {
            row.label.clone()
        } else {
            format!("{}: {}", row.label, row.subtype)
        };
        let mut groups = vec![("label", kind), ("source", format!("{} {}", row.label, row.source))];
        if !row.generator.is_empty() {
            groups.push(("generator", row.generator.clone()));
        }
        match row.label.as_str() {
            "camera" if !row.make.is_empty() => {
                groups.push(("expected", "camera files whose EXIF names a maker".to_owned()))
            }
            "edited" if !row.make.is_empty() => {
                groups.push(("expected", "edits whose EXIF names a maker".to_owned()))
            }
            _ => {}
        }
        groups.push(("expected", format!("all {}", row.label)));
        for (kind, name) in groups {
            out.entry(kind).or_default().entry(name).or_default().add(*reading);
        }
    }
    out
}

/// For a terminal: one line a group, with Wilson's 95 % interval of the two figures that are asked for most.
pub fn text(table: &Table) -> String {
    let mut out = String::new();
    let spell = |hits: usize, of: usize| {
        let [low, high] = proportion(hits, of);
        format!("{hits:>4} ({:>3.0}-{:<3.0}%)", low * 100.0, high * 100.0)
    };
    for (kind, groups) in table {
        let _ = writeln!(
            out,
            "{kind:<44} {:>5} {:>15} {:>5} {:>15} {:>5} {:>7} {:>6} {:>5} {:>6} {:>7}  watermarks",
            "files",
            "generator",
            "input",
            "strong chain",
            "weak",
            "contra",
            "editor",
            "creds",
            "unread",
            "abstain"
        );
        for (name, r) in groups {
            let marks: Vec<String> = r.watermarks.iter().map(|(scheme, n)| format!("{scheme} {n}")).collect();
            let name: String = name.chars().filter(|c| !c.is_control()).take(44).collect();
            let _ = writeln!(
                out,
                "{name:<44} {:>5} {:>15} {:>5} {:>15} {:>5} {:>7} {:>6} {:>5} {:>6} {:>7}  {}",
                r.files,
                spell(r.generator, r.files),
                r.input_image_used,
                spell(r.chain("strong"), r.files),
                r.chain("weak"),
                r.chain("contradicted"),
                r.editor,
                r.credentials,
                r.unreadable,
                r.abstains,
                marks.join(", ")
            );
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_count_under_each_of_their_groups() {
        let row = Row {
            label: "camera".to_owned(),
            source: "s".to_owned(),
            make: "Maker".to_owned(),
            ..Row::default()
        };
        let strong = Assessment { camera_chain: CameraChain::Strong, ..Assessment::default() };
        let table = rates(&[(&row, Some(&strong)), (&row, None)]);
        let expected = &table["expected"]["camera files whose EXIF names a maker"];
        assert_eq!((expected.files, expected.unreadable, expected.chain("strong")), (2, 1, 1));
        assert_eq!(table["source"]["camera s"].files, 2);
        assert!(text(&table).contains("camera files whose EXIF names a maker"));
    }
}
