use serde_json::json;

use super::*;

#[allow(clippy::needless_pass_by_value)]
fn picture(json: Value) -> InputPicture {
    one(&json, shape::is_comfy_prompt(&json)).picture
}

fn mode_of(json: &Value) -> Option<String> {
    one(json, true).workflow.mode
}

fn img2img(denoise: f64) -> Value {
    json!({
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0], "vae": ["9", 2]}},
        "3": {"class_type": "KSampler", "inputs": {"latent_image": ["2", 0], "positive": ["7", 0], "denoise": denoise, "seed": 42}},
        "4": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["9", 2]}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": ["8", 0], "clip": ["10", 1]}},
        "8": {"class_type": "PrimitiveString", "inputs": {"value": "a pier"}},
        "9": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "demo.safetensors"}},
        "10": {"class_type": "LoraLoader", "inputs": {"lora_name": "sea.safetensors", "clip": ["9", 1], "model": ["9", 0]}},
    })
}

#[test]
fn a_loaded_picture_that_is_partly_denoised_was_changed() {
    assert_eq!(picture(img2img(0.6)), InputPicture::Changed);
    assert_eq!(picture(img2img(1.0)), InputPicture::Guided);
    assert_eq!(mode_of(&img2img(0.6)).as_deref(), Some("img2img"));
}

#[test]
fn models_seed_and_prompt_are_read_through_links() {
    let told = one(&img2img(0.6), true);
    assert_eq!(told.prompt, "a pier");
    assert_eq!(told.workflow.seed.as_deref(), Some("42"));
    assert_eq!(told.workflow.models, ["demo.safetensors"]);
    assert_eq!(told.workflow.loras, ["sea.safetensors"]);
    assert_eq!(told.workflow.inputs, ["a.png"]);
}

#[test]
fn a_mask_keeps_a_part_even_at_full_strength() {
    let mut graph = img2img(1.0);
    graph["6"] =
        json!({"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["2", 0], "mask": ["1", 1]}});
    graph["3"]["inputs"]["latent_image"] = json!(["6", 0]);
    assert_eq!(picture(graph.clone()), InputPicture::Changed);
    assert_eq!(mode_of(&graph).as_deref(), Some("inpaint"));
}

#[test]
fn a_picture_that_leads_nowhere_says_nothing() {
    let mut graph = img2img(0.6);
    graph["3"]["inputs"]["latent_image"] = json!(["20", 0]);
    graph["20"] = json!({"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}});
    assert_eq!(picture(graph), InputPicture::NotTold);
}

#[test]
fn a_control_picture_and_an_adapter_guide_only() {
    let control = json!({
        "1": {"class_type": "LoadImage", "inputs": {}},
        "2": {"class_type": "ControlNetApplyAdvanced", "inputs": {"image": ["1", 0], "positive": ["6", 0]}},
        "3": {"class_type": "KSampler", "inputs": {"latent_image": ["8", 0], "positive": ["2", 0], "denoise": 1}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}},
        "8": {"class_type": "EmptyLatentImage", "inputs": {}},
    });
    assert_eq!(picture(control.clone()), InputPicture::Guided);
    let mut adapter = control;
    adapter["2"] =
        json!({"class_type": "IPAdapterAdvanced", "inputs": {"image": ["1", 0], "model": ["9", 0]}});
    adapter["3"]["inputs"] =
        json!({"latent_image": ["8", 0], "model": ["2", 0], "positive": ["6", 0], "denoise": 0.8});
    assert_eq!(picture(adapter), InputPicture::Guided);
}

#[test]
fn an_edit_model_takes_its_picture_by_reference() {
    for class in ["ReferenceLatent", "TextEncodeQwenImageEditPlus", "InpaintModelConditioning"] {
        let graph = json!({
            "1": {"class_type": "LoadImage", "inputs": {}},
            "2": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0]}},
            "4": {"class_type": class, "inputs": {"conditioning": ["6", 0], "latent": ["2", 0]}},
            "3": {"class_type": "KSampler", "inputs": {"latent_image": ["8", 0], "positive": ["11", 0], "denoise": 1}},
            "11": {"class_type": "FluxGuidance", "inputs": {"conditioning": ["4", 0]}},
            "5": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
            "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}},
            "8": {"class_type": "EmptyLatentImage", "inputs": {}},
        });
        assert_eq!(picture(graph), InputPicture::Changed, "{class}");
    }
}

#[test]
fn noise_levels_of_a_custom_sampler_tell_the_strength() {
    let graph = |denoise: f64| {
        json!({
            "1": {"class_type": "LoadImage", "inputs": {}},
            "2": {"class_type": "VAEEncode", "inputs": {"pixels": ["1", 0]}},
            "3": {"class_type": "SamplerCustomAdvanced", "inputs": {"latent_image": ["2", 0], "sigmas": ["4", 0], "guider": ["6", 0]}},
            "4": {"class_type": "BasicScheduler", "inputs": {"denoise": denoise, "model": ["9", 0]}},
            "5": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
            "6": {"class_type": "BasicGuider", "inputs": {"conditioning": ["7", 0]}},
            "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "a pier"}},
        })
    };
    assert_eq!(picture(graph(0.5)), InputPicture::Changed);
    assert_eq!(picture(graph(1.0)), InputPicture::Guided);
    assert_eq!(one(&graph(0.5), true).prompt, "a pier");
}

