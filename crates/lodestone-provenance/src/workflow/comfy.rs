//! ComfyUI graphs: does a loaded picture's content reach what was saved, and by which models was it made?
//!
//! The graph is walked backwards from what it saves. A loaded picture counts as changed where its content arrives
//! through decoded or encoded pictures; it guides where it arrives through control nets, adapters and descriptions; one
//! that leads nowhere says nothing.

use lodestone_types::Workflow;
use serde_json::Value;

use super::graph::{self, Node};
use super::{InputPicture, Told, push, size};
use crate::fields::TextField;
use crate::shape;

/// How a node was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Its picture enters.
    Content,
    /// Its latent was replaced by noise; it enters only where a mask keeps a part of it.
    IfMasked,
    /// It steers.
    Conditioning,
    /// By any link.
    Any,
}

const WAYS: usize = 4;

/// Reads the fields that hold graphs. `prompt` is what ran; `workflow` may show branches that did not.
pub(crate) fn read(fields: &[&TextField]) -> Told {
    let graphs: Vec<_> = fields.iter().filter_map(|f| f.json()).flat_map(shape::comfy_graphs).collect();
    let ran: Vec<_> = graphs.iter().filter(|g| shape::is_comfy_prompt(g)).collect();
    let executed = !ran.is_empty();
    let mut told = Told::default();
    let of_use: Vec<_> = if executed { ran } else { graphs.iter().collect() };
    for graph in of_use {
        told.merge(one(graph, executed));
    }
    told
}

fn one(json: &Value, executed: bool) -> Told {
    let nodes = graph::nodes(json);
    let starts = starts(&nodes);
    let reached = Walk::new(&nodes).from(&starts, Way::Any);
    let all: Vec<usize> = (0..nodes.len()).collect();
    let used: Vec<usize> = if starts.is_empty() {
        all
    } else {
        (0..nodes.len()).filter(|&i| reached.seen(i, Way::Any)).collect()
    };
    let walk = Walk::new(&nodes).from(&starts, Way::Content);
    let loads: Vec<usize> = used.iter().copied().filter(|&i| is_load(&nodes[i].class)).collect();
    let changed = loads.iter().any(|&i| walk.seen(i, Way::Content));
    let picture = match (loads.is_empty(), changed) {
        (true, _) => InputPicture::NotTold,
        (false, true) => InputPicture::Changed,
        (false, false) => InputPicture::Guided,
    };
    let mut told = Told { picture, graph: Some(size::facts(&nodes, &used, executed)), ..Told::default() };
    let workflow = &mut told.workflow;
    workflow.mode = mode(&nodes, &used, &walk, changed);
    for &i in &used {
        names(&nodes[i], workflow);
    }
    for &i in &loads {
        push(&mut workflow.inputs, nodes[i].value("image").and_then(Value::as_str).unwrap_or_default());
    }
    told.prompt = prompt(&nodes, &used).unwrap_or_default();
    told
}

