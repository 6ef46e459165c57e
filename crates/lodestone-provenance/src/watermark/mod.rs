//! Invisible watermarks with known messages: what the library invisible-watermark writes for some generators.
//!
//! ```text
//! pixels ─▶ plane: U, LL ─▶ soft: a bit a block ─▶ direct: folded at the message's length ─▶ correlation
//!                                                └▶ search: grid, row length and start unknown ─▶ the same, more strictly
//! ```
//!
//! `docs/watermarks.md` says what is read, how thresholds were chosen and what is lost. A mark says that such a program
//! wrote these pixels; the program may have started from a photograph. Without one nothing is known: most generators
//! write none, and JPEG of usual quality removes it.

mod correlate;
mod direct;
mod plane;
mod rules;
mod search;
mod soft;

pub use direct::direct;
pub use rules::Scheme;
pub use search::search;

use correlate::Fold;
use lodestone_types::{CheckState, Location, Proposition, Strength, Watermark};
use rules::{MESSAGES, Message};
use soft::View;

use crate::item::Item;
use crate::reading::{Reading, supports};

/// The encoder refuses pictures of fewer pixels, so a mark in one is a crop's and counts as after a search only.
const SMALLEST: u64 = 256 * 256;

/// After a search, how far the best hypothesis must stand out of all in its phase. Thousands of them are tried: in
/// unmarked pictures one that fits well by chance is at 4 to 5.5 spreads; one that is further out fits badly, as content is.
const PEAK: f64 = 6.0;

/// How well one message fits.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Heard {
    /// How it would have been written.
    pub scheme: Scheme,
    /// The message's name.
    pub message: String,
    /// Pearson correlation of the soft bits, averaged at each position, with the message.
    pub correlation: f64,
    /// The same for the upper and the lower half of the picture by themselves.
    pub halves: [f64; 2],
    /// Correlation from which it counts.
    pub threshold: f64,
    /// Where the grid was found, after a search.
    pub crop_phase: Option<[u32; 2]>,
    /// Read by how far a block's greatest value stands out, and not by its value modulo 36.
    pub by_lead: bool,
    /// After a search: how far the best hypothesis stands out of the others in its phase, in their own spread.
    pub peak: f64,
}

impl Heard {
    fn of(
        message: &Message,
        view: View,
        halves: &[Fold; 2],
        crop_phase: Option<[u32; 2]>,
        peak: f64,
    ) -> Self {
        let mut whole = halves[0].clone();
        whole.add(&halves[1]);
        Self {
            scheme: view.scheme(),
            message: message.name.clone(),
            correlation: whole.correlation(&message.signs),
            halves: [halves[0].correlation(&message.signs), halves[1].correlation(&message.signs)],
            threshold: if crop_phase.is_some() { message.after_search } else { message.threshold },
            crop_phase,
            by_lead: view == View::Lead,
            peak,
        }
    }

    /// Those that count come first, and of these the one that fits best. After a search a greatest value read modulo 36
    /// goes before: it tells the place of the grid to the pixel, where a lead also fits two pixels beside it.
    fn rank(&self) -> f64 {
        let exact = self.crop_phase.is_some() && self.scheme == Scheme::DwtDct && !self.by_lead;
        let first = match (self.counts(), exact) {
            (true, true) => 4.0,
            (true, false) => 2.0,
            _ => 0.0,
        };
        first + self.correlation
    }

    /// Whether it counts.
    pub fn counts(&self) -> bool {
        self.correlation >= self.threshold && (self.crop_phase.is_none() || self.peak >= PEAK)
    }
}

pub(crate) fn examine(item: &Item<'_>, reading: &mut Reading) {
    const EXAMINER: &str = "watermark";
    let Some(pixels) = item.pixels else {
        reading.check(EXAMINER, CheckState::NotApplicable, Some("the pixels could not be read".to_owned()));
        reading.facts.insert("watermark".to_owned(), "not_checked".to_owned());
        return;
    };
    let whole = u64::from(pixels.width) * u64::from(pixels.height) >= SMALLEST;
    let mut heard = if whole { direct(&pixels) } else { Vec::new() };
    let mut looked = !heard.is_empty();
    heard.retain(Heard::counts);
    if heard.is_empty() {
        heard = search(&pixels);
        looked |= !heard.is_empty();
        heard.retain(Heard::counts);
    }
    if !looked {
        let why = "too few pixels for a message to be told from chance";
        reading.check(EXAMINER, CheckState::NotApplicable, Some(why.to_owned()));
        reading.facts.insert("watermark".to_owned(), "not_checked".to_owned());
        return;
    }
    reading.check(EXAMINER, CheckState::Applied, None);
    // One message is told once, in the scheme that fits it best.
    heard.sort_by(|a, b| b.rank().total_cmp(&a.rank()));
    let mut told: Vec<Heard> = Vec::new();
    for one in heard {
        if !told.iter().any(|t| t.message == one.message) {
            told.push(one);
        }
    }
    for one in &told {
        tell(one, reading);
    }
    match told.first() {
        None => {
            reading.facts.insert("watermark".to_owned(), "none".to_owned());
        }
        Some(one) if one.crop_phase.is_none() => reading.fact("watermark", "found"),
        Some(_) => reading.fact("watermark", "found_after_search"),
    }
}

fn tell(heard: &Heard, reading: &mut Reading) {
    let Heard { scheme, message, correlation, threshold, crop_phase, .. } = heard;
    let generator = MESSAGES.iter().find(|m| m.name == *message).map_or("", |m| m.generator.as_str());
    let scheme = scheme.as_str();
    let place = match crop_phase {
        None => String::new(),
        Some([x, y]) => {
            format!(", after a search for the grid of a cropped picture, which starts at pixel {x}, {y}")
        }
    };
    let what = format!(
        "an invisible watermark ({scheme}) is in the pixels that {generator} writes, message {message}: correlation \
         {correlation:.2} where {threshold:.2} is asked for{place}; that program also writes it when it changes a \
         photograph (img2img, inpainting)"
    );
    let raw = format!("correlation {correlation:.3}");
    reading.find(
        "watermark",
        &format!("watermark.{}.{message}", scheme.to_ascii_lowercase()),
        what,
        vec![Location { offset: None, field: format!("pixels:{scheme}"), raw: Some(raw) }],
        vec![
            supports(Proposition::AiGenerated, Strength::Moderate),
            supports(Proposition::AiEdited, Strength::Weak),
        ],
    );
    reading.applied += 1;
    reading.watermarks.push(Watermark {
        scheme: scheme.to_owned(),
        message: message.clone(),
        correlation: *correlation,
        threshold: *threshold,
        crop_phase: *crop_phase,
    });
    if reading.generators.is_empty() {
        reading.generators.push(generator.to_owned());
        reading.generator_source = Some("watermark");
    }
}
