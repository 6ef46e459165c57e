//! Matches: item × bank content, and how one maps onto the other.

use serde::{Deserialize, Serialize};

use crate::placement::is_default;
use crate::{BankKind, Box2, Edit, Milli, Relation, SignalType, Standing};

/// The eight symmetries of a picture. *Source:* ThreatExchange `pdq/cpp/hashing/pdqhashing.cpp`, in its order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dihedral {
    /// As stored.
    #[default]
    AsIs,
    /// Turned by 90 degrees, the reference's `rotate90`.
    Rot90,
    /// Turned by 180 degrees.
    Rot180,
    /// Turned by 270 degrees.
    Rot270,
    /// The reference's `flipX`.
    FlipX,
    /// The reference's `flipY`.
    FlipY,
    /// Transposed, the reference's `flipPlus1`.
    FlipPlus1,
    /// Transposed along the other diagonal, the reference's `flipMinus1`.
    FlipMinus1,
}

impl Dihedral {
    /// All eight, in the order of [`crate::Fingerprint::pdq_dihedral`].
    pub const ALL: [Self; 8] = [
        Self::AsIs,
        Self::Rot90,
        Self::Rot180,
        Self::Rot270,
        Self::FlipX,
        Self::FlipY,
        Self::FlipPlus1,
        Self::FlipMinus1,
    ];
}

/// The leading word of a [`Transform`]: what a reader has to know first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransformKind {
    /// The picture as stored (or the exact bytes).
    #[default]
    AsIs,
    /// Turned by 90 degrees.
    Rot90,
    /// Turned by 180 degrees.
    Rot180,
    /// Turned by 270 degrees.
    Rot270,
    /// Mirrored, `flipX`.
    FlipX,
    /// Mirrored, `flipY`.
    FlipY,
    /// Transposed.
    FlipPlus1,
    /// Transposed along the other diagonal.
    FlipMinus1,
    /// Colours inverted.
    Negative,
    /// A later frame of an animation.
    Frame,
    /// Transparency laid over a plain backdrop.
    Composite,
    /// A region of the picture.
    Region,
    /// Local features of the picture, which say how the known one lies in it.
    Aligned,
}

impl From<Dihedral> for TransformKind {
    fn from(form: Dihedral) -> Self {
        match form {
            Dihedral::AsIs => Self::AsIs,
            Dihedral::Rot90 => Self::Rot90,
            Dihedral::Rot180 => Self::Rot180,
            Dihedral::Rot270 => Self::Rot270,
            Dihedral::FlipX => Self::FlipX,
            Dihedral::FlipY => Self::FlipY,
            Dihedral::FlipPlus1 => Self::FlipPlus1,
            Dihedral::FlipMinus1 => Self::FlipMinus1,
        }
    }
}

/// What transparent pixels are laid over before hashing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backdrop {
    /// White.
    White,
    /// Black.
    Black,
}

/// Which form of the item matched. `kind` leads; the other fields say what else was done to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Transform {
    /// The leading word: frame before composite before negative before dihedral.
    pub kind: TransformKind,
    /// The symmetry, when it is not the leading word.
    #[serde(default, skip_serializing_if = "is_as_is")]
    pub dihedral: Dihedral,
    /// Colours inverted, when it is not the leading word.
    #[serde(default, skip_serializing_if = "is_false")]
    pub negative: bool,
    /// Number of the frame, from 0, of a picture with more than one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<u32>,
    /// When that frame is shown, in milliseconds from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub t_ms: Option<u64>,
    /// The backdrop of a composite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backdrop: Option<Backdrop>,
    /// Where in the questioned picture the known one lies, in pixels of the questioned one as stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Box2>,
    /// The known picture's corners in pixels of the questioned one as stored, from its top left on, clockwise as seen in
    /// the known one. They may lie outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<[[i32; 2]; 4]>,
    /// Which part of the known picture is to be seen there, in thousandths of its sides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_region: Option<Box2>,
    /// By how much the known picture is turned, degrees, clockwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub angle_degrees: Option<Milli>,
    /// Pixels of the questioned picture for each pixel of the known one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Milli>,
    /// The known picture is mirrored (left and right changed), then turned.
    #[serde(default, skip_serializing_if = "is_false")]
    pub mirror: bool,
}

