//! What triage keeps of a record.

use lodestone_index::Code256;
use lodestone_types::{
    Assessment, BankKind, CameraChain, ContentId, Credentials, Dihedral, Integrity, Match, Proposition,
    Record, Relation, State, Transform, TransformKind, Trust,
};

/// One file, as far as grouping and ranking need it: about 400 bytes and its path for a picture that matches nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriageItem {
    path: String,
    pub(super) content: Option<ContentId>,
    state: State,
    /// The eight hashes of the first fingerprint.
    pub(super) hashes: Option<Box<[Code256; 8]>>,
    /// Hashes of its regions as they stand, where they were asked for.
    pub(super) regions: Box<[Code256]>,
    pub(super) quality: u8,
    pub(super) pixels: u64,
    /// The best match of each bank of known material, best first.
    pub(super) known: Box<[KnownMatch]>,
    /// The bank of known material that is near without matching, and the bits between, where a hash said so.
    pub(super) possible: Option<(Box<str>, Option<u32>)>,
    /// Its exact bytes are a confirmed false alarm.
    pub(super) cleared: bool,
    pub(super) origin: Origin,
}

/// A match with known material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KnownMatch {
    pub(super) bank: Box<str>,
    pub(super) entry: Box<str>,
    pub(super) kind: BankKind,
    /// The same bytes, or the same hash as stored: nothing was done to the picture that its hash can tell.
    pub(super) exact: bool,
    pub(super) digest: bool,
    pub(super) distance_bits: u32,
    pub(super) transform: Transform,
    /// What found it, and what that says of how the picture comes from the known one.
    pub(super) layer: u8,
    pub(super) relation: Option<Relation>,
    pub(super) inliers: Option<u32>,
    /// Too few members hold or confirm it: whether it is known is for a person to say.
    pub(super) unsupported: bool,
}

/// What the first reading of origin says, as far as it bears on rank.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) camera_chain: CameraChain,
    pub(super) camera: Option<Box<str>>,
    pub(super) generator: Option<Box<str>>,
    /// A generative edit of an input picture.
    pub(super) ai_edited: bool,
    /// Says that it was generated.
    pub(super) ai_generated: bool,
    /// A capture that was edited or saved again by an editor.
    pub(super) edited: bool,
    /// Signed, by a signer on a list, for these very bytes: what such credentials say, without AI among it.
    pub(super) signed_capture: bool,
    /// The same, and they say that a model made or changed it.
    pub(super) signed_ai: bool,
    /// Credentials whose signature holds, over other bytes: changed since.
    pub(super) changed_after_signing: bool,
    /// An invisible watermark that generators write.
    pub(super) watermark: Option<Box<str>>,
}

impl TriageItem {
    /// Takes from a record what triage needs.
    pub fn from_record(record: &Record) -> Self {
        let observation = &record.observation;
        let print = observation.primary();
        let hashes = print.and_then(|print| {
            let codes: Vec<Code256> = print.pdq_dihedral.iter().map(Code256::from_bytes).collect();
            <[Code256; 8]>::try_from(codes).ok().map(Box::new)
        });
        Self {
            path: record.path.clone(),
            content: observation.digests.map(|digests| digests.sha256),
            state: record.state,
            quality: print.filter(|_| hashes.is_some()).map_or(0, |print| print.quality),
            hashes,
            regions: observation
                .regions
                .iter()
                .flat_map(|regions| &regions.prints)
                .filter(|print| !print.repeated)
                .filter_map(|print| print.pdq.first().map(Code256::from_bytes))
                .collect(),
            pixels: observation.picture.as_ref().map_or(0, |p| u64::from(p.width) * u64::from(p.height)),
            known: known(&record.matches),
            possible: record
                .matches
                .iter()
                .find(|m| m.bank_kind.makes_known() && m.is_possible())
                .map(|m| (m.bank.as_str().into(), m.hash_bits())),
            cleared: record
                .matches
                .iter()
                .any(|m| m.bank_kind == BankKind::Negative && m.signal_type.is_digest()),
            origin: observation.assessment.as_ref().map(Origin::from).unwrap_or_default(),
        }
    }

    /// Its path, as in the record.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// How it ended before triage.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether it can be on a card: it was read, or known all the same.
    pub(super) fn is_shown(&self) -> bool {
        self.state != State::Unreadable || self.hashes.is_some()
    }

    /// Nothing new is to be learnt by looking at it: a list knows these bytes or this very hash.
    pub(super) fn is_resolved(&self) -> bool {
        self.state == State::KnownGood || self.cleared || self.known.iter().any(|known| known.exact)
    }

