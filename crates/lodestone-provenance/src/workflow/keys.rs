//! Settings by name: in a JSON object, in lines `Key: value`, or each in a text field of its own. Names differ by
//! program only in case, spaces and a few synonyms.

use lodestone_types::Workflow;
use serde_json::{Map, Value};

use super::{InputPicture, Told, push};
use crate::fields::TextField;

/// A name without case, spaces and signs: `Negative Prompt` and `negative_prompt` are one.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

const PROMPT: [&str; 5] = ["prompt", "positiveprompt", "fullprompt", "rawprompt", "originalprompt"];
const SEED: [&str; 4] = ["seed", "noiseseed", "randomseed", "imageseed"];
const MODEL: [&str; 10] = [
    "basemodel",
    "basemodelname",
    "usestablediffusionmodel",
    "stablediffusionmodel",
    "modelname",
    "model",
    "modelid",
    "modelversionname",
    "checkpoint",
    "sdmodel",
];
const MASK: [&str; 8] = [
    "mask",
    "maskimage",
    "maskpath",
    "maskstrength",
    "inpaintmode",
    "masked",
    "inpaintadditionalprompt",
    "outpaint",
];
const INIT: [&str; 14] = [
    "initimage",
    "initimg",
    "initialimage",
    "initimagepath",
    "inputimage",
    "inputimages",
    "imagepath",
    "imagepaths",
    "imagestrength",
    "sourceimage",
    "uovmethod",
    "uovinputimage",
    "img2img",
    "initimages",
];

/// A setting that is there and not an empty, false or "off" value.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !matches!(
            text.trim().to_ascii_lowercase().as_str(),
            "" | "none" | "disabled" | "false" | "null" | "0"
        ),
        Value::Array(list) => !list.is_empty(),
        Value::Number(number) => number.as_f64().is_some_and(|n| n != 0.0),
        Value::Object(map) => !map.is_empty(),
        Value::Bool(true) => true,
    }
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(map) => ["modelFileName", "model_name", "name"]
            .iter()
            .find_map(|key| map.get(*key)?.as_str().map(str::to_owned)),
        _ => None,
    }
}

fn settings<'v>(pairs: impl Iterator<Item = (String, &'v Value)>) -> Told {
    let mut told = Told::default();
    let mut model: Option<(usize, String)> = None;
    let workflow: &mut Workflow = &mut told.workflow;
    let (mut init, mut mask) = (false, false);
    for (name, value) in pairs.take(400) {
        let name = name.as_str();
        if told.prompt.is_empty() && PROMPT.contains(&name) {
            told.prompt = word(value).unwrap_or_default();
        } else if SEED.contains(&name) && workflow.seed.is_none() {
            workflow.seed = word(value);
        } else if let Some(rank) = MODEL.iter().position(|m| *m == name) {
            if let Some(text) = word(value).filter(|_| model.as_ref().is_none_or(|(best, _)| rank < *best)) {
                model = Some((rank, text));
            }
        } else if name.contains("lora") {
            loras(value, &mut workflow.loras);
        } else if MASK.contains(&name) {
            mask |= is_set(value);
        } else if INIT.contains(&name) {
            init |= is_set(value);
        }
    }
    push(&mut workflow.models, &model.map(|(_, text)| text).unwrap_or_default());
    (told.picture, workflow.mode) = match (init, mask) {
        (_, true) => (InputPicture::Changed, Some("inpaint".to_owned())),
        (true, _) => (InputPicture::Changed, Some("img2img".to_owned())),
        _ => (InputPicture::NotTold, None),
    };
    told
}

