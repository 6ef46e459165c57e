//! Conventions as data: who writes which metadata, and the test that tells it.
//!
//! The two files under `rules/` are embedded and parsed once. They are part of the program, so a mistake in them is a
//! mistake in the build: a test parses and checks them, and a file that does not parse gives no rules.

use std::sync::LazyLock;

use lodestone_types::Strength;
use serde::Deserialize;

use crate::fields::{Fields, TextField};
use crate::shape::Shape;

/// The rules of this build.
pub(crate) static RULES: LazyLock<Rules> = LazyLock::new(|| Rules {
    generators: toml::from_str(include_str!("../rules/generators.toml")).unwrap_or_default(),
    editors: toml::from_str(include_str!("../rules/editors.toml")).unwrap_or_default(),
});

/// Both rule files.
pub(crate) struct Rules {
    pub(crate) generators: Generators,
    pub(crate) editors: Editors,
}

/// `rules/generators.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generators {
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) version: u32,
    pub(crate) generator: Vec<Generator>,
}

/// `rules/editors.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Editors {
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) version: u32,
    pub(crate) program: Vec<Program>,
}

/// One generator's convention.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Generator {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) says: Says,
    #[serde(default = "moderate")]
    pub(crate) strength: Strength,
    #[serde(default)]
    pub(crate) input: Option<InputReader>,
    pub(crate) any: Vec<Vec<Condition>>,
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) source: String,
}

fn moderate() -> Strength {
    Strength::Moderate
}

/// What a convention claims when it tells of no input picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Says {
    #[default]
    Generated,
    Edited,
}

/// Which reader tells whether an input picture was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum InputReader {
    A1111,
    Comfyui,
    Drawthings,
    Flux,
    Invokeai,
    Json,
    Novelai,
    Swarmui,
}

/// A test of one field; all parts that are given must hold.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    pub(crate) field: String,
    #[serde(default)]
    pub(crate) shape: Option<Shape>,
    #[serde(default)]
    pub(crate) equals: Option<String>,
    #[serde(default)]
    pub(crate) starts_with: Option<String>,
    #[serde(default)]
    pub(crate) contains: Option<String>,
    #[serde(default)]
    pub(crate) contains_any_case: Option<String>,
    #[serde(default)]
    pub(crate) json_keys: Vec<String>,
}

/// A program that may stand in a software field.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) kind: ProgramKind,
    pub(crate) words: Vec<String>,
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) source: String,
}

/// What a program does to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProgramKind {
    Editor,
    Transfer,
}

impl Generator {
    /// The fields that match, or nothing.
    pub(crate) fn matches<'f>(&self, fields: &'f Fields) -> Vec<&'f TextField> {
        let mut found: Vec<&TextField> = Vec::new();
        for all in &self.any {
            let hits: Vec<_> = all.iter().filter_map(|c| c.find(fields)).collect();
            if hits.len() == all.len() {
                for hit in hits {
                    if !found.iter().any(|f| std::ptr::eq(*f, hit)) {
                        found.push(hit);
                    }
                }
            }
        }
        found
    }
}

impl Condition {
    fn find<'f>(&self, fields: &'f Fields) -> Option<&'f TextField> {
        fields.of(&self.field).find(|field| self.holds(field))
    }

    fn holds(&self, field: &TextField) -> bool {
        let text = field.text.as_str();
        let is = |wanted: &Option<String>, test: fn(&str, &str) -> bool| {
            wanted.as_deref().is_none_or(|wanted| test(text, wanted))
        };
        is(&self.equals, |t, w| t.trim() == w)
            && is(&self.starts_with, |t, w| t.starts_with(w))
            && is(&self.contains, |t, w| t.contains(w))
            && is(&self.contains_any_case, |t, w| t.to_lowercase().contains(&w.to_lowercase()))
            && self.shape.is_none_or(|shape| shape.fits(field))
            && (self.json_keys.is_empty()
                || field.json().is_some_and(|json| self.json_keys.iter().all(|key| json.get(key).is_some())))
    }
}

impl Editors {
    /// The program a value names, if it is one of ours.
    pub(crate) fn named(&self, value: &str) -> Option<&Program> {
        let value = value.to_lowercase();
        self.program.iter().find(|p| p.words.iter().any(|w| value.contains(w.as_str())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_rule_files_parse_and_are_complete() {
        let generators: Generators =
            toml::from_str(include_str!("../rules/generators.toml")).expect("generators parse");
        assert_eq!(generators.version, 1);
        assert!(generators.generator.len() >= 15);
        let mut ids: Vec<_> = generators.generator.iter().map(|g| &g.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), generators.generator.len(), "ids are distinct");
        for rule in &generators.generator {
            assert!(!rule.name.is_empty() && !rule.source.is_empty(), "{}", rule.id);
            assert!(!rule.any.is_empty(), "{} can match", rule.id);
            for condition in rule.any.iter().flatten() {
                assert!(condition.field.contains(':'), "{}: {}", rule.id, condition.field);
                let tests = usize::from(condition.shape.is_some())
                    + usize::from(condition.equals.is_some())
                    + usize::from(condition.starts_with.is_some())
                    + usize::from(condition.contains.is_some())
                    + usize::from(condition.contains_any_case.is_some())
                    + condition.json_keys.len();
                assert!(tests > 0, "{}: key presence alone is no test", rule.id);
            }
        }
        let editors: Editors = toml::from_str(include_str!("../rules/editors.toml")).expect("editors parse");
        assert_eq!(editors.version, 1);
        for program in &editors.program {
            assert!(!program.source.is_empty() && !program.words.is_empty());
            for word in &program.words {
                assert_eq!(&word.to_lowercase(), word, "{}", program.name);
            }
        }
    }

    #[test]
    fn a_firmware_version_names_no_program() {
        let editors = &RULES.editors;
        for firmware in ["Ver.1.00", "14.4.2", "COOLPIX S3100V1.0", "v353u-75", "1.400"] {
            assert!(editors.named(firmware).is_none(), "{firmware}");
        }
        let photoshop = editors.named("Adobe Photoshop CS6 (Macintosh)").expect("named");
        assert_eq!(photoshop.kind, ProgramKind::Editor);
    }
}
