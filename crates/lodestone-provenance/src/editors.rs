//! Programs named in software fields.

use lodestone_types::{CheckState, Proposition, Strength};

use crate::fields::{Fields, TextField};
use crate::reading::{Reading, against, supports};
use crate::rules::{ProgramKind, RULES};

/// Where programs put their names.
const FIELDS: [&str; 12] = [
    "exif:Software",
    "xmp:CreatorTool",
    "tiff:Software",
    "stEvt:softwareAgent",
    "iptc:OriginatingProgram",
    "png:Software",
    "png:software",
    // Films.
    "bmff:com.apple.quicktime.software",
    "bmff:swr",
    "bmff:too",
    "bmff:com.android.version",
    // Only services mark this one.
    SPECIAL_INSTRUCTIONS,
];
const SPECIAL_INSTRUCTIONS: &str = "iptc:SpecialInstructions";
/// Programs shown of one file.
const MAX_PROGRAMS: usize = 8;

pub(crate) fn examine(fields: &Fields, reading: &mut Reading) {
    let mut named: Vec<(&str, ProgramKind, Vec<&TextField>)> = Vec::new();
    for field in FIELDS.iter().flat_map(|key| fields.of(key)) {
        reading.applied += 1;
        if reading.generator_fields.contains(&field.key) {
            continue;
        }
        let Some(program) = RULES.editors.named(&field.text) else {
            continue;
        };
        if field.key == SPECIAL_INSTRUCTIONS && program.kind != ProgramKind::Social {
            continue;
        }
        if let Some(at) = named.iter().position(|(name, ..)| *name == program.name) {
            let places = &mut named[at].2;
            if places.len() < MAX_PROGRAMS {
                places.push(field);
            }
        } else if named.len() < MAX_PROGRAMS {
            named.push((program.name.as_str(), program.kind, vec![field]));
        }
    }
    let camera = reading.camera.is_partial();
    let mut fact = "none";
    for (name, kind, places) in named {
        let locations = places.iter().map(|f| f.location()).collect();
        if kind == ProgramKind::Transfer {
            reading.find(
                "editors",
                "software.transfer",
                format!("the file names {name}, a program that transfers files and may rewrite metadata"),
                locations,
                Vec::new(),
            );
            continue;
        }
        if kind == ProgramKind::Social {
            reading.find(
                "editors",
                "editor.social",
                format!("the file carries the mark of {name}, which re-encodes what passes through it"),
                locations,
                vec![
                    supports(Proposition::EditedCapture, Strength::Weak),
                    against(Proposition::CameraOriginal, Strength::Moderate),
                ],
            );
            reading.editor.get_or_insert_with(|| name.to_owned());
            if fact == "none" {
                fact = "social";
                reading.fact("editor", fact);
            }
            continue;
        }
        // Without a camera's trace an editor's name says that the bytes are not a camera's, not that a photograph was
        // edited: drawings are made in the same programs.
        let bearings = if camera {
            vec![
                supports(Proposition::EditedCapture, Strength::Moderate),
                against(Proposition::CameraOriginal, Strength::Moderate),
            ]
        } else {
            vec![against(Proposition::CameraOriginal, Strength::Weak)]
        };
        reading.find(
            "editors",
            "editor.software",
            format!("the file names {name} as a program that wrote it"),
            locations,
            bearings,
        );
        reading.editor.get_or_insert_with(|| name.to_owned());
        if fact != "named" {
            fact = "named";
            reading.fact("editor", fact);
        }
    }
    if fact == "none" {
        reading.facts.insert("editor".to_owned(), fact.to_owned());
    }
    let state = if fields.any_of(&FIELDS) { CheckState::Applied } else { CheckState::NotApplicable };
    reading.check("editors", state, None);
}
