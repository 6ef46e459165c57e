//! Pictures made in code: one scene of hills, in the formats that come.

/// Width and height of the scene.
pub(super) const SIDE: usize = 192;

/// A picture that HMA's own tests use, whose PDQ they give. *Source:* `pdq/data/bridge-mods/aaa-orig.jpg` of
/// facebook/ThreatExchange; see the SOURCES file beside it.
pub(super) const BRIDGE: &[u8] = include_bytes!("../../../../lodestone-hash/tests/fixtures/bridge-1.jpg");
pub(super) const BRIDGE_PDQ: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

/// Hills under a sky with a sun, in few colours, so that a palette holds them all.
pub(super) fn scene(seed: u32) -> Vec<[u8; 3]> {
    let shift = f64::from(seed);
    let at = |x: usize, y: usize| {
        let (fx, fy) = (x as f64 / SIDE as f64, y as f64 / SIDE as f64);
        let hill = |base: f64, high: f64, wide: f64, off: f64| {
            base + high * ((fx * wide + off) * std::f64::consts::TAU).sin()
        };
        let sun = (fx - 0.2 - 0.13 * shift).powi(2) + (fy - 0.22).powi(2);
        if fy > hill(0.75, 0.08, 1.7 + 0.3 * shift, 0.4) {
            [34, 85, 34]
        } else if fy > hill(0.55, 0.12, 0.9 + 0.2 * shift, 0.1 * shift) {
            [85, 136, 68]
        } else if sun < 0.012 {
            [255, 238, 153]
        } else if fy > hill(0.35, 0.1, 2.3, 0.7 - 0.2 * shift) {
            [119, 153, 187]
        } else {
            let band = (fy * 12.0) as u8;
            [68 + 17 * band, 102 + 17 * band, 187]
        }
    };
    (0..SIDE).flat_map(|y| (0..SIDE).map(move |x| at(x, y))).collect()
}

fn encode(kind: png::ColorType, depth: png::BitDepth, palette: Option<Vec<u8>>, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, SIDE as u32, SIDE as u32);
    encoder.set_color(kind);
    encoder.set_depth(depth);
    if let Some(palette) = palette {
        encoder.set_palette(palette);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    bytes
}

pub(super) fn png(scene: &[[u8; 3]]) -> Vec<u8> {
    encode(png::ColorType::Rgb, png::BitDepth::Eight, None, &scene.concat())
}

pub(super) fn png_with_alpha(scene: &[[u8; 3]]) -> Vec<u8> {
    let data: Vec<u8> = scene.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect();
    encode(png::ColorType::Rgba, png::BitDepth::Eight, None, &data)
}

pub(super) fn png_of_16_bits(scene: &[[u8; 3]]) -> Vec<u8> {
    let data: Vec<u8> = scene.iter().flatten().flat_map(|value| [*value, *value]).collect();
    encode(png::ColorType::Rgb, png::BitDepth::Sixteen, None, &data)
}

/// Colours in order of their first use, and the index of each pixel's.
fn indexed(scene: &[[u8; 3]]) -> (Vec<[u8; 3]>, Vec<u8>) {
    let mut colours: Vec<[u8; 3]> = Vec::new();
    let indices = scene
        .iter()
        .map(|pixel| {
            let at = colours.iter().position(|colour| colour == pixel).unwrap_or_else(|| {
                colours.push(*pixel);
                colours.len() - 1
            });
            u8::try_from(at).unwrap()
        })
        .collect();
    (colours, indices)
}

pub(super) fn png_with_palette(scene: &[[u8; 3]]) -> Vec<u8> {
    let (colours, indices) = indexed(scene);
    encode(png::ColorType::Indexed, png::BitDepth::Eight, Some(colours.concat()), &indices)
}

pub(super) fn gif(scene: &[[u8; 3]]) -> Vec<u8> {
    let (colours, indices) = indexed(scene);
    let side = SIDE as u16;
    let mut bytes = Vec::new();
    let mut encoder = gif::Encoder::new(&mut bytes, side, side, &colours.concat()).unwrap();
    let frame = gif::Frame { width: side, height: side, buffer: indices.into(), ..gif::Frame::default() };
    encoder.write_frame(&frame).unwrap();
    drop(encoder);
    bytes
}

pub(super) fn jpeg(scene: &[[u8; 3]]) -> Vec<u8> {
    encoded(&scene.concat(), jpeg_encoder::ColorType::Rgb)
}

pub(super) fn cmyk_jpeg(scene: &[[u8; 3]]) -> Vec<u8> {
    let data: Vec<u8> = scene.iter().flat_map(|[r, g, b]| [255 - r, 255 - g, 255 - b, 0]).collect();
    encoded(&data, jpeg_encoder::ColorType::Cmyk)
}

fn encoded(data: &[u8], kind: jpeg_encoder::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut bytes, 92);
    encoder.encode(data, SIDE as u16, SIDE as u16, kind).unwrap();
    bytes
}

/// Black and white, a bit a pixel; and the same pixels in RGB.
pub(super) fn png_of_1_bit(scene: &[[u8; 3]]) -> (Vec<u8>, Vec<u8>) {
    let light = |pixel: &[u8; 3]| pixel.iter().map(|value| u32::from(*value)).sum::<u32>() > 380;
    let packed: Vec<u8> = scene
        .chunks(8)
        .map(|eight| eight.iter().fold(0, |byte, pixel| byte << 1 | u8::from(light(pixel))))
        .collect();
    let plain: Vec<[u8; 3]> = scene.iter().map(|pixel| [255 * u8::from(light(pixel)); 3]).collect();
    (encode(png::ColorType::Grayscale, png::BitDepth::One, None, &packed), png(&plain))
}

/// One colour: of no PDQ quality at all.
pub(super) fn flat() -> Vec<u8> {
    png(&vec![[7; 3]; SIDE * SIDE])
}
