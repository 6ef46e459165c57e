//! What the manifests say: source types, actions, programs; of the active manifest and of every ingredient's.

use std::collections::BTreeSet;

use c2pa::{Manifest, Reader, Relationship};
use lodestone_types::Proposition;
use serde_json::Value;

use crate::xmp;

/// Manifests walked. 256: real stores have below 20.
const MAX_MANIFESTS: usize = 256;
/// Values looked at in one assertion, and their depth.
const MAX_VALUES: usize = 20_000;
const MAX_DEPTH: usize = 24;
/// Texts kept of one manifest, and their characters.
const MAX_TEXTS: usize = 64;
const MAX_CHARS: usize = 120;

/// How a manifest's picture came into this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// This file's own.
    Active,
    /// What was opened and changed into this file.
    Parent,
    /// Placed into it.
    Component,
    /// Given to a program that made it.
    Input,
    /// In the store, referred to by nothing.
    Loose,
}

impl Role {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Active => "its own manifest",
            Self::Parent => "the manifest of the picture it was made from",
            Self::Component => "the manifest of a picture placed in it",
            Self::Input => "the manifest of an input of the program that made it",
            Self::Loose => "a manifest that nothing refers to",
        }
    }
}

/// A digitalSourceType, and the action that states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) source_type: String,
    pub(super) action: Option<String>,
}

/// What one manifest says.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) label: String,
    pub(super) role: Role,
    pub(super) statements: Vec<Statement>,
    pub(super) actions: Vec<String>,
    /// Programs named: claim generator, software agents.
    pub(super) programs: Vec<String>,
    /// A picture was given to the program that made it.
    pub(super) picture_as_input: bool,
    /// Ingredients that have no manifest of their own.
    pub(super) bare_ingredients: usize,
    /// Failures that were noted when an ingredient was added.
    pub(super) noted: Vec<String>,
}

/// All manifests: the active first, then as its ingredients name them, then the rest by label.
pub(super) fn manifests(reader: &Reader) -> Vec<Said> {
    let mut said = Vec::new();
    let mut seen = BTreeSet::new();
    let mut open: Vec<(String, Role)> = Vec::new();
    open.extend(reader.active_label().map(|label| (label.to_owned(), Role::Active)));
    let mut labels: Vec<&String> = reader.manifests().keys().collect();
    labels.sort_unstable();
    let mut rest = labels.into_iter();
    while said.len() < MAX_MANIFESTS {
        let Some((label, role)) = open.pop().or_else(|| rest.next().map(|l| (l.clone(), Role::Loose))) else {
            break;
        };
        let Some(manifest) = reader.get_manifest(&label) else {
            continue;
        };
        if !seen.insert(label.clone()) {
            continue;
        }
        for ingredient in manifest.ingredients().iter().rev() {
            let below = match (role, ingredient.relationship()) {
                (Role::Active | Role::Parent, Relationship::ParentOf) => Role::Parent,
                (Role::Active | Role::Parent, Relationship::ComponentOf) => Role::Component,
                (Role::Active | Role::Parent, Relationship::InputTo) => Role::Input,
                (role, _) => role,
            };
            open.extend(ingredient.active_manifest().map(|label| (label.to_owned(), below)));
        }
        said.push(one(manifest, label, role));
    }
    said
}

fn one(manifest: &Manifest, label: String, role: Role) -> Said {
    let mut said = Said {
        label,
        role,
        statements: Vec::new(),
        actions: Vec::new(),
        programs: Vec::new(),
        picture_as_input: false,
        bare_ingredients: 0,
        noted: Vec::new(),
    };
    for text in manifest.claim_generator.iter() {
        said.program(text);
    }
    for info in manifest.claim_generator_info.iter().flatten() {
        said.program(&info.name);
    }
    for assertion in manifest.assertions() {
        let Ok(value) = assertion.value() else {
            continue;
        };
        if assertion.label().starts_with("c2pa.actions") {
            said.actions(value);
        } else {
            said.anywhere(value);
        }
    }
    for ingredient in manifest.ingredients() {
        let picture = ingredient.format().is_some_and(|format| format.starts_with("image/"));
        said.picture_as_input |= picture && *ingredient.relationship() == Relationship::InputTo;
        said.bare_ingredients += usize::from(ingredient.active_manifest().is_none());
        let noted = ingredient.validation_status().into_iter().flatten();
        let results = ingredient.validation_results().and_then(|r| r.active_manifest());
        let noted = noted.chain(results.into_iter().flat_map(|codes| codes.failure()));
        for status in noted.take(MAX_TEXTS) {
            keep(&mut said.noted, status.code());
        }
    }
    said
}

impl Said {
    /// What its statements and actions make of the picture that the manifest is about.
    pub(super) fn claims(&self) -> impl Iterator<Item = (&Statement, Option<Proposition>)> {
        self.statements.iter().map(|statement| (statement, statement.claims()))
    }

    /// Actions that change what is to be seen.
    pub(super) fn edits(&self) -> impl Iterator<Item = &str> {
        self.actions.iter().map(String::as_str).filter(|action| is_edit(action))
    }

    fn program(&mut self, text: &str) {
        keep(&mut self.programs, text);
    }

