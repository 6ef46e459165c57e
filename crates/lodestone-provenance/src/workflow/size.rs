//! Is the saved picture what the graph made? A picture of ComfyUI's own window carries the same metadata as what it
//! draws, and so does a picture that was only loaded and saved.
//!
//! No single trait tells it, so several are weighed: whether the graph ran (the export of a workflow's picture writes
//! only `workflow`), whether it could give a picture of this size, and whether the pixels look drawn by a program:
//! large areas of one exact colour, which decoders of latents do not give.

use lodestone_media::Format;
use serde_json::Value;

use super::graph::Node;
use crate::item::Item;

/// What a graph says of what it saves.
#[derive(Clone, Debug, Default)]
pub(crate) struct GraphFacts {
    /// The graph is what ran, not only what was on screen.
    pub(crate) executed: bool,
    /// Its nodes only load, scale and save.
    pub(crate) passes_on: bool,
    /// All its nodes are known to keep the size, and none loads a picture.
    pub(crate) all_known: bool,
    /// A node scales, crops or pads.
    pub(crate) scales: bool,
    /// Sizes that nodes state.
    pub(crate) sizes: Vec<(u32, u32)>,
}

/// Nodes of ComfyUI itself that keep the size of the latent.
const KEEPS_SIZE: [&str; 24] = [
    "CheckpointLoader",
    "CLIPTextEncode",
    "KSampler",
    "VAEDecode",
    "EmptyLatentImage",
    "EmptySD3LatentImage",
    "EmptyFlux2LatentImage",
    "SaveImage",
    "PreviewImage",
    "LoraLoader",
    "UNETLoader",
    "VAELoader",
    "CLIPLoader",
    "DualCLIPLoader",
    "TripleCLIPLoader",
    "CLIPSetLastLayer",
    "FluxGuidance",
    "ModelSampling",
    "BasicScheduler",
    "BasicGuider",
    "CFGGuider",
    "SamplerCustom",
    "RandomNoise",
    "Conditioning",
];
/// Nodes that hand a picture on.
const PASSES: [&str; 14] = [
    "LoadImage",
    "SaveImage",
    "PreviewImage",
    "ImageScale",
    "ImageCrop",
    "ImageInvert",
    "ImagePad",
    "ImageBatch",
    "ImageRotate",
    "ImageFlip",
    "Reroute",
    "Note",
    "MarkdownNote",
    "PrimitiveNode",
];

/// Gathers the facts from the nodes in use.
pub(crate) fn facts(nodes: &[Node<'_>], used: &[usize], executed: bool) -> GraphFacts {
    let used: Vec<&Node<'_>> =
        used.iter().filter_map(|&i| nodes.get(i)).filter(|n| !n.class.is_empty()).collect();
    let any_of = |list: &[&str], class: &str| list.iter().any(|known| class.starts_with(known));
    let scales = |class: &str| {
        let class = class.to_ascii_lowercase();
        ["scale", "resize", "crop", "pad", "concat", "grid", "stitch", "hires", "detailer"]
            .iter()
            .any(|w| class.contains(w))
    };
    let mut sizes = Vec::new();
    for node in &used {
        let class = node.class.as_str();
        let sized = ["Latent", "Scale", "Resize", "Resolution", "Size", "Scheduler"]
            .iter()
            .any(|w| class.contains(w));
        let side = |v: Option<&Value>| {
            v.and_then(Value::as_u64)
                .and_then(|n| u32::try_from(n).ok())
                .filter(|n| (64..=16_384).contains(n))
        };
        let named = side(node.value("width")).zip(side(node.value("height")));
        let placed = || {
            (0..4).find_map(|i| side(node.value(&i.to_string())).zip(side(node.value(&(i + 1).to_string()))))
        };
        if sized && sizes.len() < 64 {
            sizes.extend(named.or_else(placed));
        }
    }
    GraphFacts {
        executed,
        passes_on: !used.is_empty()
            && used.iter().any(|n| n.class.starts_with("LoadImage"))
            && used.iter().any(|n| n.class.starts_with("SaveImage"))
            && used.iter().all(|n| any_of(&PASSES, &n.class)),
        all_known: !used.is_empty() && used.iter().all(|n| any_of(&KEEPS_SIZE, &n.class)),
        scales: used.iter().any(|n| scales(&n.class)),
        sizes,
    }
}

impl GraphFacts {
    /// Whether the graph could give this size; `None` where it states none or a picture's size is unknown.
    fn fits(&self, width: u32, height: u32) -> Option<bool> {
        if self.sizes.is_empty() || width == 0 || height == 0 {
            return None;
        }
        let fits = |(w, h): (u32, u32)| {
            let (across, down) = (f64::from(width) / f64::from(w), f64::from(height) / f64::from(h));
            let exact = (w, h) == (width, height);
            // Scaling, in the graph or of a copy, rounds to whole pixels or to multiples of 8: 2 %.
            exact || ((across / down - 1.0).abs() < 0.02 && (0.1..=16.0).contains(&across))
        };
        Some(self.sizes.iter().any(|&(w, h)| fits((w, h)) || fits((h, w))))
    }
}

/// What the file's pixels look like, as far as it is cheap to see.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    width: u32,
    height: u32,
    /// Share of pixels that equal their left neighbour, pure black and white aside.
    flat: Option<f64>,
    /// Bytes of compressed pixels a pixel, in a lossless format.
    bytes_per_pixel: Option<f64>,
    alpha: bool,
    /// Chunks that ComfyUI's writer does not write.
    foreign: bool,
}

