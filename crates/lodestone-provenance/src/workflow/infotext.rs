//! The settings text that A1111 began and dozens of programs write: the prompt, `Negative prompt: …`, then
//! `Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512, …`.
//!
//! *Source:* AUTOMATIC1111/stable-diffusion-webui modules/infotext_utils.py, modules/processing.py (`create_infotext`).

use lodestone_types::Workflow;

use super::{InputPicture, Told, push};

/// A text taken apart.
pub(crate) struct Infotext<'t> {
    pub(crate) prompt: &'t str,
    pub(crate) settings: &'t str,
}

/// The parts, if the text holds `Steps: <digits>` and one of Seed, CFG scale and Sampler with a value after it.
pub(crate) fn parse(text: &str) -> Option<Infotext<'_>> {
    if !text.contains("Steps: ") {
        return None;
    }
    let (at, _) = text.match_indices("Steps: ").find(|(at, found)| {
        let before = text.get(..*at).and_then(|t| t.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|t| t.chars().next());
        before.is_none_or(|c| c.is_whitespace() || c == ',') && after.is_some_and(|c| c.is_ascii_digit())
    })?;
    // Settings may stand before the steps in the same line.
    let line = text.get(..at).and_then(|t| t.rfind('\n')).map_or(0, |i| i + 1);
    let settings = text.get(line.min(at)..)?;
    let settings = if line == 0 && at != 0 { text.get(at..)? } else { settings };
    let infotext = Infotext { prompt: prompt(text.get(..line.min(at)).unwrap_or_default()), settings };
    (infotext.traits() >= 1 && infotext.is_diffusion(text)).then_some(infotext)
}

/// How samplers' names begin, in lower case. Programs that are no picture generators have steps, samplers and seeds too.
const SAMPLERS: [&str; 40] = [
    "euler",
    "dpm",
    "ddim",
    "ddpm",
    "lms",
    "heun",
    "uni",
    "plms",
    "lcm",
    "deis",
    "restart",
    "ipndm",
    "tcd",
    "sa ",
    "sa_",
    "er sde",
    "er_sde",
    "res ",
    "res_",
    "k_",
    "k-",
    "flow",
    "gradient",
    "exp_heun",
    "seeds",
    "kohaku",
    "ays",
    "pndm",
    "edm",
    "hyper",
    "dc ",
    "turbo",
    "lightning",
    "forge",
    "cfg",
    "ancestral",
    "undefined",
    "simple",
    "dpmpp",
    "res4lyf",
];

fn prompt(before: &str) -> &str {
    before.split_once("Negative prompt:").map_or(before, |(positive, _)| positive).trim()
}

impl<'t> Infotext<'t> {
    /// How many of seed, guidance, sampler, size and model hash are there with values that fit.
    pub(crate) fn traits(&self) -> usize {
        let starts = |key: &str, test: fn(char) -> bool| {
            self.get(key).and_then(|value| value.trim_matches('"').chars().next()).is_some_and(test)
        };
        let digit = |c: char| c.is_ascii_digit() || c == '-';
        let guidance = ["CFG scale", "Guidance", "Guidance scale", "Distilled CFG Scale", "CFG Scale", "CFG"];
        [
            starts("Seed", digit),
            guidance.iter().any(|key| starts(key, digit)),
            starts("Sampler", char::is_alphanumeric),
            self.get("Size").is_some_and(is_size),
            self.get("Model hash")
                .is_some_and(|hash| hash.len() >= 8 && hash.bytes().all(|b| b.is_ascii_hexdigit())),
        ]
        .into_iter()
        .filter(|t| *t)
        .count()
    }

    /// The value of a setting: what stands after `key: ` at the beginning of a line or after a comma.
    pub(crate) fn get(&self, key: &str) -> Option<&'t str> {
        let text = self.settings;
        let (at, _) = text.match_indices(key).find(|(at, _)| {
            let before = text.get(..*at).unwrap_or_default();
            let after = text.get(at + key.len()..).unwrap_or_default();
            let begins =
                before.is_empty() || before.ends_with('\n') || before.trim_end_matches(' ').ends_with(',');
            begins && after.starts_with(':')
        })?;
        let value = text.get(at + key.len() + 1..)?.trim_start_matches(' ');
        let end = if let Some(quoted) = value.strip_prefix('"') {
            quoted.find('"').map_or(value.len(), |i| i + 2)
        } else {
            value.find([',', '\n']).unwrap_or(value.len())
        };
        value.get(..end).map(str::trim)
    }

    /// Whether it is about drawing a picture and not about steps and seeds of another kind.
    fn is_diffusion(&self, text: &str) -> bool {
        let sampler = self.get("Sampler").map(|s| s.trim_matches('"').to_lowercase()).unwrap_or_default();
        let seeded = self.get("Seed").is_some_and(|seed| seed.trim_matches('"').parse::<i128>().is_ok());
        let guided = ["CFG scale", "CFG Scale", "CFG", "Guidance", "Guidance scale", "Distilled CFG Scale"]
            .iter()
            .any(|key| self.get(key).is_some_and(|v| v.trim_matches('"').parse::<f64>().is_ok()));
        let model = self.get("Model").is_some() || self.get("Model hash").is_some();
        guided
            || SAMPLERS.iter().any(|name| sampler.starts_with(name))
            || (text.contains("Negative prompt:") && seeded)
            || (seeded && model && self.get("Size").is_some_and(is_size))
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.trim_matches('"').parse().ok()
    }
}

