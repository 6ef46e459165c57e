//! One pass over the records: what the page shows of them, and no more.

use std::collections::BTreeMap;
use std::io;

use lodestone_types::{CameraChain, Match, Observation, Record, State, Thumbnail, Unreadable};

use super::{Report, limits};

/// What the page shows of one file.
pub(super) struct FileRow {
    pub(super) path: String,
    pub(super) state: State,
    pub(super) size_bytes: u64,
    pub(super) format: Option<String>,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) frames: u32,
    pub(super) notes: Vec<String>,
    pub(super) pdq_quality: Option<u8>,
    pub(super) origin: Option<String>,
    pub(super) group: Option<u64>,
    pub(super) best_match: Option<Match>,
}

/// One match and its file.
pub(super) struct MatchRow {
    pub(super) path: String,
    pub(super) found: Match,
}

/// What one pass over the records has kept, within the limits of the page.
#[derive(Default)]
pub(super) struct Seen {
    /// Files met.
    pub(super) files: u64,
    /// Rows of the file list; empty when there are more than the page holds.
    pub(super) rows: Vec<FileRow>,
    /// The file list was left out.
    pub(super) too_many_files: bool,
    /// Members of the groups shown as cards.
    pub(super) members: BTreeMap<String, FileRow>,
    /// Matches met, and the rows kept.
    pub(super) matches_total: u64,
    pub(super) matches: Vec<MatchRow>,
    /// Unreadable files: the rows kept.
    pub(super) unreadable: Vec<(String, Unreadable)>,
    pub(super) unreadable_total: u64,
    /// Small pictures kept, by path.
    pub(super) pictures: Pictures,
}

/// Small pictures within a budget: those of the best rank are kept.
#[derive(Default)]
pub(super) struct Pictures {
    kept: BTreeMap<(u64, String), Thumbnail>,
    order: BTreeMap<String, u64>,
    bytes: usize,
    pub(super) left_out: u64,
}

impl Pictures {
    fn keep(&mut self, order: u64, path: &str, picture: Thumbnail, budget: usize) {
        if !is_base64(&picture.png_base64) {
            self.left_out += 1;
            return;
        }
        self.bytes = self.bytes.saturating_add(picture.png_base64.len());
        self.order.insert(path.to_owned(), order);
        self.kept.insert((order, path.to_owned()), picture);
        while self.bytes > budget {
            let Some(((_, path), dropped)) = self.kept.pop_last() else { break };
            self.order.remove(&path);
            self.bytes = self.bytes.saturating_sub(dropped.png_base64.len());
            self.left_out += 1;
        }
    }

    /// The picture of a path, if it was kept.
    pub(super) fn of(&self, path: &str) -> Option<&Thumbnail> {
        self.kept.get(&(*self.order.get(path)?, path.to_owned()))
    }

    /// How many were kept.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }
}

/// The text goes into an attribute and a `data:` address: nothing but base64 may.
fn is_base64(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'/' | b'='))
}

/// Reads all records once.
///
/// # Errors
/// Those of the records' source.
pub(super) fn collect(
    report: &Report<'_>,
    records: &mut dyn Iterator<Item = io::Result<Record>>,
) -> io::Result<Seen> {
    // Where a path stands on the cards: representatives in rank order, then other members, then everything else.
    let mut on_card: BTreeMap<&str, u64> = BTreeMap::new();
    let cards = report.groups.get(..limits::CARDS).unwrap_or(report.groups);
    for group in cards {
        let representative = group.members.get(group.representative).map(String::as_str);
        for (at, path) in group.members.iter().enumerate() {
            let is_representative = Some(path.as_str()) == representative;
            if is_representative || at < limits::MEMBERS {
                on_card.insert(path, if is_representative { group.rank } else { (1 << 40) + group.rank });
            }
        }
    }
    let group_of_path: BTreeMap<&str, u64> = cards
        .iter()
        .flat_map(|group| group.members.iter().map(|path| (path.as_str(), group.group)))
        .collect();

    let mut seen = Seen::default();
    for record in records {
        let Record { path, state, mut observation, matches, group, .. } = record?;
        seen.files += 1;
        if let Some(picture) = observation.thumbnail.take() {
            let order = on_card.get(path.as_str()).copied().unwrap_or(u64::MAX);
            seen.pictures.keep(order, &path, picture, limits::PICTURE_BYTES);
        }
        if let Some(unreadable) = observation.unreadable.take() {
            seen.unreadable_total += 1;
            if seen.unreadable.len() < limits::UNREADABLE {
                seen.unreadable.push((path.clone(), unreadable));
            }
        }
        let group = group.or_else(|| group_of_path.get(path.as_str()).copied());
        let best = matches.iter().find(|found| !found.is_possible());
        if on_card.contains_key(path.as_str()) {
            seen.members.insert(path.clone(), row(&path, state, &observation, best, group));
        }
        if seen.rows.len() < limits::FILES {
            seen.rows.push(row(&path, state, &observation, best, group));
        } else {
            seen.too_many_files = true;
        }
        for found in matches {
            seen.matches_total += 1;
            if seen.matches.len() < limits::MATCHES {
                seen.matches.push(MatchRow { path: path.clone(), found });
            }
        }
    }
    if seen.too_many_files {
        seen.rows = Vec::new();
    }
    Ok(seen)
}

