//! JPEG structure: signatures, the database, learning, and what is said of a camera's claim.

use lodestone_media::segments::scan;
use lodestone_provenance::structure::{
    Class, Database, Learner, Level, Order, Refusal, Signature, read_layout,
};
use lodestone_types::CameraChain;

use crate::build::{Value, app1_exif, app1_xmp, examine, jfif, jpeg, segment, tiff};

fn camera(make: &str) -> Vec<u8> {
    let note = b"Canon note of some length";
    tiff(
        &[
            (0x010f, Value::Ascii(make)),
            (0x0110, Value::Ascii("Z-9")),
            (0x0132, Value::Ascii("2019:06:01 12:00:00")),
        ],
        &[
            (0x829a, Value::Rational(1, 250)),
            (0x9003, Value::Ascii("2019:06:01 12:00:00")),
            (0x927c, Value::Bytes(note)),
        ],
    )
}

/// Annex K's luma and chroma tables at quality 50, zigzag.
fn example_tables() -> [Vec<u8>; 2] {
    let luma = "16 11 12 14 12 10 16 14 13 14 18 17 16 19 24 40 26 24 22 22 24 49 35 37 29 40 58 51 61 60 57 51 56 55 64 72 \
                92 78 64 68 87 69 55 56 80 109 81 87 95 98 103 104 103 62 77 113 121 112 100 120 92 101 103 99";
    let chroma = "17 18 18 24 21 24 47 26 26 47 99 66 56 66 99";
    let read =
        |text: &str| -> Vec<u8> { text.split_whitespace().map(|n| n.parse().expect("a number")).collect() };
    let mut chroma = read(chroma);
    chroma.resize(64, 99);
    [read(luma), chroma]
}