fn loras(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::String(name) if !matches!(name.as_str(), "None" | "none") => {
            push(names, name.split(" : ").next().unwrap_or_default());
        }
        Value::Array(list) => {
            for item in list.iter().take(32) {
                match item {
                    // Pairs of name and weight; RuinedFooocus puts a hash first and `weight - name` second.
                    Value::Array(pair) => {
                        let text = |i: usize| pair.get(i).and_then(Value::as_str);
                        let named = text(1).and_then(|t| t.split_once(" - ")).map(|(_, name)| name);
                        push(names, named.or(text(0)).unwrap_or_default());
                    }
                    Value::Object(_) => {
                        let name = ["name", "model", "lora", "path", "model_name", "file"]
                            .iter()
                            .find_map(|key| item.get(key)?.as_str());
                        push(names, name.unwrap_or_default());
                    }
                    Value::String(name) => push(names, name),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

/// Settings in a JSON object.
pub(crate) fn read(json: &Map<String, Value>) -> Option<Told> {
    Some(settings(json.iter().map(|(name, value)| (plain(name), value))))
}

/// Settings in lines.
pub(crate) fn lines(text: &str) -> Option<Told> {
    let pairs: Vec<(String, Value)> = text
        .lines()
        .take(200)
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (plain(name), Value::String(value.trim().to_owned())))
        .collect();
    (!pairs.is_empty()).then(|| settings(pairs.iter().map(|(name, value)| (name.clone(), value))))
}

/// Settings each in a field of its own, as `png:seed`.
pub(crate) fn split(fields: &[&TextField]) -> Option<Told> {
    let pairs: Vec<(String, Value)> = fields
        .iter()
        .filter(|f| f.json().is_none())
        .filter_map(|f| Some((plain(f.key.split_once(':')?.1), Value::String(f.text.trim().to_owned()))))
        .filter(|(name, _)| !matches!(name.as_str(), "parameters" | "text" | "usercomment"))
        .collect();
    (!pairs.is_empty()).then(|| settings(pairs.iter().map(|(name, value)| (name.clone(), value))))
}

/// *Source:* receyuki/stable-diffusion-prompt-reader format/novelai.py; `request_type` as NovelAI writes it.
pub(crate) fn novelai(json: &Value) -> Option<Told> {
    // WebP and hidden text hold the comment as text inside.
    if let Some(inner) = json.get("Comment").and_then(Value::as_str) {
        return novelai(&crate::json::parse(inner)?);
    }
    let mut told = settings(json.as_object()?.iter().map(|(name, value)| (plain(name), value)));
    let kind = json.get("request_type").and_then(Value::as_str).unwrap_or_default();
    (told.picture, told.workflow.mode) = if kind.contains("Infill") {
        (InputPicture::Changed, Some("inpaint".to_owned()))
    } else if kind.contains("Img2Img") || (kind.is_empty() && json.get("strength").is_some_and(is_set)) {
        (InputPicture::Changed, Some("img2img".to_owned()))
    } else if json.get("reference_image_multiple").is_some_and(is_set) {
        (InputPicture::Guided, Some("txt2img".to_owned()))
    } else {
        (InputPicture::NotTold, Some("txt2img".to_owned()))
    };
    Some(told)
}

/// *Source:* mcmonkeyprojects/SwarmUI docs, "Image Metadata Format".
pub(crate) fn swarmui(json: &Value) -> Option<Told> {
    let params = json.get("sui_image_params").and_then(Value::as_object)?;
    let mut told = settings(params.iter().map(|(name, value)| (plain(name), value)));
    // A strength of creation below 1 keeps part of the input; an input picture alone may still be one for a video.
    let creativity = params
        .iter()
        .find(|(name, _)| plain(name) == "initimagecreativity")
        .and_then(|(_, value)| value.as_f64().or_else(|| value.as_str().and_then(|text| text.parse().ok())));
    if told.picture != InputPicture::Changed && creativity.is_some_and(|part| part > 0.0 && part < 1.0) {
        told.picture = InputPicture::Changed;
        told.workflow.mode = Some("img2img".to_owned());
    }
    if told.picture == InputPicture::NotTold {
        let guides = ["controlnetimageinput", "promptimages", "controlnetimage", "ipadapterimage"];
        if params.iter().any(|(name, value)| guides.contains(&plain(name).as_str()) && is_set(value)) {
            told.picture = InputPicture::Guided;
        }
        told.workflow.mode = Some("txt2img".to_owned());
    }
    Some(told)
}

/// *Source:* receyuki/stable-diffusion-prompt-reader format/drawthings.py.
pub(crate) fn drawthings(json: &Value) -> Option<Told> {
    let map = json.as_object()?;
    let mut told = settings(map.iter().map(|(name, value)| (plain(name), value)));
    told.prompt = map.get("c").and_then(Value::as_str).unwrap_or_default().to_owned();
    let strength = json.get("strength").and_then(Value::as_f64);
    let changed = strength.is_some_and(|strength| strength < 1.0);
    (told.picture, told.workflow.mode) = if changed {
        (InputPicture::Changed, Some("img2img".to_owned()))
    } else {
        (told.picture, told.workflow.mode.or(Some("txt2img".to_owned())))
    };
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_read_whatever_their_case_and_signs() {
        for json in [
            json!({"prompt": "a pier", "seed": 3, "base_model": "m", "loras": [["sea", 0.5]]}),
            json!({"Prompt": "a pier", "Seed": "3", "Base Model": "m", "LoRA 1": "sea : 0.5"}),
            json!({"Prompt": "a pier", "seed": 3, "base_model_name": "m", "loras": [["abc", "0.5 - sea"]]}),
        ] {
            let told = read(json.as_object().expect("object")).expect("reads");
            assert_eq!(
                (told.prompt.as_str(), told.workflow.seed.as_deref()),
                ("a pier", Some("3")),
                "{json}"
            );
            assert_eq!(
                (told.workflow.models, told.workflow.loras),
                (vec!["m".to_owned()], vec!["sea".to_owned()])
            );
            assert_eq!(told.picture, InputPicture::NotTold);
        }
    }

    #[test]
    fn an_initial_picture_is_an_edit_unless_it_is_off() {
        let picture = |json: Value| read(json.as_object().expect("object")).expect("reads").picture;
        assert_eq!(picture(json!({"init_image": "x.png"})), InputPicture::Changed);
        assert_eq!(picture(json!({"uov_method": "Disabled", "mask": null})), InputPicture::NotTold);
        assert_eq!(picture(json!({"inpaint_mode": "Inpaint or Outpaint (default)"})), InputPicture::Changed);
        assert_eq!(
            swarmui(&json!({"sui_image_params": {"initimage": "data:", "seed": 1}})).expect("reads").picture,
            InputPicture::Changed
        );
    }
}
