//! The same conventions as other versions, savers and containers write them: other keys, other encodings, other places.
//! Every text here is made up after the source that its rule names.

use lodestone_types::Proposition;

use crate::build::{
    Value, app1_exif, app1_xmp, chunk, examine, jfif, jpeg, png, png_text, segment, tiff, user_comment, webp,
    xmp,
};

const A1111: &str = "Stable Diffusion web UI (A1111 family)";

/// A settings text with these settings after the usual ones.
fn settings(more: &str) -> String {
    format!(
        "a lighthouse at noon, (sea:1.2), <lora:waves:0.7>\nNegative prompt: fog, rain\nSteps: 25, Sampler: DPM++ 2M Karras, \
         CFG scale: 7, Seed: 2846921, Size: 512x768, Model hash: 6ce0161689, Model: demo-v1{more}"
    )
}

/// Name of the generator, and whether an input picture is told.
fn told(file: &[u8]) -> (Option<String>, bool) {
    let (_, assessment) = examine(file, (512, 768));
    (assessment.generator, assessment.input_picture_used)
}

/// A text in every place in which programs of this family put it.
fn everywhere(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let big = user_comment(text, true);
    let little = user_comment(text, false);
    let ascii = [b"ASCII\0\0\0", text.as_bytes()].concat();
    let unknown = [&[0; 8], text.as_bytes()].concat();
    let bom = [b"UNICODE\0\xff\xfe".as_slice(), little.get(8..).unwrap_or_default()].concat();
    let bare: Vec<u8> = text.bytes().collect();
    let in_exif = |comment: &[u8]| tiff(&[], &[(0x9286, Value::Bytes(comment))]);
    let packed = miniz_oxide::deflate::compress_to_vec_zlib(text.as_bytes(), 6);
    let description = tiff(&[(0x010e, Value::Ascii(text))], &[]);
    vec![
        ("JPEG, UTF-16 BE", jpeg(&[jfif(), app1_exif(&in_exif(&big))], false)),
        ("JPEG, UTF-16 LE", jpeg(&[app1_exif(&in_exif(&little))], false)),
        ("JPEG, UTF-16 LE with a mark", jpeg(&[app1_exif(&in_exif(&bom))], false)),
        ("JPEG, ASCII", jpeg(&[app1_exif(&in_exif(&ascii))], false)),
        ("JPEG, no code", jpeg(&[app1_exif(&in_exif(&unknown))], false)),
        ("JPEG, bare text", jpeg(&[app1_exif(&in_exif(&bare))], false)),
        ("JPEG, comment", jpeg(&[jfif(), segment(0xfe, text.as_bytes())], false)),
        ("JPEG, description", jpeg(&[app1_exif(&description)], false)),
        ("WebP, UTF-16 BE", webp(&[(b"EXIF", &in_exif(&big))])),
        (
            "WebP, with the JPEG's head",
            webp(&[(b"EXIF", &[b"Exif\0\0".as_slice(), &in_exif(&little)].concat())]),
        ),
        ("PNG, EXIF", png(&[chunk(b"eXIf", &in_exif(&big))])),
        ("PNG, tEXt", png_text(&[("parameters", text)])),
        ("PNG, zTXt", png(&[chunk(b"zTXt", &[b"parameters\0\0", packed.as_slice()].concat())])),
        ("PNG, iTXt", png(&[chunk(b"iTXt", &[b"parameters\0\0\0\0\0", text.as_bytes()].concat())])),
    ]
}