/// A JPEG as libjpeg builds it: a segment for each table.
fn library(before: &[Vec<u8>]) -> Vec<u8> {
    let [luma, chroma] = example_tables();
    let table = |id: u8, steps: &[u8]| segment(0xdb, &[&[id], steps].concat());
    let dht = |head: u8, counts: [u8; 16], symbols: &[u8]| {
        segment(0xc4, &[&[head], counts.as_slice(), symbols].concat())
    };
    let dc = [0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0];
    let run: Vec<u8> = (0..12).collect();
    let frame = [8, 0, 8, 0, 8, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
    [
        vec![0xff, 0xd8],
        before.concat(),
        table(0, &luma),
        table(1, &chroma),
        segment(0xc0, &frame),
        dht(0, dc, &run),
        dht(1, [0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0], &run),
        segment(0xda, &[3, 1, 0, 2, 0x11, 3, 0x11, 0, 63, 0]),
        vec![0, 0xff, 0xd9],
    ]
    .concat()
}

fn signature(file: &[u8]) -> Signature {
    Signature::of(&scan(file)).expect("a JPEG")
}

#[test]
fn a_signature_is_stable_and_says_what_it_holds() {
    let file = library(&[jfif()]);
    let signature = signature(&file);
    assert_eq!(
        signature.layout,
        "coding c0/8; components 1:22:0 2:11:1 3:11:1; order APP0:JFIF DQT DQT SOF0 DHT DHT SOS; tables 0 1; \
         huffman standard 00 01; restarts none"
    );
    // Promised by docs/formats/structures.md: these change only with the version.
    assert_eq!(signature.family.to_string(), FAMILY);
    assert_eq!(signature.tables.to_string(), TABLES);
    assert_eq!(read_layout(scan(&file).jpeg.as_ref().expect("a JPEG"), None).order, Order::Libjpeg);
}

const FAMILY: &str = "dc14cc269a82778e491e07ee99074f4e";
const TABLES: &str = "96c1f9d4e264967fad140ae6e3e0a94c";

#[test]
fn metadata_that_other_programs_add_changes_neither_tables_nor_layout() {
    let exif = app1_exif(&camera("Canon"));
    let bare = jpeg(std::slice::from_ref(&exif), true);
    let with_xmp = jpeg(&[exif, app1_xmp("<x/>"), segment(0xfe, b"a comment")], true);
    let (one, other) = (signature(&bare), signature(&with_xmp));
    assert_eq!((one.tables, one.family), (other.tables, other.family));
    assert_ne!(one.family, signature(&jpeg(&[jfif()], true)).family);
}

#[test]
fn what_is_no_jpeg_has_no_signature_and_is_a_fact() {
    assert_eq!(Signature::of(&scan(b"\x89PNG\r\n\x1a\n")), None);
    assert_eq!(Signature::of(&scan(&[0xff, 0xd8, 0xff, 0xd9])), None);
    let (_, assessment) = examine(b"\x89PNG\r\n\x1a\n", (0, 0));
    assert_eq!(assessment.facts.get("structure").map(String::as_str), Some("not_jpeg"));
}

#[test]
fn what_was_learned_is_known_again_and_agrees_with_its_maker() {
    let file = jpeg(&[app1_exif(&camera("Zorki"))], true);
    let mut learner = Learner::new("own cameras", None);
    assert_eq!(learner.add(&scan(&file)), Ok(()));
    assert_eq!(learner.add(&scan(&file)), Ok(()));
    let text = learner.finish("2026-01-02");
    let mut database = Database::default();
    assert_eq!(database.add_text("own.ndjson", &text), Ok(()), "{text}");
    let signature = signature(&file);
    let known = database.look_up(&signature);
    let levels: Vec<Level> = known.iter().map(|k| k.level).collect();
    assert_eq!(levels, [Level::Exact, Level::Tables]);
    assert_eq!((known[0].who.as_str(), known[0].files, known[0].class), ("Zorki", Some(2), Class::Camera));
    assert_eq!(known[0].models, ["Z-9"]);
    assert_eq!(known[0].database, "own cameras (2026-01-02)");
    assert!(database.describe()[0].contains("2 entries"), "{:?}", database.describe());
}

#[test]
fn learning_gives_the_same_text_in_any_order_and_uses_the_label() {
    let files = [jpeg(&[app1_exif(&camera("A"))], true), jpeg(&[app1_exif(&camera("B"))], true)];
    let learned = |order: [usize; 2]| {
        let mut learner = Learner::new("t", Some("our van's camera"));
        order.iter().for_each(|&i| assert_eq!(learner.add(&scan(&files[i])), Ok(())));
        learner.finish("2026-01-02")
    };
    assert_eq!(learned([0, 1]), learned([1, 0]));
    assert!(learned([0, 1]).contains(r#""who":"our van's camera""#));
}

#[test]
fn edited_library_and_nameless_files_are_not_learned() {
    let mut learner = Learner::new("t", None);
    let exif = app1_exif(&camera("Canon"));
    let adobe = segment(0xee, b"Adobe\0\x64\0\0\0\0\x01");
    assert_eq!(learner.add(&scan(&jpeg(&[exif.clone(), adobe], true))), Err(Refusal::Edited));
    assert_eq!(learner.add(&scan(&library(&[jfif(), exif]))), Err(Refusal::Library));
    assert_eq!(learner.add(&scan(&jpeg(&[], true))), Err(Refusal::NoMaker));
    assert_eq!(learner.add(&scan(b"GIF89a")), Err(Refusal::NotJpeg));
    assert!(learner.is_empty());
}

#[test]
fn an_adobe_segment_behind_a_cameras_exif_disagrees() {
    let adobe = segment(0xee, b"Adobe\0\x64\0\0\0\0\x01");
    let file = jpeg(&[app1_exif(&camera("Canon")), adobe], true);
    let (findings, assessment) = examine(&file, (8, 8));
    assert_eq!(assessment.facts.get("structure").map(String::as_str), Some("editor"));
    assert_eq!(assessment.camera_chain, CameraChain::Contradicted);
    let finding = findings.iter().find(|f| f.code == "structure.editor").expect("found");
    let offset = finding.locations[0].offset.and_then(|o| usize::try_from(o).ok()).expect("an offset");
    assert_eq!(&file[offset..offset + 2], [0xff, 0xee]);
}

#[test]
fn a_library_file_without_jfif_passes_for_a_phone_and_for_no_camera() {
    let opinion = |make: &str| {
        let (findings, _) = examine(&library(&[app1_exif(&camera(make))]), (8, 8));
        let codes: Vec<_> =
            findings.iter().map(|f| f.code.clone()).filter(|c| c.ends_with("agrees")).collect();
        codes
    };
    assert_eq!(opinion("samsung"), ["structure.agrees"]);
    assert!(opinion("Canon").is_empty());
}
