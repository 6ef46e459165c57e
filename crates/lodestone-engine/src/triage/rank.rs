//! The order of the cards: a table of factors, each with its points and its reason.
//!
//! The question behind the order is an examiner's: *is there a child to be found whom nobody is looking for yet?* So,
//! from the top:
//!
//! 1. unknown relatives of known real material: a new crop, edit or AI edit of a known picture leads to its source;
//! 2. unknown files signed as captures by a listed signer, or with a full camera trace: somebody took them;
//! 3. unknown relatives of known generated material; part of a camera trace, edited captures, AI edits of an input
//!    picture, which may show a real person;
//! 4. unknown files that say nothing of their origin: real until shown otherwise;
//! 5. unknown files whose metadata, credentials or watermark name a generator;
//! 6. what lists know exactly: identified already, real before generated;
//! 7. pictures too plain for their hash to say anything, without other evidence.
//!
//! **A claim of being generated takes no points away.** Anyone can write such a claim or watermark a photograph, a signed
//! one is true of the file and not of the person in it, realistic generated material is
//! illegal and reportable in many places, and generators are used to change pictures of real people. A file with the
//! claim has the same baseline as one without; it only does not earn the few points for an open origin, and evidence
//! of a camera or of known material counts in full beside it. Nothing has fewer than 1 point.
//!
//! *Source:* NCMEC, IWF and examiners' accounts, as requirements: rank by real × unknown × linkage, show each factor,
//! never drop a file because it looks synthetic; relatives of known material outrank any likelihood of AI.

use lodestone_types::{BankKind, CameraChain, Factor, Priority, Relation};

use super::item::{KnownMatch, TriageItem};

/// One row of the table of factors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The factor's code.
    pub code: &'static str,
    /// Points it adds. Points order cards; they are no probability.
    pub points: i32,
    /// What has to hold.
    pub when: &'static str,
}

/// Every factor with its points. Of the `origin` rows only the strongest counts; others are shown with 0 points.
pub const RULES: [Rule; 31] = [
    rule("derivative_of_known_real", 2000, "a file whose bytes no list knows is near known real material"),
    rule("derivative_of_known_edited", 1900, "the same for known edits of real material"),
    rule("derivative_of_own", 1000, "the same for the operator's own bank"),
    rule("derivative_of_related", 900, "the same for material that belongs to a known case"),
    rule("derivative_of_known_generated", 320, "the same for known generated material"),
    rule(
        "edited_from_known",
        200,
        "laid over a known picture, a part of such a file differs: it was replaced",
    ),
    rule("ai_edit_of_known", 60, "such a file carries marks of generative editing"),
    rule(
        "capture_credential",
        420,
        "origin: signed as a capture by a signer on a list, for these very bytes",
    ),
    rule(
        "camera_chain_and_structure",
        400,
        "origin: full camera metadata and a file structure that cameras write",
    ),
    rule("ai_edit", 220, "origin: a generative edit of an input picture, which may show a real person"),
    rule("camera_chain_partial", 200, "origin: part of a camera's metadata"),
    rule("camera_chain_contradicted", 190, "origin: camera metadata that the file contradicts"),
    rule(
        "changed_after_signing",
        190,
        "origin: signed credentials over other bytes than these: changed since",
    ),
    rule("edited_capture", 180, "origin: a capture that an editor changed or saved again"),
    rule("unknown", 100, "holds a file that no list knows exactly"),
    rule("origin_open", 20, "nothing says where such a file comes from: real until shown otherwise"),
    rule(
        "unknown_featureless",
        10,
        "no list knows it exactly, and it is too plain for its hash to say anything",
    ),
    rule("generator_metadata", 0, "names a generator; a claim that takes nothing away"),
    rule("generator_credential", 0, "signed as a model's work by a signer on a list; takes nothing away"),
    rule("generator_watermark", 0, "holds a watermark that generators write; takes nothing away"),
    rule("exact_known_real", 85, "every file is identified exactly, among them known real material"),
    rule("exact_known_edited", 74, "the same, known edits"),
    rule("exact_own", 63, "the same, the operator's own bank"),
    rule("exact_related", 52, "the same, material that belongs to a known case"),
    rule("exact_known_generated", 41, "the same, known generated material"),
    rule("confirmed_false_alarm", 25, "every file is a confirmed false alarm by its exact bytes"),
    rule("possible_derivative", 30, "near known material, farther than a match may be"),
    rule("files", 5, "up to this many points for several files: 1 for each doubling"),
    rule("versions", 5, "up to this many points for several distinct files: 1 for each doubling"),
    rule("known_good_member", 0, "holds a known-good file"),
    rule("baseline", 1, "nothing else applies"),
];

