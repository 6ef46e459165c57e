//! Layer 3: local features of the questioned picture that agree with those of a known one.

use std::collections::{BTreeMap, BTreeSet};

use lodestone_features::{
    Alignment, Bounds, Features, FindStats, Questioned, Strength, VoteOptions, align, expected_false_hits,
    find_known, match_evidence_bits,
};
use lodestone_types::{Box2, Milli, Observation, Relation, SignalType, Standing, Transform, TransformKind};

use super::edit::edit;
use super::{Kept, Known};
use crate::appraise::Found;

/// Entries found by hashes that are aligned too, in the order in which they were found.
const MOST_CONFIRMED: usize = 16;

/// Known pictures that are looked for: one index, or several that are searched one after the other and count as one.
pub(crate) struct Pictures<'k> {
    /// The indexes.
    pub(crate) parts: Vec<&'k Known>,
    /// Pictures in all of them.
    pub(crate) total: u64,
    /// Whether a picture of an index, by its place and its key, is looked for.
    pub(crate) takes_part: &'k dyn Fn(usize, u64) -> bool,
}

impl<'k> From<&'k Known> for Pictures<'k> {
    fn from(known: &'k Known) -> Self {
        Self { parts: vec![known], total: known.len() as u64, takes_part: &|_, _| true }
    }
}

/// Finds known pictures by their features, and lays what hashes found over its known picture, to say how.
pub(super) fn find(known: &Pictures<'_>, observation: &Observation, found: &mut Vec<Found>) {
    let Some(features) = features_of(observation) else { return };
    if known.total == 0 || features.is_empty() {
        return;
    }
    let questioned = Questioned::new(&features);
    let frame = Frame::of(observation, &features);
    // What is a match among few may be chance among all.
    let needed = match_evidence_bits(known.total);
    let mut aligned: BTreeSet<u64> = BTreeSet::new();
    for (place, part) in known.parts.iter().enumerate() {
        let hits = find_known(&part.votes, &questioned, &VoteOptions::default(), &mut FindStats::default());
        for mut hit in hits.into_iter().filter(|hit| (known.takes_part)(place, hit.id)) {
            if hit.alignment.evidence_bits < needed {
                hit.alignment.strength = Strength::Review;
            }
            aligned.insert(hit.id);
            take((part, known.total), &frame, hit.id, &hit.alignment, found);
        }
    }
    // Features are of the first frame.
    let unsure = found.iter().filter(|one| one.transform.frame.is_none() && !aligned.contains(&one.key));
    let unsure: Vec<u64> = unsure.map(|one| one.key).collect();
    for key in unsure.into_iter().take(MOST_CONFIRMED) {
        for (place, part) in known.parts.iter().enumerate() {
            if (known.takes_part)(place, key)
                && let Some(alignment) = part.features(key).and_then(|features| align(&questioned, &features))
            {
                take((part, known.total), &frame, key, &alignment, found);
            }
        }
    }
}

/// What the alignment of an entry says that something else has proposed.
pub(super) struct Proof {
    pub(super) inliers: u32,
    pub(super) evidence_bits: u32,
    /// Nothing speaks against it but that it may be chance.
    pub(super) sound: bool,
}

/// Aligns entries that something else has proposed, and takes what agrees as [`find`] does; by key, what each says.
pub(super) fn verify(
    known: &Known,
    observation: &Observation,
    keys: &[u64],
    found: &mut Vec<Found>,
) -> BTreeMap<u64, Proof> {
    let mut proofs = BTreeMap::new();
    let keys = keys.iter().filter_map(|key| Some((*key, known.features(*key)?)));
    let mut keys = keys.peekable();
    let features = features_of(observation).filter(|features| !features.is_empty());
    let (Some(features), Some(_)) = (features, keys.peek()) else { return proofs };
    let questioned = Questioned::new(&features);
    let frame = Frame::of(observation, &features);
    for (key, features) in keys {
        if let Some(alignment) = align(&questioned, &features) {
            let size = (f64::from(features.width), f64::from(features.height));
            let sound = alignment.doubt.is_none() && !rests_on_frame(&alignment, size);
            let Alignment { inliers, evidence_bits, .. } = alignment;
            proofs.insert(key, Proof { inliers, evidence_bits, sound });
            take((known, known.len() as u64), &frame, key, &alignment, found);
        }
    }
    proofs
}

/// All features of a questioned picture, whole and parts, as one.
fn features_of(observation: &Observation) -> Option<Features> {
    let mut records = observation.features.iter().filter_map(|record| Features::from_bytes(&record.0).ok());
    let mut all = records.next()?;
    for part in records {
        if (part.width, part.height) == (all.width, all.height) {
            all.append(&part);
        }
    }
    Some(all)
}

