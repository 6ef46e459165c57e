//! What is kept of a known picture: its keypoints with their descriptors, and how they lie in bytes.
//!
//! All numbers little-endian. `n` is at most [`Features::MAX_KEPT`] in a record that is read.
//!
//! ```text
//! offset        bytes   what
//! 0             4       "LdF1"
//! 4             2       version of the extractor that made it (see EXTRACTOR)
//! 6             2       width of the picture in pixels, 1 to 4096
//! 8             2       height
//! 10            2       n, number of features
//! 12            4       zeros
//! 16            n x 6   keypoints
//!                 +0 2  x in sixteenths of a pixel, from the left edge
//!                 +2 2  y in sixteenths of a pixel, from the top edge
//!                 +4 1  scale: 1.2 ^ ((value - 64) / 8) pixels of this picture to one of the feature's
//!                 +5 1  angle in 256ths of a turn, from the x axis towards the y axis
//! 16 + 6 n      n x 32  descriptors: four words of 64 bits, in the order of keypoints
//! 16 + 38 n             end; nothing follows
//! ```
//!
//! 200 features are 7,616 bytes. Descriptors of different extractor versions do not compare; records are made again
//! from the picture. A record can be turned back into a rough picture: treat it like the picture.

/// Version of the extractor: changes whenever the same picture gives other features.
pub const EXTRACTOR: u16 = 1;

const MAGIC: [u8; 4] = *b"LdF1";
const HEAD: usize = 16;
const KEYPOINT: usize = 6;
const DESCRIPTOR: usize = 32;

/// The eighth root of 1.2.
const STEP: f64 = 1.023_051_875_220_463;
/// 1.2 to the minus eighth.
const SMALLEST: f64 = 0.232_568_039_361_377_9;

static SCALES: [f32; 256] = scales();

const fn scales() -> [f32; 256] {
    let mut table = [0.0; 256];
    let (mut k, mut scale) = (0, SMALLEST);
    while k < 256 {
        table[k] = scale as f32;
        scale *= STEP;
        k += 1;
    }
    table
}

/// Where a feature lies: 6 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Keypoint {
    /// From the left edge, in sixteenths of a pixel.
    pub x: u16,
    /// From the top edge, in sixteenths of a pixel.
    pub y: u16,
    /// Logarithm of its scale, in eighths of a factor of 1.2; 64 is 1.
    pub scale: u8,
    /// 256ths of a turn, from the x axis towards the y axis.
    pub angle: u8,
}

impl Keypoint {
    /// Place in pixels from the left and the top edge.
    pub fn place(self) -> (f32, f32) {
        (f32::from(self.x) / 16.0, f32::from(self.y) / 16.0)
    }

    /// Pixels of the picture to one pixel of the level where the feature was found.
    pub fn scale_factor(self) -> f32 {
        SCALES[usize::from(self.scale)]
    }

    /// The scale value nearest to a factor.
    pub(crate) fn nearest_scale(factor: f32) -> u8 {
        let above = SCALES.partition_point(|s| *s < factor);
        match above {
            0 => 0,
            256 => 255,
            _ => (if factor - SCALES[above - 1] <= SCALES[above] - factor { above - 1 } else { above }) as u8,
        }
    }
}

/// 256 comparisons of grey values around a keypoint, in its own direction and scale.
///
/// Tests come in fours: as is, mirrored at the keypoint's direction, turned by 180°, and both. So the descriptor of the
/// mirrored picture or of its negative is this one with bits exchanged; see [`Descriptor::in_form`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Descriptor(pub [u64; 4]);

/// What was done to a picture beside moving it: mirrored, made a negative, or both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Form {
    /// Mirrored.
    pub mirror: bool,
    /// Light and dark exchanged.
    pub negative: bool,
}

impl Form {
    /// As is, mirrored, negative, both.
    pub const ALL: [Self; 4] = [
        Self { mirror: false, negative: false },
        Self { mirror: true, negative: false },
        Self { mirror: false, negative: true },
        Self { mirror: true, negative: true },
    ];

