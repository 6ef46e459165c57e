//! Parse tests: does a text have the shape that a convention gives it?

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fields::TextField;
use crate::json;

/// A shape; named in `rules/generators.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Shape {
    /// Any text that is not empty; only beside another condition.
    Any,
    /// `Steps: n` and one of Sampler, Seed, CFG scale: enough under a key that a convention uses.
    A1111,
    /// `Steps: n` and two of Sampler, Seed, CFG scale, Size, Model hash: enough anywhere.
    A1111Full,
    /// The Chinese label of generated content, GB 45438-2025: an object with `Label` and a producer.
    Aigc,
    /// An object of `{class_type, inputs}`, or one that holds such an object or text under `prompt` or `workflow`.
    ComfyPrompt,
    /// An object with a `nodes` array.
    ComfyWorkflow,
    /// An object with a `nodes` array of typed nodes and a table of links.
    ComfyWorkflowFull,
    /// A prompt with `-s`, `-S`, `-W`, `-H` switches.
    Dream,
    /// Easy Diffusion's settings in lines.
    EasydiffusionText,
    /// A line of Fooocus' log.
    FooocusLog,
    /// `Signature: ` and base64.
    GrokSignature,
    /// `Job ID: <uuid>`.
    JobId,
    /// The same without any switch; only beside another condition.
    JobIdBare,
    /// A JSON object.
    Json,
    /// Two of Midjourney's switches: `--ar 3:2 --v 6`.
    MidjourneySwitches,
    /// Mochi Diffusion's caption.
    Mochi,
    /// NovelAI's settings without its name beside them.
    Novelai,
    /// A number.
    Number,
    /// A JSON object with a prompt and three settings of a sampler.
    SettingsJson,
    /// Lines with a prompt and three settings of a sampler.
    SettingsLines,
    /// Any text but one that says "none".
    Stated,
    /// A UUID and nothing else.
    Uuid,
}

impl Shape {
    /// Whether the field's text has this shape.
    pub(crate) fn fits(self, field: &TextField) -> bool {
        let text = field.text.trim();
        match self {
            Self::Any => !text.is_empty(),
            Self::Stated => !matches!(
                text.to_lowercase().as_str(),
                "" | "none" | "no" | "n/a" | "na" | "-" | "false" | "0" | "null"
            ),
            Self::A1111 => field.infotext().is_some(),
            Self::A1111Full => field.infotext().is_some_and(|t| t.traits() >= 2),
            Self::Aigc => field.json().is_some_and(is_aigc),
            Self::ComfyPrompt => {
                field.json().is_some_and(|j| comfy_graphs(j).iter().any(|g| is_comfy_prompt(g)))
            }
            Self::ComfyWorkflow => field.json().is_some_and(is_comfy_workflow),
            Self::ComfyWorkflowFull => {
                field.json().is_some_and(|json| comfy_graphs(json).iter().any(|g| is_full_workflow(g)))
            }
            Self::Dream => is_dream(text),
            Self::EasydiffusionText => {
                let keys = [
                    "Prompt:",
                    "Seed:",
                    "Steps:",
                    "Guidance Scale:",
                    "Stable Diffusion model:",
                    "Use Face Correction:",
                ];
                text.len() < 100_000 && line_keys(text, &keys) >= 4
            }
            Self::FooocusLog => {
                let has = |words: &[&str]| words.iter().any(|w| text.contains(w));
                has(&["Performance"])
                    && has(&["Base Model", "base_model"])
                    && has(&["Fooocus", "Styles"])
                    && has(&["Seed", "seed"])
            }
            Self::GrokSignature => text.strip_prefix("Signature: ").is_some_and(is_base64),
            Self::JobId => {
                // Midjourney's own text has switches before it, and nothing after it.
                text.rsplit_once("Job ID: ")
                    .is_some_and(|(prompt, id)| prompt.contains(" --") && is_uuid(id.trim()))
            }
            Self::JobIdBare => text.rsplit_once("Job ID: ").is_some_and(|(_, id)| is_uuid(id.trim())),
            Self::Json => field.json().is_some_and(Value::is_object),
            Self::MidjourneySwitches => midjourney_switches(text) >= 2,
            Self::Mochi => {
                text.contains("Include in Image: ") && text.contains("Steps: ") && text.contains("Seed: ")
            }
            Self::Novelai => field.json().is_some_and(is_novelai),
            Self::Number => text.len() < 40 && text.parse::<f64>().is_ok_and(f64::is_finite),
            Self::SettingsJson => field.json().is_some_and(|json| is_settings(inner(json))),
            Self::SettingsLines => is_settings_lines(text),
            Self::Uuid => is_uuid(text),
        }
    }
}

