//! Parse tests: does a text have the shape that a convention gives it?

use serde::Deserialize;
use serde_json::Value;

use crate::fields::TextField;

/// A shape; named in `rules/generators.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// Any text that is not empty; only beside another condition.
    Any,
    /// `Steps: n` and one of Sampler, Seed, CFG scale.
    A1111,
    /// An object of `{class_type, inputs}`.
    ComfyPrompt,
    /// An object with a `nodes` array.
    ComfyWorkflow,
    /// A quoted prompt with `-s`, `-S`, `-W`, `-H` switches.
    Dream,
    /// `Signature: ` and base64.
    GrokSignature,
    /// `Job ID: <uuid>`.
    JobId,
    /// A JSON object.
    Json,
    /// A UUID and nothing else.
    Uuid,
}

impl Shape {
    /// Whether the field's text has this shape.
    pub(crate) fn fits(self, field: &TextField) -> bool {
        let text = field.text.trim();
        match self {
            Self::Any => !text.is_empty(),
            Self::A1111 => a1111_settings(text).is_some(),
            Self::ComfyPrompt => field.json().is_some_and(is_comfy_prompt),
            Self::ComfyWorkflow => field.json().is_some_and(is_comfy_workflow),
            Self::Dream => {
                let switches = ["-s ", "-S ", "-W ", "-H ", "-C ", "-A "];
                text.starts_with('"') && switches.iter().filter(|s| text.contains(**s)).count() >= 3
            }
            Self::GrokSignature => text.strip_prefix("Signature: ").is_some_and(is_base64),
            Self::JobId => {
                text.split_once("Job ID: ").is_some_and(|(_, id)| id.get(..36).is_some_and(is_uuid))
            }
            Self::Json => field.json().is_some_and(Value::is_object),
            Self::Uuid => is_uuid(text),
        }
    }
}

pub(crate) fn is_comfy_prompt(json: &Value) -> bool {
    json.as_object().is_some_and(|nodes| {
        !nodes.is_empty()
            && nodes
                .values()
                .all(|n| n.get("class_type").is_some_and(Value::is_string) && n.get("inputs").is_some())
    })
}

pub(crate) fn is_comfy_workflow(json: &Value) -> bool {
    json.get("nodes").is_some_and(Value::is_array)
}

/// The settings line of an A1111 text: what stands from `Steps: <digits>` on, if Sampler, Seed or CFG scale follows.
/// *Source:* AUTOMATIC1111/stable-diffusion-webui modules/infotext_utils.py.
pub(crate) fn a1111_settings(text: &str) -> Option<&str> {
    let (at, _) = text.match_indices("Steps: ").find(|(at, found)| {
        let before = text.get(..*at).and_then(|t| t.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
        before.is_none_or(|c| c.is_whitespace() || c == ',') && after.is_some_and(|c| c.is_ascii_digit())
    })?;
    let settings = text.get(at..)?;
    let digit = |c: char| c.is_ascii_digit() || c == '-';
    let follows = |key: &str, test: &dyn Fn(char) -> bool| {
        settings.split_once(key).and_then(|(_, value)| value.chars().next()).is_some_and(test)
    };
    (follows("Seed: ", &digit)
        || follows("CFG scale: ", &digit)
        || follows("Sampler: ", &char::is_alphanumeric))
    .then_some(settings)
}

pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(i, b)| match i {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

/// At least 40 base64 characters and nothing else: shorter ones are words.
fn is_base64(text: &str) -> bool {
    let body = text.trim().trim_end_matches('=');
    body.len() >= 40
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_words_have_no_shape() {
        assert!(a1111_settings("a cat\nSteps: 20, Seed: 1").is_some());
        for text in [
            "Next Steps: 3 things, then Seed: beans",
            "Steps: follow me, Seed: 1",
            "The prompt arrival of parameters",
            "Steps: 20",
        ] {
            assert!(a1111_settings(text).is_none(), "{text}");
        }
        assert!(!is_uuid("00000000-0000-0000-0000-00000000000g"));
        assert!(!is_base64("Signature"));
    }
}