const fn rule(code: &'static str, points: i32, when: &'static str) -> Rule {
    Rule { code, points, when }
}

/// The factors of one group, from its members.
pub(super) fn priority(items: &[TriageItem], places: &[usize], min_quality: u8) -> Priority {
    let members = || places.iter().map(|place| &items[*place]);
    let unknown: Vec<&TriageItem> = members().filter(|item| !item.is_resolved()).collect();
    let mut factors = Factors::default();
    if unknown.is_empty() {
        resolved(&mut factors, &members().collect::<Vec<_>>());
    } else {
        relatives(&mut factors, &members().collect::<Vec<_>>(), &unknown);
        origin(&mut factors, &unknown);
        baseline(&mut factors, &unknown, places.len(), min_quality);
    }
    sizes(&mut factors, &members().collect::<Vec<_>>());
    factors.priority()
}

#[derive(Default)]
struct Factors(Vec<Factor>);

impl Factors {
    fn add(&mut self, code: &'static str, why: String) {
        let points = RULES.iter().find(|rule| rule.code == code).map_or(0, |rule| rule.points);
        self.add_points(code, points, why);
    }

    fn add_points(&mut self, code: &'static str, points: i32, why: String) {
        self.0.push(Factor { code: code.to_owned(), points, why });
    }

    fn priority(mut self) -> Priority {
        if self.0.iter().all(|factor| factor.points < 1) {
            self.add("baseline", "Nothing is ranked to zero.".to_owned());
        }
        // Largest first; the order above breaks ties.
        self.0.sort_by_key(|factor| std::cmp::Reverse(factor.points));
        Priority { points: self.0.iter().map(|factor| factor.points).sum::<i32>().max(1), factors: self.0 }
    }
}

/// Kinds of known material in order of weight: derivative code, exact code, words.
const KINDS: [(BankKind, &str, &str, &str); 5] = [
    (BankKind::KnownReal, "derivative_of_known_real", "exact_known_real", "known real material"),
    (
        BankKind::KnownEdited,
        "derivative_of_known_edited",
        "exact_known_edited",
        "a known edit of real material",
    ),
    (BankKind::Own, "derivative_of_own", "exact_own", "the operator's own content"),
    (
        BankKind::RelatedNotIllegal,
        "derivative_of_related",
        "exact_related",
        "material related to a known case (not illegal in itself)",
    ),
    (
        BankKind::KnownGenerated,
        "derivative_of_known_generated",
        "exact_known_generated",
        "known generated material",
    ),
];

/// The nearest match of a kind among some files: exact before near, digests first.
fn nearest<'a>(files: &[&'a TriageItem], kind: BankKind) -> Option<(&'a TriageItem, &'a KnownMatch)> {
    let matches = files.iter().flat_map(|item| item.known.iter().map(|known| (*item, known)));
    matches.filter(|(_, known)| known.kind == kind).min_by_key(|(item, known)| {
        (!known.exact, !known.digest, known.layer > 1, known.distance_bits, item.path())
    })
}

fn resolved(factors: &mut Factors, members: &[&TriageItem]) {
    let mut first = true;
    for (kind, _, code, words) in KINDS {
        let Some((_, known)) = nearest(members, kind) else { continue };
        let how = if known.digest { "its bytes" } else { "its hash as stored" };
        let why =
            format!("Identified as {words}, bank {:?}, by {how}; no look is needed to know it.", known.bank);
        if first {
            factors.add(code, why);
        } else {
            factors.add_points(code, 0, why);
        }
        first = false;
    }
    if first && members.iter().any(|item| item.cleared) {
        factors.add("confirmed_false_alarm", "Confirmed false alarm by its exact bytes.".to_owned());
    }
}