#[test]
fn settings_of_the_a1111_family_are_found_in_every_place() {
    for (more, name, input) in [
        ("", A1111, false),
        (", Version: v1.10.1", A1111, false),
        // The high-resolution pass states a strength, and no picture went in.
        (
            ", Denoising strength: 0.45, Hires upscale: 2, Hires upscaler: Latent, Version: v1.6.0",
            A1111,
            false,
        ),
        (
            ", Denoising strength: 0.3, Hires resize: 1024x1536, Hires steps: 10, Hires upscaler: R-ESRGAN",
            A1111,
            false,
        ),
        (
            ", Lora hashes: \"waves: 9f1f0b2d7a3c, sky: 0a1b2c3d4e5f\", TI hashes: \"bad: aa\", Clip skip: 2",
            A1111,
            false,
        ),
        (
            ", ADetailer model: face.pt, ADetailer confidence: 0.3, ADetailer denoising strength: 0.4",
            A1111,
            false,
        ),
        // img2img and inpainting.
        (", Denoising strength: 0.6", A1111, true),
        (", Denoising strength: 0.75, Mask blur: 4, Masked content: original", A1111, true),
        (
            ", Denoising strength: 0.4, Version: f2.0.1v1.10.1-previous-665",
            "Stable Diffusion web UI Forge",
            true,
        ),
        (", Version: f0.0.17v1.8.0rc-latest-277-g0af28699", "Stable Diffusion web UI Forge", false),
        (
            ", Created Date: 2024-08-11T10:00:00.0000000Z, Civitai resources: [{\"type\":\"checkpoint\",\"modelVersionId\":1}], Civitai metadata: {}",
            "Civitai on-site generation",
            false,
        ),
        (", Parser: full parser, App: SD.Next, Version: 7c9e2ab, Operations: txt2img", "SD.Next", false),
        (", Pipeline: StableDiffusionXLPipeline, App: SD.Next, Operations: img2img", "SD.Next", true),
        (", RNG: cuda, Eta: 0.000000, Version: stable-diffusion.cpp", "stable-diffusion.cpp", false),
        (", Version: ComfyUI", "ComfyUI (settings text)", false),
        (", Version: Fooocus v2.5.5", "Fooocus", false),
    ] {
        for (place, file) in everywhere(&settings(more)) {
            assert_eq!(told(&file), (Some(name.to_owned()), input), "{place}: {more}");
        }
    }
}

#[test]
fn settings_are_read_however_the_lines_stand() {
    for text in [
        // No prompt; Windows' line ends; an old version without model; numbers with six places; quoted values.
        "Steps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512".to_owned(),
        "\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512".to_owned(),
        "Negative prompt: fog\nSteps: 20, Sampler: Euler, CFG scale: 7, Seed: 1".to_owned(),
        "a pier\r\nNegative prompt: fog\r\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Size: 512x512".to_owned(),
        "a pier\nSteps: 8, CFG scale: 1.000000, Guidance: 3.500000, Seed: 42, Size: 1024x1024, Model: flux1-dev, Sampler: euler".to_owned(),
        "a pier\nSteps: 4, Sampler: \"LCM\", Schedule type: \"SGM Uniform\", CFG scale: 1.5, Seed: 9, Size: 1024x1024".to_owned(),
        "a pier, 港, фонарь\nSteps: 20, Sampler: UniPC, CFG scale: 6, Seed: 1, Size: 640x448, Model: demo".to_owned(),
        // Words that look like settings within the prompt.
        "Next Steps: onward, a stair with many steps\nSteps: 20, Sampler: DDIM, CFG scale: 7, Seed: 1, Size: 512x512".to_owned(),
        format!("{}\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1", "very long prompt, ".repeat(3_000)),
    ] {
        assert_eq!(told(&png_text(&[("parameters", &text)])).0.as_deref(), Some(A1111), "{text:.90}");
    }
}

/// A graph as it ran: words to a picture.
const RAN: &str = r#"{"3": {"inputs": {"seed": 5, "steps": 20, "cfg": NaN, "sampler_name": "euler", "denoise": 1.0, "model": ["4", 0],
  "latent_image": ["5", 0]}, "class_type": "KSampler", "_meta": {"title": "KSampler"}}, "4": {"inputs": {"ckpt_name": "demo.safetensors"},
  "class_type": "CheckpointLoaderSimple"}, "5": {"inputs": {"width": 512, "height": 768, "batch_size": 1}, "class_type": "EmptyLatentImage"},
  "8": {"inputs": {"samples": ["3", 0]}, "class_type": "VAEDecode"}, "9": {"inputs": {"images": ["8", 0]}, "class_type": "SaveImage"}}"#;