/// The questioned picture: as stored, and as its features see it.
struct Frame {
    /// Stored pixels to one of the grey copy, across and down.
    across: f64,
    down: f64,
    width: f64,
    height: f64,
    /// As its features were measured in.
    measured: (u16, u16),
    detail: Option<Kept>,
    /// All of it was decoded.
    whole: bool,
}

impl Frame {
    fn of(observation: &Observation, features: &Features) -> Self {
        let (width, height) = (f64::from(features.width), f64::from(features.height));
        let stored =
            observation.picture.as_ref().map(|picture| (picture.width.into(), picture.height.into()));
        let (w, h): (f64, f64) = stored.unwrap_or((width, height));
        // Of a picture that breaks off, what is missing was not replaced.
        let whole = observation.picture.as_ref().is_none_or(|picture| picture.partial.is_none());
        let detail = Kept::of(observation).filter(|_| whole);
        Self {
            across: w / width.max(1.0),
            down: h / height.max(1.0),
            width,
            height,
            measured: (features.width, features.height),
            detail,
            whole,
        }
    }

    fn stored(&self, bounds: &Bounds) -> Box2 {
        let edge = |value: f32, by: f64| (f64::from(value) * by).round() as i32;
        let (x, y) = (edge(bounds.left, self.across), edge(bounds.top, self.down));
        Box2 { x, y, width: edge(bounds.right, self.across) - x, height: edge(bounds.bottom, self.down) - y }
    }
}

/// Adds an alignment: to the match that hashes gave, which it confirms, or as one of its own.
fn take(
    (known, total): (&Known, u64),
    frame: &Frame,
    key: u64,
    alignment: &Alignment,
    found: &mut Vec<Found>,
) {
    let Some(features) = known.features(key) else { return };
    let size = (f64::from(features.width), f64::from(features.height));
    let sure = alignment.strength == Strength::Match && !rests_on_frame(alignment, size);
    // Some ten milliseconds, and of an alignment that may be chance it says nothing.
    let edit = match (known.grey(key), &frame.detail) {
        (Some(grey), Some(Kept(luma))) if sure => edit(
            (grey, (features.width, features.height)),
            (luma, frame.measured),
            alignment,
            (frame.across, frame.down),
        ),
        _ => None,
    };
    let relation = relation(frame, alignment, size, edit.as_ref().is_some_and(|(_, edited)| *edited));
    let chance = expected_false_hits(alignment.evidence_bits, total);
    let aligned = transform(frame, alignment, size);
    let held = found.iter_mut().find(|one| one.key == key && !one.signal_type.is_digest());
    let one = match held {
        // What hashes say of it is better than an alignment that may be chance.
        Some(_) if !sure => return,
        // Too far for a hash, and proved by features: theirs alone.
        Some(one) if one.standing == Standing::PossibleDerivative => {
            *one = Found { transform: aligned, expected_false_hits: Some(chance), ..by_features(key) };
            one
        }
        Some(one) => {
            if one.layer == 2 {
                // A region that was moved to where it fits best is nearer the truth than four corners by features.
                let region = one.transform.region.or(aligned.region);
                one.transform = Transform { region, kind: one.transform.kind, ..aligned };
                one.standing = Standing::Match;
            }
            one.expected_false_hits = Some(one.expected_false_hits.map_or(chance, |held| held.min(chance)));
            one
        }
        None => {
            // So few features may agree by chance: looked at earlier, and no more.
            let standing = if sure { Standing::Match } else { Standing::PossibleDerivative };
            let expected_false_hits = Some(chance);
            found.push(Found { transform: aligned, standing, expected_false_hits, ..by_features(key) });
            let Some(last) = found.last_mut() else { return };
            last
        }
    };
    one.relation = sure.then_some(relation);
    one.inliers = Some(alignment.inliers);
    one.evidence_bits = Some(alignment.evidence_bits);
    one.edit = edit.map(|(edit, _)| edit);
}

/// Part of the known picture's sides that may be a frame.
const FRAME: f64 = 0.1;
/// Evidence with which a frame in common is not all there is.
const FRAME_EVIDENCE_BITS: u32 = 400;

