//! Programs beyond the first dozen, what their settings tell, texts hidden in pixels and beside files, and pictures of a
//! program's own window.

use lodestone_media::segments;
use lodestone_provenance::{Examined, Item, Kit, Pixels, Wish};
use lodestone_types::{Assessment, Proposition, Workflow};

use crate::build::{
    Value, app1_exif, app1_xmp, chunk, examine, jpeg, png, png_text, segment, tiff, user_comment, xmp,
};

const SETTINGS: &str = "a lighthouse <lora:sea:0.8>\nNegative prompt: fog\nSteps: 20, Sampler: Euler a, CFG scale: 7, \
                        Seed: 42, Size: 512x512, Model: demo";

fn read(file: &[u8]) -> Assessment {
    examine(file, (8, 8)).1
}

fn with(file: &[u8], pixels: Option<Pixels<'_>>, sidecar: Option<&str>, show_text: bool) -> Examined {
    let segments = segments::scan(file);
    let (width, height) = pixels.map_or((8, 8), |p| (p.width, p.height));
    let item = Item { bytes: file, segments: &segments, width, height, pixels, sidecar };
    let wish = Wish { watermarks: pixels.is_some(), show_text, ..Wish::default() };
    lodestone_provenance::examine(&item, &Kit::built_in(), &wish)
}

fn fact<'a>(assessment: &'a Assessment, name: &str) -> &'a str {
    assessment.facts.get(name).map_or("", String::as_str)
}

#[test]
fn relatives_of_a1111_are_told_apart_by_their_settings() {
    for (more, name) in [
        (", Version: f2.0.1v1.10.1-previous-669", "Stable Diffusion web UI Forge"),
        (", Version: neo", "Stable Diffusion web UI Forge Neo"),
        (", App: SD.Next, Version: 1234abc", "SD.Next"),
        (", Version: ComfyUI", "ComfyUI (settings text)"),
        (", Civitai resources: [{\"type\": \"checkpoint\"}]", "Civitai on-site generation"),
        (", Version: stable-diffusion.cpp", "stable-diffusion.cpp"),
        (", Version: Fooocus v2.5.5", "Fooocus"),
        (", Version: v1.10.1", "Stable Diffusion web UI (A1111 family)"),
    ] {
        let text = format!("{SETTINGS}{more}");
        let comment = user_comment(&text, true);
        for file in [
            png_text(&[("parameters", &text)]),
            jpeg(&[app1_exif(&tiff(&[], &[(0x9286, Value::Bytes(&comment))]))], false),
            jpeg(&[segment(0xfe, text.as_bytes())], false),
        ] {
            let assessment = read(&file);
            assert_eq!(assessment.generator.as_deref(), Some(name));
            assert_eq!(fact(&assessment, "generator"), "named");
        }
    }
}