/// The one on screen.
const SCREEN: &str = r#"{"last_node_id": 9, "last_link_id": 9, "nodes": [{"id": 3, "type": "KSampler", "widgets_values": [5, "fixed", 20, NaN]}],
  "links": [[1, 4, 0, 3, 0, "MODEL"]], "groups": [], "config": {}, "extra": {"ds": {"scale": Infinity}}, "version": 0.4}"#;

#[test]
fn comfyui_is_found_whatever_saved_it() {
    let both = format!(r#"{{"prompt": {RAN}, "workflow": {SCREEN}}}"#);
    let as_text = format!(
        r#"{{"prompt": {}, "workflow": {}}}"#,
        serde_json::Value::String(RAN.to_owned()),
        serde_json::Value::String(SCREEN.to_owned())
    );
    let (upper_prompt, upper_workflow) = (format!("Prompt:{RAN}"), format!("Workflow:{SCREEN}"));
    let (lower_prompt, lower_workflow) = (format!("prompt:{RAN}"), format!("workflow:{SCREEN}"));
    let prefixed =
        tiff(&[(0x010e, Value::Ascii(&upper_workflow)), (0x010f, Value::Ascii(&upper_prompt))], &[]);
    let makes = tiff(&[(0x010f, Value::Ascii(&lower_workflow)), (0x0110, Value::Ascii(&lower_prompt))], &[]);
    let prompt_only = tiff(&[(0x0110, Value::Ascii(&lower_prompt))], &[]);
    let comment = |text: &str| tiff(&[], &[(0x9286, Value::Bytes(&user_comment(text, false)))]);
    let subgraph = r#"{"id": "0e7b", "revision": 0, "last_node_id": 60, "last_link_id": 9, "nodes": [{"id": 60, "type": "9fbd2c1e-0000-4000-8000-000000000000"}],
        "links": [], "definitions": {"subgraphs": [{"id": "9fbd2c1e-0000-4000-8000-000000000000", "nodes": [{"id": 3, "type": "KSampler"}]}]}, "version": 0.4}"#;
    let nested = RAN.replace("\"3\":", "\"60:3\":").replace("[\"3\"", "[\"60:3\"");
    for (place, file) in [
        ("both chunks", png_text(&[("prompt", RAN), ("workflow", SCREEN)])),
        ("what ran alone", png_text(&[("prompt", RAN)])),
        ("the screen alone", png_text(&[("workflow", SCREEN)])),
        ("a subgraph", png_text(&[("workflow", subgraph)])),
        ("nodes of a subgraph", png_text(&[("prompt", &nested)])),
        ("other keys of savers", png_text(&[("Prompt", RAN), ("Workflow", SCREEN)])),
        ("an iTXt chunk", png(&[chunk(b"iTXt", &[b"prompt\0\0\0\0\0", RAN.as_bytes()].concat())])),
        (
            "after the pixels",
            png(&[chunk(b"IDAT", b"x"), chunk(b"tEXt", &[b"prompt\0", RAN.as_bytes()].concat())]),
        ),
        ("WebP, make and model", webp(&[(b"EXIF", &makes)])),
        ("WebP, the JPEG's head", webp(&[(b"EXIF", &[b"Exif\0\0".as_slice(), &makes].concat())])),
        ("WebP, capitals", webp(&[(b"EXIF", &prefixed)])),
        ("WebP, what ran alone", webp(&[(b"EXIF", &prompt_only)])),
        ("JPEG, both as objects", jpeg(&[app1_exif(&comment(&both))], false)),
        ("JPEG, both as text", jpeg(&[app1_exif(&comment(&as_text))], false)),
        ("JPEG, the screen", jpeg(&[app1_exif(&comment(SCREEN))], false)),
        ("JPEG, comment", jpeg(&[jfif(), segment(0xfe, both.as_bytes())], false)),
        ("JPEG, description", jpeg(&[app1_exif(&prefixed)], false)),
    ] {
        assert_eq!(told(&file), (Some("ComfyUI".to_owned()), false), "{place}");
    }
}

