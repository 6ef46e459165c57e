//! What generators write into their files, in their own conventions, about pictures that no generator made.
//! *Source:* AUTOMATIC1111/stable-diffusion-webui `modules/infotext_utils.py`; comfyanonymous/ComfyUI `nodes.py`.

/// The `parameters` text of A1111 and its kin.
pub(super) fn a1111(words: &str, seed: u32) -> String {
    format!(
        "{words}\nNegative prompt: text, frame\nSteps: 24, Sampler: DPM++ 2M, CFG scale: 6.5, Seed: {seed}, Size: \
         512x512, Model hash: 0000000000, Model: demo, Version: v0.0-demo"
    )
}

/// The graph that ComfyUI ran, from words alone.
pub(super) fn comfy_prompt_from_words() -> String {
    serde_json::json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": 7, "steps": 20, "cfg": 7.0, "denoise": 1.0,
            "sampler_name": "euler", "scheduler": "normal", "model": ["4", 0], "positive": ["6", 0],
            "negative": ["7", 0], "latent_image": ["5", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "demo.safetensors"}},
        "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512, "batch_size": 1}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a bowl of fruit", "clip": ["4", 1]}},
        "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}}
    })
    .to_string()
}

/// The graph that ComfyUI ran, from a loaded picture.
pub(super) fn comfy_prompt_from_a_picture() -> String {
    serde_json::json!({
        "3": {"class_type": "KSampler", "inputs": {"seed": 11, "steps": 20, "cfg": 7.0, "denoise": 0.55,
            "sampler_name": "euler", "scheduler": "normal", "model": ["4", 0], "positive": ["6", 0],
            "negative": ["6", 0], "latent_image": ["11", 0]}},
        "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "demo.safetensors"}},
        "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "hills at dusk", "clip": ["4", 1]}},
        "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
        "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "ComfyUI", "images": ["8", 0]}},
        "10": {"class_type": "LoadImage", "inputs": {"image": "hills.png"}},
        "11": {"class_type": "VAEEncode", "inputs": {"pixels": ["10", 0], "vae": ["4", 2]}}
    })
    .to_string()
}

/// A short ComfyUI workflow, as it stood on the screen.
pub(super) fn comfy_workflow() -> String {
    serde_json::json!({
        "last_node_id": 9, "last_link_id": 1,
        "nodes": [
            {"id": 8, "type": "VAEDecode", "inputs": [], "outputs": [{"name": "IMAGE", "type": "IMAGE", "links": [1]}]},
            {"id": 9, "type": "SaveImage", "inputs": [{"name": "images", "type": "IMAGE", "link": 1}]}
        ],
        "links": [[1, 8, 0, 9, 0, "IMAGE"]], "groups": [], "config": {}, "version": 0.4
    })
    .to_string()
}