    pub(crate) fn number(self) -> usize {
        usize::from(self.mirror) + 2 * usize::from(self.negative)
    }

    /// One form after another; the order does not matter.
    pub(crate) fn then(self, other: Self) -> Self {
        Self { mirror: self.mirror != other.mirror, negative: self.negative != other.negative }
    }

    /// A keypoint of a picture of this width, as it lies in the picture in this form.
    pub(crate) fn keypoint(self, width: u16, keypoint: Keypoint) -> Keypoint {
        let Keypoint { mut x, y, scale, mut angle } = keypoint;
        if self.mirror {
            // The right edge of the widest picture is one sixteenth beyond what 16 bits hold.
            x = (u32::from(width) * 16).saturating_sub(x.into()).min(u16::MAX.into()) as u16;
            angle = 128u8.wrapping_sub(angle);
        }
        if self.negative {
            // The centre of brightness of the negative lies opposite.
            angle = angle.wrapping_add(128);
        }
        Keypoint { x, y, scale, angle }
    }
}

impl Descriptor {
    /// Bits in which two descriptors differ.
    pub fn distance_bits(self, other: Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }

    /// The descriptor that the same feature has in the picture in this form. Its own inverse.
    ///
    /// Mirroring exchanges neighbouring bits. In the negative the direction turns by 180°, which exchanges neighbouring
    /// pairs of bits, and every comparison turns round. Equal grey values, which compare as "not less" either way, are
    /// the only bits that may come out otherwise.
    pub fn in_form(self, form: Form) -> Self {
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        const UPPER: u64 = 0xcccc_cccc_cccc_cccc;
        let mut words = self.0;
        for word in &mut words {
            if form.mirror {
                *word = (*word & ODD) >> 1 | (*word & !ODD) << 1;
            }
            if form.negative {
                *word = !((*word & UPPER) >> 2 | (*word & !UPPER) << 2);
            }
        }
        Self(words)
    }
}

/// Features of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Features {
    /// Width of the picture in pixels.
    pub width: u16,
    /// Height of the picture in pixels.
    pub height: u16,
    /// Where each feature lies.
    pub keypoints: Vec<Keypoint>,
    /// What each looks like; as many.
    pub descriptors: Vec<Descriptor>,
}

/// Why bytes are no feature record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Something else, or cut off.
    #[error("not a feature record")]
    NotOne,
    /// Made by another version of the extractor: make it again from the picture.
    #[error("features of extractor {found}; this one is {EXTRACTOR}")]
    Extractor {
        /// The version that made it.
        found: u16,
    },
    /// A value that cannot be.
    #[error("a feature record whose {0} cannot be")]
    Value(&'static str),
}

impl Features {
    /// Features in a record at most.
    pub const MAX_KEPT: usize = 1024;

    /// Number of features.
    pub fn len(&self) -> usize {
        self.keypoints.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keypoints.is_empty()
    }

    /// Adds features of the same picture: those of its parts to those of the whole.
    pub fn append(&mut self, other: &Self) {
        let n = other.keypoints.len().min(other.descriptors.len());
        self.keypoints.extend_from_slice(&other.keypoints[..n]);
        self.descriptors.extend_from_slice(&other.descriptors[..n]);
    }

