//! Traces of an earlier compression, and maps, on drawn pictures.

use lodestone_media::segments::scan;
use lodestone_provenance::{Examined, Item, Kit, Pixels, Wish, examine};

const SIDE: usize = 384;

/// Noise over soft waves, grey, from a seeded generator: no picture of anything.
fn drawn() -> Vec<u8> {
    let mut state = 7u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 40).expect("24 bits")) / f64::from(1 << 24) - 0.5
    };
    // Noise evened out over neighbours has the falling spectrum of photographs.
    let mut field: Vec<f64> = (0..SIDE * SIDE).map(|_| random() * 400.0).collect();
    for _ in 0..2 {
        for i in 1..field.len() {
            field[i] = 0.6 * field[i - 1] + 0.4 * field[i];
        }
        for i in SIDE..field.len() {
            field[i] = 0.6 * field[i - SIDE] + 0.4 * field[i];
        }
    }
    field.iter().map(|v| (v + 128.0).round().clamp(0.0, 255.0) as u8).collect()
}

fn jpeg(grey: &[u8], width: usize, height: usize, quality: u8) -> Vec<u8> {
    let mut out = Vec::new();
    let size = |n: usize| u16::try_from(n).expect("small");
    jpeg_encoder::Encoder::new(&mut out, quality)
        .encode(grey, size(width), size(height), jpeg_encoder::ColorType::Luma)
        .expect("encodes");
    out
}

fn pixels(file: &[u8]) -> (usize, usize, Vec<u8>) {
    let limits = lodestone_media::Limits::default();
    let (width, height, grey) = lodestone_media::jpeg::decode_luma_scaled(file, &limits, 1).expect("decodes");
    (width as usize, height as usize, grey)
}

fn crop(grey: &[u8], width: usize, left: usize, top: usize) -> Vec<u8> {
    grey.chunks_exact(width).skip(top).flat_map(|row| row[left..].iter().copied()).collect()
}

fn read(file: &[u8], pixels: Option<Pixels<'_>>, maps: bool) -> Examined {
    let segments = scan(file);
    let item = Item { bytes: file, segments: &segments, width: 0, height: 0, pixels, sidecar: None };
    examine(&item, &Kit::built_in(), &Wish { recompression: true, maps, ..Wish::default() })
}

fn code(examined: &Examined) -> Vec<&str> {
    examined.findings.iter().map(|f| f.code.as_str()).filter(|c| c.starts_with("recompression")).collect()
}

fn fact(examined: &Examined) -> Option<&str> {
    examined.assessment.facts.get("recompressed").map(String::as_str)
}

#[test]
fn one_compression_leaves_no_trace_and_two_do() {
    let original = drawn();
    let once = jpeg(&original, SIDE, SIDE, 75);
    let examined = read(&once, None, false);
    assert_eq!((code(&examined), fact(&examined)), (vec!["recompression.none"], Some("no")));
    let (width, height, grey) = pixels(&once);
    let twice = read(&jpeg(&grey, width, height, 92), None, false);
    assert_eq!((code(&twice), fact(&twice)), (vec!["recompression.double"], Some("yes")));
    let what = &twice.findings.iter().find(|f| f.code == "recompression.double").expect("found").what;
    assert!(what.contains("quality 7"), "the earlier was 75: {what}");
    assert!(twice.assessment.scores["recompression"] > examined.assessment.scores["recompression"] + 0.1);
}

#[test]
fn a_crop_between_two_compressions_is_found_with_its_place() {
    let once = jpeg(&drawn(), SIDE, SIDE, 80);
    let (width, height, grey) = pixels(&once);
    let cropped = crop(&grey, width, 3, 5);
    let examined = read(&jpeg(&cropped, width - 3, height - 5, 95), None, false);
    assert_eq!(code(&examined), ["recompression.grid_offset"]);
    let what = &examined.findings.iter().find(|f| f.code == "recompression.grid_offset").expect("found").what;
    assert!(what.contains("(5, 3)"), "{what}");
}

