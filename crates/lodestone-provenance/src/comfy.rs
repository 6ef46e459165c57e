//! ComfyUI graphs: does a loaded picture's content reach what was saved?
//!
//! Two forms: `prompt` (what ran: node id → class and inputs, links as `[id, slot]`) and `workflow` (what was on screen:
//! nodes and a table of links). Both become one list of nodes with named links, walked backwards from the outputs.

use serde_json::Value;

use crate::input::InputPicture;
use crate::shape::is_comfy_prompt;

/// Nodes of one graph. 2,000: large published workflows have some hundred.
const MAX_NODES: usize = 2_000;
/// Links of one graph.
const MAX_LINKS: usize = 20_000;

struct Node {
    class: String,
    /// Input name and the node it comes from.
    links: Vec<(String, usize)>,
    denoise: Option<f64>,
    /// Advanced samplers state a start step instead: 0 begins from noise.
    start: Option<f64>,
}

/// What the graph says of an input picture.
pub(crate) fn input_picture(json: &Value) -> InputPicture {
    let nodes = if is_comfy_prompt(json) { from_prompt(json) } else { from_workflow(json) };
    if !nodes.iter().any(is_load) {
        return InputPicture::NotTold;
    }
    let outputs: Vec<usize> = (0..nodes.len()).filter(|&i| is_output(&nodes[i].class)).collect();
    // Without an output (cut or partial graphs) every sampler and encoder is a place to start.
    let starts = if outputs.is_empty() {
        (0..nodes.len())
            .filter(|&i| nodes[i].class.contains("Sampler") || nodes[i].class.contains("VAEEncode"))
            .collect()
    } else {
        outputs
    };
    if reaches_load(&nodes, starts) { InputPicture::Changed } else { InputPicture::Guided }
}

fn is_load(node: &Node) -> bool {
    let class = node.class.as_str();
    (class.starts_with("LoadImage") && class != "LoadImageMask")
        || class.starts_with("Load Image")
        || class == "ETN_LoadImageBase64"
        || class.starts_with("VHS_LoadImage")
        || class.starts_with("VHS_LoadVideo")
}

fn is_output(class: &str) -> bool {
    class.contains("SaveImage")
        || class.contains("Image Save")
        || class.contains("PreviewImage")
        || class.contains("SaveAnimated")
        || class.contains("VideoCombine")
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
    ]
    .iter()
    .any(|word| name.contains(word))
}

/// Conditioning nodes by which edit models take the picture that they change.
fn edits_by_reference(class: &str) -> bool {
    class == "ReferenceLatent"
        || class.contains("ImageEdit")
        || class.contains("InpaintModelConditioning")
        || class.contains("InstructPixToPix")
        || class.contains("Kontext")
}

/// Walks backwards; a node is visited at most once as content and once as conditioning.
fn reaches_load(nodes: &[Node], starts: Vec<usize>) -> bool {
    let mut queue: Vec<(usize, bool)> = starts.into_iter().map(|i| (i, true)).collect();
    let mut seen = vec![[false; 2]; nodes.len()];
    while let Some((at, content)) = queue.pop() {
        let (Some(node), Some(seen)) = (nodes.get(at), seen.get_mut(at)) else {
            continue;
        };
        if std::mem::replace(&mut seen[usize::from(content)], true) {
            continue;
        }
        if content && is_load(node) {
            return true;
        }
        let content = content || edits_by_reference(&node.class);
        for (name, from) in &node.links {
            let is_conditioning = ["positive", "negative", "conditioning", "guider"]
                .iter()
                .any(|word| name.to_ascii_lowercase().contains(word));
            if is_conditioning {
                queue.push((*from, false));
            } else if content && !steers(name) && !starts_from_noise(nodes, node, name, *from) {
                queue.push((*from, true));
            }
        }
    }
    false
}

/// A sampler at full strength replaces its latent by noise: a picture encoded into it lends only its size, unless a
/// mask keeps a part.
fn starts_from_noise(nodes: &[Node], sampler: &Node, link: &str, from: usize) -> bool {
    if link != "latent_image" {
        return false;
    }
    let scheduled = sampler
        .links
        .iter()
        .filter(|(name, _)| name == "sigmas")
        .filter_map(|(_, i)| nodes.get(*i)?.denoise)
        .next();
    let full = match (sampler.denoise.or(scheduled), sampler.start) {
        (Some(denoise), _) => denoise >= 1.0,
        (None, Some(start)) => start <= 0.0,
        (None, None) => false,
    };
    let masked = nodes.get(from).is_some_and(|n| {
        n.class.contains("Inpaint") || n.class.contains("Mask") || n.class.contains("Composite")
    });
    full && !masked && nodes.get(from).is_some_and(|n| n.class.contains("VAEEncode"))
}

fn from_prompt(json: &Value) -> Vec<Node> {
    let Some(map) = json.as_object() else {
        return Vec::new();
    };
    let ids: Vec<&String> = map.keys().take(MAX_NODES).collect();
    let mut order: Vec<(&str, usize)> = ids.iter().enumerate().map(|(i, id)| (id.as_str(), i)).collect();
    order.sort_unstable();
    let index = |id: &str| order.binary_search_by_key(&id, |(id, _)| id).ok().map(|i| order[i].1);
    map.values()
        .take(MAX_NODES)
        .map(|value| {
            let inputs = value.get("inputs").and_then(Value::as_object);
            let links = inputs.into_iter().flatten().filter_map(|(name, value)| {
                let from = match value.as_array()?.first()? {
                    Value::String(id) => index(id)?,
                    Value::Number(id) => index(&id.to_string())?,
                    _ => return None,
                };
                Some((name.clone(), from))
            });
            let number = |key: &str| inputs.and_then(|i| i.get(key)?.as_f64());
            Node {
                class: class(value, "class_type"),
                links: links.take(256).collect(),
                denoise: number("denoise"),
                start: number("start_at_step"),
            }
        })
        .collect()
}