/// Whether little more agrees than the edge of the known picture: two pictures in frames of the same kind.
fn rests_on_frame(alignment: &Alignment, (width, height): (f64, f64)) -> bool {
    let at_edge = |place: &&[f32; 4]| {
        let (x, y) = (f64::from(place[0]) / width.max(1.0), f64::from(place[1]) / height.max(1.0));
        x.min(1.0 - x).min(y).min(1.0 - y) < FRAME
    };
    let edge = alignment.places.iter().filter(at_edge).count();
    alignment.evidence_bits < FRAME_EVIDENCE_BITS && edge * 4 >= alignment.places.len() * 3
}

fn by_features(key: u64) -> Found {
    Found { layer: 3, ..Found::as_it_is(key, SignalType::Pdq, 0) }
}

fn transform(frame: &Frame, alignment: &Alignment, (width, height): (f64, f64)) -> Transform {
    let thousandths = |value: f32, of: f64| (f64::from(value) / of.max(1.0) * 1000.0).round() as i32;
    let seen = &alignment.visible_of_known;
    let (x, y) = (thousandths(seen.left, width), thousandths(seen.top, height));
    let milli = |value: f32| Milli::from_f64(f64::from(value));
    Transform {
        kind: TransformKind::Aligned,
        negative: alignment.form.negative,
        mirror: alignment.form.mirror,
        region: Some(frame.stored(&alignment.in_questioned)),
        outline: Some([(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)].map(|(x, y)| {
            let (x, y) = alignment.transform.apply(x, y);
            // A corner seen from behind lies nowhere: it is cut off far outside.
            [(x * frame.across).round() as i32, (y * frame.down).round() as i32]
        })),
        known_region: Some(Box2 {
            x,
            y,
            width: thousandths(seen.right, width) - x,
            height: thousandths(seen.bottom, height) - y,
        }),
        // Alignments turn before they mirror; told is the other order.
        angle_degrees: Some(milli(match alignment.form.mirror {
            true => -alignment.angle_degrees,
            false => alignment.angle_degrees,
        })),
        scale: Some(Milli::from_f64(f64::from(alignment.scale) * (frame.across + frame.down) / 2.0)),
        ..Transform::default()
    }
}

/// Nearly all of a picture: borders are found to some pixels.
const NEARLY_ALL: f64 = 0.93;

fn relation(frame: &Frame, alignment: &Alignment, (width, height): (f64, f64), edited: bool) -> Relation {
    if edited {
        return Relation::EditedFromKnown;
    }
    let area = |bounds: &Bounds| {
        f64::from((bounds.right - bounds.left).max(0.0)) * f64::from((bounds.bottom - bounds.top).max(0.0))
    };
    let all_of_known = area(&alignment.visible_of_known) >= NEARLY_ALL * width * height;
    let fills = area(&alignment.in_questioned) >= NEARLY_ALL * frame.width * frame.height;
    match (all_of_known, fills) {
        (true, true) if !frame.whole => Relation::CropOf,
        (true, true) => Relation::SamePicture,
        (false, true) => Relation::CropOf,
        (true, false) => Relation::Contains,
        (false, false) => Relation::ContainsPartOf,
    }
}

#[cfg(test)]
mod tests {
    use lodestone_features::{Form, Transform as Plane, TransformKind as PlaneKind};

    use super::*;

    fn alignment(evidence_bits: u32, places: Vec<[f32; 4]>) -> Alignment {
        let whole = Bounds { left: 0.0, top: 0.0, right: 300.0, bottom: 200.0 };
        let matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        Alignment {
            transform: Plane { kind: PlaneKind::Similarity, matrix },
            form: Form::default(),
            inliers: places.len() as u32,
            pairs: places.len() as u32,
            evidence_bits,
            hull_share_of_known: 0.9,
            hull_share_of_questioned: 0.9,
            scale: 1.0,
            angle_degrees: 0.0,
            in_questioned: whole,
            visible_of_known: whole,
            places,
            strength: Strength::Match,
            doubt: None,
        }
    }

    #[test]
    fn a_frame_in_common_is_no_match_and_much_that_agrees_within_it_is() {
        let at = |x: f32, y: f32| [x, y, x, y];
        let frame = [at(5.0, 5.0), at(295.0, 6.0), at(294.0, 196.0), at(150.0, 3.0), at(4.0, 100.0)];
        let inner = [at(100.0, 80.0), at(150.0, 100.0), at(190.0, 120.0)];
        let size = (300.0, 200.0);
        assert!(rests_on_frame(&alignment(230, frame.to_vec()), size));
        assert!(!rests_on_frame(&alignment(400, frame.to_vec()), size), "so much is no accident");
        assert!(!rests_on_frame(&alignment(230, [&frame[..], &inner].concat()), size));
    }
}
