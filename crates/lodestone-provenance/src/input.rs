//! Does a generator's metadata say that an input picture was used? An edit of a real picture and a picture made from
//! words leave the same kind of metadata; the difference decides what an examiner has to think of first.

use serde_json::Value;

use crate::comfy;
use crate::fields::TextField;
use crate::rules::InputReader;
use crate::shape::{a1111_settings, is_comfy_prompt};

/// What the metadata says of an input picture, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum InputPicture {
    /// Nothing.
    #[default]
    NotTold,
    /// A picture guided the making (control picture, style reference); its pixels did not enter.
    Guided,
    /// A picture was changed: img2img, inpainting, outpainting, an edit.
    Changed,
}

/// Reads the matched fields of one convention.
pub(crate) fn input_picture(reader: InputReader, fields: &[&TextField]) -> InputPicture {
    // ComfyUI's `prompt` is what ran; its `workflow` may show branches that did not.
    let ran = |f: &&&TextField| f.json().is_some_and(is_comfy_prompt);
    let only_ran = reader == InputReader::Comfyui && fields.iter().any(|f| ran(&f));
    fields.iter().filter(|f| !only_ran || ran(f)).map(|field| one(reader, field)).max().unwrap_or_default()
}

fn one(reader: InputReader, field: &TextField) -> InputPicture {
    let json = field.json();
    let changed = |yes: bool| {
        if yes { InputPicture::Changed } else { InputPicture::NotTold }
    };
    match reader {
        InputReader::A1111 => a1111(&field.text),
        InputReader::Comfyui => json.map_or(InputPicture::NotTold, comfy::input_picture),
        InputReader::Flux => changed(
            ["img2img", "inpaint", "fill", "kontext", "redux"]
                .iter()
                .any(|word| field.text.split(';').any(|part| part.trim() == *word)),
        ),
        InputReader::Invokeai => changed(match json {
            Some(json) => invokeai(json),
            // `Dream`: -I names the initial picture, -f its strength.
            None => field.text.contains(" -I ") || field.text.contains(" -f "),
        }),
        InputReader::Novelai => changed(json.is_some_and(|json| {
            text(json, "request_type").is_some_and(|t| t.contains("Img2Img") || t.contains("Infill"))
        })),
        InputReader::Swarmui => {
            let params = json.and_then(|json| json.get("sui_image_params"));
            changed(params.is_some_and(|params| {
                ["initimage", "init_image", "maskimage", "mask_image"]
                    .iter()
                    .any(|key| is_set(params.get(key)))
            }))
        }
        InputReader::Drawthings => {
            let strength = json.and_then(|json| json.get("strength")?.as_f64());
            changed(strength.is_some_and(|strength| strength < 1.0))
        }
        InputReader::Json => match json {
            Some(json) => changed(
                ["init_image", "initImage", "mask", "inpaint_mode", "uov_method", "uov_input_image"]
                    .iter()
                    .any(|key| is_set(json.get(key))),
            ),
            None => a1111(&field.text),
        },
    }
}

/// A setting that is there and not an empty, false or "off" value.
fn is_set(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => false,
        Some(Value::String(text)) => {
            !matches!(text.to_ascii_lowercase().as_str(), "" | "none" | "disabled" | "false")
        }
        Some(Value::Array(list)) => !list.is_empty(),
        Some(_) => true,
    }
}

fn text<'j>(json: &'j Value, key: &str) -> Option<&'j str> {
    json.get(key).and_then(Value::as_str)
}

/// InvokeAI 3 states the mode; 2 the kind of its picture.
fn invokeai(json: &Value) -> bool {
    let mode = text(json, "generation_mode").or_else(|| text(json.get("image")?, "type")).unwrap_or_default();
    mode.contains("img2img") || mode.contains("inpaint") || mode.contains("outpaint")
}

/// A1111's settings. txt2img states `Denoising strength` only together with its high-resolution pass; img2img states it
/// alone. Inpainting adds mask settings. ControlNet guides. *Source:* modules/processing.py, `create_infotext`.
fn a1111(text: &str) -> InputPicture {
    let Some(settings) = a1111_settings(text) else {
        return InputPicture::NotTold;
    };
    let has = |key: &str| {
        settings.match_indices(key).any(|(at, _)| {
            let before = settings.get(..at).and_then(|s| s.chars().next_back());
            let before_that = settings.get(..at).map(str::trim_end).and_then(|s| s.chars().next_back());
            // A key follows a comma or begins a line; "ADetailer denoising strength" is another key.
            before.is_none_or(|c| c == '\n' || c == ',') || before_that == Some(',')
        })
    };
    let hires =
        ["Hires upscale: ", "Hires upscaler: ", "Hires resize: ", "Hires steps: "].iter().any(|key| has(key));
    let masked =
        ["Mask blur: ", "Masked content: ", "Inpaint area: ", "Init image hash: ", "Masked area padding: "]
            .iter()
            .any(|key| has(key));
    if masked || (has("Denoising strength: ") && !hires) || settings.contains("Operations: img2img") {
        InputPicture::Changed
    } else if settings.contains("ControlNet 0: ") || settings.contains("ControlNet Enabled: True") {
        InputPicture::Guided
    } else {
        InputPicture::NotTold
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denoising_strength_alone_tells_of_an_input_picture() {
        let base = "a lighthouse\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512";
        assert_eq!(a1111(base), InputPicture::NotTold);
        let with = |more: &str| a1111(&format!("{base}{more}"));
        assert_eq!(with(", Denoising strength: 0.6"), InputPicture::Changed);
        let hires = ", Denoising strength: 0.6, Hires upscale: 2, Hires upscaler: Latent";
        assert_eq!(with(hires), InputPicture::NotTold);
        assert_eq!(with(", Denoising strength: 0.6, Mask blur: 4"), InputPicture::Changed);
        let detail = ", ADetailer denoising strength: 0.4";
        assert_eq!(with(detail), InputPicture::NotTold);
        let control = ", ControlNet 0: \"Module: canny\"";
        assert_eq!(with(control), InputPicture::Guided);
    }
}