    fn state(&mut self, text: &str, action: Option<&str>) {
        let Some((name, _)) = xmp::source_type(text) else {
            return;
        };
        let source_type: String = name.chars().filter(char::is_ascii_alphanumeric).take(60).collect();
        let statement = Statement { source_type, action: action.map(str::to_owned) };
        if !statement.source_type.is_empty()
            && self.statements.len() < MAX_TEXTS
            && !self.statements.contains(&statement)
        {
            self.statements.push(statement);
        }
    }

    /// A `c2pa.actions` assertion, version 1 or 2.
    fn actions(&mut self, value: &Value) {
        let list =
            |key: &str| value.get(key).and_then(Value::as_array).into_iter().flatten().take(MAX_VALUES);
        for item in list("actions").chain(list("templates")) {
            let action = item.get("action").and_then(Value::as_str).filter(|action| *action != "*");
            if let Some(action) = action {
                keep(&mut self.actions, &tidy(action));
            }
            let mut found = Vec::new();
            source_types(item, &mut found);
            for text in found {
                self.state(text, action.map(tidy).as_deref());
            }
            if let Some(agent) = item.get("softwareAgent") {
                self.agent(agent);
            }
        }
        for agent in list("softwareAgents") {
            self.agent(agent);
        }
    }

    fn agent(&mut self, agent: &Value) {
        if let Some(text) = agent.as_str().or_else(|| agent.get("name")?.as_str()) {
            self.program(text);
        }
    }

    /// Any other assertion: IPTC, schema.org, metadata.
    fn anywhere(&mut self, value: &Value) {
        let mut found = Vec::new();
        source_types(value, &mut found);
        for text in found {
            self.state(text, None);
        }
    }
}

impl Statement {
    /// What it claims. AI named by an action that only changes is a change by AI.
    pub(super) fn claims(&self) -> Option<Proposition> {
        let (_, class) = xmp::source_type(&self.source_type)?;
        match (class.and_then(xmp::SourceClass::claims), &self.action) {
            (Some(Proposition::AiGenerated), Some(action)) if is_edit(action) => Some(Proposition::AiEdited),
            (claims, _) => claims,
        }
    }
}

/// *Source:* C2PA 2.x, "Actions": those with a perceptible or unknown effect.
fn is_edit(action: &str) -> bool {
    matches!(
        action,
        "c2pa.edited"
            | "c2pa.cropped"
            | "c2pa.color_adjustments"
            | "c2pa.placed"
            | "c2pa.drawing"
            | "c2pa.filtered"
            | "c2pa.addedText"
            | "c2pa.animated"
            | "c2pa.deleted"
            | "c2pa.orientation"
            | "c2pa.removed"
            | "c2pa.resized"
            | "c2pa.adjustedColor"
            | "c2pa.changedSpeed"
            | "c2pa.dubbed"
            | "c2pa.enhanced"
            | "c2pa.mastered"
            | "c2pa.mixed"
            | "c2pa.remixed"
            | "c2pa.unknown"
    )
}

/// Values of every `digitalSourceType` within: as text, in a list, or as the `@id` of linked data.
fn source_types<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    let mut open = vec![(value, false, 0usize)];
    let mut looked = 0;
    while let Some((value, named, depth)) = open.pop() {
        looked += 1;
        if looked > MAX_VALUES || depth > MAX_DEPTH || found.len() >= MAX_TEXTS {
            return;
        }
        match value {
            Value::String(text) if named => found.push(text),
            Value::Array(items) => open.extend(items.iter().rev().map(|item| (item, named, depth + 1))),
            Value::Object(fields) => open.extend(fields.iter().rev().map(|(key, item)| {
                let key = key.rsplit(':').next().unwrap_or_default();
                let inner = named && matches!(key, "@id" | "@value" | "@list");
                (item, inner || key.eq_ignore_ascii_case("digitalSourceType"), depth + 1)
            })),
            _ => {}
        }
    }
}

fn tidy(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_CHARS).collect()
}

fn keep(list: &mut Vec<String>, text: &str) {
    let text = tidy(text.trim());
    if !text.is_empty() && list.len() < MAX_TEXTS && !list.contains(&text) {
        list.push(text);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(value: &Value) -> Vec<&str> {
        let mut found = Vec::new();
        source_types(value, &mut found);
        found
    }

    #[test]
    fn source_types_are_found_wherever_they_stand() {
        assert_eq!(found(&json!({"a": [{"digitalSourceType": "x/y"}]})), ["x/y"]);
        assert_eq!(found(&json!({"Iptc4xmpExt:DigitalSourceType": {"@id": "x/y"}})), ["x/y"]);
        assert_eq!(found(&json!({"digitalSourceType": ["a", "b"]})), ["a", "b"]);
        assert_eq!(found(&json!({"other": {"@id": "x/y"}, "digitalSourceType": {"name": "z"}})), [""; 0]);
    }

    #[test]
    fn ai_named_by_an_edit_is_an_edit_by_ai() {
        let statement = |action: Option<&str>| Statement {
            source_type: "trainedAlgorithmicMedia".to_owned(),
            action: action.map(str::to_owned),
        };
        assert_eq!(statement(None).claims(), Some(Proposition::AiGenerated));
        assert_eq!(statement(Some("c2pa.created")).claims(), Some(Proposition::AiGenerated));
        assert_eq!(statement(Some("c2pa.edited")).claims(), Some(Proposition::AiEdited));
    }
}