fn is_as_is(form: &Dihedral) -> bool {
    *form == Dihedral::AsIs
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl Transform {
    /// The transform of a query form; chooses the leading word.
    pub fn new(
        dihedral: Dihedral,
        negative: bool,
        frame: Option<(u32, u64)>,
        backdrop: Option<Backdrop>,
    ) -> Self {
        let later_frame = frame.filter(|(index, _)| *index > 0);
        let mut transform = Self {
            kind: TransformKind::AsIs,
            dihedral,
            negative,
            frame: later_frame.map(|(index, _)| index),
            t_ms: later_frame.map(|(_, t_ms)| t_ms),
            backdrop,
            ..Self::default()
        };
        if later_frame.is_some() {
            transform.kind = TransformKind::Frame;
        } else if backdrop.is_some() {
            transform.kind = TransformKind::Composite;
        } else if negative {
            transform.kind = TransformKind::Negative;
            transform.negative = false;
        } else {
            transform.kind = dihedral.into();
            transform.dihedral = Dihedral::AsIs;
        }
        transform
    }
}

/// An item matches a bank's content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Name of the bank.
    pub bank: String,
    /// What the bank's members are: *which kind of known*.
    pub bank_kind: BankKind,
    /// The list's own id of the entry, else its line number.
    pub entry: String,
    /// By which kind of fingerprint.
    pub signal_type: SignalType,
    /// Bits that differ; 0 for digests and PhotoDNA.
    pub distance_bits: u32,
    /// The radius in force, bits; 0 for digests and PhotoDNA.
    pub radius_bits: u32,
    /// PhotoDNA only: the sum of the squared differences of the values' bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_squared: Option<u32>,
    /// PhotoDNA only: the bank's limit of that; 0 where the bank has none and only equal values match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_distance_squared: Option<u32>,
    /// Which form of the item matched.
    pub transform: Transform,
    /// The hash that matched came from a scaled decode (folded mode) and has not been repeated exactly.
    #[serde(default, skip_serializing_if = "is_false")]
    pub folded: bool,
    /// The list's classification, where it gives one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classification: Option<String>,
    /// An exact digest in a negative or known-good bank suppresses this similarity hit; it is shown, and does not
    /// make the item known. Never set on a digest match.
    #[serde(default, skip_serializing_if = "is_false")]
    pub suppressed: bool,
    /// What found it: 0 the bytes, 1 the whole picture's hash, 2 a region's hash, 3 local features, 4 a user's
    /// descriptor. *See* `docs/derivatives.md`.
    #[serde(default = "first_layer")]
    pub layer: u8,
    /// How far it may be acted upon.
    #[serde(default, skip_serializing_if = "is_default")]
    pub standing: Standing,
    /// How the questioned picture comes from the known one, where the layers can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relation: Option<Relation>,
    /// Distinct local features that agree with the transform; `null` where features had no part in it.
    #[serde(default)]
    pub inliers: Option<u32>,
    /// What these features are worth against chance, in bits: rarer ones and closer ones say more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence_bits: Option<u32>,
    /// Regions of this picture that were looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub windows: Option<u32>,
    /// Accidental matches as near as this one to be expected for one picture, by the tail in force; `null` for exact ones.
    #[serde(default)]
    pub expected_false_hits: Option<f64>,
    /// Cosine of the user's descriptors, -1 to 1, where layer 4 was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Milli>,
    /// The same less the mean of the questioned picture's nearest unrelated ones: a picture that resembles everything has
    /// little left. Absent where there is nothing unrelated to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normalised_score: Option<Milli>,
    /// Which model gave these scores: SHA-256 of the model with the preparation of pictures, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What was replaced of the known picture, where it was at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit: Option<Edit>,
}

fn first_layer() -> u8 {
    1
}

impl Match {
    /// An exact match by the whole picture or its bytes, with nothing said beyond.
    pub fn plain(bank: &str, bank_kind: BankKind, entry: &str, signal_type: SignalType) -> Self {
        Self {
            bank: bank.to_owned(),
            bank_kind,
            entry: entry.to_owned(),
            signal_type,
            distance_bits: 0,
            radius_bits: 0,
            distance_squared: None,
            max_distance_squared: None,
            transform: Transform::default(),
            folded: false,
            classification: None,
            suppressed: false,
            layer: u8::from(!signal_type.is_digest()),
            standing: Standing::Match,
            relation: None,
            inliers: None,
            evidence_bits: None,
            windows: None,
            expected_false_hits: None,
            score: None,
            normalised_score: None,
            model: None,
            edit: None,
        }
    }

    /// Whether it makes its item known: material of a list, found by what stands by itself, and not suppressed.
    pub fn makes_known(&self) -> bool {
        self.bank_kind.makes_known()
            && !self.suppressed
            && self.layer <= 1
            && self.standing == Standing::Match
    }

    /// Whether the whole picture or its bytes are those of an entry which fewer members hold or confirm than its bank asks
    /// for: for a person to look at.
    pub fn lacks_support(&self) -> bool {
        self.layer <= 1 && self.standing == Standing::Review
    }

    /// Whether it is only near: a reason to look earlier, and no match.
    pub fn is_possible(&self) -> bool {
        self.standing == Standing::PossibleDerivative
    }

    /// What differs in bits, where hashes have found it; features and descriptors measure nothing in bits.
    pub fn hash_bits(&self) -> Option<u32> {
        (self.layer < 3).then_some(self.distance_bits)
    }

    /// Whether it shows that its item was made from known material, surely or for a person to see.
    pub fn makes_derived(&self) -> bool {
        self.bank_kind.makes_known()
            && !self.suppressed
            && !self.makes_known()
            && self.standing != Standing::PossibleDerivative
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_leading_word_of_a_transform_says_the_most() {
        let json = |t: Transform| serde_json::to_string(&t).unwrap();
        assert_eq!(json(Transform::new(Dihedral::AsIs, false, None, None)), r#"{"kind":"as_is"}"#);
        assert_eq!(json(Transform::new(Dihedral::Rot90, false, Some((0, 0)), None)), r#"{"kind":"rot90"}"#);
        assert_eq!(
            json(Transform::new(Dihedral::FlipX, true, None, None)),
            r#"{"kind":"negative","dihedral":"flip_x"}"#
        );
        assert_eq!(
            json(Transform::new(Dihedral::AsIs, true, Some((4, 1000)), None)),
            r#"{"kind":"frame","negative":true,"frame":4,"t_ms":1000}"#
        );
    }
}