/// Chunks that screenshots and editors write and ComfyUI (Pillow) does not.
const FOREIGN: [&[u8; 4]; 7] = [b"sRGB", b"gAMA", b"pHYs", b"iCCP", b"tIME", b"cHRM", b"sBIT"];
/// Chunks walked. A file in pieces of 8 kB has 1,200 in 10 MB.
const MAX_CHUNKS: usize = 50_000;
/// Rows looked at.
const MAX_ROWS: usize = 200;

impl Look {
    /// Looks at a file. Cost: the chunk headers and at most 200 rows.
    pub(crate) fn at(item: &Item<'_>) -> Self {
        let mut look = Self { width: item.width, height: item.height, ..Self::default() };
        if item.segments.format != Some(Format::Png) {
            return look;
        }
        let be32 = |at: usize| -> Option<u32> {
            let b = item.bytes.get(at..at.checked_add(4)?)?;
            Some(u32::from_be_bytes([b[0], b[1], b[2], b[3]]))
        };
        let mut at = 8usize;
        let mut packed = 0u64;
        for _ in 0..MAX_CHUNKS {
            let (Some(length), Some(name)) = (be32(at), item.bytes.get(at + 4..at + 8)) else {
                break;
            };
            match name {
                b"IHDR" => {
                    look.width = be32(at + 8).unwrap_or(look.width);
                    look.height = be32(at + 12).unwrap_or(look.height);
                    look.alpha = matches!(item.bytes.get(at + 17), Some(4 | 6));
                }
                b"IDAT" => packed += u64::from(length),
                b"IEND" => break,
                name => look.foreign |= FOREIGN.iter().any(|f| f.as_slice() == name),
            }
            at = at.saturating_add(12).saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
        }
        let count = f64::from(look.width) * f64::from(look.height);
        // Below 10,000 pixels nothing is a screenshot.
        if count >= 10_000.0 && packed > 0 {
            #[allow(clippy::cast_precision_loss)]
            let packed = packed as f64;
            look.bytes_per_pixel = Some(packed / count);
            look.flat = item.pixels.as_ref().and_then(|p| flat(p.rgb, p.alpha, p.width as usize));
        }
        look
    }

    /// Drawn by a program. Of 46 generated PNG files the flattest had 0.78 and the smallest 0.28, and those above 0.5 had
    /// been through a JPEG; half of 40 screenshots and diagrams have above 0.93 and below 0.06.
    fn is_drawn(&self) -> bool {
        let small = |limit: f64| self.bytes_per_pixel.is_some_and(|b| b < limit);
        let flat = |limit: f64| self.flat.is_some_and(|f| f >= limit);
        small(0.2) || flat(0.82) || (flat(0.6) && small(0.35)) || (flat(0.5) && (self.alpha || self.foreign))
    }

