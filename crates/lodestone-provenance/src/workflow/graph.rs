//! ComfyUI's two forms of a graph as one list of nodes with named links.
//!
//! `prompt` is what ran: node id → class and inputs, links as `[id, slot]`. `workflow` is what was on screen: nodes and
//! a table of links, with muted and bypassed nodes, reroutes, and subgraphs that stand for a graph of their own.
//! *Source:* Comfy-Org/ComfyUI_frontend, workflow schema 0.4 and 1.0 (`src/schemas/comfyWorkflowSchema.ts`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::shape;

/// Nodes of one graph. 2,000: large published workflows have some hundred.
const MAX_NODES: usize = 2_000;
/// Links of one graph.
const MAX_LINKS: usize = 20_000;
/// Subgraphs inside subgraphs.
const MAX_DEPTH: usize = 8;
/// Slots of a node or subgraph.
const MAX_SLOTS: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Node<'j> {
    /// Empty: a place that only passes on (bypassed node, border of a subgraph).
    pub(crate) class: String,
    /// Input name and the node it comes from.
    pub(crate) links: Vec<(String, usize)>,
    /// Settings by name; of the screen's form by position, `0`, `1` …, and by name where the class is known.
    pub(crate) values: Vec<(String, &'j Value)>,
}

impl<'j> Node<'j> {
    pub(crate) fn value(&self, name: &str) -> Option<&'j Value> {
        self.values.iter().find(|(n, _)| n == name).map(|(_, v)| *v)
    }

    pub(crate) fn number(&self, name: &str) -> Option<f64> {
        self.value(name)?.as_f64()
    }
}

/// The nodes of either form.
pub(crate) fn nodes(json: &Value) -> Vec<Node<'_>> {
    if shape::is_comfy_prompt(json) {
        from_prompt(json)
    } else {
        let mut builder = Builder { nodes: Vec::new(), subgraphs: subgraphs(json), links_left: MAX_LINKS };
        builder.level(json, 0);
        builder.wireless();
        builder.nodes
    }
}

fn from_prompt(json: &Value) -> Vec<Node<'_>> {
    let Some(map) = json.as_object() else {
        return Vec::new();
    };
    let entries: Vec<_> = map.iter().filter(|(_, n)| n.get("class_type").is_some()).take(MAX_NODES).collect();
    let index: BTreeMap<&str, usize> =
        entries.iter().enumerate().map(|(i, (id, _))| (id.as_str(), i)).collect();
    entries
        .iter()
        .map(|(_, value)| {
            let mut node = Node { class: text(value, "class_type"), ..Node::default() };
            for (name, value) in
                value.get("inputs").and_then(Value::as_object).into_iter().flatten().take(256)
            {
                let from = value.as_array().filter(|a| a.len() == 2).and_then(|a| match a.first()? {
                    Value::String(id) => index.get(id.as_str()).copied(),
                    Value::Number(id) => index.get(id.to_string().as_str()).copied(),
                    _ => None,
                });
                match from {
                    Some(from) => node.links.push((name.clone(), from)),
                    None => node.values.push((name.clone(), value)),
                }
            }
            node
        })
        .collect()
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn subgraphs(json: &Value) -> BTreeMap<&str, &Value> {
    let list = json.get("definitions").and_then(|d| d.get("subgraphs")).and_then(Value::as_array);
    list.into_iter().flatten().take(256).filter_map(|s| Some((s.get("id")?.as_str()?, s))).collect()
}

/// A link: its id, where it comes from, its type.
struct Link<'j> {
    id: i64,
    from: i64,
    from_slot: usize,
    to: i64,
    to_slot: usize,
    kind: &'j str,
}

