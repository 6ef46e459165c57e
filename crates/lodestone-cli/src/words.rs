//! Words for people: matches and troubles as a line, hostile text made visible.

use lodestone_types::{Dihedral, Match, Standing, Transform, TransformKind, Trust, Unreadable};
use serde_json::Value;

/// Text from files with its control, direction and line characters made visible, so that it cannot write over the
/// terminal.
pub(crate) fn visible(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let hostile = c.is_control()
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
            let escaped: Box<dyn Iterator<Item = char>> =
                if hostile { Box::new(c.escape_unicode()) } else { Box::new(std::iter::once(c)) };
            escaped
        })
        .collect()
}

/// `decode/malformed: the header is cut short`.
pub(crate) fn unreadable(why: &Unreadable) -> String {
    let stage = name(&serde_json::to_value(why.stage));
    let detail = visible(&why.detail);
    if detail.is_empty() {
        format!("{stage}/{}", why.reason)
    } else {
        format!("{stage}/{}: {detail}", why.reason)
    }
}

/// One match as a line.
pub(crate) fn a_match(one: &Match) -> String {
    let how = if one.signal_type.is_digest() {
        format!("same bytes by {}", one.signal_type)
    } else if let Some(distance) = one.distance_squared {
        let limit = one.max_distance_squared.unwrap_or(0);
        format!("{} at squared distance {distance} of {limit}", one.signal_type)
    } else if let Some(inliers) = one.inliers.filter(|_| one.layer >= 3) {
        format!("{inliers} local features agree, {}{}", transform(&one.transform), score(one))
    } else if one.layer == 4 {
        format!("alike to the descriptor, {}{}", transform(&one.transform), score(one))
    } else {
        let folded = if one.folded { ", from a scaled decode" } else { "" };
        format!(
            "{} at {} of {} bits, {}{folded}",
            one.signal_type,
            one.distance_bits,
            one.radius_bits,
            transform(&one.transform)
        )
    };
    let class =
        one.classification.as_deref().map(|c| format!(", classified {}", visible(c))).unwrap_or_default();
    let suppressed =
        if one.suppressed { "; suppressed by an exact digest in a negative or known-good bank" } else { "" };
    let relation = one.relation.map(|relation| format!("{} it; ", relation.words())).unwrap_or_default();
    let standing = match one.standing {
        Standing::Match => "",
        Standing::Review if one.lacks_support() => {
            "; for a person to look at: fewer members hold or confirm it than the bank asks for"
        }
        Standing::Review => "; for a person to look at",
        Standing::PossibleDerivative => "; a possible derivative, no match",
    };
    format!(
        "{} entry {} ({}{class}): {relation}{how}{standing}{suppressed}",
        visible(&one.bank),
        visible(&one.entry),
        one.bank_kind
    )
}

/// What a user's descriptor gives, where it was asked.
fn score(one: &Match) -> String {
    let Some(score) = one.score else { return String::new() };
    match one.normalised_score {
        Some(normalised) => format!(", score {score}, {normalised} above unrelated pictures"),
        None => format!(", score {score}"),
    }
}

fn transform(form: &Transform) -> String {
    let mut words = Vec::new();
    if let Some(frame) = form.frame {
        words.push(format!("frame {frame}"));
    }
    if let Some(backdrop) = form.backdrop {
        words.push(format!("transparency on {}", name(&serde_json::to_value(backdrop))));
    }
    if form.negative || form.kind == TransformKind::Negative {
        words.push("colours inverted".to_owned());
    }
    let leading =
        !matches!(form.kind, TransformKind::Frame | TransformKind::Composite | TransformKind::Negative)
            && form.region.is_none();
    if let Some(at) = form.region {
        words.push(format!("at {}, {}, {} x {} pixels", at.x, at.y, at.width, at.height));
    }
    if let Some(angle) = form.angle_degrees.filter(|angle| angle.0.abs() >= 500) {
        words.push(format!("turned by {:.1} degrees", angle.to_f64()));
    }
    if let Some(scale) = form.scale {
        words.push(format!("{:.2} times as large", scale.to_f64()));
    }
    if form.mirror {
        words.push("mirrored".to_owned());
    }
    if form.dihedral != Dihedral::AsIs {
        words.push(symmetry(&name(&serde_json::to_value(form.dihedral))));
    } else if leading && form.kind != TransformKind::AsIs {
        words.push(symmetry(&name(&serde_json::to_value(form.kind))));
    }
    if words.is_empty() { "as stored".to_owned() } else { words.join(", ") }
}

fn symmetry(name: &str) -> String {
    match name {
        "rot90" => "turned by 90 degrees",
        "rot180" => "turned by 180 degrees",
        "rot270" => "turned by 270 degrees",
        "flip_x" | "flip_y" => "mirrored",
        _ => "mirrored and turned",
    }
    .to_owned()
}

fn name(value: &serde_json::Result<Value>) -> String {
    value.as_ref().ok().and_then(Value::as_str).unwrap_or("?").to_owned()
}

/// On whose list a signer stands, in words.
pub(crate) fn trust(trust: Trust) -> String {
    match trust {
        Trust::Official => "on the C2PA trust list",
        Trust::Interim => "on the interim trust list",
        Trust::Operator => "on the operator's own list",
        Trust::None => "on no list in use",
        Trust::Revoked => "its certificate was revoked",
    }
    .to_owned()
}

/// `1 entry`, `2 entries`.
pub(crate) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_files_cannot_write_over_the_terminal() {
        assert_eq!(visible("a\x1b[2Jb\u{202e}c\n"), "a\\u{1b}[2Jb\\u{202e}c\\u{a}");
        assert_eq!(visible("Übung/写真.jpg"), "Übung/写真.jpg");
    }

    #[test]
    fn a_transform_is_told_in_words() {
        assert_eq!(transform(&Transform::default()), "as stored");
        assert_eq!(
            transform(&Transform::new(Dihedral::Rot90, true, None, None)),
            "colours inverted, turned by 90 degrees"
        );
        assert_eq!(
            transform(&Transform::new(Dihedral::FlipX, false, Some((3, 40)), None)),
            "frame 3, mirrored"
        );
    }
}