#[test]
fn a_face_swapped_in_is_an_edit() {
    let graph = json!({
        "1": {"class_type": "LoadImage", "inputs": {}},
        "3": {"class_type": "KSampler", "inputs": {"latent_image": ["8", 0], "denoise": 1}},
        "4": {"class_type": "ReActorFaceSwap", "inputs": {"input_image": ["3", 0], "source_image": ["1", 0]}},
        "5": {"class_type": "SaveImage", "inputs": {"images": ["4", 0]}},
        "8": {"class_type": "EmptyLatentImage", "inputs": {}},
    });
    assert_eq!(picture(graph), InputPicture::Changed);
}

fn screen(load_mode: u32, encode_mode: u32) -> Value {
    json!({
        "nodes": [
            {"id": 1, "type": "LoadImage", "mode": load_mode, "outputs": [{"type": "IMAGE"}]},
            {"id": 6, "type": "ImageScale", "mode": encode_mode, "inputs": [{"name": "image", "link": 9}],
             "outputs": [{"type": "IMAGE"}]},
            {"id": 2, "type": "VAEEncode", "inputs": [{"name": "pixels", "link": 1}]},
            {"id": 3, "type": "KSampler", "widgets_values": [1, "fixed", 20, 7, "euler", "normal", 0.5],
             "inputs": [{"name": "latent_image", "link": 2}]},
            {"id": 4, "type": "SaveImage", "inputs": [{"name": "images", "link": 3}]},
        ],
        "links": [[9, 1, 0, 6, 0, "IMAGE"], [1, 6, 0, 2, 0, "IMAGE"], [2, 2, 0, 3, 0, "LATENT"], [3, 3, 0, 4, 0, "IMAGE"]],
    })
}

#[test]
fn on_screen_a_muted_node_cuts_and_a_bypassed_one_hands_on() {
    assert_eq!(picture(screen(0, 0)), InputPicture::Changed);
    assert_eq!(picture(screen(0, 4)), InputPicture::Changed, "a bypassed scaler hands its picture on");
    assert_eq!(picture(screen(0, 2)), InputPicture::NotTold, "a muted scaler gives nothing");
    assert_eq!(picture(screen(4, 0)), InputPicture::NotTold, "a bypassed loader has nothing to hand on");
}

#[test]
fn a_subgraph_is_read_like_its_nodes() {
    let graph = json!({
        "nodes": [
            {"id": 1, "type": "LoadImage", "outputs": [{"type": "IMAGE"}]},
            {"id": 2, "type": "sub", "inputs": [{"name": "pixels", "link": 1}], "outputs": [{"type": "IMAGE"}]},
            {"id": 4, "type": "SaveImage", "inputs": [{"name": "images", "link": 2}]},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 2, 0, 4, 0, "IMAGE"]],
        "definitions": {"subgraphs": [{
            "id": "sub", "inputs": [{"name": "pixels"}], "outputs": [{"name": "IMAGE"}],
            "nodes": [
                {"id": 1, "type": "VAEEncode", "inputs": [{"name": "pixels", "link": 11}]},
                {"id": 2, "type": "KSampler", "widgets_values": [1, "fixed", 20, 7, "euler", "normal", 0.5],
                 "inputs": [{"name": "latent_image", "link": 12}]},
            ],
            "links": [
                {"id": 11, "origin_id": -10, "origin_slot": 0, "target_id": 1, "target_slot": 0, "type": "IMAGE"},
                {"id": 12, "origin_id": 1, "origin_slot": 0, "target_id": 2, "target_slot": 0, "type": "LATENT"},
                {"id": 13, "origin_id": 2, "origin_slot": 0, "target_id": -20, "target_slot": 0, "type": "LATENT"},
            ],
        }]},
    });
    assert_eq!(picture(graph), InputPicture::Changed);
}

#[test]
fn a_getter_takes_what_its_setter_was_given() {
    let graph = json!({
        "nodes": [
            {"id": 1, "type": "LoadImage"},
            {"id": 2, "type": "SetNode", "widgets_values": ["pic"], "inputs": [{"name": "IMAGE", "link": 1}]},
            {"id": 3, "type": "GetNode", "widgets_values": ["pic"]},
            {"id": 4, "type": "SaveImage", "inputs": [{"name": "images", "link": 2}]},
        ],
        "links": [[1, 1, 0, 2, 0, "IMAGE"], [2, 3, 0, 4, 0, "IMAGE"]],
    });
    assert_eq!(picture(graph), InputPicture::Changed);
}

#[test]
fn a_graph_in_a_circle_and_one_inside_itself_end() {
    let circle = json!({
        "1": {"class_type": "LoadImage", "inputs": {}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["3", 0]}},
        "3": {"class_type": "ImageScale", "inputs": {"image": ["3", 0], "other": ["2", 0]}},
    });
    assert_eq!(picture(circle), InputPicture::NotTold);
    let inside = json!({
        "nodes": [{"id": 1, "type": "s"}, {"id": 2, "type": "s"}, {"id": 3, "type": "s"}],
        "definitions": {"subgraphs": [{"id": "s", "inputs": [{}], "outputs": [{}],
            "nodes": [{"id": 1, "type": "s"}, {"id": 2, "type": "s"}, {"id": 3, "type": "s"}, {"id": 4, "type": "s"}]}]},
    });
    assert_eq!(picture(inside), InputPicture::NotTold);
}
