//! Items with synthetic hashes; no pictures.

use lodestone_types::{
    Assessment, BankKind, ContentId, Digests, Fingerprint, Form, HashMode, Match, Observation, Picture,
    Record, SignalType, State,
};

use lodestone_engine::triage::TriageItem;

/// A record being made.
pub(crate) struct Made(pub(crate) Record);

/// A file with its own bytes and a hash far from all others, of quality 100.
pub(crate) fn file(path: &str) -> Made {
    let seed =
        path.bytes().fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let sha256 = ContentId(bytes(seed));
    let observation = Observation {
        size_bytes: 1,
        digests: Some(Digests { md5: [0; 16], sha1: [0; 20], sha256 }),
        picture: Some(Picture { width: 100, height: 100, frames: 1, ..Picture::default() }),
        ..Observation::default()
    };
    let record = Record {
        path: path.to_owned(),
        path_bytes_hex: None,
        state: State::Examined,
        observation,
        matches: Vec::new(),
        generation: 1,
        group: None,
    };
    Made(record).hash(bytes(seed ^ 1))
}

impl Made {
    /// With this hash as stored; the other seven forms are far from everything.
    pub(crate) fn hash(mut self, hash: [u8; 32]) -> Self {
        let seed = u64::from_be_bytes(std::array::from_fn(|i| hash[i]));
        let mut forms = vec![hash];
        forms.extend((1..8).map(|form| bytes(seed.wrapping_mul(31).wrapping_add(form))));
        self.0.observation.fingerprints = vec![Fingerprint {
            form: Form::default(),
            pdq_dihedral: forms,
            quality: 100,
            mode: HashMode::Exact,
        }];
        self
    }

    /// With this hash as its form number `form`.
    pub(crate) fn form(mut self, form: usize, hash: [u8; 32]) -> Self {
        self.0.observation.fingerprints[0].pdq_dihedral[form] = hash;
        self
    }

    pub(crate) fn quality(mut self, quality: u8) -> Self {
        self.0.observation.fingerprints[0].quality = quality;
        self
    }

    pub(crate) fn state(mut self, state: State) -> Self {
        self.0.state = state;
        self
    }

    /// The same bytes as `path`.
    pub(crate) fn same_bytes_as(mut self, other: &Made) -> Self {
        self.0.observation = other.0.observation.clone();
        self
    }

    pub(crate) fn pdq_match(self, kind: BankKind, entry: &str, distance_bits: u32) -> Self {
        self.matched(kind, entry, SignalType::Pdq, distance_bits)
    }

    pub(crate) fn digest_match(self, kind: BankKind, entry: &str) -> Self {
        self.matched(kind, entry, SignalType::Sha256, 0)
    }

    fn matched(mut self, kind: BankKind, entry: &str, signal_type: SignalType, distance_bits: u32) -> Self {
        if kind.makes_known() {
            self.0.state = State::Known;
        }
        self.0.matches.push(Match {
            distance_bits,
            radius_bits: 31,
            ..Match::plain(kind.as_str(), kind, entry, signal_type)
        });
        self
    }

    pub(crate) fn assessed(mut self, change: impl FnOnce(&mut Assessment)) -> Self {
        change(self.0.observation.assessment.get_or_insert_default());
        self
    }

    pub(crate) fn item(&self) -> TriageItem {
        TriageItem::from_record(&self.0)
    }
}

/// 32 scattered bytes (SplitMix64).
pub(crate) fn bytes(mut seed: u64) -> [u8; 32] {
    let mut bytes = [0; 32];
    for chunk in bytes.chunks_mut(8) {
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes());
    }
    bytes
}

/// `hash` with the bits `range` turned over.
pub(crate) fn flipped(mut hash: [u8; 32], range: std::ops::Range<usize>) -> [u8; 32] {
    for bit in range {
        hash[bit / 8] ^= 1 << (bit % 8);
    }
    hash
}
