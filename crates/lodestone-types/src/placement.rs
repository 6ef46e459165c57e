//! Where a known picture lies in another, and what became of it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A number with three decimals, exactly: written as a plain JSON number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Milli(
    /// Thousandths.
    pub i32,
);

impl Milli {
    /// The nearest number of thousandths; values beyond some two millions are cut off there, and no number is 0.
    pub fn from_f64(value: f64) -> Self {
        Self((value * 1000.0).round() as i32)
    }

    /// As a floating-point number.
    pub fn to_f64(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl std::fmt::Display for Milli {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_f64().fmt(f)
    }
}

impl Serialize for Milli {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_f64())
    }
}

impl<'de> Deserialize<'de> for Milli {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::from_f64)
    }
}

/// A rectangle; `x` from the left and `y` from the top, which may lie outside the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Box2 {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub width: i32,
    /// Height.
    pub height: i32,
}

impl Box2 {
    /// Area of the common part over the area of both together, 0 to 1.
    pub fn overlap(&self, other: &Self) -> f64 {
        let common = |a: i32, a_length: i32, b: i32, b_length: i32| {
            let end = (i64::from(a) + i64::from(a_length)).min(i64::from(b) + i64::from(b_length));
            (end - i64::from(a.max(b))).max(0) as f64
        };
        let both = common(self.x, self.width, other.x, other.width)
            * common(self.y, self.height, other.y, other.height);
        let area = |one: &Self| f64::from(one.width.max(0)) * f64::from(one.height.max(0));
        let all = area(self) + area(other) - both;
        if all > 0.0 { both / all } else { 0.0 }
    }
}

/// How far a match may be acted upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It stands by itself.
    #[default]
    Match,
    /// For a person to look at; never for an automatic action.
    Review,
    /// Near enough to be looked at earlier, and no more.
    PossibleDerivative,
}

/// How a questioned picture comes from a known one, as far as geometry and pixels say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Relation {
    /// All of the known picture, and nothing else.
    SamePicture,
    /// A part of the known picture, and nothing else.
    CropOf,
    /// All of the known picture, or most of it, with something round it: a frame, a screen, other pictures.
    Contains,
    /// A part of the known picture with something else beside it.
    ContainsPartOf,
    /// Known, and a part of it was replaced.
    EditedFromKnown,
}

impl Relation {
    /// For people: "the questioned picture … the known one".
    pub fn words(self) -> &'static str {
        match self {
            Self::SamePicture => "shows the whole of",
            Self::CropOf => "is a crop of",
            Self::Contains => "contains",
            Self::ContainsPartOf => "contains a part of",
            Self::EditedFromKnown => "is edited from",
        }
    }
}

/// What was replaced of a known picture, from the difference of the two after they were laid over each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    /// Share of what is to be seen of the known picture that differs, 0 to 1.
    pub replaced_share: Milli,
    /// Share of the questioned picture that lies outside the known one, 0 to 1.
    pub outside_share: Milli,
    /// Where: boxes in pixels of the questioned picture as stored, largest first.
    pub regions: Vec<Box2>,
    /// What the shape says: `none`, `part`, `centre`, `surround`, `most`, `cannot_say`.
    pub shape: String,
    /// The known picture in a grid, row by row: `.` as it was, `#` replaced, `-` too even to tell, ` ` not to be seen.
    pub mask: Vec<String>,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousandths_are_plain_numbers_in_json() {
        let json = serde_json::to_string(&Milli(-1250)).unwrap();
        assert_eq!(json, "-1.25");
        assert_eq!(serde_json::from_str::<Milli>("0.1239").unwrap(), Milli(124));
        assert_eq!((Milli::from_f64(f64::NAN), Milli::from_f64(1e12)), (Milli(0), Milli(i32::MAX)));
    }

    #[test]
    fn overlap_is_one_of_equal_boxes_none_of_apart_ones_and_survives_extremes() {
        let one = Box2 { x: 0, y: 0, width: 10, height: 10 };
        assert!((one.overlap(&one) - 1.0).abs() < 1e-9);
        assert!((one.overlap(&Box2 { x: 5, ..one }) - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(one.overlap(&Box2 { x: 10, ..one }), 0.0);
        let wild = Box2 { x: i32::MIN, y: i32::MAX, width: i32::MIN, height: i32::MAX };
        assert_eq!(wild.overlap(&one), 0.0);
    }
}
