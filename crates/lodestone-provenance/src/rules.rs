//! Conventions as data: who writes which metadata, and the test that tells it.
//!
//! The two files under `rules/` are embedded and parsed once. They are part of the program, so a mistake in them is a
//! mistake in the build: a test parses and checks them, and a file that does not parse gives no rules.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use lodestone_types::Strength;
use serde::Deserialize;

use crate::fields::{Fields, TextField};
use crate::shape::Shape;
use crate::workflow::Reader;

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
    pub(crate) reads: Option<Reader>,
    /// Looked at only where no rule before it claimed the field: shapes that many programs share.
    #[serde(default)]
    pub(crate) fallback: bool,
    pub(crate) any: Vec<Vec<Condition>>,
    /// What the convention says, in a sentence.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) meaning: String,
    /// Versions of the program that write it, as far as known.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) versions: String,
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
    /// Members of the JSON object whose text begins so.
    #[serde(default)]
    pub(crate) json_text: BTreeMap<String, String>,
    /// Settings of an A1111 text whose value begins so.
    #[serde(default)]
    pub(crate) setting: BTreeMap<String, String>,
    /// The text is one of these names or begins with one, as a word, in any case.
    #[serde(default)]
    pub(crate) names: Vec<String>,
}

/// Fields in which programs put their own name: what `software` stands for in a condition.
const SOFTWARE: [&str; 7] = [
    "exif:Software",
    "xmp:CreatorTool",
    "tiff:Software",
    "stEvt:softwareAgent",
    "iptc:OriginatingProgram",
    "png:Software",
    "png:Source",
];

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
    Social,
}

impl Generator {
    /// The fields that match, or nothing. `claimed` are fields that rules before this one matched.
    pub(crate) fn matches<'f>(&self, fields: &'f Fields, claimed: &[&TextField]) -> Vec<&'f TextField> {
        let mut found: Vec<&TextField> = Vec::new();
        let free = |field: &TextField| !self.fallback || !claimed.iter().any(|c| std::ptr::eq(*c, field));
        for all in &self.any {
            // A condition alone takes every field that it fits: graphs stand in two, copies in several.
            let hits: Vec<Vec<&TextField>> = all
                .iter()
                .map(|c| {
                    let fitting =
                        fields.all().iter().filter(|f| c.names_field(&f.key) && free(f) && c.holds(f));
                    fitting.take(if all.len() == 1 { 8 } else { 1 }).collect()
                })
                .collect();
            if hits.iter().all(|hits| !hits.is_empty()) {
                for hit in hits.into_iter().flatten() {
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
    /// Whether the condition looks at a field of this name. Case does not count: writers differ.
    fn names_field(&self, key: &str) -> bool {
        match self.field.as_str() {
            "*" => true,
            "software" => SOFTWARE.contains(&key),
            name => match name.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => key.eq_ignore_ascii_case(name),
            },
        }
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
            && (self.names.is_empty() || self.names.iter().any(|name| begins_with_word(text, name)))
            && self.shape.is_none_or(|shape| shape.fits(field))
            && (self.json_keys.is_empty()
                || field.json().is_some_and(|json| self.json_keys.iter().all(|key| json.get(key).is_some())))
            && self.json_text.iter().all(|(key, begin)| {
                let value = field.json().and_then(|json| json.get(key)?.as_str());
                value.is_some_and(|value| value.starts_with(begin.as_str()))
            })
            && (self.setting.is_empty()
                || field.infotext().is_some_and(|text| {
                    self.setting
                        .iter()
                        .all(|(key, begin)| text.get(key).is_some_and(|v| v.starts_with(begin.as_str())))
                }))
    }
}

/// Whether a text begins with a name, in any case, and the name ends there as a word.
fn begins_with_word(text: &str, name: &str) -> bool {
    let text = text.trim_start();
    let Some(start) = text.get(..name.len()) else {
        return false;
    };
    let rest = text.get(name.len()..).unwrap_or_default();
    start.eq_ignore_ascii_case(name)
        && rest.chars().next().is_none_or(|c| !c.is_alphanumeric())
        && (name.split_whitespace().count() > 2 || goes_on(rest))
}

/// Words that may follow a program's name in its own label: an equation solver begins like a generator, too.
const FOLLOWERS: [&str; 16] = [
    "ai",
    "xl",
    "web",
    "webui",
    "app",
    "pro",
    "plus",
    "turbo",
    "dev",
    "schnell",
    "by",
    "api",
    "studio",
    "desktop",
    "image",
    "generator",
];

/// Whether what follows a name is nothing, a version, a sign, or a word that such labels have.
fn goes_on(rest: &str) -> bool {
    let rest = rest.trim_start();
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    let version = word.strip_prefix('v').unwrap_or(&word).chars().next().is_some_and(|c| c.is_ascii_digit());
    word.is_empty() || version || FOLLOWERS.contains(&word.as_str())
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
        assert_eq!(generators.version, 2);
        assert!(generators.generator.len() >= 40);
        let mut ids: Vec<_> = generators.generator.iter().map(|g| &g.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), generators.generator.len(), "ids are distinct");
        for rule in &generators.generator {
            let texts = [&rule.name, &rule.source, &rule.meaning, &rule.versions];
            assert!(texts.iter().all(|text| !text.is_empty()), "{}", rule.id);
            assert!(!rule.any.is_empty(), "{} can match", rule.id);
            for condition in rule.any.iter().flatten() {
                let field = condition.field.as_str();
                assert!(field.contains(':') || matches!(field, "*" | "software"), "{}: {field}", rule.id);
                let tests = usize::from(condition.shape.is_some())
                    + usize::from(condition.equals.is_some())
                    + usize::from(condition.starts_with.is_some())
                    + usize::from(condition.contains.is_some())
                    + usize::from(condition.contains_any_case.is_some())
                    + condition.json_keys.len()
                    + condition.json_text.len()
                    + condition.setting.len()
                    + condition.names.len();
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