    /// What it is made from is known, and it shows something else besides.
    pub(super) fn shows_more_than_known(&self) -> bool {
        use Relation::{Contains, ContainsPartOf, EditedFromKnown};
        let more =
            |known: &KnownMatch| matches!(known.relation, Some(Contains | ContainsPartOf | EditedFromKnown));
        self.known.iter().any(more)
    }

    /// Its hashes, if they say enough to group by.
    pub(super) fn comparable(&self, min_quality: u8) -> Option<&[Code256; 8]> {
        self.hashes.as_deref().filter(|_| self.quality >= min_quality)
    }
}

/// The best match of each bank of known material; suppressed ones make nothing known.
fn known(matches: &[Match]) -> Box<[KnownMatch]> {
    let mut best: Vec<KnownMatch> = Vec::new();
    let exact = |m: &Match| {
        let whole = m.layer <= 1
            && m.transform.kind == TransformKind::AsIs
            && matches!(m.relation, None | Some(Relation::SamePicture));
        m.signal_type.is_digest() || m.distance_bits == 0 && whole
    };
    for m in matches.iter().filter(|m| m.makes_known() || m.makes_derived()) {
        if best.iter().all(|known| *known.bank != *m.bank) {
            best.push(KnownMatch {
                bank: m.bank.as_str().into(),
                entry: m.entry.as_str().into(),
                kind: m.bank_kind,
                exact: exact(m) && !m.lacks_support(),
                digest: m.signal_type.is_digest(),
                distance_bits: m.distance_bits,
                transform: m.transform,
                layer: m.layer,
                relation: m.relation,
                inliers: m.inliers,
                unsupported: m.lacks_support(),
            });
        }
    }
    best.into()
}

/// digitalSourceType values of captures. *Source:* IPTC NewsCodes, `digitalsourcetype`.
const CAPTURE: [&str; 2] = ["digitalCapture", "computationalCapture"];
/// Those of models' work.
const AI: [&str; 4] = [
    "trainedAlgorithmicMedia",
    "compositeWithTrainedAlgorithmicMedia",
    "algorithmicallyEnhanced",
    "compositeSynthetic",
];

impl From<&Assessment> for Origin {
    fn from(assessment: &Assessment) -> Self {
        let supports = |proposition| assessment.supported.contains(&proposition);
        let signed = assessment.credentials.as_ref().filter(|one| one.signature == Integrity::Ok);
        let listed = signed.filter(|one| {
            one.hash == Integrity::Ok
                && matches!(one.trust, Trust::Official | Trust::Interim | Trust::Operator)
        });
        let says = |one: &&Credentials, names: &[&str]| {
            one.source_types.iter().any(|name| names.contains(&name.as_str()))
        };
        Self {
            signed_capture: listed.is_some_and(|one| says(&one, &CAPTURE) && !says(&one, &AI)),
            signed_ai: listed.is_some_and(|one| says(&one, &AI)),
            changed_after_signing: signed.is_some_and(|one| one.hash == Integrity::Broken),
            watermark: assessment.watermarks.first().map(|mark| mark.message.as_str().into()),
            camera_chain: assessment.camera_chain,
            camera: assessment.camera.as_deref().map(Into::into),
            generator: assessment.generator.as_deref().map(Into::into),
            ai_edited: assessment.input_picture_used || supports(Proposition::AiEdited),
            ai_generated: assessment.generator.is_some()
                || !assessment.watermarks.is_empty()
                || supports(Proposition::AiGenerated),
            edited: assessment.editor.is_some() || supports(Proposition::EditedCapture),
        }
    }
}

/// How near two pictures are, and which form of the second is near the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nearness {
    pub(super) distance_bits: u32,
    pub(super) transform: Transform,
}

/// The nearest of the 16 forms of `b` to `a` as stored; the plainest of equally near ones.
pub(super) fn nearness(a: &[Code256; 8], b: &[Code256; 8]) -> Nearness {
    let mut best = (u32::MAX, false, Dihedral::AsIs);
    for (dihedral, form) in Dihedral::ALL.into_iter().zip(b) {
        let distance = a[0].distance_bits(*form);
        for candidate in [(distance, false, dihedral), (Code256::BITS - distance, true, dihedral)] {
            best = best.min(candidate);
        }
    }
    let (distance_bits, negative, dihedral) = best;
    Nearness { distance_bits, transform: Transform::new(dihedral, negative, None, None) }
}
