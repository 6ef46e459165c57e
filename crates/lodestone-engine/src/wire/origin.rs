//! What a file says of its origin, as other programs read it: docs/formats/examine.md.

use lodestone_types::{Assessment, Credentials, Finding, Location, Observation, PairAssessment, Record};
use serde::Serialize;
use serde_json::{Value, json};

/// The format's name and version: `schema` of every object of `examine`.
pub const EXAMINE_SCHEMA: &str = "lodestone/examine/1";

/// What gave an answer, beside the file: the same for all files of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Examiners {
    /// Name and version of the program.
    pub program: String,
    /// Version of the examiners' rules.
    pub basis: String,
    /// What examiners bring along, one line each: trust lists, structures, models, with dates and digests.
    pub kit: Vec<String>,
    /// Calibration tables in use, one line each.
    pub calibrations: Vec<String>,
}

/// One file of `examine`.
pub fn examined(record: &Record, examiners: &Examiners) -> Value {
    let mut object = json!({ "schema": EXAMINE_SCHEMA });
    super::extend(&mut object, super::file(record));
    object["examiners"] = json!(examiners);
    object
}

/// The keys that say where a file comes from. All are there for every file: of one that could not be read they are empty.
pub(super) fn origin(seen: &Observation) -> Value {
    let none = Assessment::default();
    let said = seen.assessment.as_ref().unwrap_or(&none);
    json!({
        "findings": seen.findings.iter().map(finding).collect::<Vec<_>>(),
        "generator": generator(said),
        "camera_chain": said.camera_chain,
        "camera": said.camera,
        "editor": said.editor,
        "credentials": said.credentials.as_ref().map(credentials),
        "watermarks": said.watermarks,
        "workflow": said.workflow,
        "digital_source_type": said.digital_source_type,
        "assessment": said.pairs.iter().map(pair).collect::<Vec<_>>(),
        "reading": seen.assessment.as_ref().map(reading),
        "checks": said.checks,
    })
}

fn finding(one: &Finding) -> Value {
    let first = one.locations.first();
    json!({
        "examiner": one.examiner,
        "code": one.code,
        "what": one.what,
        "where": first.map_or_else(|| "file".to_owned(), place),
        "value": first.and_then(|place| place.raw.as_deref()),
        "locations": one.locations,
        "bears_on": one.bearings,
        "gives": one.gives,
        "log10_lr": one.log10_lr,
        "weight": one.weight,
    })
}

/// `exif:Make@1234`, or the field alone where it has no offset.
pub(crate) fn place(location: &Location) -> String {
    match location.offset {
        Some(offset) => format!("{}@{offset}", location.field),
        None => location.field.clone(),
    }
}

fn generator(said: &Assessment) -> Option<Value> {
    said.generator.as_ref().map(|name| {
        json!({
            "name": name,
            "source": said.generator_source.as_deref().unwrap_or("metadata"),
            "input_image_used": said.input_picture_used,
        })
    })
}

/// All of it; lists that are empty are there too.
fn credentials(one: &Credentials) -> Value {
    let mut object = serde_json::to_value(one).unwrap_or_default();
    for name in ["actions", "codes", "trust_lists"] {
        if object.get(name).is_none() {
            object[name] = json!([]);
        }
    }
    object
}

fn pair(one: &PairAssessment) -> Value {
    serde_json::to_value(one).unwrap_or_default()
}

fn reading(said: &Assessment) -> Value {
    json!({
        "basis": said.basis,
        "statement": said.statement,
        "supported": said.supported,
        "abstains": said.abstains,
        "limits": said.limits,
        "facts": said.facts,
        "scores": said.scores,
    })
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Bearing, CameraChain, Direction, Proposition, Strength};

    use super::*;

    fn assessed() -> Observation {
        let finding = Finding {
            examiner: "exif".into(),
            code: "camera.named".into(),
            what: "a camera is named".into(),
            locations: vec![Location {
                offset: Some(1234),
                field: "exif:Make".into(),
                raw: Some("Lodestone".into()),
            }],
            bearings: vec![Bearing {
                proposition: Proposition::CameraOriginal,
                direction: Direction::Supports,
                strength: Strength::Weak,
            }],
            gives: vec!["camera_chain".into()],
            log10_lr: None,
            weight: None,
        };
        let pair = |log10_lr, abstained: Option<&str>| PairAssessment {
            h1: Proposition::AiGenerated,
            h2: Proposition::CameraOriginal,
            log10_lr,
            range: log10_lr.map(|lr| [lr - 0.5, lr + 0.5]),
            calibration: log10_lr.map(|_| "table/1".to_owned()),
            abstained: abstained.map(str::to_owned),
            wording: "The findings are …".into(),
            rests_on: vec![],
            contrary: vec![],
        };
        let assessment = Assessment {
            camera_chain: CameraChain::Weak,
            generator: Some("Generator".into()),
            input_picture_used: true,
            credentials: Some(Credentials { parsed: true, manifests: 2, ..Credentials::default() }),
            pairs: vec![pair(Some(1.5), None), pair(None, Some("outside its range"))],
            ..Assessment::default()
        };
        Observation { findings: vec![finding], assessment: Some(assessment), ..Observation::default() }
    }

    #[test]
    fn the_promised_keys_say_what_was_found() {
        let said = origin(&assessed());
        assert_eq!(said["findings"][0]["where"], "exif:Make@1234");
        assert_eq!(said["findings"][0]["value"], "Lodestone");
        let bears_on =
            json!([{"proposition": "camera_original", "direction": "supports", "strength": "weak"}]);
        assert_eq!(said["findings"][0]["bears_on"], bears_on);
        assert!(said["findings"][0]["log10_lr"].is_null());
        let generator = json!({"name": "Generator", "source": "metadata", "input_image_used": true});
        assert_eq!(said["generator"], generator);
        assert_eq!(said["camera_chain"], "weak");
        let credentials = &said["credentials"];
        let words = ["hash", "signature", "trust", "time"].map(|name| credentials[name].as_str().unwrap());
        assert_eq!(words, ["not_checkable", "not_checkable", "none", "claimed"]);
        assert_eq!((&credentials["parsed"], &credentials["manifests"]), (&json!(true), &json!(2)));
        assert_eq!(said["assessment"][0]["log10_lr"], 1.5);
        assert_eq!(said["assessment"][0]["range"], json!([1.0, 2.0]));
        assert!(said["assessment"][0].get("abstained").is_none());
        assert_eq!(said["assessment"][1]["abstained"], "outside its range");
        assert!(said["assessment"][1].get("log10_lr").is_none());
    }

    #[test]
    fn a_file_that_could_not_be_read_has_every_key_too() {
        let said = origin(&Observation::default());
        for name in ["findings", "watermarks", "assessment", "checks"] {
            assert_eq!(said[name], json!([]), "{name}");
        }
        for name in ["generator", "credentials", "workflow", "reading"] {
            assert!(said[name].is_null(), "{name}");
        }
        assert_eq!(said["camera_chain"], "none");
    }
}
