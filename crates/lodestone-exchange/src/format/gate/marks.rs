//! Marks in fields and tags that say where a content comes from.
//!
//! There is no standard field for generated material in hash lists: NCMEC's reports have `generativeAi`, IPTC has
//! `digitalSourceType`, and most lists use a tag. A mark is never enough to call something generated; it is enough to
//! hold it back until a person has looked.

use lodestone_types::Proposition;
use serde_json::Value;

use super::Evidence;

/// Names of fields that are set for generated material, without case and punctuation.
const FLAGS: [&str; 13] = [
    "generativeai",
    "isgenerativeai",
    "genai",
    "isgenai",
    "aigenerated",
    "isaigenerated",
    "generatedbyai",
    "aiedited",
    "isaiedited",
    "aimanipulated",
    "deepfake",
    "isdeepfake",
    "issynthetic",
];

/// Tags that say so.
const TAGS: [&str; 12] = [
    "generativeai",
    "genai",
    "aigenerated",
    "generatedbyai",
    "aigc",
    "ai",
    "aiedited",
    "aimanipulated",
    "deepfake",
    "synthetic",
    "cgi",
    "aicsam",
];

/// Fields whose items are tags.
const TAG_FIELDS: [&str; 5] = ["tags", "tag", "labels", "annotations", "fileannotations"];

/// IPTC source types of what no camera made. *Source:* IPTC NewsCodes, digitalsourcetype.
const SOURCE_TYPES: [&str; 8] = [
    "trainedalgorithmicmedia",
    "compositewithtrainedalgorithmicmedia",
    "algorithmicmedia",
    "algorithmicallyenhanced",
    "compositesynthetic",
    "digitalart",
    "digitalcreation",
    "virtualrecording",
];

/// Levels that are looked into: as many as are read.
const MAX_DEPTH: u32 = 128;

/// A tag that says that a content was generated.
pub(super) fn tag(text: &str) -> Option<Evidence> {
    let lower = text.trim().to_ascii_lowercase();
    let said = lower.starts_with("lodestone:ai-") || TAGS.contains(&plain(text).as_str());
    said.then(|| Evidence::new("tag", format!("tag {:?}", cut(text))))
}

/// An IPTC source type of what no camera made, as a word or an address.
pub(super) fn source_type(text: &str) -> Option<Evidence> {
    let word = text.trim().trim_end_matches('/').rsplit(['/', ':', '#']).next().unwrap_or_default();
    SOURCE_TYPES
        .contains(&plain(word).as_str())
        .then(|| Evidence::new("source_type", format!("digital source type {}", cut(word))))
}

/// Looks through fields.
pub(super) fn read(fields: &Value, synthetic: &mut Vec<Evidence>, real: &mut Vec<Evidence>) {
    walk("", fields, 0, synthetic, real);
}

fn walk(name: &str, value: &Value, depth: u32, synthetic: &mut Vec<Evidence>, real: &mut Vec<Evidence>) {
    if depth > MAX_DEPTH {
        return;
    }
    let field = plain(name);
    if FLAGS.contains(&field.as_str()) && is_set(value, field == "generativeai") {
        synthetic.push(Evidence::new("flag", format!("{} is set", cut(name))));
        return;
    }
    if field == "baseline" && is_set(value, false) {
        real.push(Evidence::new("flag", "Baseline is set: INTERPOL takes the children for real"));
        return;
    }
    match value {
        Value::String(text) => {
            if field == "ainexus" && matches!(plain(text).as_str(), "contentgenerated" | "contentaiedited") {
                synthetic.push(Evidence::new("flag", format!("{} is {}", cut(name), cut(text))));
            } else if TAG_FIELDS.contains(&field.as_str()) {
                synthetic.extend(text.split([';', ',', '|']).filter_map(tag));
            } else if field == "digitalsourcetype" || text.to_ascii_lowercase().contains("algorithmicmedia") {
                synthetic.extend(source_type(text));
            }
        }
        Value::Array(items) => {
            for item in items {
                walk(name, item, depth + 1, synthetic, real);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                walk(name, value, depth + 1, synthetic, real);
            }
        }
        _ => {}
    }
}

