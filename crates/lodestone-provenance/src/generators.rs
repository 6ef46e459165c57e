//! Generators named by metadata, by text hidden in the pixels, or by a text beside the file; and digitalSourceType.

use lodestone_types::{Bearing, CheckState, Proposition, Strength};

use crate::fields::{Fields, Source, TextField, raw};
use crate::item::Item;
use crate::reading::{Reading, against, supports};
use crate::rules::{Generator, RULES, Says};
use crate::workflow::size::{Look, NotTold};
use crate::workflow::{self, InputPicture, Told};
use crate::{sidecar, stealth, xmp};

/// Adds texts that do not stand in the file's metadata.
pub(crate) fn elsewhere(item: &Item<'_>, pixels: bool, fields: &mut Fields, reading: &mut Reading) {
    match (&item.pixels, pixels) {
        (Some(pixels), true) => {
            let hidden = stealth::read(pixels);
            reading.check("stealth", CheckState::Applied, None);
            if let Some((channels, text)) = hidden {
                reading.applied += 1;
                let location = lodestone_types::Location {
                    offset: None,
                    field: format!("stealth:{channels}"),
                    raw: Some(format!("present, {} characters", text.chars().count())),
                };
                reading.find(
                    "stealth",
                    "stealth.text",
                    format!("text is hidden in the lowest bits of the {channels} values, as some generators write it"),
                    vec![location],
                    Vec::new(),
                );
                fields.extend(stealth::fields(channels, &text));
            }
        }
        _ => reading.check("stealth", CheckState::NotApplicable, Some("no pixels to look at".to_owned())),
    }
    if let Some(text) = item.sidecar {
        fields.extend([sidecar::field(text)]);
    }
}

/// How far a generator is told, weakest first: the categories of the fact `generator`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    None,
    ToolOnly,
    Named,
    WithInput,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ToolOnly => "tool_only",
            Self::Named => "named",
            Self::WithInput => "with_input",
        }
    }
}

/// Applies the rules, in their order.
pub(crate) fn examine(item: &Item<'_>, fields: &Fields, reading: &mut Reading) {
    let mut level = Level::None;
    let mut claimed: Vec<&TextField> = Vec::new();
    let mut told: Option<Told> = None;
    let matched: Vec<(&Generator, Vec<&TextField>)> = RULES
        .generators
        .generator
        .iter()
        .filter_map(|rule| {
            let matched = rule.matches(fields, &claimed);
            claimed.extend(&matched);
            (!matched.is_empty()).then_some((rule, matched))
        })
        .collect();
    // What ComfyUI's graph says of an input picture outweighs what its savers' settings text seems to say.
    let graph = matched
        .iter()
        .any(|(rule, fields)| rule.reads == Some(workflow::Reader::Comfyui) && !fields.is_empty());
    let mut told_by = Vec::new();
    for (rule, matched) in matched {
        let mut read = rule.reads.map(|reader| workflow::read(reader, &matched)).unwrap_or_default();
        if graph
            && rule.reads == Some(workflow::Reader::A1111)
            && read.workflow.mode.as_deref() == Some("img2img")
        {
            read.picture = InputPicture::NotTold;
            read.workflow.mode = None;
        }
        let own = finding(rule, &matched, &read, item, reading);
        told_by.push((reading.findings.len() - 1, own));
        level = level.max(own);
        match &mut told {
            Some(told) => told.merge(read),
            None => told = Some(read),
        }
    }
    let show_text = reading.show_text;
    reading.workflow = told.and_then(|told| told.shown(show_text));
    // The strongest is the fact; findings of a weaker one did not give it.
    for (at, _) in told_by.iter().filter(|(_, own)| *own < level) {
        if let Some(finding) = reading.findings.get_mut(*at) {
            finding.gives.clear();
        }
    }
    reading.facts.insert("generator".to_owned(), level.name().to_owned());
    source_types(fields, reading);
}