fn mode(nodes: &[Node<'_>], used: &[usize], walk: &Walk<'_, '_>, changed: bool) -> Option<String> {
    let used = |test: &dyn Fn(&str) -> bool| used.iter().any(|&i| test(&nodes[i].class));
    let samples = used(&|class| class.contains("Sampler"));
    let name = if !changed {
        return samples.then(|| "txt2img".to_owned());
    } else if used(&|class| class.contains("Inpaint") || class.contains("SetLatentNoiseMask")) {
        "inpaint"
    } else if (0..nodes.len()).any(|i| walk.seen(i, Way::Conditioning) && edits_by_reference(&nodes[i].class))
    {
        "edit"
    } else if samples {
        "img2img"
    } else if used(&|class| class.to_ascii_lowercase().contains("upscale")) {
        "upscale"
    } else {
        "edit"
    };
    Some(name.to_owned())
}

/// Where to start: what the graph saves; without that what it shows; of a part of a graph, its samplers and encoders.
fn starts(nodes: &[Node<'_>]) -> Vec<usize> {
    let of = |test: &dyn Fn(&str) -> bool| -> Vec<usize> {
        (0..nodes.len()).filter(|&i| test(&nodes[i].class)).collect()
    };
    let saves = of(&|class| {
        let class = class.to_ascii_lowercase();
        let saves = class.contains("save")
            && (class.contains("image") || class.contains("anim") || class.contains("video"))
            || class.contains("videocombine")
            || class.contains("saver")
            || class.contains("imagesenderbase64")
            || class == "etn_sendimagewebsocket"
            || class == "swarmsaveimagews";
        saves && !class.contains("loader")
    });
    if !saves.is_empty() {
        return saves;
    }
    let shows = of(&|class| class.contains("PreviewImage") || class.contains("Image Comparer"));
    if !shows.is_empty() {
        return shows;
    }
    of(&|class| class.contains("Sampler") || class.contains("VAEEncode"))
}

/// Nodes that bring a picture from outside.
fn is_load(class: &str) -> bool {
    let lower = class.to_ascii_lowercase();
    let picture = ["image", "img", "video", "picture", "canvas", "clipboard", "webcam"];
    let brings = lower.contains("load")
        || lower.contains("krita")
        || lower.contains("webcam")
        || lower.contains("clipboard");
    let other = ["checkpoint", "model", "unet", "clip_", "vae", "controlnet", "lora", "upscale"];
    class == "SwarmInputImage"
        || lower == "imagereceiver"
        || (brings
            && picture.iter().any(|word| lower.contains(word))
            && class != "LoadImageMask"
            && !other.iter().any(|word| lower.contains(word)))
}

/// Inputs that steer without carrying picture content.
fn steers(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "model",
        "clip",
        "vae",
        "positive",
        "negative",
        "conditioning",
        "control",
        "sigmas",
        "noise",
        "guider",
        "mask",
        "text",
        "prompt",
        "style",
        "ipadapter",
        "lora",
        "weight",
        "sampler",
        "embeds",
    ]
    .iter()
    .any(|word| name.contains(word))
}

fn conditions(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["positive", "negative", "conditioning", "guider", "cond"].iter().any(|word| name.contains(word))
}

/// Nodes whose pictures only guide: control nets, adapters, describers.
fn guides(class: &str) -> bool {
    let class = class.to_ascii_lowercase();
    [
        "controlnet",
        "ipadapter",
        "ip-adapter",
        "redux",
        "stylemodel",
        "clipvision",
        "interrogat",
        "caption",
        "tagger",
        "florence",
        "describe",
        "unclip",
        "photomaker",
        "pulid",
        "instantid",
        "t2iadapter",
        "getimagesize",
        "get image size",
        "imagesize",
    ]
    .iter()
    .any(|word| class.contains(word))
}

/// Conditioning nodes by which edit models take the picture that they change.
fn edits_by_reference(class: &str) -> bool {
    [
        "ReferenceLatent",
        "ImageEdit",
        "InpaintModelConditioning",
        "InstructPixToPix",
        "Kontext",
        "OmniGen",
        "ReferenceImage",
    ]
    .iter()
    .any(|word| class.contains(word))
}

/// A node after which the latent keeps picture content even under full noise.
fn keeps_part(class: &str) -> bool {
    ["Inpaint", "NoiseMask", "Composite", "ImageToVideo", "ImgToVideo", "img2vid", "I2V"]
        .iter()
        .any(|w| class.contains(w))
}

/// A walk backwards. A node is visited at most once each way.
struct Walk<'n, 'j> {
    nodes: &'n [Node<'j>],
    seen: Vec<[bool; WAYS]>,
}

impl<'n, 'j> Walk<'n, 'j> {
    fn new(nodes: &'n [Node<'j>]) -> Self {
        Self { nodes, seen: vec![[false; WAYS]; nodes.len()] }
    }

    fn seen(&self, at: usize, way: Way) -> bool {
        self.seen.get(at).is_some_and(|seen| seen[way as usize])
    }

    fn from(mut self, starts: &[usize], way: Way) -> Self {
        let mut queue: Vec<(usize, Way)> = starts.iter().map(|&i| (i, way)).collect();
        while let Some((at, way)) = queue.pop() {
            let (Some(node), Some(seen)) = (self.nodes.get(at), self.seen.get_mut(at)) else {
                continue;
            };
            if std::mem::replace(&mut seen[way as usize], true) {
                continue;
            }
            let way = match way {
                Way::IfMasked if keeps_part(&node.class) => Way::Content,
                Way::Conditioning if edits_by_reference(&node.class) => Way::Content,
                way => way,
            };
            for (name, from) in &node.links {
                queue.extend(self.next(node, name, way).map(|way| (*from, way)));
            }
        }
        self
    }

    /// How the node behind one link is reached.
    fn next(&self, node: &Node<'_>, name: &str, way: Way) -> Option<Way> {
        if way == Way::Any {
            return Some(Way::Any);
        }
        if conditions(name) {
            return Some(Way::Conditioning);
        }
        match way {
            Way::Conditioning => (name == "*").then_some(Way::Conditioning),
            _ if guides(&node.class) && !edits_by_reference(&node.class) => None,
            _ if name != "*" && steers(name) => None,
            Way::Content if self.starts_from_noise(node, name) => Some(Way::IfMasked),
            way => Some(way),
        }
    }

    /// A sampler at full strength replaces its latent by noise: a picture encoded into it lends only its size.
    fn starts_from_noise(&self, sampler: &Node<'_>, link: &str) -> bool {
        if !matches!(link, "latent_image" | "latent" | "samples") || !sampler.class.contains("ampler") {
            return false;
        }
        if let Some(denoise) = sampler.number("denoise") {
            return denoise >= 1.0;
        }
        if let Some(start) = sampler.number("start_at_step") {
            return start <= 0.0 && sampler.value("add_noise").and_then(Value::as_str) != Some("disable");
        }
        let scheduler = sampler.links.iter().find(|(name, _)| name == "sigmas").map(|(_, i)| *i);
        scheduler.is_some_and(|at| self.is_full(at, 0))
    }

    /// Whether noise levels begin at the top.
    fn is_full(&self, at: usize, depth: usize) -> bool {
        let Some(node) = self.nodes.get(at).filter(|_| depth < 16) else {
            return false;
        };
        if let Some(denoise) = node.number("denoise") {
            return denoise >= 1.0;
        }
        if node.class.contains("Split") || node.links.iter().any(|(name, _)| name == "denoise") {
            return false;
        }
        match node.links.iter().find(|(name, _)| name == "sigmas" || name == "*") {
            Some((_, from)) => self.is_full(*from, depth + 1),
            None => node.class.contains("Scheduler"),
        }
    }
}