pub(crate) fn is_comfy_prompt(json: &Value) -> bool {
    let node = |n: &Value| n.get("class_type").is_some_and(Value::is_string) && n.get("inputs").is_some();
    // Civitai puts `extra` and `extraMetadata` beside the nodes.
    json.as_object().is_some_and(|nodes| {
        nodes.values().any(node)
            && nodes.iter().all(|(key, n)| node(n) || key.starts_with("extra") || key == "workflow")
    })
}

pub(crate) fn is_comfy_workflow(json: &Value) -> bool {
    // Other programs' graphs have nodes with types too: their nodes are numbered by text, their links name both ends.
    let counted = json.get("last_node_id").is_some_and(Value::is_number);
    let node =
        |n: &Value| n.get("type").is_some_and(Value::is_string) && n.get("id").is_none_or(Value::is_number);
    let numbered = |nodes: &Vec<Value>| nodes.iter().take(64).all(|n| n.get("id").is_some());
    let link = |l: &Value| l.is_array() || l.get("origin_id").is_some();
    json.get("edges").is_none()
        && json.get("connections").is_none()
        && json.get("links").and_then(Value::as_array).is_none_or(|links| links.iter().take(64).all(link))
        && json.get("nodes").and_then(Value::as_array).is_some_and(|nodes| {
            nodes.iter().take(64).all(node) && (counted || (!nodes.is_empty() && numbered(nodes)))
        })
}

fn is_full_workflow(json: &Value) -> bool {
    let table = ["links", "last_link_id", "last_node_id"].iter().any(|key| json.get(key).is_some());
    is_comfy_workflow(json)
        && table
        && json.get("nodes").and_then(Value::as_array).is_some_and(|n| !n.is_empty())
}

/// The graphs in an object: itself, or what it holds under `prompt`, `workflow` or `extra_pnginfo`, as objects or text.
pub(crate) fn comfy_graphs(json: &Value) -> Vec<Cow<'_, Value>> {
    if is_comfy_prompt(json) || is_comfy_workflow(json) {
        return vec![Cow::Borrowed(json)];
    }
    let mut found = Vec::new();
    let holders =
        [Some(json), json.get("extra_pnginfo"), json.get("extra_data").and_then(|e| e.get("extra_pnginfo"))];
    for holder in holders.into_iter().flatten() {
        for key in ["prompt", "workflow", "Prompt", "Workflow"] {
            let inner = match holder.get(key) {
                Some(Value::String(text)) => json::parse(text).map(Cow::Owned),
                Some(value) => Some(Cow::Borrowed(value)),
                None => None,
            };
            found.extend(inner.filter(|g| is_comfy_prompt(g) || is_comfy_workflow(g)));
        }
    }
    found
}

/// *Source:* GB 45438-2025 appendix E and TC260-PG-20258A: `{"Label": "1", "ContentProducer": …, "ProduceID": …}`.
fn is_aigc(json: &Value) -> bool {
    let label = |json: &Value| {
        let value = json.get("Label").map(|l| l.to_string().replace('"', ""));
        matches!(value.as_deref(), Some("1" | "2" | "3"))
            && ["ContentProducer", "ProduceID", "ContentPropagator", "PropagateID"]
                .iter()
                .any(|k| json.get(k).is_some())
    };
    label(json)
        || match json.get("AIGC") {
            Some(Value::String(text)) => json::parse(text).is_some_and(|inner| label(&inner)),
            Some(inner) => label(inner),
            None => false,
        }
}

/// Either spelling: `-s 50` and `-s50`.
fn is_dream(text: &str) -> bool {
    let number = |switch: &str| {
        text.split(switch)
            .nth(1)
            .and_then(|rest| rest.trim_start().chars().next())
            .is_some_and(|c| c.is_ascii_digit())
    };
    let found = [" -s", " -S", " -W", " -H", " -C"].iter().filter(|s| number(s)).count();
    found >= 3 && number(" -C") && (text.starts_with('"') || (found >= 4 && text.contains(" -A")))
}

