//! The camera's trace, complete, in part, copied and contradicted.

use lodestone_types::{Assessment, CameraChain, Finding, Proposition};

use crate::build::{Value, app1_exif, bx, examine, film, jfif, jpeg, keyed_meta, segment, tiff};

fn camera(make: &str, software: &str, note: &[u8]) -> Vec<u8> {
    tiff(
        &[
            (0x010f, Value::Ascii(make)),
            (0x0110, Value::Ascii("X-1 Testcamera")),
            (0x0131, Value::Ascii(software)),
            (0x0132, Value::Ascii("2019:06:01 12:00:00")),
        ],
        &[
            (0x829a, Value::Rational(1, 250)),
            (0x829d, Value::Rational(28, 10)),
            (0x9003, Value::Ascii("2019:06:01 12:00:00")),
            (0x927c, Value::Bytes(note)),
            (0xa002, Value::Long(8)),
            (0xa003, Value::Long(8)),
        ],
    )
}

/// Two fields behind a header of their own: a serial number and a shutter count.
const NIKON: &[u8] = b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0\x02\0\
\x1d\0\x02\0\x07\0\0\0\x26\0\0\0\
\xa7\0\x04\0\x01\0\0\0\x05\0\0\0\
\0\0\0\0\
123456\0";

fn read(file: &[u8], size: (u32, u32)) -> (Vec<Finding>, Assessment) {
    examine(file, size)
}

fn has(findings: &[Finding], code: &str) -> bool {
    findings.iter().any(|f| f.code == code)
}

#[test]
fn a_full_chain_with_a_cameras_structure_is_read_as_such() {
    let file = jpeg(&[app1_exif(&camera("NIKON", "Ver.1.00", NIKON))], true);
    let (findings, assessment) = read(&file, (8, 8));
    assert_eq!(assessment.camera_chain, CameraChain::Strong);
    assert_eq!(assessment.camera.as_deref(), Some("NIKON X-1 Testcamera"));
    assert_eq!(assessment.supported, [Proposition::CameraOriginal]);
    assert!(!format!("{findings:?}").contains("123456"), "serial numbers are not shown");
    let make = findings
        .iter()
        .flat_map(|f| &f.locations)
        .find(|l| l.field == "exif:Make")
        .expect("Make is a location");
    let at = usize::try_from(make.offset.expect("known")).expect("small");
    assert_eq!(&file[at..at + 5], b"NIKON");
}

#[test]
fn exif_copied_over_a_library_file_is_contradicted_by_its_structure() {
    let file = jpeg(&[jfif(), app1_exif(&camera("NIKON", "", NIKON))], false);
    let (findings, assessment) = read(&file, (8, 8));
    assert_eq!(assessment.camera_chain, CameraChain::Contradicted);
    assert!(has(&findings, "structure.disagrees"));
    assert_eq!(assessment.supported.first(), Some(&Proposition::EditedCapture));
    assert!(assessment.statement.contains("contradicts"));
}

#[test]
fn an_editor_makes_the_chain_weak() {
    let file = jpeg(&[app1_exif(&camera("NIKON", "GIMP 2.10", NIKON))], true);
    let (_, assessment) = read(&file, (8, 8));
    assert_eq!(assessment.camera_chain, CameraChain::Weak);
    assert_eq!(assessment.editor.as_deref(), Some("GIMP"));
    assert_eq!(assessment.supported.first(), Some(&Proposition::EditedCapture));
}

#[test]
fn a_transfer_program_is_shown_and_changes_nothing() {
    let file = jpeg(&[app1_exif(&camera("NIKON", "Nikon Transfer 1.1 W", NIKON))], true);
    let (findings, assessment) = read(&file, (8, 8));
    assert!(has(&findings, "software.transfer"));
    assert_eq!(assessment.camera_chain, CameraChain::Strong);
}

#[test]
fn a_maker_note_of_another_vendor_contradicts_the_chain() {
    let file = jpeg(&[app1_exif(&camera("Canon", "", NIKON))], true);
    let (findings, assessment) = read(&file, (8, 8));
    assert!(has(&findings, "makernote.disagrees"));
    assert_eq!(assessment.camera_chain, CameraChain::Contradicted);
}

