//! Each convention is read from a fabricated file, and ordinary words are not.

use lodestone_types::{Assessment, CameraChain, Finding, Proposition};

use crate::build::{
    Value, app1_exif, app1_xmp, chunk, examine, jfif, jpeg, png, png_text, segment, tiff, user_comment, webp,
    xmp,
};

fn read(file: &[u8]) -> (Vec<Finding>, Assessment) {
    examine(file, (8, 8))
}

fn generator(file: &[u8]) -> Option<String> {
    read(file).1.generator
}

const A1111: &str = "a lighthouse\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 8x8";
const COMFY: &str = r#"{"3": {"class_type": "KSampler", "inputs": {"seed": 5, "cfg": NaN}}}"#;

#[test]
fn png_text_conventions_name_their_generator() {
    let cases: [(&[(&str, &str)], &str); 12] = [
        (&[("parameters", A1111)], "Stable Diffusion web UI (A1111 family)"),
        (&[("prompt", COMFY)], "ComfyUI"),
        (&[("workflow", r#"{"last_node_id": 9, "nodes": []}"#)], "ComfyUI"),
        (&[("parameters", r#"{"sui_image_params": {"seed": 1}}"#)], "SwarmUI"),
        (&[("fooocus_scheme", "fooocus"), ("parameters", r#"{"prompt": "x"}"#)], "Fooocus"),
        (&[("Comment", r#"{"prompt": "x", "base_model": "m"}"#)], "Fooocus"),
        (&[("Software", "NovelAI"), ("Comment", "{}")], "NovelAI"),
        (&[("invokeai_metadata", r#"{"generation_mode": "txt2img"}"#)], "InvokeAI"),
        (&[("Dream", "\"x\" -s 20 -S 1 -W 8 -H 8 -C 7.5 -A k_euler")], "InvokeAI"),
        (&[("negative_prompt", "x"), ("use_stable_diffusion_model", "m")], "Easy Diffusion"),
        (&[("generation_data", r#"{"prompt": "x"}"#)], "TensorArt"),
        (&[("Description", "x --v 6 Job ID: 00000000-0000-0000-0000-000000000000")], "Midjourney"),
    ];
    for (texts, name) in cases {
        let (findings, assessment) = read(&png_text(texts));
        assert_eq!(assessment.generator.as_deref(), Some(name));
        assert_eq!(assessment.supported.first(), Some(&Proposition::AiGenerated), "{name}");
        assert!(assessment.statement.contains("does not prove what the pixels are"));
        let place = &findings[0].locations[0];
        assert!(place.raw.as_deref().is_some_and(|r| r.starts_with("present, ")), "{name}");
    }
}

#[test]
fn ordinary_words_under_the_same_keys_name_no_generator() {
    for texts in [
        [("Comment", "The prompt arrival of parameters"), ("Software", "Adobe ImageReady")],
        [("parameters", "Steps: follow me"), ("prompt", "a lighthouse")],
        [("workflow", "{\"a\": 1}"), ("Description", "Job ID: 12")],
        [("parameters", "{\"width\": 3}"), ("negative_prompt", "none")],
    ] {
        let (_, assessment) = read(&png_text(&texts));
        assert_eq!(assessment.generator, None, "{texts:?}");
        assert!(assessment.abstains && assessment.statement.contains("no evidence either way"));
    }
}

#[test]
fn text_is_found_in_every_png_text_chunk_and_after_the_pixels() {
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(A1111.as_bytes(), 6);
    let ztxt = chunk(b"zTXt", &[b"parameters\0\0", packed.as_slice()].concat());
    let itxt = chunk(b"iTXt", &[b"parameters\0\0\0\0\0", A1111.as_bytes()].concat());
    let itxt_packed = chunk(b"iTXt", &[b"parameters\0\x01\0\0\0", packed.as_slice()].concat());
    for text in [ztxt, itxt, itxt_packed] {
        assert!(generator(&png(&[chunk(b"IDAT", b"x"), text])).is_some());
    }
}

#[test]
fn exif_conventions_name_their_generator_and_never_a_camera() {
    let signature = format!("Signature: {}", "QUJD".repeat(20));
    let cases: [(Vec<u8>, &str); 9] = [
        (
            tiff(&[], &[(0x9286, Value::Bytes(&user_comment(A1111, true)))]),
            "Stable Diffusion web UI (A1111 family)",
        ),
        (
            tiff(&[], &[(0x9286, Value::Bytes(&user_comment(A1111, false)))]),
            "Stable Diffusion web UI (A1111 family)",
        ),
        (
            tiff(&[], &[(0x9286, Value::Bytes(&[b"ASCII\0\0\0", A1111.as_bytes()].concat()))]),
            "Stable Diffusion web UI (A1111 family)",
        ),
        (
            tiff(&[], &[(0x9286, Value::Bytes(&user_comment(r#"{"sui_image_params": {}}"#, false)))]),
            "SwarmUI",
        ),
        (
            tiff(
                &[],
                &[(0x9286, Value::Bytes(&user_comment(r#"{"prompt": "", "negative_prompt": ""}"#, true)))],
            ),
            "Easy Diffusion",
        ),
        (
            tiff(&[(0x010f, Value::Ascii("Black Forest Labs")), (0x0110, Value::Ascii("flux-dev"))], &[]),
            "FLUX reference code",
        ),
        (
            tiff(
                &[
                    (0x010f, Value::Ascii("workflow:{\"nodes\": []}")),
                    (0x0110, Value::Ascii(&format!("prompt:{COMFY}"))),
                ],
                &[],
            ),
            "ComfyUI",
        ),
        (tiff(&[(0x0110, Value::Ascii(r#"{"sui_image_params": {"seed": 1}}"#))], &[]), "SwarmUI"),
        (
            tiff(
                &[
                    (0x010e, Value::Ascii(&signature)),
                    (0x013b, Value::Ascii("00000000-0000-0000-0000-000000000000")),
                ],
                &[],
            ),
            "xAI Grok",
        ),
    ];
    for (blob, name) in cases {
        for file in [
            jpeg(&[jfif(), app1_exif(&blob)], false),
            webp(&[(b"EXIF", &blob)]),
            png(&[chunk(b"eXIf", &blob)]),
        ] {
            let (_, assessment) = read(&file);
            assert_eq!(assessment.generator.as_deref(), Some(name));
            assert_eq!(assessment.camera_chain, CameraChain::None, "{name}");
            assert_eq!(assessment.camera, None, "{name}");
        }
    }
}

#[test]
fn a_jpeg_comment_with_fooocus_json_is_read() {
    let comment = segment(0xfe, br#"{"prompt": "x", "base_model": "m"}"#);
    assert_eq!(generator(&jpeg(&[jfif(), comment], false)).as_deref(), Some("Fooocus"));
}

#[test]
fn an_input_picture_makes_it_an_edit() {
    let img2img = format!("{A1111}, Denoising strength: 0.6");
    let flux = tiff(
        &[(0x010f, Value::Ascii("Black Forest Labs")), (0x0131, Value::Ascii("AI generated;img2img;flux"))],
        &[],
    );
    for file in [
        png_text(&[("parameters", &img2img)]),
        png_text(&[("invokeai_metadata", r#"{"generation_mode": "inpaint"}"#)]),
        png_text(&[
            ("Software", "NovelAI"),
            ("Title", "AI generated image"),
            ("Comment", r#"{"uc": "", "sampler": "k", "request_type": "Img2ImgRequest"}"#),
        ]),
        jpeg(&[app1_exif(&flux)], false),
    ] {
        let (_, assessment) = read(&file);
        assert!(assessment.input_picture_used, "{assessment:?}");
        assert_eq!(assessment.supported.first(), Some(&Proposition::AiEdited));
    }
}

#[test]
fn digital_source_type_is_read_under_any_prefix_as_attribute_or_element() {
    let ns = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
    let uri = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia";
    let attribute = xmp(&format!(r#"xmlns:foo="{ns}" foo:DigitalSourceType="{uri}""#), "");
    let element =
        xmp(&format!(r#"xmlns:a="{ns}""#), &format!("<a:DigitalSourceType>{uri}</a:DigitalSourceType>"));
    let resource =
        xmp(&format!(r#"xmlns:a="{ns}""#), &format!(r#"<a:DigitalSourceType rdf:resource="{uri}"/>"#));
    let other =
        xmp(&format!(r#"xmlns:Iptc4xmpExt="http://example.org/" Iptc4xmpExt:DigitalSourceType="{uri}""#), "");
    for packet in [attribute, element, resource] {
        let (findings, assessment) = read(&jpeg(&[app1_xmp(&packet)], false));
        assert_eq!(assessment.digital_source_type.as_deref(), Some("compositeWithTrainedAlgorithmicMedia"));
        assert_eq!(assessment.supported, [Proposition::AiEdited]);
        let offset = findings[0].locations[0].offset.expect("the place is known");
        assert!(offset > 30);
    }
    let (_, assessment) = read(&jpeg(&[app1_xmp(&other)], false));
    assert_eq!(assessment.digital_source_type, None, "a prefix is only a nickname");
}

#[test]
fn tools_named_in_xmp_and_iptc_are_read() {
    let draw_things = xmp(r#"xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="Draw Things""#, "");
    assert_eq!(generator(&jpeg(&[app1_xmp(&draw_things)], false)).as_deref(), Some("Draw Things"));
    let credit = xmp(r#"xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:Credit="Edited with Google AI""#, "");
    let (_, assessment) = read(&webp(&[(b"XMP ", credit.as_bytes())]));
    assert_eq!(assessment.supported.first(), Some(&Proposition::AiEdited));
    let history = xmp(
        r#"xmlns:e="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#""#,
        r#"<rdf:Seq><rdf:li e:action="saved" e:softwareAgent="Adobe Photoshop 25.0"/></rdf:Seq>"#,
    );
    let (_, assessment) = read(&jpeg(&[app1_xmp(&history)], false));
    assert_eq!(assessment.editor.as_deref(), Some("Adobe Photoshop"));
    let mut iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x1c".to_vec();
    iptc.extend(b"\x1c\x02\x6e\0\x17Made with Google AI    ");
    let (_, assessment) = read(&jpeg(&[segment(0xed, &iptc)], false));
    assert_eq!(assessment.generator.as_deref(), Some("Google AI"));
}

#[test]
fn a_manifest_that_cannot_be_checked_is_noted_as_present() {
    let (findings, assessment) = read(&png(&[chunk(b"caBX", b"\0\0\0\x10jumb")]));
    // A build without validation says that it is there; one with says that it cannot be read.
    let code = if cfg!(feature = "credentials") { "credentials.unparsed" } else { "c2pa.present" };
    assert!(findings.iter().any(|f| f.code == code && f.bearings.is_empty()));
    let words = if cfg!(feature = "credentials") { "cannot be parsed" } else { "not validated" };
    assert!(assessment.abstains && assessment.statement.contains(words), "{}", assessment.statement);
}

#[test]
fn prompts_are_never_shown() {
    let secret = "zebracrossing";
    let text = A1111.replace("lighthouse", secret);
    let json = format!(r#"{{"prompt": "{secret}", "base_model": "m"}}"#);
    for file in [
        png_text(&[("parameters", &text), ("Comment", &json)]),
        jpeg(&[segment(0xfe, json.as_bytes())], false),
        jpeg(
            &[app1_exif(&tiff(
                &[(0x010f, Value::Ascii("x")), (0x0110, Value::Ascii(&format!("prompt:{COMFY}{secret}")))],
                &[(0x9286, Value::Bytes(&user_comment(&text, true)))],
            ))],
            false,
        ),
    ] {
        let shown = format!("{:?}", read(&file));
        assert!(!shown.contains(secret), "{shown}");
    }
}