/// Whether a text is the name of a file of weights.
fn is_weights(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    [".safetensors", ".ckpt", ".gguf", ".sft", ".pt", ".pth", ".bin"].iter().any(|end| text.ends_with(end))
}

/// Models, add-on weights and seed that a node names.
fn names(node: &Node<'_>, workflow: &mut Workflow) {
    let class = node.class.to_ascii_lowercase();
    for (name, value) in &node.values {
        let on = value.get("on").and_then(Value::as_bool).unwrap_or(true);
        let text = value.as_str().or_else(|| value.get("lora")?.as_str().filter(|_| on)).unwrap_or_default();
        if is_weights(text) {
            if name.contains("lora") || class.contains("lora") || value.is_object() {
                push(&mut workflow.loras, text);
            } else if ["ckpt", "unet", "checkpoint", "diffusion"]
                .iter()
                .any(|w| name.contains(w) || class.contains(w))
            {
                push(&mut workflow.models, text);
            }
        }
        if workflow.seed.is_none() && matches!(name.as_str(), "seed" | "noise_seed") && value.is_number() {
            workflow.seed = Some(value.to_string());
        }
    }
}

/// The text that conditions the first sampler; else the first text of an encoder.
fn prompt(nodes: &[Node<'_>], used: &[usize]) -> Option<String> {
    let positive = used.iter().filter_map(|&i| {
        let wanted = ["positive", "guider", "conditioning"];
        let node = &nodes[i];
        node.class
            .contains("ampler")
            .then(|| node.links.iter().find(|(n, _)| wanted.contains(&n.as_str())))?
    });
    let text = positive.map(|(_, from)| *from).find_map(|from| text_behind(nodes, from));
    text.or_else(|| {
        used.iter().filter(|&&i| nodes[i].class.contains("TextEncode")).find_map(|&i| text_of(nodes, i, 0))
    })
}

fn text_behind(nodes: &[Node<'_>], start: usize) -> Option<String> {
    let mut queue = vec![start];
    let mut seen = vec![false; nodes.len()];
    while let Some(at) = queue.pop() {
        if std::mem::replace(seen.get_mut(at)?, true) {
            continue;
        }
        if let Some(text) = text_of(nodes, at, 0) {
            return Some(text);
        }
        let ways = nodes[at]
            .links
            .iter()
            .filter(|(name, _)| name == "*" || (conditions(name) && !name.contains("negative")));
        queue.extend(ways.map(|(_, from)| *from));
    }
    None
}

/// The text that a node holds or is given.
fn text_of(nodes: &[Node<'_>], at: usize, depth: usize) -> Option<String> {
    const NAMES: [&str; 9] =
        ["text", "text_g", "prompt", "clip_l", "t5xxl", "positive", "string", "value", "wildcard_text"];
    let node = nodes.get(at).filter(|_| depth < 8)?;
    if node.class.contains("Load") && !node.class.contains("pipe") {
        return None;
    }
    let held = NAMES.iter().find_map(|name| node.value(name)?.as_str()).filter(|t| !t.trim().is_empty());
    if let Some(text) = held {
        return Some(text.to_owned());
    }
    let given = node.links.iter().find(|(name, _)| NAMES.contains(&name.as_str()) && name != "positive");
    given.and_then(|(_, from)| text_of(nodes, *from, depth + 1))
}

#[cfg(test)]
#[path = "comfy_tests.rs"]
mod tests;