fn line_keys(text: &str, keys: &[&str]) -> usize {
    let lines: Vec<&str> = text.lines().take(200).map(str::trim_start).collect();
    keys.iter().filter(|key| lines.iter().any(|line| line.starts_with(**key))).count()
}

fn midjourney_switches(text: &str) -> usize {
    let Some(at) = text.find(" --") else {
        return 0;
    };
    let words = text.get(at..).unwrap_or_default();
    // Other programs have seeds, qualities and versions as well.
    let own = [
        " --ar ",
        " --aspect ",
        " --niji ",
        " --s ",
        " --stylize ",
        " --sref ",
        " --chaos ",
        " --c ",
        " --v ",
    ];
    if !own.iter().any(|switch| words.contains(switch)) {
        return 0;
    }
    words
        .split(" --")
        .skip(1)
        .filter(|switch| {
            let mut parts = switch.split_whitespace();
            let value = parts.by_ref().nth(1).unwrap_or_default();
            let digits = value.chars().next().is_some_and(|c| c.is_ascii_digit());
            match switch.split_whitespace().next().unwrap_or_default() {
                "ar" | "aspect" => value.contains(':') && digits,
                "v" | "version" | "niji" | "s" | "stylize" | "c" | "chaos" | "q" | "quality" | "seed"
                | "iw" | "w" | "weird" | "sw" | "cw" | "stop" => digits,
                "raw" | "tile" | "turbo" | "fast" | "relax" => true,
                "style" | "sref" | "cref" | "oref" | "profile" | "p" | "no" => !value.is_empty(),
                _ => false,
            }
        })
        .count()
}

fn is_novelai(json: &Value) -> bool {
    if let Some(inner) = json.get("Comment").and_then(Value::as_str) {
        return json.get("Software").and_then(Value::as_str) == Some("NovelAI")
            || json::parse(inner).is_some_and(|inner| is_novelai(&inner));
    }
    let has = |key: &str| json.get(key).is_some();
    has("uc")
        && has("sampler")
        && ["noise_schedule", "request_type", "signed_hash", "v4_prompt", "uncond_scale"]
            .iter()
            .any(|k| has(k))
}

/// The object with the settings: the JSON itself, or the first object in it that is called so.
pub(crate) fn inner(json: &Value) -> &Map<String, Value> {
    static EMPTY: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
    let Some(map) = json.as_object() else {
        return &EMPTY;
    };
    let names = [
        "parameters",
        "params",
        "metadata",
        "meta",
        "generation",
        "settings",
        "request",
        "extraMetadata",
        "input",
    ];
    let inside = names.iter().find_map(|name| map.get(*name)?.as_object());
    match inside {
        Some(inside) if !is_settings(map) => inside,
        _ => map,
    }
}

const SETTINGS: [&[&str]; 7] = [
    &["seed", "noiseseed", "randomseed"],
    &["steps", "numinferencesteps", "inferencesteps", "samplingsteps", "numsteps", "samplersteps"],
    &["cfg", "cfgscale", "guidance", "guidancescale", "scale", "cfgrescale", "promptguidance"],
    &["sampler", "samplername", "scheduler", "sampling", "samplingmethod", "schedulername"],
    &["negativeprompt", "negative", "uc", "prompt2", "promptneg"],
    &[
        "model",
        "modelname",
        "basemodel",
        "modelid",
        "checkpoint",
        "modelhash",
        "sdmodel",
        "usestablediffusionmodel",
        "modelversion",
    ],
    &["loras", "lora", "denoisingstrength", "strength", "clipskip", "initstrength", "vae", "prompt strength"],
];

/// A prompt in words and three kinds of settings of a sampler, one of them a seed or a number of steps.
fn is_settings(map: &Map<String, Value>) -> bool {
    let names: Vec<String> = map.keys().take(400).map(|name| crate::workflow::plain(name)).collect();
    let has = |wanted: &[&str]| names.iter().any(|name| wanted.contains(&name.as_str()));
    let prompt = map.iter().take(400).any(|(name, value)| {
        value.is_string()
            && ["prompt", "positiveprompt", "positive", "fullprompt", "prompttext"]
                .contains(&crate::workflow::plain(name).as_str())
    });
    let kinds = SETTINGS.iter().filter(|kind| has(kind)).count();
    let drawn = has(&[
        "sampler",
        "samplername",
        "scheduler",
        "cfg",
        "cfgscale",
        "guidance",
        "guidancescale",
        "negativeprompt",
        "negative",
    ]);
    prompt && drawn && kinds >= 3 && (has(SETTINGS[0]) || has(SETTINGS[1]))
}