/// Unknown files beside known material: by their own near match, or because they are grouped with a file that matches.
fn relatives(factors: &mut Factors, members: &[&TriageItem], unknown: &[&TriageItem]) {
    let mut first = true;
    for (kind, code, _, words) in KINDS {
        let why = if let Some((_, known)) = nearest(unknown, kind) {
            let turned = match known.transform {
                transform if transform == Default::default() => "",
                _ => ", in another form",
            };
            match known.layer {
                0 | 1 if known.unsupported => format!(
                    "Matches {words}, bank {:?}, {}{turned}; fewer members hold or confirm that entry than the bank asks \
                     for.",
                    known.bank,
                    if known.digest {
                        "same bytes".to_owned()
                    } else {
                        format!("{} bits away", known.distance_bits)
                    },
                ),
                0 | 1 => format!(
                    "Unknown file {} bits from {words}, bank {:?}{turned}: a derivative, not the listed file.",
                    known.distance_bits, known.bank
                ),
                _ => format!("Unknown file that {}.", derived(known, words)),
            }
        } else if let Some((_, known)) = nearest(members, kind) {
            format!("Unknown file grouped with {words}, bank {:?}.", known.bank)
        } else {
            continue;
        };
        if first {
            factors.add(code, why);
        } else {
            factors.add_points(code, 0, why);
        }
        first = false;
        let edited = |item: &&&TriageItem| {
            let of_kind = |known: &&KnownMatch| known.kind == kind;
            item.known.iter().filter(of_kind).any(|known| known.relation == Some(Relation::EditedFromKnown))
        };
        if unknown.iter().any(|item| edited(&item))
            && !factors.0.iter().any(|factor| factor.code == "edited_from_known")
        {
            factors.add(
                "edited_from_known",
                format!("Edited from {words}: laid over it, a part was replaced. Who is shown may be known."),
            );
        }
        if kind != BankKind::KnownGenerated
            && unknown.iter().any(|item| item.origin.ai_edited || item.origin.ai_generated)
        {
            let told = factors.0.iter().any(|factor| factor.code == "ai_edit_of_known");
            if !told {
                factors.add(
                    "ai_edit_of_known",
                    format!("It carries marks of generative editing, and is near {words}."),
                );
            }
        }
    }
}

/// How a file comes from a known picture that a part of it gave away.
fn derived(known: &KnownMatch, words: &str) -> String {
    let relation = known.relation.map_or("resembles a part of", Relation::words);
    let by = match known.inliers {
        Some(inliers) => format!("{inliers} local features agree"),
        None if known.layer == 4 => "the user's descriptor finds it alike, which nothing confirms".to_owned(),
        None => format!("a region is {} bits from its hash", known.distance_bits),
    };
    format!("{relation} {words}, bank {:?}: {by}", known.bank)
}