fn link(value: &Value) -> Option<Link<'_>> {
    let slot = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    if value.is_array() {
        // [link id, from node, from slot, to node, to slot, type]
        let at = |i: usize| value.get(i);
        return Some(Link {
            id: at(0)?.as_i64()?,
            from: at(1)?.as_i64()?,
            from_slot: slot(at(2)?),
            to: at(3).and_then(Value::as_i64).unwrap_or(0),
            to_slot: at(4).map_or(0, slot),
            kind: at(5).and_then(Value::as_str).unwrap_or_default(),
        });
    }
    Some(Link {
        id: value.get("id")?.as_i64()?,
        from: value.get("origin_id")?.as_i64()?,
        from_slot: value.get("origin_slot").map_or(0, slot),
        to: value.get("target_id").and_then(Value::as_i64).unwrap_or(0),
        to_slot: value.get("target_slot").map_or(0, slot),
        kind: value.get("type").and_then(Value::as_str).unwrap_or_default(),
    })
}

/// Where a node of one level stands in the list.
enum Place {
    One(usize),
    /// One passing place an output slot.
    Slots(Vec<usize>),
}

/// The borders of a level: passing places, by slot.
#[derive(Default)]
struct Borders {
    inputs: Vec<usize>,
    outputs: Vec<usize>,
}

/// Ids of a subgraph's borders in its own links.
const INPUT_BORDER: i64 = -10;
const OUTPUT_BORDER: i64 = -20;

struct Builder<'j> {
    nodes: Vec<Node<'j>>,
    subgraphs: BTreeMap<&'j str, &'j Value>,
    links_left: usize,
}

