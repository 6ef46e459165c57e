//! Two pictures, and how one comes from the other.

use lodestone_features::Features;
use lodestone_types::{
    Bank, BankKind, ListEntry, ListVersion, Match, Observation, Signal, SignalType, bank::DEFAULT_RADIUS_BITS,
};

use super::{Kept, Layers};
use crate::appraise::{AppraiseOptions, appraise};
use crate::look_up::LookUps;
use crate::observer::Observer;
use crate::options::{ObserveOptions, Parts};
use crate::snapshot::{BuildError, SnapshotBuilder};

/// A picture as a known and as a questioned one.
#[derive(Clone, Debug)]
pub struct Side {
    /// Its path, as text.
    pub path: String,
    /// As it is kept when it is known.
    pub known: Observation,
    /// As it is asked about.
    pub questioned: Observation,
}

/// How two pictures compare.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The same bytes.
    pub same_bytes: bool,
    /// Bits by which the whole pictures' hashes differ in the nearest form, and that form, as a match; `None` where one has
    /// no hash.
    pub whole: Option<Match>,
    /// How the second comes from the first; the first is the known one.
    pub second_from_first: Vec<Match>,
    /// How the first comes from the second.
    pub first_from_second: Vec<Match>,
}

impl Side {
    /// Observes a file in both ways.
    pub fn observe(
        path: &std::path::Path,
        observer: &mut dyn FnMut(&ObserveOptions) -> Observer,
        options: &ObserveOptions,
    ) -> Self {
        let mut look = |parts| {
            let options = ObserveOptions { parts, archives: false, provenance: false, ..options.clone() };
            let seen = observer(&options).observe_file(path);
            seen.file().map(|file| file.observation.clone()).unwrap_or_default()
        };
        let known = look(Parts { features: true, known: true, detail: true, ..Parts::default() });
        let questioned = look(Parts { features: true, detail: true, regions: true, ..Parts::default() });
        Self { path: crate::walk::path_text(path).0, known, questioned }
    }
}

impl Compared {
    /// Whether anything was found that is more than a possibility.
    pub fn is_related(&self) -> bool {
        let mut both = self.second_from_first.iter().chain(&self.first_from_second);
        self.same_bytes || both.any(|one| !one.is_possible())
    }
}

/// Compares two observed pictures, each as the known one of the other, by all layers.
///
/// # Errors
/// [`BuildError`].
pub fn compare(first: &Side, second: &Side) -> Result<Compared, BuildError> {
    let digest = |side: &Side| side.questioned.digests.map(|digests| digests.sha256);
    let second_from_first = against(&first.known, &first.path, second)?;
    let first_from_second = against(&second.known, &second.path, first)?;
    Ok(Compared {
        same_bytes: digest(first).is_some() && digest(first) == digest(second),
        whole: whole(&first.known, &first.path, second)?,
        second_from_first,
        first_from_second,
    })
}

fn bank(name: &str, radius_bits: u32) -> Bank {
    Bank {
        name: name.to_owned(),
        kind: BankKind::Own,
        radius_bits,
        photodna_max_distance: None,
        source: String::new(),
        version: ListVersion::default(),
    }
}

/// What a questioned picture matches of a known one, by all layers; without the bytes.
fn against(known: &Observation, name: &str, questioned: &Side) -> Result<Vec<Match>, BuildError> {
    let mut builder = SnapshotBuilder::default().with_parts();
    builder.bank(bank("known", DEFAULT_RADIUS_BITS));
    let key =
        builder.keyed(&ListEntry { entry: name.to_owned(), signals: pdq(known), ..ListEntry::default() })?;
    let record = known.features.first().and_then(|record| Features::from_bytes(&record.0).ok());
    if let Some(features) = record.filter(|features| !features.is_empty()) {
        builder.known_mut().features(key, &features);
    }
    if let Some(Kept(luma)) = Kept::of(known) {
        builder.known_mut().grey(key, luma);
    }
    matches(builder, AppraiseOptions { layers: Layers::ALL, ..AppraiseOptions::default() }, questioned)
}

/// The nearest form of the whole picture, however far.
fn whole(known: &Observation, name: &str, questioned: &Side) -> Result<Option<Match>, BuildError> {
    let mut builder = SnapshotBuilder::default();
    // The widest radius a bank may have; unrelated pictures lie at half of all bits.
    builder.bank(bank("known", u32::from(u8::MAX)));
    builder.keyed(&ListEntry { entry: name.to_owned(), signals: pdq(known), ..ListEntry::default() })?;
    let options = AppraiseOptions { layers: Layers::WHOLE, min_quality: 0 };
    Ok(matches(builder, options, questioned)?.into_iter().next())
}

fn matches(
    builder: SnapshotBuilder,
    options: AppraiseOptions,
    questioned: &Side,
) -> Result<Vec<Match>, BuildError> {
    let snapshot = builder.build(1)?;
    let seen = vec![(questioned.path.clone(), None, questioned.questioned.clone())];
    let record = appraise(&snapshot, options, seen, &mut LookUps::default()).pop();
    Ok(record.map(|record| record.matches).unwrap_or_default())
}

fn pdq(known: &Observation) -> Vec<Signal> {
    let hash = known.primary().and_then(|print| print.pdq_dihedral.first());
    hash.and_then(|hash| Signal::from_bytes(SignalType::Pdq, hash)).into_iter().collect()
}