fn is_settings_lines(text: &str) -> bool {
    if text.len() > 100_000 || !text.to_ascii_lowercase().contains("seed") {
        return false;
    }
    let mut prompt = false;
    let mut kinds = [false; SETTINGS.len()];
    let mut numbers = 0;
    for (name, value) in text.lines().take(200).filter_map(|line| line.split_once(':')) {
        let name = crate::workflow::plain(name);
        let value = value.trim();
        prompt |= matches!(name.as_str(), "prompt" | "positiveprompt") && !value.is_empty();
        if let Some(kind) = SETTINGS.iter().position(|names| names.contains(&name.as_str())) {
            let number = value.trim_end_matches(',').parse::<f64>().is_ok();
            kinds[kind] |= kind > 2 || number;
            numbers += usize::from(kind <= 2 && number);
        }
    }
    prompt && numbers >= 2 && kinds.iter().filter(|k| **k).count() >= 3
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

    fn fits(shape: Shape, text: &str) -> bool {
        shape.fits(&TextField::new("png:x", "png:x", text, None))
    }

    #[test]
    fn ordinary_words_have_no_shape() {
        let all = [
            Shape::A1111,
            Shape::A1111Full,
            Shape::Aigc,
            Shape::ComfyPrompt,
            Shape::ComfyWorkflow,
            Shape::ComfyWorkflowFull,
            Shape::Dream,
            Shape::EasydiffusionText,
            Shape::FooocusLog,
            Shape::GrokSignature,
            Shape::JobId,
            Shape::MidjourneySwitches,
            Shape::Mochi,
            Shape::Novelai,
            Shape::SettingsJson,
            Shape::SettingsLines,
            Shape::Uuid,
        ];
        for text in [
            "Next Steps: 3 things, then Seed: beans",
            "prompt: be there at nine\nsteps: take the 3 steps up",
            "Prompt arrival; model: Canon EOS; sampler of sweets -s -S",
            r#"{"prompt": "a walk", "model": "Canon", "width": 3}"#,
            r#"{"Label": "holiday", "nodes": 3}"#,
            "a walk --fast -- and back --v",
            "00000000-0000-0000-0000-00000000000g",
            "Signature: me",
        ] {
            for shape in all {
                assert!(!fits(shape, text), "{shape:?}: {text}");
            }
        }
    }

    #[test]
    fn each_shape_fits_its_own() {
        for (shape, text) in [
            (Shape::A1111Full, "x\nSteps: 20, Sampler: Euler, Seed: 1"),
            (Shape::Aigc, r#"{"AIGC": "{\"Label\": \"1\", \"ContentProducer\": \"x\"}"}"#),
            (Shape::ComfyPrompt, r#"{"prompt": "{\"1\": {\"class_type\": \"KSampler\", \"inputs\": {}}}"}"#),
            (
                Shape::ComfyWorkflowFull,
                r#"{"workflow": {"nodes": [{"id": 1, "type": "Note"}], "links": []}}"#,
            ),
            (Shape::Dream, "\"a pier\" -s50 -S123 -W512 -H512 -C7.5 -Ak_lms"),
            (Shape::EasydiffusionText, "a pier\nPrompt: a pier\nSeed: 3\nSteps: 25\nGuidance Scale: 7.5"),
            (Shape::MidjourneySwitches, "a pier --ar 3:2 --v 6.1"),
            (Shape::Novelai, r#"{"uc": "", "sampler": "k", "noise_schedule": "native"}"#),
            (
                Shape::SettingsJson,
                r#"{"prompt": "a pier", "seed": 1, "num_inference_steps": 20, "guidance_scale": 7}"#,
            ),
            (
                Shape::SettingsJson,
                r#"{"metadata": {"prompt": "a pier", "seed": 1, "steps": 20, "cfg_scale": 7}}"#,
            ),
            (Shape::SettingsLines, "prompt: a pier\nseed: 3\nsteps: 20\nmodel: m"),
        ] {
            assert!(fits(shape, text), "{shape:?}: {text}");
        }
    }
}