/// Evidence of origin in any unknown member; the strongest counts.
fn origin(factors: &mut Factors, unknown: &[&TriageItem]) {
    let chain = |wanted: CameraChain| unknown.iter().find(|item| item.origin.camera_chain == wanted);
    let camera = |item: &&TriageItem| item.origin.camera.as_deref().unwrap_or("not named").to_owned();
    let mut found: Vec<(&'static str, String)> = Vec::new();
    if unknown.iter().any(|item| item.origin.signed_capture) {
        found.push((
            "capture_credential",
            "Content Credentials say that a camera took it; the signer is on a list and the bytes are those that were \
             signed."
                .to_owned(),
        ));
    }
    if let Some(item) = chain(CameraChain::Strong) {
        found.push((
            "camera_chain_and_structure",
            format!("Likely camera original: full camera metadata (camera: {}) and a file structure that cameras write.", camera(item)),
        ));
    }
    if unknown.iter().any(|item| item.origin.ai_edited) {
        found.push((
            "ai_edit",
            "Generative edit of an input picture, which may show a real person.".to_owned(),
        ));
    }
    if let Some(item) = chain(CameraChain::Weak) {
        found.push((
            "camera_chain_partial",
            format!("Part of a camera's metadata (camera: {}).", camera(item)),
        ));
    }
    if let Some(item) = chain(CameraChain::Contradicted) {
        found.push((
            "camera_chain_contradicted",
            format!(
                "Camera metadata (camera: {}) that the file contradicts: edited, re-encoded or copied.",
                camera(item)
            ),
        ));
    }
    if unknown.iter().any(|item| item.origin.changed_after_signing) {
        found.push((
            "changed_after_signing",
            "Content Credentials are signed, and the bytes are not those that were signed: changed since."
                .to_owned(),
        ));
    }
    if unknown.iter().any(|item| item.origin.edited) {
        found.push(("edited_capture", "Edited, or saved again, by an editor.".to_owned()));
    }
    for (place, (code, why)) in found.into_iter().enumerate() {
        if place == 0 { factors.add(code, why) } else { factors.add_points(code, 0, why) }
    }
}

fn baseline(factors: &mut Factors, unknown: &[&TriageItem], files: usize, min_quality: u8) {
    // Files without any hash are no plain pictures: nothing is known of them.
    let plain = |item: &&TriageItem| item.hashes.is_some() && item.comparable(min_quality).is_none();
    let count = unknown.len();
    let of = if count == files { String::new() } else { format!(" of {files}") };
    if unknown.iter().all(plain) {
        factors.add(
            "unknown_featureless",
            format!("{count}{of} not identified exactly by any list; too plain for a hash to say more."),
        );
    } else {
        factors.add("unknown", format!("{count}{of} not identified exactly by any list."));
    }
    if let Some((bank, bits)) = unknown.iter().find_map(|item| item.possible.as_ref()) {
        factors.add(
            "possible_derivative",
match bits {
                Some(bits) => format!(
                    "{bits} bits from bank {bank:?}: too far for a match, near enough to look earlier."
                ),
                None => format!(
                    "A few local features agree with bank {bank:?}: too few for a match, enough to look earlier."
                ),
            },
        );
    }
    let open = |item: &&&TriageItem| {
        let origin = &item.origin;
        !origin.ai_generated
            && !origin.signed_ai
            && !origin.signed_capture
            && !origin.changed_after_signing
            && !origin.ai_edited
            && !origin.edited
            && origin.camera_chain == CameraChain::None
            && !plain(item)
    };
    if unknown.iter().filter(open).count() > 0 {
        factors.add(
            "origin_open",
            "Nothing says where it comes from: treated as real until shown otherwise.".to_owned(),
        );
    }
    if unknown.iter().any(|item| item.origin.signed_ai) {
        factors.add(
            "generator_credential",
            "Content Credentials of a listed signer say that a model made or changed it; that takes nothing away."
                .to_owned(),
        );
    }
    if let Some(mark) = unknown.iter().find_map(|item| item.origin.watermark.as_deref()) {
        factors.add(
            "generator_watermark",
            format!("Holds the invisible watermark {mark}, which generators write; that takes nothing away."),
        );
    }
    if let Some(item) =
        unknown.iter().find(|item| item.origin.ai_generated && item.origin.watermark.is_none())
    {
        let named = item.origin.generator.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
        factors.add(
            "generator_metadata",
            format!("Says that it was generated{named}: a claim that takes nothing away."),
        );
    }
}

fn sizes(factors: &mut Factors, members: &[&TriageItem]) {
    let mut contents: Vec<_> = members.iter().map(|item| item.content).collect();
    contents.sort_unstable();
    contents.dedup();
    for (code, count, what) in
        [("files", members.len(), "files"), ("versions", contents.len(), "distinct files")]
    {
        let most = RULES.iter().find(|rule| rule.code == code).map_or(0, |rule| rule.points);
        let points = most.min(count.checked_ilog2().unwrap_or(0) as i32);
        if points > 0 {
            factors.add_points(code, points, format!("{count} {what} on this card."));
        }
    }
    if members.iter().any(|item| item.state() == lodestone_types::State::KnownGood) {
        factors.add("known_good_member", "A member is a known-good file, by its exact bytes.".to_owned());
    }
}
