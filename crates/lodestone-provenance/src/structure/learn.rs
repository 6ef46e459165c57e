//! A database file from known files: what `lodestone provenance learn` calls.

use std::collections::{BTreeMap, BTreeSet};

use lodestone_media::segments::Segments;
use lodestone_media::segments::tiff::{Ifd, tag};

use super::database::{Class, Database, Entry, FORMAT, Head};
use super::layout::{is_phone_maker, read_layout};
use super::signature::{Level, SIGNATURE_VERSION, Signature};

/// Characters of a maker's or model's name kept.
const MAX_NAME: usize = 64;

/// Why a file was not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It is no JPEG with tables and a frame.
    #[error("no JPEG with tables and a frame")]
    NotJpeg,
    /// It names no maker, and no label was given.
    #[error("names no maker, and no label was given")]
    NoMaker,
    /// Its own structure says that an editor or a service wrote it.
    #[error("its structure is an editor's or a service's")]
    Edited,
    /// It is built as common libraries build it: nothing of it belongs to one writer.
    #[error("it is built as common libraries build it")]
    Library,
}

#[derive(Default)]
struct Tally {
    models: BTreeSet<String>,
    files: u32,
}

/// Gathers signatures of known files and writes them as a database file. Only digests, counts and names of makers and
/// models are kept; no serial numbers, no pictures.
pub struct Learner {
    name: String,
    label: Option<String>,
    known: Database,
    tallies: BTreeMap<(Level, String, Class, String), Tally>,
}

impl Learner {
    /// `name` is the file's title; `label` says who wrote the files, in place of the maker that each names itself.
    pub fn new(name: &str, label: Option<&str>) -> Self {
        let label = label.map(|l| l.chars().take(MAX_NAME).collect());
        Self { name: name.to_owned(), label, known: Database::built_in(), tallies: BTreeMap::new() }
    }

    /// Takes in one file's structure.
    ///
    /// # Errors
    /// Why it was not learned; the others are not touched by that.
    pub fn add(&mut self, segments: &Segments<'_>) -> Result<(), Refusal> {
        let (Some(signature), Some(jpeg)) = (Signature::of(segments), &segments.jpeg) else {
            return Err(Refusal::NotJpeg);
        };
        let (make, model) = names(segments);
        let maker = (!make.is_empty()).then_some(make.as_str());
        let who = self.label.clone().or_else(|| maker.map(str::to_owned)).ok_or(Refusal::NoMaker)?;
        let layout = read_layout(jpeg, maker);
        let known = self.known.look_up(&signature);
        if layout.class == Class::Editor
            || known.iter().any(|k| matches!(k.class, Class::Editor | Class::Social))
        {
            return Err(Refusal::Edited);
        }
        if layout.class == Class::Library {
            return Err(Refusal::Library);
        }
        let class = if maker.is_some_and(is_phone_maker) { Class::Phone } else { Class::Camera };
        let mut levels = vec![Level::Exact];
        // Scaled example tables are everybody's.
        if !jpeg.all_ijg() {
            levels.push(Level::Tables);
        }
        for level in levels {
            let key = (level, signature.digest(level).to_string(), class, who.clone());
            let tally = self.tallies.entry(key).or_default();
            tally.files = tally.files.saturating_add(1);
            if !model.is_empty() {
                tally.models.insert(model.clone());
            }
        }
        Ok(())
    }

    /// How many signatures there are so far.
    pub fn len(&self) -> usize {
        self.tallies.len()
    }

    /// Whether nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.tallies.is_empty()
    }

    /// The database file. `date` is today, `YYYY-MM-DD`; the same files give the same text in any order.
    pub fn finish(self, date: &str) -> String {
        let sources = BTreeMap::from([("own".to_owned(), "the operator's own known files".to_owned())]);
        let head = Head {
            format: FORMAT.to_owned(),
            version: SIGNATURE_VERSION,
            name: self.name,
            date: date.to_owned(),
            licence: None,
            sources,
        };
        let mut text = serde_json::to_string(&head).unwrap_or_default();
        for ((level, digest, class, who), tally) in self.tallies {
            let entry = Entry {
                level,
                digest: Some(digest),
                rows: Vec::new(),
                class,
                who,
                models: tally.models.into_iter().collect(),
                files: Some(tally.files),
                sources: vec!["own".to_owned()],
                note: None,
            };
            text.push('\n');
            text.push_str(&serde_json::to_string(&entry).unwrap_or_default());
        }
        text.push('\n');
        text
    }
}

/// Make and Model as the file names them.
pub(crate) fn names(segments: &Segments<'_>) -> (String, String) {
    let Some((_, tiff)) = segments.exif() else { return Default::default() };
    let text = |number| {
        let text = tiff.get(Ifd::Primary, number).and_then(|f| f.text()).unwrap_or_default();
        let clean = text.chars().filter(|c| !c.is_control()).take(MAX_NAME);
        clean.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
    };
    (text(tag::MAKE), text(tag::MODEL))
}