#[test]
fn pixels_of_another_format_tell_that_they_were_a_jpeg() {
    let png = b"\x89PNG\r\n\x1a\n";
    let told = |grey: &[u8]| {
        let rgb: Vec<u8> = grey.iter().flat_map(|&g| [g; 3]).collect();
        let side = u32::try_from(SIDE).expect("small");
        let examined = read(png, Some(Pixels { width: side, height: side, rgb: &rgb, alpha: None }), false);
        (fact(&examined).map(str::to_owned), code(&examined).join(" "))
    };
    let (_, _, grey) = pixels(&jpeg(&drawn(), SIDE, SIDE, 80));
    assert_eq!(told(&grey), (Some("yes".to_owned()), "recompression.grid_offset".to_owned()));
    assert_eq!(told(&drawn()), (Some("no".to_owned()), "recompression.none".to_owned()));
}

#[test]
fn what_is_too_small_or_has_no_pixels_is_not_told() {
    let small = jpeg(&[128; 64], 8, 8, 80);
    for file in [small.as_slice(), b"\x89PNG\r\n\x1a\n".as_slice(), &small[..small.len() / 2]] {
        let examined = read(file, None, true);
        assert_eq!((fact(&examined), code(&examined).len(), examined.maps.len()), (Some("not_told"), 0, 0));
    }
}

#[test]
fn maps_are_bounded_captioned_and_always_the_same() {
    let file = jpeg(&drawn(), SIDE, SIDE, 85);
    let (one, other) = (read(&file, None, true).maps, read(&file, None, true).maps);
    assert_eq!(one, other);
    let names: Vec<&str> = one.iter().map(|m| m.name.as_str()).collect();
    assert_eq!(names, ["error-level", "noise", "grid", "ghost"]);
    for map in &one {
        assert!(map.caption.contains("never scored"));
        assert_eq!((map.width, map.height), (384, 384));
        let decoder = png::Decoder::new(std::io::Cursor::new(&map.png));
        let mut reader = decoder.read_info().expect("a PNG");
        let mut grey = vec![0; reader.output_buffer_size().expect("known")];
        reader.next_frame(&mut grey).expect("whole");
        let distinct: std::collections::BTreeSet<u8> = grey.into_iter().collect();
        if map.name == "ghost" {
            // Quality 85 is the eighth of the ghosts.
            assert_eq!(distinct, std::collections::BTreeSet::from([7 * 25]));
        } else {
            assert!(distinct.len() > 4, "{}: {distinct:?}", map.name);
        }
    }
    assert!(read(&file, None, false).maps.is_empty());
}

/// Boxes of four greys on an even ground.
fn boxes() -> Vec<u8> {
    let mut grey = vec![245u8; SIDE * SIDE];
    let mut state = 11u64;
    let mut below = move |limit: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 40).expect("24 bits") % limit
    };
    for _ in 0..60 {
        let (left, top, width, height) = (below(SIDE - 60), below(SIDE - 60), 10 + below(50), 10 + below(50));
        let value = [20, 90, 160, 220][below(4)];
        for row in grey.chunks_exact_mut(SIDE).skip(top).take(height) {
            row[left..left + width].fill(value);
        }
    }
    grey
}

#[test]
fn a_drawing_that_was_saved_once_is_not_said_to_be_saved_twice() {
    let mut not_told = 0;
    for quality in [60, 75, 85, 90, 95] {
        let once = read(&jpeg(&boxes(), SIDE, SIDE, quality), None, false);
        assert!(code(&once).iter().all(|c| *c == "recompression.none"), "{quality}: {:?}", code(&once));
        let check = once.assessment.checks.iter().find(|c| c.examiner == "recompression").expect("a check");
        if check.why.as_deref().is_some_and(|why| why.contains("drawings")) {
            not_told += 1;
            assert_eq!(fact(&once), Some("not_told"), "{quality}");
            assert!(
                !once.assessment.scores.contains_key("recompression"),
                "{quality}: nothing to calibrate by"
            );
        }
    }
    assert!(
        not_told > 0,
        "at some quality its histogram looks like two compressions, and nothing is made of it"
    );
}
