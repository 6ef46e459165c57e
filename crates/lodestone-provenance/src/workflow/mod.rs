//! What a generator's metadata tells of how a picture was made: model, add-on weights, seed, prompt, and whether an
//! input picture was used. An edit of a real picture and a picture made from words leave the same kind of metadata; the
//! difference decides what an examiner has to think of first.

mod comfy;
mod graph;
pub(crate) mod infotext;
mod invoke;
mod keys;
pub(crate) mod size;

pub(crate) use keys::plain;
use lodestone_types::Workflow;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::fields::TextField;
use crate::shape;

/// Which reader takes the fields of a convention; named in `rules/generators.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reader {
    /// `Steps: 20, Sampler: …`, see [`infotext`].
    A1111,
    /// ComfyUI's graphs.
    Comfyui,
    Drawthings,
    /// `AI generated;img2img;flux`.
    Flux,
    Invokeai,
    /// Settings by name, in JSON, in lines, or each in a field of its own.
    Json,
    Novelai,
    Swarmui,
}

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

/// What was read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) picture: InputPicture,
    /// Without the prompt, which stands beside it.
    pub(crate) workflow: Workflow,
    pub(crate) prompt: String,
    /// ComfyUI only: what its graph says of the saved picture's size and origin.
    pub(crate) graph: Option<size::GraphFacts>,
}

impl Told {
    fn picture(picture: InputPicture, mode: &str) -> Self {
        let mode = (!mode.is_empty()).then(|| mode.to_owned());
        Self { picture, workflow: Workflow { mode, ..Workflow::default() }, ..Self::default() }
    }

    /// Adds what another reading of the same file told and this one did not.
    pub(crate) fn merge(&mut self, other: Self) {
        let (mine, theirs) = (&mut self.workflow, other.workflow);
        if other.picture > self.picture {
            self.picture = other.picture;
            mine.mode = theirs.mode.or(mine.mode.take());
        } else if mine.mode.is_none() {
            mine.mode = theirs.mode;
        }
        if mine.models.is_empty() {
            mine.models = theirs.models;
        }
        if mine.loras.is_empty() {
            mine.loras = theirs.loras;
        }
        if mine.inputs.is_empty() {
            mine.inputs = theirs.inputs;
        }
        mine.seed = mine.seed.take().or(theirs.seed);
        if self.prompt.trim().is_empty() {
            self.prompt = other.prompt;
        }
        if self.graph.is_none() {
            self.graph = other.graph;
        }
    }

    /// The workflow as findings show it: the prompt as a digest, texts only on request.
    pub(crate) fn shown(mut self, show_text: bool) -> Option<Workflow> {
        let prompt = self.prompt.trim();
        if !prompt.is_empty() {
            let digest = Sha256::digest(prompt.as_bytes());
            self.workflow.prompt_sha256 = Some(digest.iter().map(|b| format!("{b:02x}")).collect());
            self.workflow.prompt = show_text.then(|| prompt.to_owned());
        }
        if !show_text {
            self.workflow.inputs.clear();
        }
        let cut = |text: &mut String| *text = crate::fields::raw(text);
        self.workflow.models.iter_mut().for_each(cut);
        self.workflow.loras.iter_mut().for_each(cut);
        self.workflow.inputs.iter_mut().for_each(cut);
        self.workflow.seed = self.workflow.seed.take().map(|seed| crate::fields::raw(&seed));
        (self.workflow != Workflow::default()).then_some(self.workflow)
    }
}

/// Adds a name once; at most 32.
fn push(list: &mut Vec<String>, name: &str) {
    let name = name.trim();
    if !name.is_empty() && list.len() < 32 && !list.iter().any(|n| n == name) {
        list.push(name.to_owned());
    }
}

/// Reads the matched fields of one convention.
pub(crate) fn read(reader: Reader, fields: &[&TextField]) -> Told {
    let mut told = Told::default();
    let mut add = |other: Option<Told>| {
        if let Some(other) = other {
            told.merge(other);
        }
    };
    match reader {
        Reader::Comfyui => add(Some(comfy::read(fields))),
        Reader::A1111 => fields.iter().for_each(|f| add(infotext::read(&f.text))),
        Reader::Flux => fields.iter().for_each(|f| add(flux(&f.text))),
        Reader::Invokeai => fields.iter().for_each(|f| {
            add(match f.json() {
                Some(json) => invoke::read(json),
                None => invoke::dream(&f.text),
            });
        }),
        Reader::Json => {
            for field in fields {
                add(match field.json() {
                    Some(json) => keys::read(shape::inner(json)),
                    None => infotext::read(&field.text).or_else(|| keys::lines(&field.text)),
                });
            }
            add(keys::split(fields));
        }
        Reader::Novelai => fields.iter().for_each(|f| add(f.json().and_then(keys::novelai))),
        Reader::Swarmui => fields.iter().for_each(|f| add(f.json().and_then(keys::swarmui))),
        Reader::Drawthings => fields.iter().for_each(|f| add(f.json().and_then(keys::drawthings))),
    }
    told
}

/// *Source:* black-forest-labs/flux src/flux/util.py and its demos.
fn flux(text: &str) -> Option<Told> {
    let mode = text.split(';').map(str::trim).find_map(|part| match part {
        "txt2img" => Some((InputPicture::NotTold, "txt2img")),
        "img2img" => Some((InputPicture::Changed, "img2img")),
        "inpaint" | "fill" => Some((InputPicture::Changed, "inpaint")),
        "kontext" | "edit" => Some((InputPicture::Changed, "edit")),
        "redux" => Some((InputPicture::Guided, "txt2img")),
        _ => None,
    })?;
    Some(Told::picture(mode.0, mode.1))
}
