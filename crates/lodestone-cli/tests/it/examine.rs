//! `examine`: what files say of where they came from, as programs and people read it.

use std::fs;

use serde_json::Value;

use crate::files::{jpeg, png, zip};
use crate::program::{Place, Ran};

/// A PNG with one text chunk, after the header.
fn png_with_text(seed: u32, key: &str, text: &str) -> Vec<u8> {
    let whole = png(seed);
    let data = [key.as_bytes(), b"\0", text.as_bytes()].concat();
    let body = [b"tEXt", &data[..]].concat();
    let mut crc = flate2::Crc::new();
    crc.update(&body);
    let mut bytes = whole[..33].to_vec();
    bytes.extend((data.len() as u32).to_be_bytes());
    bytes.extend(body);
    bytes.extend(crc.sum().to_be_bytes());
    bytes.extend(&whole[33..]);
    bytes
}

/// What a program that makes pictures from text writes.
const PARAMETERS: &str = "hills and a lake\nNegative prompt: rain\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 42, \
                          Size: 160x120, Model hash: 0123456789, Model: drawn-v1";

fn examine(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["examine"], arguments, &["--format", "ndjson"]].concat())
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn a_file_has_the_promised_keys_and_a_generator_is_named() {
    let place = Place::new();
    place.put("a.png", png_with_text(1, "parameters", PARAMETERS));
    let ran = examine(&place, &["a.png"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let object = ran.objects().remove(0);
    insta::assert_snapshot!(keys(&object).join(" "), @"schema kind path sha256 state unreadable size_bytes format picture signals matches group findings generator camera_chain camera editor credentials watermarks workflow digital_source_type assessment reading checks generation examiners");
    assert_eq!(object["schema"], "lodestone/examine/1");
    assert_eq!(object["camera_chain"], "none");
    assert_eq!(object["generator"]["input_image_used"], false);
    assert!(object["generator"]["name"].is_string() && object["generator"]["source"] == "metadata");
    let findings = object["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    for finding in findings {
        for name in ["examiner", "code", "where", "value", "bears_on", "log10_lr"] {
            assert!(finding.get(name).is_some(), "{name} is missing in {finding}");
        }
        assert!(finding["where"].is_string() && finding["bears_on"].is_array(), "{finding}");
    }
    assert!(findings.iter().any(|one| one["where"].as_str().unwrap().contains('@')), "{findings:?}");
    assert!(!ran.out.contains("hills and a lake"), "a prompt is shown only on request");
}

#[test]
fn what_cannot_be_read_is_an_object_too_and_ends_with_2() {
    let place = Place::new();
    place.put("text.jpg", "no picture\n");
    place.put("empty.png", "");
    place.put("cut.jpg", &jpeg(1)[..30]);
    let ran = examine(&place, &["text.jpg", "empty.png", "cut.jpg", "nowhere.png"]);
    assert_eq!(ran.code, Some(2));
    let told: Vec<_> = ran
        .objects()
        .iter()
        .map(|one| {
            assert!(one["findings"].is_array() && one["assessment"].is_array(), "{one}");
            assert!(one["watermarks"].is_array() && one["camera_chain"].is_string(), "{one}");
            (
                one["path"].as_str().unwrap().to_owned(),
                one["unreadable"]["reason"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let told: Vec<_> = told.iter().map(|(path, why)| format!("{path} {why}")).collect();
    assert_eq!(told, ["cut.jpg truncated", "empty.png empty", "nowhere.png gone", "text.jpg unsupported"]);
}

#[test]
fn metadata_of_a_picture_that_cannot_be_decoded_is_read_all_the_same() {
    let place = Place::new();
    let whole = png_with_text(1, "parameters", PARAMETERS);
    let data = whole.windows(4).position(|four| four == b"IDAT").unwrap();
    place.put("cut.png", &whole[..data]);
    let object = examine(&place, &["cut.png"]).objects().remove(0);
    assert!(object["unreadable"].is_object(), "{object}");
    assert!(object["generator"]["name"].is_string(), "{object}");
    let pixels = object["checks"].as_array().unwrap().iter().find(|one| one["examiner"] == "pixels").unwrap();
    assert_eq!(pixels["state"], "not_applicable");
}

#[test]
fn folders_and_archives_are_walked_in_one_order_whatever_the_workers() {
    let place = Place::new();
    for seed in 0..12 {
        place.put(&format!("pile/{seed:02}.jpg"), jpeg(seed));
    }
    place.put("pile/a.zip", zip(&[("in/x.png", png(1)), ("y.jpg", jpeg(2))]));
    fs::create_dir(place.path("pile/nothing")).unwrap();
    let one = examine(&place, &["pile", "--workers", "1"]);
    assert_eq!((one.code, one.objects().len()), (Some(0), 15), "{}", one.err);
    assert!(one.out.contains("pile/a.zip!/in/x.png"));
    assert_eq!(one.out, examine(&place, &["pile", "--workers", "4"]).out);
    let none = examine(&place, &["pile/nothing"]);
    assert_eq!((none.code, none.out.as_str()), (Some(0), ""));
}

#[test]
fn json_is_one_object_for_one_file_and_an_array_for_several() {
    let place = Place::new();
    place.put("pile/a.png", png(1));
    place.put("pile/b.png", png(2));
    let json = |what: &str| -> Value {
        serde_json::from_str(&place.run(&["examine", what, "--format", "json"]).out).unwrap()
    };
    assert_eq!(json("pile/a.png")["path"], "pile/a.png");
    assert_eq!(json("pile").as_array().unwrap().len(), 2);
    assert_eq!(json("pile").as_array().unwrap()[0], json("pile/a.png"));
}

#[test]
fn formats_that_a_command_refuses_are_not_offered() {
    let place = Place::new();
    place.put("a.png", png(1));
    for command in ["examine", "calibrate"] {
        let help = place.run(&[command, "--help"]).out;
        assert!(help.contains("ndjson") && !help.contains("csv:"), "{help}");
    }
    let ran = place.run(&["examine", "a.png", "--format", "csv"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("[possible values: text, ndjson, json]"), "{}", ran.err);
}

#[test]
fn a_kit_that_cannot_be_loaded_ends_the_command_before_anything_is_read() {
    let place = Place::new();
    place.put("a.png", png(1));
    place.put("broken.toml", "this is = = no table");
    for command in ["examine", "scan"] {
        let ran = place.run(&[command, "a.png", "--structures", "nowhere.toml", "--format", "ndjson"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{command}");
        assert!(ran.err.contains("nowhere.toml"), "{command}: {}", ran.err);
        let ran = place.run(&[command, "a.png", "--model", "nowhere/model.toml", "--format", "ndjson"]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{command}");
    }
}

#[test]
fn more_pixels_than_are_examined_are_said_so() {
    let place = Place::new();
    let mut big = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut big, 1200, 1000);
    encoder.set_color(::png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&vec![7; 1_200_000]).unwrap();
    writer.finish().unwrap();
    place.put("big.png", big);
    let checks = |more: &[&str]| {
        let object = examine(&place, &[&["big.png"], more].concat()).objects().remove(0);
        object["checks"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|one| one["examiner"] == "pixels")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert!(checks(&[]).is_empty());
    assert!(checks(&["--no-pixels"]).is_empty(), "not asked for");
    let told = checks(&["--max-examined-pixels", "1"]);
    assert!(told[0]["why"].as_str().unwrap().contains("1200000"), "{told:?}");
}

#[test]
fn text_for_people_has_sections_and_cannot_write_over_the_terminal() {
    let place = Place::new();
    let hostile =
        "x\u{1b}[2J\nSteps: 20, Sampler: \u{1b}[31mEuler, Seed: 1, Size: 1x1, Model: \u{202e}evil\u{7}";
    place.put("a.png", png_with_text(1, "parameters", hostile));
    let ran = place.run(&["examine", "a.png"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    for section in ["What was found", "Origin", "Findings", "Limits"] {
        assert!(ran.out.lines().any(|line| line.trim() == section), "{section}: {}", ran.out);
    }
    assert!(!ran.out.contains(['\u{1b}', '\u{202e}', '\u{7}']), "{}", ran.out);
    assert!(ran.out.lines().all(|line| line.chars().count() <= 110), "{}", ran.out);
    assert!(ran.out.contains("only ground"), "the standing sentence: {}", ran.out);
    for word in ["fake", "authentic", "verdict", "confidence"] {
        assert!(!ran.out.to_lowercase().contains(word), "{word}: {}", ran.out);
    }
}

#[test]
fn the_page_is_whole_and_safe_and_takes_nothing_elses_place() {
    let place = Place::new();
    place.put("pile/a.png", png_with_text(1, "parameters", PARAMETERS));
    place.put("pile/<b>&.jpg", jpeg(2));
    place.put("other.txt", "not a page");
    let ran = examine(&place, &["pile", "--report", "page.html", "--thumbnails", "drawing"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let page = fs::read_to_string(place.path("page.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.trim_end().ends_with("</html>"));
    let digest = ran.objects()[0]["sha256"].as_str().unwrap().to_owned();
    assert!(page.contains(&digest) && page.contains("&lt;b&gt;&amp;.jpg") && !page.contains("<b>&.jpg"));
    assert!(page.contains("must not be the only ground"));
    assert!(!page.contains("<img") && page.contains("class=\"reveal\""));
    let plain = examine(&place, &["pile", "--report", "plain.html"]);
    assert_eq!(plain.out, ran.out, "a page changes nothing that programs read");
    assert!(!fs::read_to_string(place.path("plain.html")).unwrap().contains("class=\"reveal\""));
    let refused = examine(&place, &["pile", "--report", "other.txt"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
}

#[test]
fn structures_that_cannot_be_learnt_are_told_and_nothing_is_written() {
    let place = Place::new();
    place.put("known/a.jpg", jpeg(1));
    place.put("known/b.txt", "no picture");
    let ran = place.run(&["provenance", "learn", "known", "--label", "Library", "--out", "own.ndjson"]);
    assert_eq!(ran.code, Some(2), "{}", ran.out);
    assert!(ran.err.contains("1: no JPEG") && ran.err.contains("libraries"), "{}", ran.err);
    assert_eq!(place.names(), ["known"]);
}

#[test]
fn what_is_built_in_can_be_shown() {
    let ran = Place::new().run(&["provenance", "show", "--format", "json"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    let shown: Value = serde_json::from_str(&ran.out).unwrap();
    assert!(shown["basis"].as_str().unwrap().starts_with("examiners/"), "{shown}");
}

/// Holds a value against the part of JSON Schema that ours uses.
fn fits(value: &Value, schema: &Value, root: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        return fits(value, root.pointer(&reference[1..]).unwrap(), root, at);
    }
    let fail = |what: String| Err(format!("{at}: {what} in {value}"));
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(n) if n.is_u64() || n.is_i64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(many) => many.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => vec![],
    };
    let is = |name: &&str| *name == kind || *name == "number" && kind == "integer";
    if !allowed.is_empty() && !allowed.iter().any(is) {
        return fail(format!("{kind} is none of {allowed:?}"));
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        return fail("an unknown word".to_owned());
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return fail("another constant".to_owned());
    }
    if let Some(object) = value.as_object() {
        for name in schema["required"].as_array().into_iter().flatten() {
            if !object.contains_key(name.as_str().unwrap()) {
                return fail(format!("{name} is missing"));
            }
        }
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(own) = object.get(name) {
                fits(own, inner, root, &format!("{at}.{name}"))?;
            }
        }
    }
    for inner in value.as_array().into_iter().flatten() {
        fits(inner, &schema["items"], root, &format!("{at}[]"))?;
    }
    if let Some(ways) = schema["oneOf"].as_array() {
        let fitting = ways.iter().filter(|way| fits(value, way, root, at).is_ok()).count();
        if fitting != 1 {
            return fail(format!("{fitting} of the ways fit"));
        }
    }
    Ok(())
}

#[test]
fn every_object_is_as_its_schema_says() {
    let schema: Value =
        serde_json::from_str(include_str!("../../../../docs/formats/examine.schema.json")).unwrap();
    let place = Place::new();
    place.put("pile/a.png", png_with_text(1, "parameters", PARAMETERS));
    place.put("pile/b.jpg", jpeg(2));
    place.put("pile/c.zip", zip(&[("x.png", png(3)), ("empty", vec![])]));
    place.put("pile/text.jpg", "no picture\n");
    let ran = examine(&place, &["pile", "nowhere", "--maps", "maps"]);
    assert_eq!((ran.code, ran.objects().len()), (Some(2), 7), "{}", ran.err);
    for object in ran.objects() {
        fits(&object, &schema, &schema, "file").unwrap();
    }
    let mut broken = ran.objects().remove(0);
    broken["camera_chain"] = "certain".into();
    assert!(fits(&broken, &schema, &schema, "file").is_err(), "the schema holds something back");
}

#[test]
fn maps_are_pictures_in_their_folder_and_named_in_the_output() {
    let place = Place::new();
    place.put("a.jpg", jpeg(1));
    let object = examine(&place, &["a.jpg", "--maps", "maps"]).objects().remove(0);
    let maps = object["maps"].as_array().unwrap();
    for map in maps {
        let bytes = fs::read(place.path(map["file"].as_str().unwrap())).unwrap();
        assert!(bytes.starts_with(b"\x89PNG") && map["caption"].as_str().unwrap().len() > 20, "{map}");
    }
    assert_eq!(crate::program::names(&place.path("maps")).len(), maps.len());
    assert!(examine(&place, &["a.jpg"]).objects()[0].get("maps").is_none());
}

#[test]
fn text_beside_a_picture_is_read_unless_it_is_not_wanted() {
    let place = Place::new();
    place.put("a.png", png(1));
    place.put("a.txt", PARAMETERS);
    let object = |more: &[&str]| examine(&place, &[&["a.png"], more].concat()).objects().remove(0);
    let beside = object(&[]);
    assert_eq!(beside["generator"]["source"], "sidecar", "{beside}");
    assert!(object(&["--no-sidecars"])["generator"].is_null());
    assert!(place.scan(&["a.png"]).file("a.png")["generator"].is_null(), "scans read no other file for one");
}

#[test]
fn the_same_keys_stand_in_a_scan() {
    let place = Place::new();
    place.put("pile/a.png", png_with_text(1, "parameters", PARAMETERS));
    let scanned = place.scan(&["pile", "--examine", "full"]).file("pile/a.png");
    let examined = examine(&place, &["pile", "--no-sidecars"]).objects().remove(0);
    for name in [
        "findings",
        "generator",
        "camera_chain",
        "credentials",
        "watermarks",
        "assessment",
        "reading",
        "checks",
    ] {
        assert_eq!(scanned[name], examined[name], "{name}");
    }
    let quick = place.scan(&["pile"]).file("pile/a.png");
    assert_eq!(quick["generator"], examined["generator"]);
    assert_ne!(quick["checks"], examined["checks"]);
}