impl<'j> Builder<'j> {
    fn add(&mut self, node: Node<'j>) -> Option<usize> {
        (self.nodes.len() < MAX_NODES).then(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        })
    }

    fn passing(&mut self, count: usize) -> Vec<usize> {
        (0..count.min(MAX_SLOTS)).filter_map(|_| self.add(Node::default())).collect()
    }

    /// Adds the nodes of one level, then their links.
    fn level(&mut self, json: &'j Value, depth: usize) -> Borders {
        let slots = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).map_or(0, Vec::len);
        let mut borders = Borders::default();
        if depth > 0 {
            borders.inputs = self.passing(slots(json, "inputs"));
            borders.outputs = self.passing(slots(json, "outputs"));
        }
        let raw: Vec<&'j Value> =
            json.get("nodes").and_then(Value::as_array).into_iter().flatten().take(MAX_NODES).collect();
        let mut places: BTreeMap<i64, Place> = BTreeMap::new();
        let mut inner: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for value in &raw {
            let Some(id) = value.get("id").and_then(|id| id.as_i64().or_else(|| id.as_str()?.parse().ok()))
            else {
                continue;
            };
            let place = match value.get("mode").and_then(Value::as_u64) {
                // Muted.
                Some(2) => continue,
                // Bypassed.
                Some(4) => Place::Slots(self.passing(slots(value, "outputs"))),
                _ => match value
                    .get("type")
                    .and_then(Value::as_str)
                    .and_then(|t| self.subgraphs.get(t).copied())
                {
                    Some(subgraph) if depth < MAX_DEPTH => {
                        let borders = self.level(subgraph, depth + 1);
                        inner.insert(id, borders.inputs);
                        Place::Slots(borders.outputs)
                    }
                    _ => match self.add(Node {
                        class: text(value, "type"),
                        values: widgets(value),
                        ..Node::default()
                    }) {
                        Some(at) => Place::One(at),
                        None => break,
                    },
                },
            };
            places.insert(id, place);
        }
        let links: Vec<Link<'j>> = json
            .get("links")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .take(self.links_left)
            .filter_map(link)
            .collect();
        self.links_left -= links.len().min(self.links_left);
        let by_id: BTreeMap<i64, &Link<'j>> = links.iter().map(|l| (l.id, l)).collect();
        let source = |link: &Link<'_>| match places.get(&link.from) {
            _ if link.from == INPUT_BORDER => borders.inputs.get(link.from_slot).copied(),
            Some(Place::One(at)) => Some(*at),
            Some(Place::Slots(slots)) => slots.get(link.from_slot).copied(),
            None => None,
        };
        for value in &raw {
            let Some(id) = value.get("id").and_then(Value::as_i64) else {
                continue;
            };
            let Some(place) = places.get(&id) else {
                continue;
            };
            let inputs = value.get("inputs").and_then(Value::as_array).into_iter().flatten().take(MAX_SLOTS);
            let inputs: Vec<(&str, usize, &str)> = inputs
                .enumerate()
                .filter_map(|(slot, input)| {
                    let link = by_id.get(&input.get("link")?.as_i64()?)?;
                    let name = input.get("name").and_then(Value::as_str).unwrap_or("*");
                    let _ = slot;
                    Some((name, source(link)?, link.kind))
                })
                .collect();
            match (place, inner.get(&id)) {
                (Place::One(at), _) => {
                    if let Some(node) = self.nodes.get_mut(*at) {
                        node.links.extend(inputs.iter().map(|(name, from, _)| ((*name).to_owned(), *from)));
                    }
                }
                // A subgraph's inputs by their place among all inputs, linked or not.
                (Place::Slots(_), Some(borders)) => {
                    let all = value.get("inputs").and_then(Value::as_array).into_iter().flatten();
                    for (border, input) in borders.iter().zip(all) {
                        let link = input.get("link").and_then(Value::as_i64).and_then(|l| by_id.get(&l));
                        if let (Some(from), Some(node)) =
                            (link.and_then(|l| source(l)), self.nodes.get_mut(*border))
                        {
                            node.links.push(("*".to_owned(), from));
                        }
                    }
                }
                // A bypassed node's output is its first input of the same type.
                (Place::Slots(slots), None) => {
                    let outputs = value.get("outputs").and_then(Value::as_array).into_iter().flatten();
                    for (slot, output) in slots.iter().zip(outputs) {
                        let kind = output.get("type").and_then(Value::as_str).unwrap_or_default();
                        let from = inputs.iter().find(|(_, _, k)| *k == kind);
                        if let (Some((_, from, _)), Some(node)) = (from, self.nodes.get_mut(*slot)) {
                            node.links.push(("*".to_owned(), *from));
                        }
                    }
                }
            }
        }
        for link in links.iter().filter(|l| l.to == OUTPUT_BORDER) {
            let border = borders.outputs.get(link.to_slot).copied();
            if let (Some(from), Some(node)) = (source(link), border.and_then(|at| self.nodes.get_mut(at))) {
                node.links.push(("*".to_owned(), from));
            }
        }
        borders
    }

    /// Links without a line: a getter takes what the setter of its name was given.
    fn wireless(&mut self) {
        let named = |node: &Node<'_>, class: &str| {
            (node.class == class)
                .then(|| node.value("0").and_then(Value::as_str).unwrap_or_default().to_owned())
        };
        let setters: BTreeMap<String, usize> =
            self.nodes.iter().enumerate().filter_map(|(i, n)| Some((named(n, "SetNode")?, i))).collect();
        for node in &mut self.nodes {
            if let Some(from) = named(node, "GetNode").and_then(|name| setters.get(&name).copied()) {
                node.links.push(("*".to_owned(), from));
            }
        }
    }
}

/// A screen node's settings by position, and by name where the class is known.
fn widgets(value: &Value) -> Vec<(String, &Value)> {
    let mut named = Vec::new();
    match value.get("widgets_values") {
        Some(Value::Array(list)) => {
            let names: &[&str] = match value.get("type").and_then(Value::as_str).unwrap_or_default() {
                "KSampler" => &["seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"],
                "KSamplerAdvanced" => {
                    &["add_noise", "noise_seed", "", "steps", "cfg", "", "", "start_at_step", "end_at_step"]
                }
                "BasicScheduler" => &["scheduler", "steps", "denoise"],
                "RandomNoise" => &["noise_seed"],
                "CLIPTextEncode" => &["text"],
                "LoadImage" => &["image"],
                _ => &[],
            };
            for (i, value) in list.iter().take(256).enumerate() {
                if let Some(name) = names.get(i).filter(|n| !n.is_empty()) {
                    named.push(((*name).to_owned(), value));
                }
                named.push((i.to_string(), value));
            }
        }
        Some(Value::Object(map)) => {
            named.extend(map.iter().take(256).map(|(name, value)| (name.clone(), value)))
        }
        _ => {}
    }
    named
}
