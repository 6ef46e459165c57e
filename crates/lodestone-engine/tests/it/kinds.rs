//! The same picture in every kind of file gives the hash of what is shown, not of how it is stored. HMA hashes palette
//! indices, inverts CMYK, and gives nothing for 16-bit and 1-bit PNG.

use lodestone_engine::{ObserveOptions, observe::observe};
use png::{BitDepth, ColorType};

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
/// Bits by which two hashes of one picture may differ: rounding, and in JPEG and GIF what their coding loses.
const SAME_PICTURE: u32 = 10;

type Rgb = [u8; 3];

/// Blobs, a bright band and stripes, in 216 colours (each channel in steps of 51).
fn drawn() -> Vec<Rgb> {
    let mut pixels = Vec::new();
    for y in 0..HEIGHT {
        for x in 0..WIDTH {
            let from = |cx: i64, cy: i64, r: i64| {
                let (dx, dy) = (i64::from(x) - cx, i64::from(y) - cy);
                (255 - (dx * dx + dy * dy) * 255 / (r * r)).max(0)
            };
            let red = from(90, 70, 110) + i64::from(x) / 4;
            let green = from(230, 150, 130) + if x / 24 % 3 == 0 { 60 } else { 0 };
            let blue = from(150, 210, 90) + if (100..140).contains(&y) { 120 } else { 0 };
            pixels.push([red, green, blue].map(|value| (value.min(255) / 51 * 51) as u8));
        }
    }
    pixels
}

fn luma([r, g, b]: Rgb) -> u8 {
    ((u32::from(r) * 299 + u32::from(g) * 587 + u32::from(b) * 114) / 1000) as u8
}

fn grey(picture: &[Rgb]) -> Vec<Rgb> {
    picture.iter().map(|pixel| [luma(*pixel); 3]).collect()
}

/// In `levels` steps of grey.
fn stepped(picture: &[Rgb], levels: u32) -> (Vec<u8>, Vec<Rgb>) {
    let steps: Vec<u8> = picture.iter().map(|pixel| (u32::from(luma(*pixel)) * levels / 256) as u8).collect();
    let shown = steps.iter().map(|step| [(u32::from(*step) * 255 / (levels - 1)) as u8; 3]).collect();
    (steps, shown)
}

/// The colours of a picture in an order that has nothing to do with how bright they are, and each pixel's place in it.
fn indexed(picture: &[Rgb]) -> (Vec<u8>, Vec<u8>) {
    let mut colours: Vec<Rgb> = picture.to_vec();
    colours.sort_unstable_by_key(|[r, g, b]| {
        (u32::from(*r) * 7919 + u32::from(*g) * 104_729 + u32::from(*b) * 31) % 9973
    });
    colours.dedup();
    let mut distinct: Vec<Rgb> = Vec::new();
    for colour in colours {
        if !distinct.contains(&colour) {
            distinct.push(colour);
        }
    }
    let place = |pixel: &Rgb| distinct.iter().position(|colour| colour == pixel).unwrap_or(0) as u8;
    (distinct.concat(), picture.iter().map(place).collect())
}

/// Indices of fewer than eight bits, packed.
fn packed(values: &[u8], bits: usize) -> Vec<u8> {
    let row = |row: &[u8]| -> Vec<u8> {
        row.chunks(8 / bits)
            .map(|group| {
                let start = group.iter().fold(0u8, |byte, value| byte << bits | value);
                start << (bits * (8 / bits - group.len()))
            })
            .collect()
    };
    values.chunks(WIDTH as usize).flat_map(row).collect()
}

fn png(color: ColorType, depth: BitDepth, palette: Option<Vec<u8>>, data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if let Some(palette) = palette {
        encoder.set_palette(palette);
    }
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(data).expect("all pixels");
    writer.finish().expect("an end");
    file
}

fn png_rgb(picture: &[Rgb]) -> Vec<u8> {
    png(ColorType::Rgb, BitDepth::Eight, None, &picture.concat())
}

fn wide(bytes: impl IntoIterator<Item = u8>) -> Vec<u8> {
    bytes.into_iter().flat_map(|byte| [byte, byte]).collect()
}

fn with_alpha(picture: &[Rgb]) -> Vec<u8> {
    picture.iter().flat_map(|[r, g, b]| [*r, *g, *b, 255]).collect()
}

fn gif(picture: &[Rgb]) -> Vec<u8> {
    let (palette, indices) = indexed(picture);
    let mut file = Vec::new();
    let mut encoder = gif::Encoder::new(&mut file, WIDTH as u16, HEIGHT as u16, &palette).expect("a header");
    let frame = gif::Frame::from_indexed_pixels(WIDTH as u16, HEIGHT as u16, indices, None);
    encoder.write_frame(&frame).expect("a frame");
    drop(encoder);
    file
}

fn jpeg(color: jpeg_encoder::ColorType, data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut file, 95);
    encoder.encode(data, WIDTH as u16, HEIGHT as u16, color).expect("a picture");
    file
}