#[test]
fn an_input_picture_is_told_by_comfyui_graphs_of_several_kinds() {
    let graph = |load: &str, way: &str, denoise: f64| {
        format!(
            r#"{{"1": {{"class_type": "{load}", "inputs": {{"image": "in.png"}}}}, {way},
            "3": {{"class_type": "KSampler", "inputs": {{"latent_image": ["2", 0], "denoise": {denoise}}}}},
            "4": {{"class_type": "VAEDecode", "inputs": {{"samples": ["3", 0]}}}},
            "5": {{"class_type": "SaveImage", "inputs": {{"images": ["4", 0]}}}}}}"#
        )
    };
    let encode = r#""2": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0]}}"#;
    let inpaint =
        r#""2": {"class_type": "VAEEncodeForInpaint", "inputs": {"pixels": ["1", 0], "mask": ["1", 1]}}"#;
    let empty = r#""2": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 768}}"#;
    for (load, way, denoise, input) in [
        ("LoadImage", encode, 0.6, true),
        ("ETN_LoadImageBase64", encode, 0.6, true),
        ("LoadImageOutput", encode, 0.6, true),
        ("LoadImage", inpaint, 1.0, true),
        ("LoadImage", empty, 1.0, false),
    ] {
        let file = png_text(&[("prompt", &graph(load, way, denoise))]);
        assert_eq!(told(&file).1, input, "{load}, {denoise}: {way}");
    }
}

/// What it is, its text chunks, the generator's name, and whether a picture went in.
type Variant<'v> = (&'v str, Vec<(&'v str, &'v str)>, &'v str, bool);