fn finding(
    rule: &Generator,
    matched: &[&TextField],
    told: &Told,
    item: &Item<'_>,
    reading: &mut Reading,
) -> Level {
    reading.applied += 1;
    let source = matched.iter().map(|f| f.source).min_by_key(|s| *s as u8).unwrap_or_default();
    let changed = told.picture == InputPicture::Changed || rule.says == Says::Edited;
    let not_told = told.graph.as_ref().filter(|_| source == Source::Metadata);
    let not_told = not_told.and_then(|graph| workflow::size::not_told(graph, &Look::at(item)));
    let name = &rule.name;
    let place = match source {
        Source::Metadata => "the metadata names",
        Source::Stealth => "text hidden in the pixels names",
        Source::Sidecar => "a text beside the file names",
    };
    let (suffix, what, level) = match not_told {
        Some(NotTold::Screenshot) => (
            ".screenshot",
            format!(
                "{place} {name} as a tool that wrote the file; the picture looks like one of a program's window, not like what a model draws"
            ),
            Level::ToolOnly,
        ),
        Some(NotTold::OtherPixels) => (
            ".pixels_not_told",
            format!(
                "{place} {name} as a tool that wrote the file; its graph does not tell how these pixels came about"
            ),
            Level::ToolOnly,
        ),
        None if changed => (
            "",
            format!(
                "{place} {name} and an input picture that was changed; it does not prove what the pixels are"
            ),
            Level::WithInput,
        ),
        None if told.picture == InputPicture::Guided => (
            "",
            format!("{place} {name} and a picture that guided it; it does not prove what the pixels are"),
            Level::Named,
        ),
        None => ("", format!("{place} {name}; it does not prove what the pixels are"), Level::Named),
    };
    let bearings = bearings(rule, level, source);
    let locations = matched.iter().take(16).map(|f| f.location_withheld()).collect();
    reading.find("generator-metadata", &format!("generator.{}{suffix}", rule.id), what, locations, bearings);
    reading.fact("generator", level.name());
    for field in matched {
        reading.generator_fields.push(field.key.clone());
    }
    if reading.generators.is_empty() && reading.generator_source.is_none() {
        reading.generator_source = Some(source.name());
    }
    reading.generators.push(rule.name.clone());
    reading.input_picture_used |= level == Level::WithInput;
    level
}

fn bearings(rule: &Generator, level: Level, source: Source) -> Vec<Bearing> {
    // A text beside the file can be another file's.
    let strength = if source == Source::Sidecar { Strength::Weak } else { rule.strength };
    match level {
        Level::WithInput => vec![
            supports(Proposition::AiEdited, strength),
            supports(Proposition::AiGenerated, Strength::Weak),
            against(Proposition::CameraOriginal, strength),
        ],
        Level::ToolOnly => vec![
            supports(Proposition::OtherSynthetic, Strength::Weak),
            against(Proposition::CameraOriginal, strength),
        ],
        _ => {
            vec![supports(Proposition::AiGenerated, strength), against(Proposition::CameraOriginal, strength)]
        }
    }
}

fn source_types(fields: &Fields, reading: &mut Reading) {
    let mut fact = "none";
    for field in fields.of("Iptc4xmpExt:DigitalSourceType").take(8) {
        reading.applied += 1;
        let Some((name, class)) = xmp::source_type(&field.text) else {
            continue;
        };
        let name = raw(name);
        let bearings = match class.and_then(xmp::SourceClass::claims) {
            // Anyone can write it, but only these programs have a reason to say "AI" or "edited".
            Some(Proposition::CameraOriginal) => {
                vec![supports(Proposition::CameraOriginal, Strength::Weak)]
            }
            Some(proposition) => vec![
                supports(proposition, Strength::Moderate),
                against(Proposition::CameraOriginal, Strength::Moderate),
            ],
            None => Vec::new(),
        };
        reading.find(
            "xmp",
            &format!("source_type.{}", code(&name)),
            format!("the file states the IPTC digital source type {name}; the statement is not signed"),
            vec![field.location()],
            bearings,
        );
        let category = class.map_or("unknown", xmp::SourceClass::name);
        // The first that is known counts.
        if matches!(fact, "none" | "unknown") {
            fact = category;
        }
        reading.fact("source_type", fact);
        reading.digital_source_type.get_or_insert(name);
    }
    reading.facts.insert("source_type".to_owned(), fact.to_owned());
    // A model is stated, though not which.
    if reading.generators.is_empty() && matches!(fact, "ai" | "ai_edited") {
        reading.generators.push("a model that is not named".to_owned());
        reading.generator_source = reading.generator_source.or(Some("source_type"));
        reading.input_picture_used |= fact == "ai_edited";
    }
}

/// Letters and digits only: the value comes from the file.
fn code(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(60).collect()
}