    /// The record. Features beyond [`Features::MAX_KEPT`] are left out.
    pub fn to_bytes(&self) -> Vec<u8> {
        let n = self.keypoints.len().min(self.descriptors.len()).min(Self::MAX_KEPT);
        let mut out = Vec::new();
        out.extend(MAGIC);
        for value in [EXTRACTOR, self.width, self.height, n as u16, 0, 0] {
            out.extend(value.to_le_bytes());
        }
        for keypoint in &self.keypoints[..n] {
            out.extend(keypoint.x.to_le_bytes());
            out.extend(keypoint.y.to_le_bytes());
            out.extend([keypoint.scale, keypoint.angle]);
        }
        for descriptor in &self.descriptors[..n] {
            out.extend(descriptor.0.iter().flat_map(|word| word.to_le_bytes()));
        }
        out
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`RecordError`]; every record that is read is written again with the same bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        let (head, body) = bytes.split_at_checked(HEAD).ok_or(RecordError::NotOne)?;
        if head[..4] != MAGIC {
            return Err(RecordError::NotOne);
        }
        let word = |at: usize| u16::from_le_bytes([head[at], head[at + 1]]);
        let (found, width, height, n) = (word(4), word(6), word(8), usize::from(word(10)));
        if found != EXTRACTOR {
            return Err(RecordError::Extractor { found });
        }
        let side = |side: u16| (1..=crate::Luma::MAX_SIDE).contains(&u32::from(side));
        if !side(width) || !side(height) {
            return Err(RecordError::Value("side"));
        }
        if n > Self::MAX_KEPT || head[12..] != [0; 4] {
            return Err(RecordError::Value("number of features"));
        }
        if body.len() != n * (KEYPOINT + DESCRIPTOR) {
            return Err(RecordError::NotOne);
        }
        let (keypoints, descriptors) = body.split_at(n * KEYPOINT);
        let keypoints: Vec<Keypoint> = keypoints
            .as_chunks::<KEYPOINT>()
            .0
            .iter()
            .map(|&[x, x1, y, y1, scale, angle]| Keypoint {
                x: u16::from_le_bytes([x, x1]),
                y: u16::from_le_bytes([y, y1]),
                scale,
                angle,
            })
            .collect();
        if keypoints
            .iter()
            .any(|k| u32::from(k.x) > u32::from(width) * 16 || u32::from(k.y) > u32::from(height) * 16)
        {
            return Err(RecordError::Value("keypoint"));
        }
        let words = |bytes: &[u8; DESCRIPTOR]| {
            let mut words = [0; 4];
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *word = u64::from_le_bytes(*bytes);
            }
            Descriptor(words)
        };
        let descriptors = descriptors.as_chunks::<DESCRIPTOR>().0.iter().map(words).collect();
        Ok(Self { width, height, keypoints, descriptors })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_their_own_inverse_and_change_what_they_say() {
        let descriptor = Descriptor([0x0123_4567_89ab_cdef, 5, !0, 0]);
        for form in Form::ALL {
            assert_eq!(descriptor.in_form(form).in_form(form), descriptor);
            let keypoint = Keypoint { x: 33, y: 7, scale: 70, angle: 9 };
            assert_eq!(form.keypoint(40, form.keypoint(40, keypoint)), keypoint);
        }
        let edge = Keypoint { x: 0, y: 0, scale: 64, angle: 0 };
        assert_eq!(Form::ALL[1].keypoint(4096, edge).x, u16::MAX);
        assert_eq!(Descriptor([0b0001, 0, 0, 0]).in_form(Form::ALL[1]).0[0], 0b0010);
        assert_eq!(!Descriptor([0b0001, 0, 0, 0]).in_form(Form::ALL[2]).0[0], 0b0100);
    }

    #[test]
    fn scales_are_found_again() {
        for scale in 0..=255 {
            let keypoint = Keypoint { x: 0, y: 0, scale, angle: 0 };
            assert_eq!(Keypoint::nearest_scale(keypoint.scale_factor()), scale);
        }
        assert!((SCALES[64] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn two_hundred_features_take_less_than_eight_thousand_bytes() {
        let keypoints = vec![Keypoint { x: 1, y: 2, scale: 3, angle: 4 }; 200];
        let features =
            Features { width: 640, height: 480, keypoints, descriptors: vec![Descriptor([1, 2, 3, 4]); 200] };
        let bytes = features.to_bytes();
        assert_eq!(bytes.len(), 7_616);
        assert_eq!(Features::from_bytes(&bytes), Ok(features));
    }
}