#[test]
fn a_stated_size_that_is_not_the_pictures_is_found() {
    let file = jpeg(&[app1_exif(&camera("NIKON", "", NIKON))], true);
    for (size, found) in [((8, 8), false), ((8, 6), true), ((0, 0), false)] {
        let (findings, assessment) = read(&file, size);
        assert_eq!(has(&findings, "exif.size_disagrees"), found, "{size:?}");
        let expected = if found { CameraChain::Contradicted } else { CameraChain::Strong };
        assert_eq!(assessment.camera_chain, expected);
    }
}

#[test]
fn a_camera_and_a_generator_in_one_file_are_both_shown() {
    let comment = segment(0xfe, br#"{"prompt": "x", "base_model": "m"}"#);
    let file = jpeg(&[app1_exif(&camera("NIKON", "", NIKON)), comment], true);
    let (findings, assessment) = read(&file, (8, 8));
    assert!(has(&findings, "conflict.camera_and_generator"));
    assert_eq!(assessment.generator.as_deref(), Some("Fooocus"));
    assert!(assessment.supported.contains(&Proposition::CameraOriginal));
}

#[test]
fn the_words_of_a_reading_claim_no_more_than_metadata_can() {
    for file in [
        jpeg(&[app1_exif(&camera("NIKON", "", NIKON))], true),
        jpeg(&[jfif()], false),
        crate::build::png_text(&[("Software", "NovelAI")]),
    ] {
        let (findings, assessment) = read(&file, (8, 8));
        let shown = format!("{findings:?} {assessment:?}").to_lowercase();
        for word in ["fake", "authentic", "verdict", "confidence", "proof"] {
            assert!(!shown.contains(word), "{word}: {shown}");
        }
        assert!(assessment.limits.iter().any(|l| l.contains("must not be the only ground")));
    }
}

#[test]
fn a_photo_mode_of_a_game_is_no_camera() {
    let note = tiff(
        &[(0x010f, Value::Ascii("Polyphony Digital Inc.")), (0x0110, Value::Ascii("Gran Turismo 5"))],
        &[
            (0x829a, Value::Rational(1, 60)),
            (0x9003, Value::Ascii("2019:06:01 12:00:00")),
            (0x927c, Value::Bytes(NIKON)),
        ],
    );
    let (findings, assessment) = read(&jpeg(&[app1_exif(&note)], true), (8, 8));
    assert!(has(&findings, "camera.chain.game"));
    assert_ne!(assessment.camera_chain, CameraChain::Strong);
    assert_eq!(assessment.supported.first(), Some(&Proposition::OtherSynthetic));
}

#[test]
fn a_maker_note_that_was_moved_or_broken_is_no_witness() {
    let broken = b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0no directory stands here";
    let file = jpeg(&[app1_exif(&camera("NIKON", "", broken))], true);
    let (findings, assessment) = read(&file, (8, 8));
    assert!(has(&findings, "makernote.broken"));
    assert_eq!(assessment.camera_chain, CameraChain::Weak);
}

#[test]
fn a_service_that_re_encodes_is_named_and_the_chain_is_weak() {
    let mut iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0f".to_vec();
    iptc.extend(b"\x1c\x02\x28\0\x0aFBMD010203\0");
    let file = jpeg(&[app1_exif(&camera("NIKON", "", NIKON)), segment(0xed, &iptc)], true);
    let (findings, assessment) = read(&file, (8, 8));
    assert!(has(&findings, "editor.social"));
    assert_eq!(assessment.facts.get("editor").map(String::as_str), Some("social"));
    assert_ne!(assessment.camera_chain, CameraChain::Strong);
}

#[test]
fn exposure_and_dates_that_do_not_agree_are_found() {
    let blob = tiff(
        &[
            (0x010f, Value::Ascii("NIKON")),
            (0x0110, Value::Ascii("X-1")),
            (0x0132, Value::Ascii("2019:06:01 12:00:00")),
        ],
        &[
            (0x829a, Value::Rational(1, 250)),
            (0x829d, Value::Rational(28, 10)),
            (0x9003, Value::Ascii("2019:06:01 12:00:00")),
            (0x9004, Value::Ascii("2021:06:01 12:00:00")),
            // An aperture of f/16 in APEX.
            (0x9202, Value::Rational(8, 1)),
        ],
    );
    let (findings, assessment) = read(&jpeg(&[app1_exif(&blob)], true), (8, 8));
    assert!(has(&findings, "exif.exposure_disagrees") && has(&findings, "exif.digitized_apart"));
    assert_eq!(assessment.facts.get("exif_consistency").map(String::as_str), Some("inconsistent"));
    let (findings, assessment) = read(&jpeg(&[app1_exif(&camera("NIKON", "", NIKON))], true), (8, 8));
    assert!(!has(&findings, "exif.exposure_disagrees"));
    assert_eq!(assessment.facts.get("exif_consistency").map(String::as_str), Some("consistent"));
}

#[test]
fn a_film_names_its_device_and_its_place_is_not_shown() {
    let file = film(&[
        keyed_meta(&[
            ("com.apple.quicktime.make", "Acme"),
            ("com.apple.quicktime.model", "Phone 3"),
            ("com.apple.quicktime.location.ISO6709", "+12.3456+098.7654/"),
        ]),
        bx(b"udta", &bx(b"\xa9swr", b"\0\x0a\x15\xc7Lavf58.1.0")),
    ]);
    let (findings, assessment) = read(&file, (0, 0));
    assert!(has(&findings, "film.camera"));
    assert_eq!(assessment.camera.as_deref(), Some("Acme Phone 3"));
    assert_eq!(assessment.camera_chain, CameraChain::Weak);
    assert_eq!(assessment.editor.as_deref(), Some("a film editor or encoder"));
    assert!(!format!("{findings:?}").contains("12.3456"), "places are not shown");
}

/// A MakerNote: a vendor's header, and a directory of two fields.
fn note(header: &[u8]) -> Vec<u8> {
    let directory = b"\x02\0\x01\0\x03\0\x01\0\0\0\x07\0\0\0\x02\0\x03\0\x01\0\0\0\x09\0\0\0\0\0\0\0";
    [header, directory].concat()
}

#[test]
fn the_common_makers_can_be_strong_and_a_saving_anew_cannot() {
    for (make, header, phone) in [
        ("Canon", &b""[..], false),
        ("NIKON CORPORATION", b"Nikon\0\x02\x10\0\0II*\0\x08\0\0\0", false),
        ("SONY", b"SONY DSC \0\0\0", false),
        ("FUJIFILM", b"FUJIFILM\x0c\0\0\0", false),
        ("OLYMPUS CORPORATION", b"OLYMPUS\0II\x03\0", false),
        ("OM Digital Solutions", b"OM SYSTEM\0\0\0II\x04\0", false),
        ("Panasonic", b"Panasonic\0\0\0", false),
        ("RICOH IMAGING COMPANY, LTD.", b"PENTAX \0II", false),
        ("PENTAX", b"AOC\0II", false),
        ("LEICA CAMERA AG", b"LEICA CAMERA AG\0\0\0", false),
        ("Apple", b"Apple iOS\0\0\x01II", true),
        ("samsung", b"", true),
        ("Google", b"HDRP\x02\x01\x02\x03", true),
        ("Xiaomi", b"", true),
    ] {
        let exif = |software: &str| app1_exif(&camera(make, software, &note(header)));
        // Phones encode with the common tables and leave JFIF out; cameras have tables of their own.
        let original = jpeg(&[exif("1.00")], !phone);
        let (findings, assessment) = read(&original, (8, 8));
        assert_eq!(assessment.camera_chain, CameraChain::Strong, "{make}: {findings:#?}");
        let again = jpeg(&[jfif(), exif("1.00")], false);
        assert_eq!(
            read(&again, (8, 8)).1.camera_chain,
            CameraChain::Contradicted,
            "{make}, saved by a library"
        );
        for editor in
            ["Adobe Photoshop Lightroom Classic 13.0 (Windows)", "GIMP 2.10.36", "Snapseed 2.0", "Google"]
        {
            let edited = jpeg(&[exif(editor)], !phone);
            let chain = read(&edited, (8, 8)).1.camera_chain;
            assert_eq!(chain == CameraChain::Strong, editor == "Google", "{make}, {editor}");
        }
        let cropped = read(&original, (8, 4)).1.camera_chain;
        assert_eq!(cropped, CameraChain::Contradicted, "{make}, cropped");
    }
}