fn is_size(value: &str) -> bool {
    let mut sides = value.split(['x', 'X', '×']);
    let mut side = || sides.next().is_some_and(|s| s.trim().parse::<u32>().is_ok_and(|n| n > 0));
    side() && side()
}

/// What the text tells of an input picture. txt2img states `Denoising strength` only together with its
/// high-resolution pass; img2img states it alone. Inpainting adds mask settings. ControlNet guides. A text that
/// ComfyUI's savers wrote states the last sampler's strength, which says nothing.
fn picture(text: &Infotext<'_>) -> (InputPicture, Option<&'static str>) {
    let has = |keys: &[&str]| keys.iter().any(|key| text.get(key).is_some());
    let hires = has(&[
        "Hires upscale",
        "Hires upscaler",
        "Hires resize",
        "Hires steps",
        "Hires Module 1",
        "HiRes mode",
    ]);
    let masked = has(&[
        "Mask blur",
        "Masked content",
        "Inpaint area",
        "Masked area padding",
        "Mask mode",
        "Mask weight",
        "Inpainting fill",
        "Inpaint mask blur",
        "Soft inpainting enabled",
    ]);
    let init = has(&["Init image hash", "Init image", "Init image size", "Init Image", "Input image"]);
    let operations = text.get("Operations").unwrap_or_default();
    let comfy = text.get("Version").is_some_and(|v| v.starts_with("ComfyUI"));
    let partly = text.number("Denoising strength").is_some_and(|strength| strength > 0.0 && strength < 1.0);
    let named = text.get("Denoising strength").is_some() && text.number("Denoising strength").is_none();
    if masked || operations.contains("inpaint") {
        (InputPicture::Changed, Some("inpaint"))
    } else if init || operations.contains("img2img") || ((partly || named) && !hires && !comfy) {
        (InputPicture::Changed, Some("img2img"))
    } else if has(&["ControlNet 0", "ControlNet Enabled", "Control mode", "IP Adapter", "ControlNet"]) {
        (InputPicture::Guided, Some("txt2img"))
    } else {
        (InputPicture::NotTold, Some("txt2img"))
    }
}

/// Reads the settings.
pub(crate) fn read(text: &str) -> Option<Told> {
    let text = parse(text)?;
    let (picture, mode) = picture(&text);
    let mut workflow = Workflow { mode: mode.map(str::to_owned), ..Workflow::default() };
    for key in ["Model", "Model hash"] {
        // The name where it is told, else the hash.
        if workflow.models.is_empty() {
            push(&mut workflow.models, text.get(key).unwrap_or_default().trim_matches('"'));
        }
    }
    workflow.seed = text.get("Seed").map(|seed| seed.trim_matches('"').to_owned());
    for part in text.prompt.split("<lora:").skip(1).take(32) {
        push(&mut workflow.loras, part.split([':', '>']).next().unwrap_or_default());
    }
    if let Some(hashes) = text.get("Lora hashes") {
        for pair in hashes.trim_matches('"').split(',').take(32) {
            push(&mut workflow.loras, pair.split(':').next().unwrap_or_default());
        }
    }
    Some(Told { picture, workflow, prompt: text.prompt.to_owned(), ..Told::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "a lighthouse <lora:sea:0.8>\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, \
                        Seed: 1, Size: 512x512, Model: demo, Lora hashes: \"sea: abc, sky: def\"";

    fn with(more: &str) -> InputPicture {
        read(&format!("{BASE}{more}")).expect("reads").picture
    }

    #[test]
    fn a_denoising_strength_alone_tells_of_an_input_picture() {
        assert_eq!(with(""), InputPicture::NotTold);
        assert_eq!(with(", Denoising strength: 0.6"), InputPicture::Changed);
        assert_eq!(
            with(", Denoising strength: 0.6, Hires upscale: 2, Hires upscaler: Latent"),
            InputPicture::NotTold
        );
        assert_eq!(with(", Denoising strength: 0.6, Mask blur: 4"), InputPicture::Changed);
        assert_eq!(with(", ADetailer denoising strength: 0.4"), InputPicture::NotTold);
        assert_eq!(with(", ControlNet 0: \"Module: canny\""), InputPicture::Guided);
        assert_eq!(with(", Denoising strength: 0.6, Version: ComfyUI"), InputPicture::NotTold);
    }

    #[test]
    fn prompt_model_seed_and_loras_are_read() {
        let told = read(BASE).expect("reads");
        assert_eq!(told.prompt, "a lighthouse <lora:sea:0.8>");
        assert_eq!(told.workflow.models, ["demo"]);
        assert_eq!(told.workflow.seed.as_deref(), Some("1"));
        assert_eq!(told.workflow.loras, ["sea", "sky"]);
    }

    #[test]
    fn ordinary_words_are_no_settings() {
        for text in [
            "Next Steps: 3 things, then Seed: beans",
            "Steps: follow me, Seed: 1",
            "The prompt arrival of parameters",
            "Steps: 20",
        ] {
            assert!(parse(text).is_none(), "{text}");
        }
        assert!(parse("a cat\nSteps: 20, Seed: 1").is_none());
        assert!(parse("a cat\nSteps: 20, CFG scale: 7, Seed: 1").is_some());
        assert!(parse("a cat\nSteps: 4, Sampler: LCM, Seed: 1").is_some());
    }
}