/// Ink: 255 is all of it.
fn cmyk(picture: &[Rgb]) -> Vec<u8> {
    let ink = |[r, g, b]: &Rgb| {
        let most = *r.max(g).max(b);
        let of =
            |value: u8| if most == 0 { 0 } else { (u32::from(most - value) * 255 / u32::from(most)) as u8 };
        [of(*r), of(*g), of(*b), 255 - most]
    };
    picture.iter().flat_map(ink).collect()
}

/// Without Adobe's segment. Inks are stored the other way round (0 is all ink) with and without it: so Pillow, Skia, WebKit and
/// gdk-pixbuf read every such file.
fn without_adobe(file: &[u8]) -> Vec<u8> {
    let at = file.windows(9).position(|bytes| bytes == b"\xff\xee\0\x0eAdobe").expect("Adobe's segment");
    [&file[..at], &file[at + 16..]].concat()
}

fn webp(color: image_webp::ColorType, data: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    image_webp::WebPEncoder::new(&mut file).encode(data, WIDTH, HEIGHT, color).expect("a picture");
    file
}

/// Hash and quality of the first form.
fn hash(name: &str, file: &[u8]) -> ([u8; 32], u8) {
    let options = ObserveOptions { provenance: false, ..ObserveOptions::default() };
    let seen = observe(&options, file);
    let print = seen.fingerprints.first().unwrap_or_else(|| panic!("{name}: {:?}", seen.unreadable));
    (print.pdq_dihedral[0], print.quality)
}

fn distance(a: [u8; 32], b: [u8; 32]) -> u32 {
    a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum()
}

fn agree(shown: &[Rgb], kinds: Vec<(&str, Vec<u8>)>) {
    let (expected, quality) = hash("the reference", &png_rgb(shown));
    assert!(quality >= 50, "a picture that a hash can tell from others: {quality}");
    for (name, file) in kinds {
        let bits = distance(hash(name, &file).0, expected);
        assert!(bits <= SAME_PICTURE, "{name}: {bits} bits");
    }
}

#[test]
fn every_kind_of_colour_file_gives_the_hash_of_the_shown_picture() {
    let picture = drawn();
    let (palette, indices) = indexed(&picture);
    let (rgb, rgba) = (picture.concat(), with_alpha(&picture));
    let inks = cmyk(&picture);
    agree(
        &picture,
        vec![
            ("palette PNG", png(ColorType::Indexed, BitDepth::Eight, Some(palette), &indices)),
            ("RGBA PNG", png(ColorType::Rgba, BitDepth::Eight, None, &rgba)),
            ("16-bit RGB PNG", png(ColorType::Rgb, BitDepth::Sixteen, None, &wide(rgb.clone()))),
            ("16-bit RGBA PNG", png(ColorType::Rgba, BitDepth::Sixteen, None, &wide(rgba.clone()))),
            ("GIF", gif(&picture)),
            ("JPEG", jpeg(jpeg_encoder::ColorType::Rgb, &rgb)),
            ("CMYK JPEG by Adobe's convention", jpeg(jpeg_encoder::ColorType::Cmyk, &inks)),
            ("YCCK JPEG", jpeg(jpeg_encoder::ColorType::CmykAsYcck, &inks)),
            ("CMYK JPEG without Adobe's segment", without_adobe(&jpeg(jpeg_encoder::ColorType::Cmyk, &inks))),
            ("WebP", webp(image_webp::ColorType::Rgb8, &rgb)),
            ("RGBA WebP", webp(image_webp::ColorType::Rgba8, &rgba)),
        ],
    );
}

#[test]
fn every_kind_of_grey_file_gives_the_hash_of_the_shown_picture() {
    let shown = grey(&drawn());
    let values: Vec<u8> = shown.iter().map(|pixel| pixel[0]).collect();
    let with_alpha: Vec<u8> = values.iter().flat_map(|value| [*value, 255]).collect();
    agree(
        &shown,
        vec![
            ("grey PNG", png(ColorType::Grayscale, BitDepth::Eight, None, &values)),
            ("LA PNG", png(ColorType::GrayscaleAlpha, BitDepth::Eight, None, &with_alpha)),
            ("16-bit grey PNG", png(ColorType::Grayscale, BitDepth::Sixteen, None, &wide(values.clone()))),
            (
                "16-bit LA PNG",
                png(ColorType::GrayscaleAlpha, BitDepth::Sixteen, None, &wide(with_alpha.clone())),
            ),
            ("grey JPEG", jpeg(jpeg_encoder::ColorType::Luma, &values)),
            ("grey WebP", webp(image_webp::ColorType::L8, &values)),
            ("LA WebP", webp(image_webp::ColorType::La8, &with_alpha)),
        ],
    );
}

#[test]
fn few_bits_a_pixel_give_the_hash_of_the_shown_picture() {
    for (bits, depth) in [(1, BitDepth::One), (2, BitDepth::Two), (4, BitDepth::Four)] {
        let (steps, shown) = stepped(&drawn(), 1 << bits);
        let (palette, indices) = indexed(&shown);
        agree(
            &shown,
            vec![
                ("grey PNG of few bits", png(ColorType::Grayscale, depth, None, &packed(&steps, bits))),
                (
                    "palette PNG of few bits",
                    png(ColorType::Indexed, depth, Some(palette), &packed(&indices, bits)),
                ),
                ("GIF of few colours", gif(&shown)),
            ],
        );
    }
}