/// Whether a flag is set: as `true`, as a number, or as text, as exporters write it. Text that is no known no counts as
/// set. Where `empty_is_set`, an empty element is one (`<generativeAi/>` in NCMEC's reports).
fn is_set(value: &Value, empty_is_set: bool) -> bool {
    match value {
        Value::Bool(set) => *set,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => {
            let text = text.trim().to_ascii_lowercase();
            if text.is_empty() {
                return empty_is_set;
            }
            !matches!(
                text.as_str(),
                "false" | "0" | "no" | "n" | "f" | "none" | "null" | "unknown" | "not set"
            )
        }
        Value::Object(fields) => empty_is_set && fields.is_empty(),
        Value::Array(items) => items.iter().any(|item| is_set(item, empty_is_set)),
        Value::Null => false,
    }
}

/// A name without case and punctuation.
fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).take(64).collect()
}

/// What may be repeated of a list's own words.
fn cut(text: &str) -> String {
    text.trim().chars().filter(|c| !c.is_control()).take(60).collect()
}

/// A proposition's name on the wire.
pub(super) fn name(proposition: &Proposition) -> &'static str {
    match proposition {
        Proposition::CameraOriginal => "camera_original",
        Proposition::EditedCapture => "edited_capture",
        Proposition::AiEdited => "ai_edited",
        Proposition::AiGenerated => "ai_generated",
        Proposition::OtherSynthetic => "other_synthetic",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(fields: &Value) -> (usize, usize) {
        let (mut synthetic, mut real) = (Vec::new(), Vec::new());
        read(fields, &mut synthetic, &mut real);
        (synthetic.len(), real.len())
    }

    #[test]
    fn a_flag_counts_as_a_truth_value_a_number_or_a_text() {
        for set in
            [json!(true), json!("true"), json!("True "), json!(1), json!("1"), json!("yes"), json!("likely")]
        {
            assert_eq!(found(&json!({ "generativeAi": set })), (1, 0), "{set}");
            assert_eq!(found(&json!({ "Is_AI-Generated": set })), (1, 0), "{set}");
        }
        for not in [json!(false), json!("false"), json!(0), json!("No"), json!(null), json!("unknown")] {
            assert_eq!(found(&json!({ "generativeAi": not, "deepfake": not })), (0, 0), "{not}");
        }
        assert_eq!(found(&json!({ "fileAnnotations": { "generativeAi": "" } })), (1, 0), "an empty element");
        assert_eq!(found(&json!({ "deepfake": "" })), (0, 0), "an empty column");
    }

    #[test]
    fn tags_source_types_and_the_baseline_are_found_wherever_they_stand() {
        let exif = json!({ "Exifs": [{ "PropertyName": "DigitalSourceType",
            "PropertyValue": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia" }] });
        assert_eq!(found(&exif), (1, 0));
        assert_eq!(found(&json!({ "digitalSourceType": "digitalArt" })), (1, 0));
        assert_eq!(found(&json!({ "digitalSourceType": "digitalCapture" })), (0, 0));
        assert_eq!(found(&json!({ "Tags": "beach; AI-generated" })), (1, 0));
        assert_eq!(found(&json!({ "fileAnnotations": ["viral", "generativeAi"] })), (1, 0));
        assert_eq!(found(&json!({ "Baseline": "true" })), (0, 1));
        assert_eq!(found(&json!({ "aiNexus": "training_data_find" })), (0, 0));
        assert_eq!(found(&json!({ "aiNexus": "content_ai_edited" })), (1, 0));
        assert!(
            tag("lodestone:ai-likelihood=0.2").is_some() && tag("Aida").is_none() && tag("main").is_none()
        );
    }
}