#[test]
fn programs_that_write_json_are_told_in_every_version() {
    let swarm = r#"{"sui_image_params": {"prompt": "a pier", "model": "demo", "seed": 1, "steps": 20, "cfgscale": 7.0, "swarm_version": "0.9.5.0"},
        "sui_extra_data": {"date": "2025-01-02"}, "sui_models": []}"#;
    let invoke3 = r#"{"generation_mode": "sdxl_txt2img", "positive_prompt": "a pier", "seed": 1, "steps": 30, "app_version": "3.7.0"}"#;
    let invoke5 = r#"{"generation_mode": "flux_img2img", "positive_prompt": "a pier", "seed": 1, "strength": 0.7, "app_version": "5.6.0"}"#;
    let invoke2 = r#"{"model": "stable diffusion", "model_weights": "sd-1.5", "app_id": "invoke-ai/InvokeAI", "app_version": "2.3.0",
        "image": {"prompt": [{"prompt": "a pier", "weight": 1.0}], "steps": 50, "cfg_scale": 7.5, "type": "txt2img", "seed": 1}}"#;
    let fooocus = r#"{"prompt": "a pier", "base_model": "demo", "base_model_hash": "abc", "metadata_scheme": "fooocus", "performance": "Speed",
        "seed": "1", "version": "Fooocus v2.5.5"}"#;
    let fooocus_old = r#"{"Prompt": "a pier", "Negative Prompt": "", "Fooocus V2 Expansion": "", "Styles": "[]", "Performance": "Speed", "Seed": 1,
        "Base Model": "demo", "Version": "v2.1.865"}"#;
    let easy = r#"{"prompt": "a pier", "seed": 1, "used_random_seed": true, "negative_prompt": "", "num_outputs": 1, "num_inference_steps": 25,
        "guidance_scale": 7.5, "use_stable_diffusion_model": "demo", "sampler_name": "euler_a"}"#;
    let easy_text = r#"{"Prompt": "a pier", "Seed": 1, "Stable Diffusion model": "demo", "Negative Prompt": "", "Sampler": "euler"}"#;
    let novel3 = r#"{"prompt": "a pier", "steps": 28, "height": 768, "width": 512, "scale": 5.0, "uncond_scale": 1.0, "seed": 1, "noise_schedule": "native",
        "sampler": "k_euler", "uc": "", "request_type": "PromptGenerateRequest", "signed_hash": "AAAA"}"#;
    let novel4 = r#"{"prompt": "a pier", "steps": 28, "uc": "", "v4_prompt": {"caption": {"base_caption": "a pier"}}, "sampler": "k_euler_ancestral",
        "seed": 1, "strength": 0.7, "noise": 0.0, "request_type": "Img2ImgRequest"}"#;
    let draw = r#"{"c": "a pier", "uc": "", "seed": 1, "steps": 20, "sampler": "DPM++ 2M Karras", "scale": 7, "strength": 1, "model": "demo",
        "v2": {}, "size": "512x768", "lora": []}"#;
    let mflux = r#"{"mflux_version": "0.9.0", "model": "dev", "seed": 1, "steps": 20, "guidance": 3.5, "precision": "bf16", "prompt": "a pier"}"#;
    let ruined = r#"{"Prompt": "a pier", "Negative": "", "steps": 30, "cfg": 8, "width": 512, "height": 768, "seed": 1, "sampler_name": "dpmpp_2m",
        "base_model_name": "demo", "software": "RuinedFooocus"}"#;
    let sea = r#"{"models": [{"name": "m"}], "generation_mode": "inpaint", "app_version": "4.2.9", "positive_prompt": "x"}"#;
    let plain = settings("");
    let cases: [Variant<'_>; 15] = [
        ("SwarmUI", vec![("parameters", swarm)], "SwarmUI", false),
        ("Invoke 3", vec![("invokeai_metadata", invoke3)], "InvokeAI", false),
        ("Invoke 4", vec![("invokeai_metadata", sea)], "InvokeAI", true),
        (
            "Invoke 5",
            vec![
                ("invokeai_metadata", invoke5),
                ("invokeai_graph", r#"{"id": "g", "nodes": {}, "edges": []}"#),
            ],
            "InvokeAI",
            true,
        ),
        (
            "Invoke 2",
            vec![("sd-metadata", invoke2), ("Dream", "\"a pier\" -s 50 -S 1 -W 512 -H 768 -C 7.5 -A k_lms")],
            "InvokeAI",
            false,
        ),
        ("Fooocus", vec![("parameters", fooocus), ("fooocus_scheme", "fooocus")], "Fooocus", false),
        (
            "Fooocus, scheme of A1111",
            vec![("parameters", plain.as_str()), ("fooocus_scheme", "a1111")],
            "Fooocus",
            false,
        ),
        ("Fooocus, older", vec![("Comment", fooocus_old)], "Fooocus", false),
        ("Easy Diffusion", vec![("Comment", easy)], "Easy Diffusion", false),
        ("Easy Diffusion, words", vec![("UserComment", easy_text)], "Easy Diffusion", false),
        (
            "NovelAI 3",
            vec![
                ("Title", "AI generated image"),
                ("Description", "a pier"),
                ("Software", "NovelAI"),
                ("Source", "Stable Diffusion XL C1E1DE52"),
                ("Generation time", "4.9"),
                ("Comment", novel3),
            ],
            "NovelAI",
            false,
        ),
        (
            "NovelAI 4",
            vec![
                ("Title", "NovelAI generated image"),
                ("Source", "NovelAI Diffusion V4 37442FCA"),
                ("Comment", novel4),
            ],
            "NovelAI",
            true,
        ),
        ("RuinedFooocus", vec![("parameters", ruined)], "RuinedFooocus", false),
        ("Draw Things", vec![("Comment", draw)], "Draw Things", false),
        ("mflux", vec![("metadata", mflux)], "a diffusion program (settings as JSON)", false),
    ];
    for (what, texts, name, input) in cases {
        assert_eq!(told(&png_text(&texts)), (Some(name.to_owned()), input), "{what}");
        // The same in the comments of a JPEG and a WebP.
        let json = texts.iter().map(|(_, text)| *text).find(|text| text.starts_with('{'));
        if let Some(json) = json {
            let blob = tiff(&[], &[(0x9286, Value::Bytes(&user_comment(json, true)))]);
            let (jpeg, webp) = (told(&jpeg(&[app1_exif(&blob)], false)), told(&webp(&[(b"EXIF", &blob)])));
            assert_eq!(jpeg, webp, "{what}");
            assert!(jpeg.0.is_some(), "{what} in a JPEG's comment");
        }
    }
}