#[test]
fn settings_as_json_and_each_in_its_own_field_are_found() {
    let cases: [(&[(&str, &str)], &str); 17] = [
        (&[("parameters", r#"{"Prompt": "x", "seed": 1, "software": "RuinedFooocus"}"#)], "RuinedFooocus"),
        (&[("Comment", r#"{"prompt": "x", "software": "Fooocus MRE v2.0.78"}"#)], "Fooocus-MRE"),
        (&[("parameters", r#"{"prompt": "x", "version": "Fooocus v2.5"}"#)], "Fooocus"),
        (&[("parameters-json", r#"{"PositivePrompt": "x"}"#), ("parameters", SETTINGS)], "Stability Matrix"),
        (
            &[("generation_data", "{\"prompt\": \"x\", \"baseModel\": {\"modelFileName\": \"m\"}}\0\0")],
            "TensorArt",
        ),
        (&[("Nmkdiffusers", r#"{"prompt": "x", "scaleTxt": "7"}"#)], "NMKD Stable Diffusion GUI"),
        (&[("invokeai_graph", r#"{"nodes": {"a": {"type": "noise"}}, "edges": []}"#)], "InvokeAI"),
        (&[("Dream", "a pier -s50 -S123 -W512 -H512 -C7.5 -Ak_lms")], "InvokeAI"),
        (&[("Comment", r#"{"uc": "", "sampler": "k", "noise_schedule": "native"}"#)], "NovelAI"),
        (&[("Software", "Midjourney")], "Midjourney"),
        (&[("Description", "a pier --ar 3:2 --v 6.1")], "Midjourney"),
        (&[("Software", "Adobe Firefly")], "Adobe Firefly"),
        (&[("Software", "ChatGPT")], "OpenAI"),
        (
            &[("AIGC", r#"{"Label": "1", "ContentProducer": "001"}"#)],
            "a service under the Chinese labelling rule",
        ),
        (
            &[("prompt", "x"), ("seed", "1"), ("steps", "20"), ("scale", "7.5")],
            "a diffusion program (settings each in a field)",
        ),
        (
            &[("metadata", r#"{"prompt": "x", "seed": 1, "num_inference_steps": 8, "guidance_scale": 0.0}"#)],
            "a diffusion program (settings as JSON)",
        ),
        (
            &[("Comment", "prompt: x\nseed: 3\nsteps: 20\nmodel: demo")],
            "a diffusion program (settings in lines)",
        ),
    ];
    for (texts, name) in cases {
        let assessment = read(&png_text(texts));
        assert_eq!(assessment.generator.as_deref(), Some(name), "{texts:?}");
        assert_eq!(assessment.supported.first(), Some(&Proposition::AiGenerated), "{name}");
    }
}

#[test]
fn exif_and_xmp_of_further_programs_are_found() {
    let json = r#"{"prompt": "{\"1\": {\"class_type\": \"KSampler\", \"inputs\": {}}}", "workflow": "{}"}"#;
    let scheme = tiff(
        &[(0x0131, Value::Ascii("Fooocus v2.5.5"))],
        &[(0x927c, Value::Bytes(b"fooocus")), (0x9286, Value::Bytes(br#"{"prompt": "x", "seed": "1"}"#))],
    );
    let novelai =
        tiff(&[], &[(0x9286, Value::Bytes(br#"{"Comment": "{\"uc\": \"\"}", "Software": "NovelAI"}"#))]);
    let aigc = xmp(
        r#"xmlns:t="http://www.tc260.org.cn/ns/AIGC/1.0/""#,
        "<t:AIGC>{&quot;Label&quot;:&quot;1&quot;,&quot;ContentProducer&quot;:&quot;x&quot;}</t:AIGC>",
    );
    let system = xmp(r#"xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" i:AISystemUsed="demo""#, "");
    let caption = xmp(
        r#"xmlns:dc="http://purl.org/dc/elements/1.1/""#,
        r#"<dc:description><rdf:Alt><rdf:li xml:lang="x-default">Include in Image: x; Seed: 1; Steps: 20</rdf:li></rdf:Alt></dc:description>"#,
    );
    let windows: Vec<u8> = SETTINGS.encode_utf16().flat_map(u16::to_le_bytes).collect();
    for (file, name) in [
        (jpeg(&[app1_exif(&tiff(&[], &[(0x9286, Value::Bytes(json.as_bytes()))]))], false), "ComfyUI"),
        (jpeg(&[app1_exif(&scheme)], false), "Fooocus"),
        (jpeg(&[app1_exif(&novelai)], false), "NovelAI"),
        (jpeg(&[app1_xmp(&aigc)], false), "a service under the Chinese labelling rule"),
        (jpeg(&[app1_xmp(&system)], false), "an AI system named in IPTC fields"),
        (jpeg(&[app1_xmp(&caption)], false), "Mochi Diffusion"),
        (
            jpeg(&[app1_exif(&tiff(&[(0x9c9c, Value::Bytes(&windows))], &[]))], false),
            "Stable Diffusion web UI (A1111 family)",
        ),
    ] {
        let assessment = read(&file);
        assert_eq!(assessment.generator.as_deref(), Some(name));
        assert_eq!(assessment.camera, None, "{name}");
    }
}

#[test]
fn what_cameras_editors_and_people_write_names_no_generator() {
    let camera = tiff(
        &[
            (0x010e, Value::Ascii("Next Steps: 3 things to seed. Sampler of 12 prompts")),
            (0x010f, Value::Ascii("Firefly")),
            (0x0110, Value::Ascii("8SE")),
            (0x0131, Value::Ascii("Luma 3.1")),
            (0x013b, Value::Ascii("Leonardo Grok")),
        ],
        &[(0x9286, Value::Bytes(b"ASCII\0\0\0prompt: be there at nine; steps: 20"))],
    );
    let workflow = r#"{"nodes": [{"id": 1, "name": "start"}], "connections": {}}"#;
    let credit = xmp(r#"xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:Credit="Made with love""#, "");
    for file in [
        jpeg(&[app1_exif(&camera), app1_xmp(&credit)], false),
        png_text(&[("workflow", workflow), ("prompt", "be there"), ("seed", "sunflower"), ("steps", "20")]),
        png_text(&[("parameters", r#"{"prompt": "a walk", "model": "X100", "label": "1"}"#)]),
        png_text(&[("Comment", r#"{"Label": "holiday", "nodes": []}"#), ("Software", "Adobe ImageReady")]),
        png_text(&[("Description", "walk --fast --no"), ("Title", "AI generated image")]),
    ] {
        let assessment = read(&file);
        assert_eq!(assessment.generator, None, "{assessment:?}");
        assert_eq!(fact(&assessment, "generator"), "none");
        assert_eq!(fact(&assessment, "source_type"), "none");
    }
}

#[test]
fn the_prompt_is_kept_as_a_digest_unless_text_is_asked_for() {
    let file = png_text(&[("parameters", SETTINGS)]);
    let hidden = with(&file, None, None, false).assessment.workflow.expect("a workflow");
    assert_eq!(hidden.prompt, None);
    let digest = "dd4b6659a362c2d64106e53d23cef2c10ad9d92bcdfe1060ae48d0fe2db12424";
    assert_eq!(hidden.prompt_sha256.as_deref(), Some(digest), "SHA-256 of the trimmed prompt, by sha256sum");
    let shown = with(&file, None, None, true).assessment.workflow.expect("a workflow");
    let told = Workflow { prompt: None, ..shown.clone() };
    assert_eq!((shown.prompt.as_deref(), told), (Some("a lighthouse <lora:sea:0.8>"), hidden.clone()));
    assert_eq!((hidden.models, hidden.loras), (vec!["demo".to_owned()], vec!["sea".to_owned()]));
    assert_eq!((hidden.seed.as_deref(), hidden.mode.as_deref()), (Some("42"), Some("txt2img")));
}

/// A ComfyUI graph that edits a loaded picture, as it ran.
fn graph(denoise: f64) -> String {
    format!(
        r#"{{"1": {{"class_type": "LoadImage", "inputs": {{"image": "in.png"}}}},
            "2": {{"class_type": "VAEEncode", "inputs": {{"pixels": ["1", 0]}}}},
            "3": {{"class_type": "KSampler", "inputs": {{"latent_image": ["2", 0], "denoise": {denoise}, "cfg": NaN}}}},
            "4": {{"class_type": "VAEDecode", "inputs": {{"samples": ["3", 0]}}}},
            "5": {{"class_type": "SaveImage", "inputs": {{"images": ["4", 0]}}}}}}"#
    )
}

#[test]
fn an_edit_in_comfyui_is_an_edit_and_its_input_is_named_only_on_request() {
    let file = png_text(&[("prompt", &graph(0.6)), ("workflow", r#"{"nodes": [], "links": []}"#)]);
    let edit = with(&file, None, None, false).assessment;
    assert!(edit.input_picture_used);
    assert_eq!(
        (fact(&edit, "generator"), edit.supported.first()),
        ("with_input", Some(&Proposition::AiEdited))
    );
    assert!(edit.workflow.expect("a workflow").inputs.is_empty());
    let shown = with(&file, None, None, true).assessment.workflow.expect("a workflow");
    assert_eq!(shown.inputs, ["in.png"]);
    let whole = with(&png_text(&[("prompt", &graph(1.0))]), None, None, false).assessment;
    assert!(!whole.input_picture_used);
}

#[test]
fn the_graph_outweighs_a_strength_in_its_savers_text() {
    let text = format!("{SETTINGS}, Denoising strength: 0.5");
    let ran = r#"{"3": {"class_type": "KSampler", "inputs": {"denoise": 0.5}}}"#;
    assert!(read(&png_text(&[("parameters", &text)])).input_picture_used);
    assert!(!read(&png_text(&[("parameters", &text), ("prompt", ran)])).input_picture_used);
}

/// A PNG of 200 × 150 pixels, 8 bits, with these text chunks and this many bytes of compressed pixels.
fn sized(alpha: bool, texts: &[(&str, &str)], packed: usize) -> Vec<u8> {
    let mut head = vec![0, 0, 0, 200, 0, 0, 0, 150, 8, if alpha { 6 } else { 2 }, 0, 0, 0];
    head.truncate(13);
    let texts = texts.iter().map(|(k, v)| chunk(b"tEXt", &[k.as_bytes(), b"\0", v.as_bytes()].concat()));
    [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &head),
        texts.collect::<Vec<_>>().concat(),
        chunk(b"IDAT", &vec![0; packed]),
        chunk(b"IEND", b""),
    ]
    .concat()
}

#[test]
fn a_picture_of_comfyuis_window_is_tool_metadata_only() {
    let made = |width: u32, height: u32| {
        format!(
            r#"{{"3": {{"class_type": "KSampler", "inputs": {{"latent_image": ["8", 0], "denoise": 1}}}},
                "4": {{"class_type": "VAEDecode", "inputs": {{"samples": ["3", 0]}}}},
                "5": {{"class_type": "SaveImage", "inputs": {{"images": ["4", 0]}}}},
                "8": {{"class_type": "EmptyLatentImage", "inputs": {{"width": {width}, "height": {height}}}}}}}"#
        )
    };
    let screen =
        r#"{"nodes": [{"id": 1, "type": "EmptyLatentImage", "widgets_values": [512, 768, 1]}], "links": []}"#;
    let window = [
        // The export of the graph's picture: `workflow` alone, alpha.
        sized(true, &[("workflow", screen)], 60_000),
        // Large areas of one colour.
        sized(false, &[("prompt", &made(512, 768)), ("workflow", screen)], 3_000),
        // A size that this graph cannot give.
        sized(false, &[("prompt", &made(512, 768))], 60_000),
        // A picture that was only loaded and saved.
        sized(
            false,
            &[(
                "prompt",
                r#"{"1": {"class_type": "LoadImage", "inputs": {}}, "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0]}}}"#,
            )],
            60_000,
        ),
    ];
    for file in window {
        let (findings, assessment) = examine(&file, (200, 150));
        assert_eq!(assessment.generator.as_deref(), Some("ComfyUI"));
        assert_eq!(fact(&assessment, "generator"), "tool_only");
        assert_eq!(assessment.supported, [Proposition::OtherSynthetic]);
        assert!(!assessment.input_picture_used);
        let code = &findings[0].code;
        assert!(
            ["generator.comfyui.screenshot", "generator.comfyui.pixels_not_told"].contains(&code.as_str()),
            "{code}"
        );
    }
    for file in [
        sized(false, &[("prompt", &made(200, 150)), ("workflow", screen)], 60_000),
        sized(false, &[("prompt", &graph(0.6))], 60_000),
        sized(false, &[("workflow", r#"{"nodes": [], "links": []}"#)], 60_000),
    ] {
        let (_, assessment) = examine(&file, (200, 150));
        assert_ne!(fact(&assessment, "generator"), "tool_only");
    }
}

/// Hides a text in the lowest bits, column by column.
fn hide(text: &str, side: usize) -> Vec<u8> {
    let bits = u32::try_from(text.len() * 8).expect("small");
    let data = [b"stealth_pnginfo".as_slice(), &bits.to_be_bytes(), text.as_bytes()].concat();
    let mut alpha = vec![254u8; side * side];
    for (i, bit) in data.iter().flat_map(|b| (0..8).rev().map(move |s| b >> s & 1)).enumerate() {
        alpha[(i % side) * side + i / side] |= bit;
    }
    alpha
}

#[test]
fn text_hidden_in_alpha_is_read_by_the_same_rules() {
    let side = 100u32;
    let rgb = vec![9; 30_000];
    for (text, name) in [
        (
            r#"{"Software": "NovelAI", "Comment": "{\"uc\": \"\", \"request_type\": \"Img2ImgRequest\"}"}"#,
            "NovelAI",
        ),
        (SETTINGS, "Stable Diffusion web UI (A1111 family)"),
    ] {
        let alpha = hide(text, 100);
        let pixels = Pixels { width: side, height: side, rgb: &rgb, alpha: Some(&alpha) };
        let examined = with(&png(&[]), Some(pixels), None, false);
        assert_eq!(examined.assessment.generator.as_deref(), Some(name));
        assert_eq!(examined.assessment.generator_source.as_deref(), Some("stealth"));
        assert!(examined.findings.iter().any(|f| f.code == "stealth.text"));
        assert_eq!(examined.assessment.input_picture_used, name == "NovelAI");
    }
}

#[test]
fn a_text_beside_the_file_is_read_and_weighs_less() {
    let easy =
        "a pier\nPrompt: a pier\nSeed: 3\nSteps: 25\nGuidance Scale: 7.5\nStable Diffusion model: demo";
    let log = "Prompt: a pier, Styles: ['Fooocus V2'], Performance: Speed, Seed: 3, Base Model: demo";
    for (text, name) in [
        (SETTINGS, "Stable Diffusion web UI (A1111 family)"),
        (easy, "Easy Diffusion"),
        (r#"{"prompt": "a pier", "seed": 3, "use_stable_diffusion_model": "demo"}"#, "Easy Diffusion"),
        (log, "Fooocus"),
    ] {
        let examined = with(&png(&[]), None, Some(text), false);
        let assessment = examined.assessment;
        assert_eq!(assessment.generator.as_deref(), Some(name));
        assert_eq!(assessment.generator_source.as_deref(), Some("sidecar"));
        assert!(examined.findings[0].locations[0].field.starts_with("sidecar:"));
    }
    let caption = with(&png(&[]), None, Some("a lighthouse at noon, steps down to the sea"), false);
    assert_eq!(caption.assessment.generator, None);
}

#[test]
fn source_types_become_facts() {
    let ns = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/";
    for (term, category) in [
        ("http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture", "capture"),
        ("https://cv.iptc.org/newscodes/digitalsourcetype/humanEdits", "edited"),
        ("compositeWithTrainedAlgorithmicMedia", "ai_edited"),
        ("http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia", "ai"),
        ("http://cv.iptc.org/newscodes/digitalsourcetype/screenCapture", "graphic"),
        ("http://example.org/somethingNew", "unknown"),
    ] {
        let packet = xmp(&format!(r#"xmlns:q="{ns}" q:DigitalSourceType="{term}""#), "");
        let (findings, assessment) = examine(&jpeg(&[app1_xmp(&packet)], false), (8, 8));
        assert_eq!(fact(&assessment, "source_type"), category, "{term}");
        assert!(findings.iter().any(|f| f.gives.contains(&"source_type".to_owned())));
    }
}

#[test]
fn a_history_is_shown_with_its_tools_and_dates() {
    let packet = xmp(
        r#"xmlns:m="http://ns.adobe.com/xap/1.0/mm/" xmlns:e="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#""#,
        r#"<m:History><rdf:Seq><rdf:li e:action="created" e:softwareAgent="Camera Raw 16" e:when="2024-01-02T03:04:05Z"/>
           <rdf:li rdf:parseType="Resource"><e:action>saved</e:action><e:softwareAgent>Adobe Photoshop 25.0</e:softwareAgent></rdf:li>
           </rdf:Seq></m:History><m:DerivedFrom rdf:parseType="Resource"/>"#,
    );
    let (findings, _) = examine(&jpeg(&[app1_xmp(&packet)], false), (8, 8));
    let history = findings.iter().find(|f| f.code == "xmp.history").expect("a history");
    assert!(
        history.what.contains("created, Camera Raw 16, 2024-01-02T03:04:05Z; saved, Adobe Photoshop 25.0")
    );
    assert!(findings.iter().any(|f| f.code == "xmp.derived"));
}

#[test]
fn texts_of_a_movie_are_read_by_the_same_rules() {
    let bx = |name: &[u8], data: &[u8]| {
        let size = u32::try_from(data.len() + 8).expect("small");
        [&size.to_be_bytes(), name, data].concat()
    };
    let text = r#"{"prompt": "{\"1\": {\"class_type\": \"KSampler\", \"inputs\": {}}}"}"#;
    let data = bx(b"data", &[b"\0\0\0\x01\0\0\0\0", text.as_bytes()].concat());
    let meta = [vec![0; 4], bx(b"hdlr", &[0; 24]), bx(b"ilst", &bx(b"\xa9cmt", &data))].concat();
    let movie = bx(b"moov", &bx(b"udta", &bx(b"meta", &meta)));
    let file = [bx(b"ftyp", b"isom\0\0\0\0isom"), movie].concat();
    let (findings, assessment) = examine(&file, (0, 0));
    assert_eq!(assessment.generator.as_deref(), Some("ComfyUI"));
    assert_eq!(findings[0].locations[0].field, "bmff:cmt");
}

#[test]
fn texts_of_other_programs_name_no_generator() {
    for (key, text) in [
        ("parameters", "Lattice simulation\nSteps: 100000, dt: 0.01, Seed: 42, Temperature: 2.27"),
        ("parameters", "Steps: 500, Sampler: NUTS, Chains: 4, Seed: 1"),
        ("parameters", "Steps: 2000, Sampler: Metropolis, Seed: 7, Size: 64x64"),
        ("Description", "render.py --seed 42 --quality 90 --width 512"),
        ("Description", "Print queue; Job ID: 01234567-89ab-cdef-0123-456789abcdef"),
        ("workflow", r#"{"nodes":[{"type":"n8n-nodes-base.start"}],"connections":{}}"#),
        ("workflow", r#"{"nodes":[{"id":"a","type":"x"}],"links":[{"source":"a","target":"b"}]}"#),
        ("Comment", "povray scene.pov -W640 -H480 -s3 -S1 -C2"),
        ("Software", "Stable Diffusion Equation Solver 1.2"),
        ("Software", "Krea tive Suite"),
        ("Comment", r#"{"prompt":"press enter","seed":1,"steps":10,"model":"ising"}"#),
    ] {
        let (findings, assessment) = examine(&png_text(&[(key, text)]), (8, 8));
        assert_eq!(assessment.generator, None, "{key}: {text}: {findings:?}");
    }
}

#[test]
fn a_stated_source_type_tells_of_a_model_that_is_not_named() {
    let packet = xmp(
        r#"xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" i:DigitalSourceType="a/trainedAlgorithmicMedia""#,
        "",
    );
    let file = jpeg(&[app1_xmp(&packet)], true);
    let (_, assessment) = examine(&file, (8, 8));
    assert_eq!(assessment.generator_source.as_deref(), Some("source_type"));
    assert!(assessment.generator.is_some() && !assessment.input_picture_used);
}