fn row(
    path: &str,
    state: State,
    observation: &Observation,
    best_match: Option<&Match>,
    group: Option<u64>,
) -> FileRow {
    let picture = observation.picture.as_ref();
    FileRow {
        path: path.to_owned(),
        state,
        size_bytes: observation.size_bytes,
        format: observation.format.clone(),
        width: picture.map_or(0, |p| p.width),
        height: picture.map_or(0, |p| p.height),
        frames: picture.map_or(0, |p| p.frames),
        notes: picture.map_or_else(Vec::new, |p| {
            p.partial.iter().map(|why| format!("partial: {why}")).chain(p.notes.iter().cloned()).collect()
        }),
        pdq_quality: observation.primary().map(|print| print.quality),
        origin: origin(observation),
        group,
        best_match: best_match.cloned(),
    }
}

/// What the metadata claims, in a few words. A claim of the file, not a finding of ours.
fn origin(observation: &Observation) -> Option<String> {
    let said = observation.assessment.as_ref()?;
    let mut words = Vec::new();
    if said.camera_chain != CameraChain::None {
        let chain = match said.camera_chain {
            CameraChain::None | CameraChain::Weak => "camera metadata, partial",
            CameraChain::Contradicted => "camera metadata, contradicted",
            CameraChain::Strong => "camera metadata and structure",
        };
        words.push(match &said.camera {
            Some(camera) => format!("{chain} ({camera})"),
            None => chain.to_owned(),
        });
    }
    if let Some(generator) = &said.generator {
        let input = if said.input_picture_used { ", from an input picture" } else { "" };
        let source = said.generator_source.as_deref().unwrap_or("metadata").replace('_', " ");
        words.push(format!("generator by {source}: {generator}{input}"));
    }
    if let Some(one) = &said.credentials {
        words.push(format!("Content Credentials: {}", super::examination::signed(one)));
    }
    for mark in &said.watermarks {
        words.push(format!("watermark {} ({})", mark.message, mark.scheme));
    }
    if let Some(editor) = &said.editor {
        words.push(format!("editor: {editor}"));
    }
    if let Some(kind) = &said.digital_source_type {
        words.push(format!("claims {kind}"));
    }
    (!words.is_empty()).then(|| words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(size: usize) -> Thumbnail {
        Thumbnail { mode: "drawing".into(), width: 1, height: 1, png_base64: "A".repeat(size) }
    }

    #[test]
    fn pictures_of_the_first_ranks_stay_when_the_budget_is_spent() {
        let mut pictures = Pictures::default();
        pictures.keep(3, "c", picture(40), 100);
        pictures.keep(1, "a", picture(40), 100);
        pictures.keep(2, "b", picture(40), 100);
        assert!(pictures.of("a").is_some() && pictures.of("b").is_some());
        assert!(pictures.of("c").is_none());
        assert_eq!((pictures.len(), pictures.left_out), (2, 1));
    }

    #[test]
    fn a_picture_that_is_not_base64_is_never_kept() {
        let mut pictures = Pictures::default();
        let mut hostile = picture(4);
        hostile.png_base64 = "AA\"onload=".into();
        pictures.keep(1, "a", hostile, 100);
        assert_eq!((pictures.len(), pictures.left_out), (0, 1));
    }
}
