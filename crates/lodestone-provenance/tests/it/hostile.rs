//! Cut, patched and bomb files: every reading ends, within its limits.

use lodestone_media::segments::scan;

use crate::build::{
    Value, app1_exif, app1_xmp, bx, chunk, examine, film, jfif, jpeg, keyed_meta, png, png_text, segment,
    tiff, user_comment, webp, xmp,
};

fn samples() -> Vec<Vec<u8>> {
    let text = "x\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Denoising strength: 0.5";
    let packet = xmp(
        r#"xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" i:DigitalSourceType="a/trainedAlgorithmicMedia""#,
        "",
    );
    let blob = tiff(
        &[(0x010f, Value::Ascii("NIKON")), (0x0110, Value::Ascii("X-1"))],
        &[
            (0x829a, Value::Rational(1, 250)),
            (0x9003, Value::Ascii("2019:06:01 12:00:00")),
            (0x9286, Value::Bytes(&user_comment(text, true))),
            (0x927c, Value::Bytes(b"Nikon\0\x02\x10\0\0II*\0")),
        ],
    );
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(text.as_bytes(), 6);
    let iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x08\x1c\x02\x6e\0\x03abc";
    let graph = r#"{"1":{"class_type":"LoadImage","inputs":{}},"2":{"class_type":"SaveImage","inputs":{"images":["1",0]}}}"#;
    vec![
        jpeg(&[jfif(), app1_exif(&blob), app1_xmp(&packet), segment(0xed, iptc)], true),
        png(&[
            chunk(b"zTXt", &[b"parameters\0\0", packed.as_slice()].concat()),
            chunk(b"eXIf", &blob),
            chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", packet.as_bytes()].concat()),
        ]),
        png_text(&[("prompt", graph), ("parameters", text)]),
        webp(&[(b"EXIF", &blob), (b"XMP ", packet.as_bytes())]),
        film(&[
            keyed_meta(&[("com.apple.quicktime.make", "Acme"), ("com.apple.quicktime.model", "One")]),
            bx(b"udta", &bx(b"\xa9swr", b"\0\x04\x15\xc7Lavf")),
        ]),
        canon(),
        blob,
    ]
}

/// The blob with a bare directory for a MakerNote, of a Make that writes one.
fn canon() -> Vec<u8> {
    let note = b"\x02\0\x06\0\x02\0\x08\0\0\0\x40\0\0\0\x26\0\x03\0\x01\0\0\0\x08\0\0\0\0\0\0\0IMG:One\0";
    tiff(
        &[(0x010f, Value::Ascii("Canon")), (0x0110, Value::Ascii("One"))],
        &[(0x829a, Value::Rational(1, 60)), (0x9204, Value::Bytes(&[0; 8])), (0x927c, Value::Bytes(note))],
    )
}

#[test]
fn a_file_cut_at_any_offset_is_read_without_a_panic() {
    for file in samples() {
        for end in 0..file.len() {
            let (_, assessment) = examine(&file[..end], (8, 8));
            assert!(!assessment.basis.is_empty());
        }
    }
}

#[test]
fn a_thousand_mutations_of_each_sample_are_read_without_a_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state >> 33).expect("31 bits") % below
    };
    for file in samples() {
        for _ in 0..1_000 {
            let mut copy = file.clone();
            for _ in 0..=random(4) {
                let at = random(copy.len());
                match random(4) {
                    0 => copy[at] = 0xff,
                    1 => copy[at] ^= 1 << random(8),
                    2 => copy[at] = u8::try_from(random(256)).expect("a byte"),
                    _ => {
                        copy.remove(at);
                    }
                }
            }
            let (findings, assessment) = examine(&copy, (8, 8));
            assert_eq!((findings, assessment), examine(&copy, (8, 8)), "same input, same output");
        }
    }
}

#[test]
fn entity_bombs_and_document_types_are_refused() {
    let bomb =
        format!(r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>{}"#, xmp("", "&b;"));
    let (findings, assessment) = examine(&jpeg(&[app1_xmp(&bomb)], false), (8, 8));
    let refused = findings.iter().find(|f| f.code == "xmp.unreadable").expect("said so");
    assert!(refused.what.contains("document type refused"));
    assert!(assessment.abstains);
}

#[test]
fn xml_nested_a_hundred_thousand_deep_is_refused_or_read() {
    let open = r#"<a x="/>">"#.repeat(150_000);
    let file = webp(&[(b"XMP ", open.as_bytes())]);
    let (findings, _) = examine(&file, (8, 8));
    assert!(findings.iter().any(|f| f.code == "xmp.unreadable"));
    let nested = format!("{}{}", "<a>".repeat(90_000), "</a>".repeat(90_000));
    let _ = examine(&webp(&[(b"XMP ", nested.as_bytes())]), (8, 8));
}

#[test]
fn attributes_and_namespaces_without_end_are_refused() {
    let many = |one: &dyn Fn(u32) -> String| (0..100_000).map(one).collect::<String>();
    let attributes = format!("<a {}/>", many(&|i| format!("a{i}='' ")));
    let namespaces = many(&|i| format!("<a xmlns:n{i}='u{i}'>"));
    for packet in [attributes, namespaces] {
        let file = webp(&[(b"XMP ", packet.as_bytes())]);
        let (findings, _) = examine(&file, (8, 8));
        let refused = findings.iter().find(|f| f.code == "xmp.unreadable").expect("said so");
        assert!(refused.what.contains("too many"), "{}", refused.what);
    }
}

#[test]
fn a_text_that_inflates_without_end_is_cut() {
    let zeros = vec![b'{'; 64 << 20];
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(&zeros, 6);
    let text = chunk(b"zTXt", &[b"prompt\0\0", packed.as_slice()].concat());
    let file = png(&vec![text; 8]);
    let segments = scan(&file);
    let held: usize = segments.items.iter().map(|s| s.data.len()).sum();
    assert!(held <= 16 << 20, "{held}");
    let (_, assessment) = examine(&file, (8, 8));
    assert_eq!(assessment.generator, None);
}
