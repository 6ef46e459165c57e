//! What the examiners of one item have found so far.

use std::collections::BTreeMap;

use lodestone_types::{
    Bearing, Check, CheckState, Credentials, Direction, Finding, Location, Proposition, Strength, Watermark,
    Workflow,
};

use crate::item::Wish;

/// Findings, and the facts that later examiners and the assessment need.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) findings: Vec<Finding>,
    /// Names of fields that a generator's convention uses: they are no camera's.
    pub(crate) generator_fields: Vec<String>,
    /// Generators, in the order of the rules.
    pub(crate) generators: Vec<String>,
    pub(crate) input_picture_used: bool,
    pub(crate) digital_source_type: Option<String>,
    pub(crate) camera: Camera,
    pub(crate) editor: Option<String>,
    /// Checks that found something to look at.
    pub(crate) applied: u32,
    pub(crate) c2pa_present: bool,
    /// Prompts as text and not as digests.
    pub(crate) show_text: bool,
    /// Where the first generator is named; see [`lodestone_types::Assessment::generator_source`].
    pub(crate) generator_source: Option<&'static str>,
    pub(crate) workflow: Option<Workflow>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) watermarks: Vec<Watermark>,
    /// Facts and scores for calibration; see [`lodestone_types::Assessment`].
    pub(crate) facts: BTreeMap<String, String>,
    pub(crate) scores: BTreeMap<String, f64>,
    pub(crate) checks: Vec<Check>,
}

/// The camera's trace.
#[derive(Debug, Default)]
pub(crate) struct Camera {
    pub(crate) name: Option<String>,
    pub(crate) make_and_model: bool,
    pub(crate) maker_note: bool,
    pub(crate) maker_note_disagrees: bool,
    /// How far the MakerNote speaks for this very file.
    pub(crate) note: NoteState,
    pub(crate) date: bool,
    pub(crate) exposure: bool,
    /// Most of the fields that cameras write beside these.
    pub(crate) complete: bool,
    /// The make is that of a game or a console: a photo mode.
    pub(crate) game: bool,
    /// Picture size stated by the camera differs from the picture's.
    pub(crate) size_disagrees: bool,
    /// Comparisons between fields that were made, and those that failed.
    pub(crate) compared: u32,
    pub(crate) inconsistent: u32,
    /// The shape of the embedded thumbnail is the picture's; `None`: there is none to compare.
    pub(crate) thumbnail_fits: Option<bool>,
    /// The content of the embedded thumbnail is another picture's or another state's.
    pub(crate) thumbnail_differs: bool,
    /// What stands around the picture is as its camera put it: tables of further pictures that point to them, a
    /// maker's trailer. Programs that write the picture anew drop or break these.
    pub(crate) surroundings_intact: bool,
    /// What the JPEG structure says of the claim; `None`: not assessed.
    pub(crate) structure_agrees: Option<bool>,
}

/// How far a MakerNote speaks for the file it stands in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum NoteState {
    /// None, or one that was moved or broken: rewritten by a program that did not understand it.
    #[default]
    None,
    /// It is there and could not be read further.
    Opaque,
    /// Its directory and its values lie where they should.
    Reads,
    /// And what it says of the picture agrees with EXIF or with the picture.
    Corroborated,
}

impl Camera {
    /// Make, Model, MakerNote, date and exposure, and nothing that contradicts.
    pub(crate) fn is_full(&self) -> bool {
        self.make_and_model && self.maker_note && !self.maker_note_disagrees && self.date && self.exposure
    }

    /// Some of it: a named camera, or two of the traits that cameras write.
    pub(crate) fn is_partial(&self) -> bool {
        let traits = [self.maker_note, self.date, self.exposure];
        self.make_and_model || traits.iter().filter(|t| **t).count() >= 2
    }

    /// Notes that two fields were compared, and whether they agree.
    pub(crate) fn compare(&mut self, agree: bool) {
        self.compared += 1;
        self.inconsistent += u32::from(!agree);
    }
}

impl Reading {
    pub(crate) fn new(wish: &Wish) -> Self {
        Self { show_text: wish.show_text, ..Self::default() }
    }

    /// Notes how a check went.
    #[allow(dead_code)]
    pub(crate) fn check(&mut self, examiner: &str, state: CheckState, why: Option<String>) {
        self.checks.push(Check { examiner: examiner.to_owned(), state, why });
    }

    /// States a fact for calibration, and that the last finding gave it.
    #[allow(dead_code)]
    pub(crate) fn fact(&mut self, name: &str, category: &str) {
        self.facts.insert(name.to_owned(), category.to_owned());
        if let Some(finding) = self.findings.last_mut() {
            finding.gives.push(name.to_owned());
        }
    }

    /// States a score for calibration, and that the last finding gave it.
    #[allow(dead_code)]
    pub(crate) fn score(&mut self, name: &str, value: f64) {
        self.scores.insert(name.to_owned(), value);
        if let Some(finding) = self.findings.last_mut() {
            finding.gives.push(name.to_owned());
        }
    }

    /// Adds a finding.
    pub(crate) fn find(
        &mut self,
        examiner: &str,
        code: &str,
        what: String,
        locations: Vec<Location>,
        bearings: Vec<Bearing>,
    ) {
        self.findings.push(Finding {
            examiner: examiner.to_owned(),
            code: code.to_owned(),
            what,
            locations,
            bearings,
            gives: Vec::new(),
            log10_lr: None,
            weight: None,
        });
    }
}

/// A bearing in favour.
pub(crate) fn supports(proposition: Proposition, strength: Strength) -> Bearing {
    Bearing { proposition, direction: Direction::Supports, strength }
}

/// A bearing against.
pub(crate) fn against(proposition: Proposition, strength: Strength) -> Bearing {
    Bearing { proposition, direction: Direction::Against, strength }
}
