//! What stands on the page for the values of the vocabulary: plain words, beside the words programs use.

use lodestone_types::{BankKind, Dihedral, EdgeKind, Match, Stage, State, Transform, TransformKind};

use super::csv::word;

/// The state, in words.
pub(super) fn state(state: State) -> &'static str {
    match state {
        State::Known => "known",
        State::Derived => "derived from known",
        State::KnownGood => "known good",
        State::Alike => "alike",
        State::Examined => "examined",
        State::Unreadable => "unreadable",
    }
}

/// The state as a class of the style sheet.
pub(super) fn state_class(state: State) -> &'static str {
    match state {
        State::Known => "s-known",
        State::Derived => "s-derived",
        State::KnownGood => "s-good",
        State::Alike => "s-alike",
        State::Examined => "s-exam",
        State::Unreadable => "s-unre",
    }
}

/// How far reading had come, in words.
pub(super) fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Walk => "finding it",
        Stage::Read => "reading its bytes",
        Stage::Identify => "telling what it is",
        Stage::Unpack => "unpacking it",
        Stage::Decode => "decoding the picture",
        Stage::Worker => "in the worker process",
        Stage::Match => "matching it",
    }
}

/// What a bank holds, in words.
pub(super) fn bank_kind(kind: BankKind) -> &'static str {
    match kind {
        BankKind::KnownReal => "known, real",
        BankKind::KnownGenerated => "known, generated",
        BankKind::KnownEdited => "known, edited",
        BankKind::RelatedNotIllegal => "related, not illegal in itself",
        BankKind::Own => "own",
        BankKind::Negative => "confirmed false alarms",
        BankKind::KnownGood => "known good",
    }
}

/// Why two members stand together, in words.
pub(super) fn edge(kind: EdgeKind) -> String {
    match kind {
        EdgeKind::Identical => "the same bytes".to_owned(),
        EdgeKind::SamePicture => "the same picture".to_owned(),
        EdgeKind::Similar => "similar".to_owned(),
        EdgeKind::SameKnown => "match the same known content".to_owned(),
        EdgeKind::CropOf => "a crop of the other".to_owned(),
        EdgeKind::InCollageWith => "one stands within the other, or both within one".to_owned(),
        EdgeKind::EditOf => "edited from the other".to_owned(),
        other => word(&other).replace('_', " "),
    }
}

/// How near: `exact bytes`, or `12 of 256 bits`.
pub(super) fn distance(found: &Match) -> String {
    if found.signal_type.is_digest() {
        "exact bytes".to_owned()
    } else if let Some(distance) = found.distance_squared {
        format!("squared distance {distance}")
    } else if let Some(inliers) = found.inliers.filter(|_| found.layer >= 3) {
        format!("{inliers} local features agree")
    } else if let Some(score) = found.score.filter(|_| found.layer == 4) {
        format!("a descriptor's score of {score}")
    } else {
        format!("{} of 256 bits differ", found.distance_bits)
    }
}

/// Which form matched: `mirrored, colours inverted`.
pub(super) fn transform(transform: &Transform) -> String {
    let leading = match transform.kind {
        TransformKind::AsIs => None,
        TransformKind::Rot90 => dihedral(Dihedral::Rot90),
        TransformKind::Rot180 => dihedral(Dihedral::Rot180),
        TransformKind::Rot270 => dihedral(Dihedral::Rot270),
        TransformKind::FlipX => dihedral(Dihedral::FlipX),
        TransformKind::FlipY => dihedral(Dihedral::FlipY),
        TransformKind::FlipPlus1 => dihedral(Dihedral::FlipPlus1),
        TransformKind::FlipMinus1 => dihedral(Dihedral::FlipMinus1),
        TransformKind::Negative => Some("colours inverted".to_owned()),
        TransformKind::Frame | TransformKind::Composite | TransformKind::Region | TransformKind::Aligned => {
            None
        }
        other => Some(word(&other).replace('_', " ")),
    };
    let frame = transform.frame.map(|frame| match transform.t_ms {
        Some(t_ms) => format!("frame {frame}, at {}.{:03} s", t_ms / 1000, t_ms % 1000),
        None => format!("frame {frame}"),
    });
    let backdrop = transform.backdrop.map(|backdrop| format!("laid over {}", word(&backdrop)));
    let place = place(transform);
    let negative = transform.negative.then(|| "colours inverted".to_owned());
    let parts: Vec<_> = [frame, backdrop, place, leading, negative, dihedral(transform.dihedral)]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() { "as stored".to_owned() } else { parts.join(", ") }
}

/// Where the known picture lies, how it is turned and how large.
fn place(transform: &Transform) -> Option<String> {
    let at = transform.region?;
    let mut place = format!("at {}, {}, {} × {} pixels", at.x, at.y, at.width, at.height);
    if let Some(angle) = transform.angle_degrees.filter(|angle| angle.0.abs() >= 500) {
        place.push_str(&format!(", turned by {:.1}°", angle.to_f64()));
    }
    if let Some(scale) = transform.scale {
        place.push_str(&format!(", {:.2} times as large", scale.to_f64()));
    }
    if transform.mirror {
        place.push_str(", mirrored");
    }
    Some(place)
}

fn dihedral(form: Dihedral) -> Option<String> {
    let words = match form {
        Dihedral::AsIs => return None,
        Dihedral::Rot90 => "turned by 90°",
        Dihedral::Rot180 => "turned by 180°",
        Dihedral::Rot270 => "turned by 270°",
        Dihedral::FlipX => "mirrored (flip x)",
        Dihedral::FlipY => "mirrored (flip y)",
        Dihedral::FlipPlus1 => "transposed",
        Dihedral::FlipMinus1 => "transposed along the other diagonal",
    };
    Some(words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transform_names_each_thing_done_once() {
        let say = |d, n, f, b| transform(&Transform::new(d, n, f, b));
        assert_eq!(say(Dihedral::AsIs, false, None, None), "as stored");
        assert_eq!(say(Dihedral::FlipX, true, None, None), "colours inverted, mirrored (flip x)");
        assert_eq!(say(Dihedral::Rot90, false, None, None), "turned by 90°");
        assert_eq!(say(Dihedral::AsIs, true, Some((4, 1250)), None), "frame 4, at 1.250 s, colours inverted");
    }
}