#[test]
fn services_are_told_by_what_their_downloads_carry() {
    let signature = format!("Signature: {}=", "Zm9vYmFyYmF6".repeat(12));
    let grok = tiff(
        &[(0x010e, Value::Ascii(&signature)), (0x013b, Value::Ascii("0b5a0d7e-0f6c-4f83-9d0c-9f5d7f6a1b2c"))],
        &[],
    );
    let flux = |software: &str| {
        tiff(
            &[
                (0x010f, Value::Ascii("Black Forest Labs")),
                (0x0110, Value::Ascii("flux-schnell")),
                (0x0131, Value::Ascii(software)),
            ],
            &[],
        )
    };
    let job = "a pier at noon Job ID: 6b1c7c5e-0a63-4f6b-8f43-3f4c8c1f2d3e";
    let guid = xmp(
        r#"xmlns:i="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" i:DigImageGUID="6b1c7c5e-0a63-4f6b-8f43-3f4c8c1f2d3e""#,
        "",
    );
    let midjourney = png(&[
        chunk(b"tEXt", &[b"Description\0", job.as_bytes()].concat()),
        chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", guid.as_bytes()].concat()),
    ]);
    let credit =
        |words: &str| xmp(&format!(r#"xmlns:p="http://ns.adobe.com/photoshop/1.0/" p:Credit="{words}""#), "");
    let draw = xmp(
        r#"xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" xmp:CreatorTool="Draw Things""#,
        r#"<exif:UserComment><rdf:Alt><rdf:li xml:lang="x-default">{"c": "a pier", "uc": "", "seed": 1, "sampler": "Euler A", "strength": 0.5}</rdf:li></rdf:Alt></exif:UserComment>"#,
    );
    for (what, file, name, input) in [
        ("Grok", jpeg(&[jfif(), app1_exif(&grok)], false), "xAI Grok", false),
        ("Grok, WebP", webp(&[(b"EXIF", &grok)]), "xAI Grok", false),
        ("FLUX", jpeg(&[app1_exif(&flux("AI generated;txt2img;flux"))], false), "FLUX reference code", false),
        (
            "FLUX edit",
            jpeg(&[app1_exif(&flux("AI generated;img2img;flux"))], false),
            "FLUX reference code",
            true,
        ),
        (
            "Midjourney, switches",
            png_text(&[
                (
                    "Description",
                    "a pier --ar 16:9 --v 7.0 --stylize 250 Job ID: 6b1c7c5e-0a63-4f6b-8f43-3f4c8c1f2d3e",
                ),
                ("Author", "someone"),
            ]),
            "Midjourney",
            false,
        ),
        (
            "Midjourney, no switches",
            png_text(&[("Description", job), ("Author", "someone")]),
            "Midjourney",
            false,
        ),
        ("Midjourney, a GUID", midjourney, "Midjourney", false),
        ("Google", jpeg(&[app1_xmp(&credit("Made with Google AI"))], false), "Google AI", false),
        (
            "Google, an edit",
            jpeg(&[app1_xmp(&credit("Edited with Google AI"))], false),
            "Google AI (edit)",
            true,
        ),
        (
            "Draw Things",
            png(&[chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0\0\0", draw.as_bytes()].concat())]),
            "Draw Things",
            true,
        ),
        (
            "TensorArt",
            png_text(&[
                (
                    "generation_data",
                    r#"{"models":[{"type":"LORA"}],"prompt":"a pier","width":512,"baseModel":{"label":"demo"}}"#,
                ),
                ("prompt", RAN),
            ]),
            "TensorArt",
            false,
        ),
    ] {
        let (_, assessment) = examine(&file, (512, 768));
        assert_eq!(assessment.generator.as_deref(), Some(name), "{what}");
        assert_eq!(assessment.input_picture_used, input, "{what}");
        let first = if input { Proposition::AiEdited } else { Proposition::AiGenerated };
        assert_eq!(assessment.supported.first(), Some(&first), "{what}");
        assert_eq!(assessment.camera, None, "{what}: no camera's name");
    }
}