fn class(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn from_workflow(json: &Value) -> Vec<Node> {
    let list = json.get("nodes").and_then(Value::as_array);
    // 2: muted, 4: bypassed.
    let nodes: Vec<&Value> = list
        .into_iter()
        .flatten()
        .filter(|n| !matches!(n.get("mode").and_then(Value::as_u64), Some(2 | 4)))
        .take(MAX_NODES)
        .collect();
    let mut ids: Vec<(i64, usize)> =
        nodes.iter().enumerate().filter_map(|(i, n)| Some((n.get("id")?.as_i64()?, i))).collect();
    ids.sort_unstable();
    // A link: [link id, from node, from slot, to node, to slot, type].
    let mut links: Vec<(i64, i64)> = json
        .get("links")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|link| Some((link.get(0)?.as_i64()?, link.get(1)?.as_i64()?)))
        .take(MAX_LINKS)
        .collect();
    links.sort_unstable();
    let source = |link: i64| {
        let at = links.binary_search_by_key(&link, |(id, _)| *id).ok()?;
        let node = ids.binary_search_by_key(&links[at].1, |(id, _)| *id).ok()?;
        Some(ids[node].1)
    };
    nodes
        .iter()
        .map(|value| {
            let inputs = value.get("inputs").and_then(Value::as_array);
            let links = inputs.into_iter().flatten().filter_map(|input| {
                let name = input.get("name")?.as_str()?.to_owned();
                Some((name, source(input.get("link")?.as_i64()?)?))
            });
            let class = class(value, "type");
            // The strength is the last widget of the plain sampler, and the third of the scheduler.
            let widgets = value.get("widgets_values").and_then(Value::as_array);
            let denoise = match class.as_str() {
                "KSampler" => widgets.and_then(|w| w.last()?.as_f64()),
                "BasicScheduler" => widgets.and_then(|w| w.get(2)?.as_f64()),
                _ => None,
            };
            Node { links: links.take(256).collect(), denoise, start: None, class }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn img2img(denoise: f64) -> Value {
        json!({
            "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
            "2": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["9", 2]}},
            "3": {"class_type": "KSampler", "inputs": {"latent_image": ["2", 0], "denoise": denoise}},
            "4": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["9", 2]}},
            "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}},
            "9": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "m"}},
        })
    }

    #[test]
    fn a_loaded_picture_that_is_partly_denoised_was_changed() {
        assert_eq!(input_picture(&img2img(0.6)), InputPicture::Changed);
        assert_eq!(input_picture(&img2img(1.0)), InputPicture::Guided);
    }

    #[test]
    fn a_control_picture_guides_only() {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {}},
            "2": {"class_type": "ControlNetApply", "inputs": {"image": ["1", 0], "conditioning": ["6", 0]}},
            "3": {"class_type": "KSampler", "inputs": {"latent_image": ["8", 0], "positive": ["2", 0], "denoise": 1}},
            "5": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}},
            "8": {"class_type": "EmptyLatentImage", "inputs": {}},
        });
        assert_eq!(input_picture(&graph), InputPicture::Guided);
    }

    #[test]
    fn an_edit_model_takes_its_picture_by_reference() {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {}},
            "2": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0]}},
            "4": {"class_type": "ReferenceLatent", "inputs": {"conditioning": ["6", 0], "latent": ["2", 0]}},
            "3": {"class_type": "KSampler", "inputs": {"latent_image": ["8", 0], "positive": ["4", 0], "denoise": 1}},
            "5": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}},
            "8": {"class_type": "EmptyLatentImage", "inputs": {}},
        });
        assert_eq!(input_picture(&graph), InputPicture::Changed);
    }

    #[test]
    fn the_screen_form_is_read_and_bypassed_nodes_are_not() {
        let graph = |mode: u32| {
            json!({
                "nodes": [
                    {"id": 1, "type": "LoadImage", "mode": mode},
                    {"id": 2, "type": "VAEEncode", "inputs": [{"name": "pixels", "link": 1}]},
                    {"id": 3, "type": "KSampler", "widgets_values": [1, "fixed", 20, 7, "euler", "normal", 0.5],
                     "inputs": [{"name": "latent_image", "link": 2}]},
                    {"id": 4, "type": "SaveImage", "inputs": [{"name": "images", "link": 3}]},
                ],
                "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "LATENT"], [3, 3, 0, 4, 0, "IMAGE"]],
            })
        };
        assert_eq!(input_picture(&graph(0)), InputPicture::Changed);
        assert_eq!(input_picture(&graph(4)), InputPicture::NotTold);
    }

    #[test]
    fn a_graph_in_a_circle_ends() {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {}},
            "2": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
            "3": {"class_type": "ImageScale", "inputs": {"image": ["3", 0]}},
        });
        assert_eq!(input_picture(&graph), InputPicture::Guided);
    }
}
