//! Generators named by metadata, and digitalSourceType.

use lodestone_types::{Proposition, Strength};

use crate::fields::{Fields, raw};
use crate::input::{InputPicture, input_picture};
use crate::reading::{Reading, against, supports};
use crate::rules::{Generator, RULES, Says};
use crate::xmp;

pub(crate) fn examine(fields: &Fields, reading: &mut Reading) {
    for rule in &RULES.generators.generator {
        generator(rule, fields, reading);
    }
    for field in fields.of("Iptc4xmpExt:DigitalSourceType") {
        reading.applied += 1;
        let Some((name, claims)) = xmp::source_type(&field.text) else {
            continue;
        };
        let name = raw(name);
        let bearings = match claims {
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
        reading.digital_source_type.get_or_insert(name);
    }
}

/// Letters and digits only: the value comes from the file.
fn code(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(60).collect()
}

fn generator(rule: &Generator, fields: &Fields, reading: &mut Reading) {
    let matched = rule.matches(fields);
    if matched.is_empty() {
        return;
    }
    reading.applied += 1;
    let input = rule.input.map_or(InputPicture::NotTold, |reader| input_picture(reader, &matched));
    let changed = input == InputPicture::Changed || rule.says == Says::Edited;
    let name = &rule.name;
    let what = if changed {
        format!(
            "the metadata names {name} and an input picture that was changed; it does not prove what the pixels are"
        )
    } else if input == InputPicture::Guided {
        format!(
            "the metadata names {name} and a picture that guided it; it does not prove what the pixels are"
        )
    } else {
        format!("the metadata names {name}; it does not prove what the pixels are")
    };
    let bearings = if changed {
        vec![
            supports(Proposition::AiEdited, rule.strength),
            supports(Proposition::AiGenerated, Strength::Weak),
            against(Proposition::CameraOriginal, rule.strength),
        ]
    } else {
        vec![
            supports(Proposition::AiGenerated, rule.strength),
            against(Proposition::CameraOriginal, rule.strength),
        ]
    };
    let locations = matched.iter().map(|f| f.location_withheld()).collect();
    reading.find("generator-metadata", &format!("generator.{}", rule.id), what, locations, bearings);
    for field in &matched {
        reading.generator_fields.push(field.key.clone());
    }
    reading.generators.push(rule.name.clone());
    reading.input_picture_used |= changed;
}
