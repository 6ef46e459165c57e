//! InvokeAI's three forms. *Source:* invoke-ai/InvokeAI docs and receyuki/stable-diffusion-prompt-reader
//! format/invokeai.py; graphs as of InvokeAI 3 to 5 (`invokeai_metadata`, `invokeai_graph`).

use lodestone_types::Workflow;
use serde_json::Value;

use super::{InputPicture, Told, push};

/// 3 and later state `generation_mode`; 2 the kind of its picture; graphs hold nodes that take a picture.
pub(crate) fn read(json: &Value) -> Option<Told> {
    let text = |json: &Value, key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let image = json.get("image");
    let mut mode = text(json, "generation_mode");
    if mode.is_empty() {
        mode = image.map(|image| text(image, "type")).unwrap_or_default();
    }
    let strength = json.get("strength").and_then(Value::as_f64);
    let init = ["init_image", "initial_image", "init_mask", "canvas_v2_metadata"];
    let init = init.iter().any(|key| json.get(key).is_some_and(|v| v.is_string()))
        || (strength.is_some_and(|s| s > 0.0 && s < 1.0) && !mode.contains("txt2img"));
    let (picture, name) = if mode.contains("inpaint") || mode.contains("outpaint") {
        (InputPicture::Changed, "inpaint")
    } else if mode.contains("img2img") || init || in_graph(json) {
        (InputPicture::Changed, "img2img")
    } else if mode.contains("txt2img") {
        (guided(json), "txt2img")
    } else {
        (guided(json), "")
    };
    let mut told = Told::picture(picture, name);
    told.workflow = Workflow { mode: told.workflow.mode, ..names(json) };
    let settings = image.filter(|i| i.is_object()).unwrap_or(json);
    told.workflow.seed =
        settings.get("seed").filter(|s| !s.is_null()).map(|s| s.to_string().replace('"', ""));
    told.prompt = text(json, "positive_prompt");
    if told.prompt.is_empty() {
        told.prompt = match settings.get("prompt") {
            Some(Value::String(prompt)) => prompt.clone(),
            Some(Value::Array(parts)) => {
                parts.iter().map(|p| text(p, "prompt")).collect::<Vec<_>>().join(" ")
            }
            _ => String::new(),
        };
    }
    Some(told)
}

fn guided(json: &Value) -> InputPicture {
    let lists = ["controlnets", "ipAdapters", "t2iAdapters", "ref_images", "control_layers"];
    let guided =
        lists.iter().any(|key| json.get(key).and_then(Value::as_array).is_some_and(|l| !l.is_empty()));
    if guided { InputPicture::Guided } else { InputPicture::NotTold }
}

fn names(json: &Value) -> Workflow {
    let mut workflow = Workflow::default();
    match json.get("model") {
        Some(Value::String(name)) => push(&mut workflow.models, name),
        Some(model) => {
            for key in ["model_name", "name", "key"] {
                if workflow.models.is_empty() {
                    push(&mut workflow.models, model.get(key).and_then(Value::as_str).unwrap_or_default());
                }
            }
        }
        None => {
            push(&mut workflow.models, json.get("model_weights").and_then(Value::as_str).unwrap_or_default())
        }
    }
    for lora in json.get("loras").and_then(Value::as_array).into_iter().flatten().take(32) {
        let model = lora.get("model").or_else(|| lora.get("lora")).unwrap_or(lora);
        let name = ["name", "model_name"].iter().find_map(|key| model.get(key)?.as_str());
        push(&mut workflow.loras, name.unwrap_or_default());
    }
    workflow
}

/// A graph with a node that encodes or pastes a picture.
fn in_graph(json: &Value) -> bool {
    let takes = |kind: &str| {
        matches!(
            kind,
            "i2l" | "flux_vae_encode" | "sd3_i2l" | "create_denoise_mask" | "canvas_paste_back" | "img_paste"
        )
    };
    let kinds = |node: &Value| {
        let inner = node.get("data").unwrap_or(node);
        inner.get("type").and_then(Value::as_str).is_some_and(takes)
    };
    match json.get("nodes") {
        Some(Value::Object(nodes)) => nodes.values().take(2_000).any(kinds),
        Some(Value::Array(nodes)) => nodes.iter().take(2_000).any(kinds),
        _ => false,
    }
}

/// InvokeAI 1's command line: `-I` names the initial picture, `-f` its strength, `-M` a mask.
pub(crate) fn dream(text: &str) -> Option<Told> {
    let changed =
        text.contains(" -I ") || text.contains(" -f ") || text.contains(" -f0.") || text.contains(" -I");
    let masked = text.contains(" -M ");
    let (picture, mode) = match (changed, masked) {
        (_, true) => (InputPicture::Changed, "inpaint"),
        (true, _) => (InputPicture::Changed, "img2img"),
        _ => (InputPicture::NotTold, "txt2img"),
    };
    let mut told = Told::picture(picture, mode);
    let rest = text.trim().strip_prefix('"').and_then(|t| t.split_once('"'));
    let (prompt, switches) = rest.or_else(|| text.split_once(" -"))?;
    told.prompt = prompt.to_owned();
    let seed = switches.split("-S").nth(1).map(str::trim_start);
    told.workflow.seed = seed.and_then(|s| s.split_whitespace().next()).map(str::to_owned);
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn modes_of_three_versions_are_read() {
        let read = |json: Value| read(&json).expect("reads");
        assert_eq!(read(json!({"generation_mode": "sdxl_inpaint"})).picture, InputPicture::Changed);
        assert_eq!(
            read(json!({"generation_mode": "txt2img", "strength": 0.7})).picture,
            InputPicture::NotTold
        );
        assert_eq!(read(json!({"image": {"type": "img2img"}})).picture, InputPicture::Changed);
        assert_eq!(read(json!({"nodes": {"a": {"type": "i2l"}}})).picture, InputPicture::Changed);
        let told = read(json!({"positive_prompt": "a pier", "seed": 7, "model": {"name": "demo"}}));
        assert_eq!((told.prompt.as_str(), told.workflow.seed.as_deref()), ("a pier", Some("7")));
        assert_eq!(told.workflow.models, ["demo"]);
        let old = dream("\"a pier\" -s 50 -S 123 -W 512 -H 512 -C 7.5 -A k_lms").expect("reads");
        assert_eq!((old.prompt.as_str(), old.workflow.seed.as_deref()), ("a pier", Some("123")));
        assert_eq!(
            dream("\"a pier\" -s 50 -S 1 -I in.png -f 0.6").expect("reads").picture,
            InputPicture::Changed
        );
    }
}