    /// Perhaps drawn by a program: only beside another trait.
    fn may_be_drawn(&self) -> bool {
        self.flat.is_some_and(|f| f >= 0.5)
            || (self.flat.is_none() && self.bytes_per_pixel.is_some_and(|b| b < 0.6))
    }
}

fn flat(rgb: &[u8], alpha: Option<&[u8]>, width: usize) -> Option<f64> {
    let row = width.checked_mul(3).filter(|n| *n >= 6)?;
    let rows = rgb.len() / row;
    let step = (rows / MAX_ROWS).max(1);
    let (mut same, mut all) = (0u32, 0u32);
    for y in (0..rows).step_by(step) {
        let line = rgb.get(y * row..(y + 1) * row)?;
        let clear = |x: usize| alpha.is_some_and(|a| a.get(y * width + x).is_some_and(|v| *v == 0));
        for (x, pair) in line.chunks_exact(3).zip(line.get(3..)?.chunks_exact(3)).enumerate() {
            let (left, right) = pair;
            let extreme = matches!(right, [0, 0, 0] | [255, 255, 255]);
            if !extreme && !clear(x + 1) {
                all = all.saturating_add(1);
                same = same.saturating_add(u32::from(left == right));
            }
        }
    }
    (all >= 1_000).then(|| f64::from(same) / f64::from(all))
}

/// Why the metadata does not tell what the pixels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTold {
    /// They look like a picture of a program's window.
    Screenshot,
    /// The graph did not make them, or could not have.
    OtherPixels,
}

/// Weighs the traits; `None`: nothing speaks against the graph having made the pixels.
pub(crate) fn not_told(graph: &GraphFacts, look: &Look) -> Option<NotTold> {
    let misfit = graph.fits(look.width, look.height) == Some(false);
    let size = (look.width, look.height);
    let fits = !graph.scales && graph.sizes.iter().any(|&(w, h)| size == (w, h) || size == (h, w));
    if look.is_drawn() && !fits {
        Some(NotTold::Screenshot)
    } else if !graph.executed && (misfit || look.alpha) {
        // The export of a workflow's picture writes `workflow` and nothing else, with an alpha channel.
        Some(if look.alpha || look.may_be_drawn() { NotTold::Screenshot } else { NotTold::OtherPixels })
    } else if misfit && look.may_be_drawn() {
        Some(NotTold::Screenshot)
    } else if graph.executed && (graph.passes_on || (misfit && (graph.all_known || look.foreign))) {
        Some(NotTold::OtherPixels)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_the_graph_cannot_give_is_told() {
        let graph =
            GraphFacts { executed: true, all_known: true, sizes: vec![(512, 768)], ..GraphFacts::default() };
        let look = |width, height| Look { width, height, ..Look::default() };
        assert_eq!(not_told(&graph, &look(512, 768)), None);
        assert_eq!(not_told(&graph, &look(1378, 724)), Some(NotTold::OtherPixels));
        assert_eq!(not_told(&graph, &look(256, 384)), None, "a smaller copy");
        let scaled = GraphFacts { scales: true, all_known: false, ..graph.clone() };
        assert_eq!(not_told(&scaled, &look(1024, 1536)), None);
        let drawn = Look { flat: Some(0.95), ..look(1378, 724) };
        assert_eq!(not_told(&scaled, &drawn), Some(NotTold::Screenshot));
        let unknown = GraphFacts { executed: true, ..GraphFacts::default() };
        assert_eq!(not_told(&unknown, &look(1378, 724)), None);
    }

    #[test]
    fn flat_areas_count_without_black_white_and_clear_pixels() {
        let grey: Vec<u8> = [40u8; 3 * 100 * 100].to_vec();
        assert_eq!(flat(&grey, None, 100), Some(1.0));
        assert_eq!(flat(&vec![255u8; 30_000], None, 100), None);
        assert_eq!(flat(&grey, Some(&vec![0; 10_000]), 100), None);
        let noise: Vec<u8> = (0..30_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        assert!(flat(&noise, None, 100).expect("enough") < 0.1);
        assert_eq!(flat(&[], None, 0), None);
    }
}
