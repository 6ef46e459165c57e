//! JPEG: pixels as libjpeg-turbo makes them, and every kind of damage survived.

use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use lodestone_media::{Decoded, Error, FrameInfo, Limits, PixelKind, PixelSink, jpeg};

/// Keeps the rows, and that the calls come in order.
#[derive(Default)]
struct Keep {
    info: Option<FrameInfo>,
    pixels: Vec<u8>,
    ended: bool,
}

impl PixelSink for Keep {
    fn frame(&mut self, info: &FrameInfo) {
        assert!(self.info.is_none(), "one frame only");
        self.info = Some(*info);
    }
    fn rows(&mut self, rows: &[u8]) {
        let info = self.info.expect("rows come after their frame");
        let row = info.width as usize * info.pixels.bytes();
        assert!(!self.ended && !rows.is_empty() && rows.len().is_multiple_of(row));
        self.pixels.extend_from_slice(rows);
    }
    fn end_frame(&mut self) {
        let info = self.info.expect("a frame ends after it began");
        assert_eq!(self.pixels.len(), info.width as usize * info.height as usize * info.pixels.bytes());
        assert!(!self.ended);
        self.ended = true;
    }
}

fn decode(bytes: &[u8]) -> Result<(Decoded, Keep), Error> {
    let mut keep = Keep::default();
    let decoded = jpeg::decode(bytes, &Limits::default(), &mut keep);
    assert_eq!(decoded.is_ok(), keep.ended, "either an error or all rows");
    if decoded.is_err() {
        assert!(keep.info.is_none(), "no error once the frame began");
    }
    decoded.map(|decoded| (decoded, keep))
}

/// A chart of `channels` channels: ramps, a circle, stripes, a little noise.
fn chart(width: u16, height: u16, channels: usize) -> Vec<u8> {
    let mut noise = 12345u32;
    let mut out = Vec::new();
    for y in 0..i32::from(height) {
        for x in 0..i32::from(width) {
            for c in 0..channels as i32 {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let (dx, dy) = (x - i32::from(width) / 2, y - i32::from(height) / 3);
                let inside = dx * dx + dy * dy < 300 + 100 * c;
                let stripe = if (x / 5 + y / 7 + c) % 3 == 0 { 60 } else { 0 };
                let base = if inside { 190 - 40 * c } else { x * 2 + y * (c + 1) };
                out.push(((base + stripe) % 240 + (noise >> 28) as i32) as u8);
            }
        }
    }
    out
}

struct Variant {
    size: (u16, u16),
    colour: ColorType,
    quality: u8,
    sampling: SamplingFactor,
    progressive: bool,
    restart: u16,
}

impl Variant {
    const BASE: Self = Self {
        size: (83, 61),
        colour: ColorType::Rgb,
        quality: 85,
        sampling: SamplingFactor::R_4_2_0,
        progressive: false,
        restart: 0,
    };

    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, self.quality);
        encoder.set_sampling_factor(self.sampling);
        encoder.set_progressive(self.progressive);
        if self.restart > 0 {
            encoder.set_restart_interval(self.restart);
        }
        let channels = match self.colour {
            ColorType::Luma => 1,
            ColorType::Rgb => 3,
            _ => 4,
        };
        let data = chart(self.size.0, self.size.1, channels);
        encoder.encode(&data, self.size.0, self.size.1, self.colour).expect("a chart encodes");
        out
    }
}

fn variants() -> Vec<Variant> {
    let mut all = Vec::new();
    for sampling in [
        SamplingFactor::R_4_4_4,
        SamplingFactor::R_4_2_2,
        SamplingFactor::R_4_2_0,
        SamplingFactor::R_4_4_0,
        SamplingFactor::R_4_1_1,
        SamplingFactor::R_4_1_0,
        SamplingFactor::R_4_4_1,
        SamplingFactor::R_4_2_1,
    ] {
        for progressive in [false, true] {
            all.push(Variant { sampling, progressive, ..Variant::BASE });
        }
    }
    for size in [(1, 1), (2, 3), (5, 16), (17, 8), (16, 33), (130, 2)] {
        all.push(Variant { size, ..Variant::BASE });
        all.push(Variant { size, sampling: SamplingFactor::R_4_2_2, progressive: true, ..Variant::BASE });
    }
    for quality in [1, 30, 100] {
        all.push(Variant { quality, ..Variant::BASE });
    }
    for colour in [ColorType::Luma, ColorType::Cmyk, ColorType::CmykAsYcck] {
        all.push(Variant { colour, ..Variant::BASE });
        all.push(Variant { colour, progressive: true, ..Variant::BASE });
    }
    for restart in [1, 3, 7] {
        all.push(Variant { restart, ..Variant::BASE });
        all.push(Variant { restart, progressive: true, ..Variant::BASE });
    }
    all
}

/// CRC-32 of the file and of Pillow's pixels (Pillow 13.0, libjpeg-turbo 3.2; CMYK by `convert("RGB")`).
const GOLDEN: &[(u32, u32)] = &[
    (0x42172b1f, 0xdd9e113e),
    (0x38b1e2ba, 0xdd9e113e),
    (0x0069ba2d, 0x8ce1b5d2),
    (0xbcadf040, 0x8ce1b5d2),
    (0xf4ecb835, 0x6daaf0c7),
    (0x9b197486, 0x6daaf0c7),
    (0x19a9a398, 0x832b9c35),
    (0x02df1d26, 0x832b9c35),
    (0xae17a39b, 0xd7a71bab),
    (0x79e1dce7, 0xd7a71bab),
    (0x26ab3017, 0xddc127b6),
    (0x2c47a356, 0xddc127b6),
    (0xe46534d6, 0x14db32e6),
    (0x8f67ed00, 0x14db32e6),
    (0x1d517466, 0x9859bcb3),
    (0x62650b1c, 0x9859bcb3),
    (0x4f5043f7, 0x4786f692),
    (0x51a70048, 0x4786f692),
    (0x10aa0791, 0x8fe7625f),
    (0x739c9a74, 0x92167c3b),
    (0xd0d04928, 0x62179933),
    (0xa4e2248e, 0xeb0d82a6),
    (0x97cc1fdc, 0xabb4602b),
    (0x09077533, 0xb494e515),
    (0x346f5461, 0x2245b60a),
    (0xa124ba58, 0xa143c8d9),
    (0x453ef412, 0x209b9c95),
    (0x3446ec80, 0xfb908497),
    (0x6abb7d17, 0x4c42305e),
    (0x68a5cbce, 0xc5a285bf),
    (0x1862947f, 0x8c7ffcf6),
    (0x004213d0, 0x20c3b37f),
    (0x276f62b3, 0x20c3b37f),
    (0x1be57d83, 0x3fbaa2d8),
    (0x4334c6f1, 0x3fbaa2d8),
    (0x96be9870, 0x742cc159),
    (0x17ee03d2, 0x742cc159),
    (0x63f1350d, 0x6daaf0c7),
    (0x19a2ede5, 0x6daaf0c7),
    (0x93dfdc89, 0x6daaf0c7),
    (0xb1a9b59b, 0x6daaf0c7),
    (0x9e567636, 0x6daaf0c7),
    (0xea05cf62, 0x6daaf0c7),
];

#[test]
fn every_sampling_process_and_colour_gives_the_pixels_of_libjpeg_turbo() {
    let all = variants();
    let mut got = Vec::new();
    for variant in &all {
        let file = variant.encode();
        let (decoded, keep) = decode(&file).expect("decodes");
        assert_eq!(decoded.partial, None);
        assert_eq!((decoded.width, decoded.height), (variant.size.0.into(), variant.size.1.into()));
        let grey = variant.colour == ColorType::Luma;
        assert_eq!(keep.info.map(|i| i.pixels), Some(if grey { PixelKind::Luma8 } else { PixelKind::Rgb8 }));
        let cmyk = matches!(variant.colour, ColorType::Cmyk | ColorType::CmykAsYcck);
        assert_eq!(decoded.notes.contains(&"cmyk".to_owned()), cmyk);
        let crc = (crc32fast::hash(&file), crc32fast::hash(&keep.pixels));
        got.push(crc);
    }
    assert_eq!(got, GOLDEN);
}

#[test]
fn the_header_says_what_is_in_the_file() {
    let header = jpeg::header(&Variant { progressive: true, ..Variant::BASE }.encode()).expect("a header");
    assert_eq!((header.width, header.height, header.components, header.precision), (83, 61, 3, 8));
    assert!(header.progressive && header.jfif && header.adobe_transform.is_none());
    let header =
        jpeg::header(&Variant { colour: ColorType::CmykAsYcck, ..Variant::BASE }.encode()).expect("a header");
    assert_eq!((header.components, header.adobe_transform), (4, Some(2)));
}

#[test]
fn a_scaled_luma_plane_is_the_mean_of_the_full_one() {
    for variant in [
        Variant { size: (88, 64), ..Variant::BASE },
        Variant { size: (88, 64), progressive: true, ..Variant::BASE },
        Variant { size: (88, 64), colour: ColorType::Luma, restart: 3, ..Variant::BASE },
    ] {
        let file = variant.encode();
        let limits = Limits::default();
        let (w, h, full) = jpeg::decode_luma_scaled(&file, &limits, 1).expect("decodes");
        assert_eq!((w, h, full.len()), (88, 64, 88 * 64));
        if variant.colour == ColorType::Luma {
            assert_eq!(full, decode(&file).expect("decodes").1.pixels);
        }
        for scale in [2usize, 4, 8] {
            let (w, h, small) = jpeg::decode_luma_scaled(&file, &limits, scale as u32).expect("decodes");
            assert_eq!(
                (w as usize, h as usize, small.len()),
                (88 / scale, 64 / scale, 88 * 64 / scale / scale)
            );
            for (i, &sample) in small.iter().enumerate() {
                let (x, y) = (i % w as usize * scale, i / w as usize * scale);
                let sum: u32 =
                    (0..scale * scale).map(|j| u32::from(full[(y + j / scale) * 88 + x + j % scale])).sum();
                let mean = (f64::from(sum) / (scale * scale) as f64).round();
                // At 1/8 the mean of clipped samples may differ from the clipped mean.
                assert!((f64::from(sample) - mean).abs() <= if scale == 8 { 6.0 } else { 1.0 });
            }
        }
    }
    let odd = Variant::BASE.encode();
    assert_eq!(
        jpeg::decode_luma_scaled(&odd, &Limits::default(), 4).map(|(w, h, p)| (w, h, p.len())),
        Ok((21, 16, 336))
    );
    assert!(matches!(jpeg::decode_luma_scaled(&odd, &Limits::default(), 3), Err(Error::Unsupported(_))));
    let cmyk = Variant { colour: ColorType::Cmyk, ..Variant::BASE }.encode();
    assert!(matches!(jpeg::decode_luma_scaled(&cmyk, &Limits::default(), 8), Err(Error::Unsupported(_))));
}

/// Where the marker `code` stands.
fn find(file: &[u8], code: u8) -> usize {
    file.windows(2).position(|pair| pair == [0xff, code]).expect("the marker is there")
}

/// Cuts out all segments of one kind.
fn without(file: &[u8], code: u8) -> Vec<u8> {
    let mut out = file[..2].to_vec();
    let mut at = 2;
    while file[at + 1] != 0xda {
        let end = at + 2 + usize::from(u16::from_be_bytes([file[at + 2], file[at + 3]]));
        if file[at + 1] != code {
            out.extend_from_slice(&file[at..end]);
        }
        at = end;
    }
    out.extend_from_slice(&file[at..]);
    out
}

#[test]
fn every_truncation_gives_an_error_or_a_partial_picture() {
    for variant in [
        Variant::BASE,
        Variant { progressive: true, size: (40, 33), ..Variant::BASE },
        Variant { restart: 2, colour: ColorType::Luma, ..Variant::BASE },
    ] {
        let file = variant.encode();
        let mut decoded = 0;
        for cut in 0..file.len() - 2 {
            if let Ok((picture, _)) = decode(&file[..cut]) {
                decoded += 1;
                // The last bits of the last byte are padding and may be missed by nobody.
                assert!(picture.partial.is_some() || cut + 8 >= file.len(), "cut at {cut} of {}", file.len());
            }
        }
        assert!(decoded > file.len() / 4);
    }
}

#[test]
fn a_truncated_picture_keeps_its_rows_and_is_grey_below() {
    let file = Variant { size: (64, 128), sampling: SamplingFactor::R_4_4_4, ..Variant::BASE }.encode();
    let whole = decode(&file).expect("decodes").1.pixels;
    let data = find(&file, 0xda);
    let (decoded, keep) = decode(&file[..data + (file.len() - data) / 2]).expect("decodes in part");
    let partial = decoded.partial.expect("it says so");
    let row: usize = partial.split(' ').nth(3).and_then(|n| n.parse().ok()).expect("it says how many rows");
    assert!(partial.starts_with("file ends after ") && partial.ends_with(" of 128 rows"));
    assert!((32..96).contains(&row));
    assert_eq!(keep.pixels[..row * 64 * 3], whole[..row * 64 * 3]);
    assert!(keep.pixels[(row + 8) * 64 * 3..].iter().all(|&s| s == 128));
}

#[test]
fn mutated_files_never_panic_and_deliver_each_row_once() {
    let seeds: Vec<_> = [
        Variant { size: (40, 33), ..Variant::BASE },
        Variant { size: (40, 33), progressive: true, ..Variant::BASE },
        Variant {
            size: (33, 40),
            colour: ColorType::CmykAsYcck,
            sampling: SamplingFactor::R_4_4_0,
            ..Variant::BASE
        },
        Variant { size: (40, 33), restart: 1, sampling: SamplingFactor::R_4_1_1, ..Variant::BASE },
        Variant { size: (40, 33), restart: 2, progressive: true, colour: ColorType::Luma, ..Variant::BASE },
    ]
    .iter()
    .map(Variant::encode)
    .collect();
    let limits = Limits { max_pixels: 1 << 20, max_memory: 1 << 26, ..Limits::default() };
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below as u64) as usize
    };
    let mut decoded = 0;
    for round in 0..6000 {
        let mut file = seeds[round % seeds.len()].clone();
        for _ in 0..=random(4) {
            let at = random(file.len());
            match random(6) {
                0 => file[at] ^= 1 << random(8),
                1 => file[at] = random(256) as u8,
                2 => file.truncate(at.max(2)),
                3 => file[at] = 0xff,
                4 => {
                    // A marker becomes another.
                    let markers: Vec<_> = file
                        .windows(2)
                        .enumerate()
                        .filter(|(_, p)| p[0] == 0xff && p[1] > 0)
                        .map(|(i, _)| i)
                        .collect();
                    let marker = markers.get(random(markers.len().max(1))).copied().unwrap_or(0);
                    if let Some(code) = file.get_mut(marker + 1) {
                        *code = 0xc0 + random(64) as u8;
                    }
                }
                _ => {
                    let piece: Vec<_> = file[at..(at + 40).min(file.len())].to_vec();
                    let to = random(file.len());
                    file.splice(to..to, piece);
                }
            }
        }
        let mut keep = Keep::default();
        let result = jpeg::decode(&file, &limits, &mut keep);
        assert_eq!(result.is_ok(), keep.ended);
        decoded += usize::from(result.is_ok());
        let scale = [1, 2, 4, 8][round % 4];
        if let Ok((w, h, plane)) = jpeg::decode_luma_scaled(&file, &limits, scale) {
            assert_eq!(plane.len(), w as usize * h as usize);
        }
    }
    assert!(decoded > 1500, "most mutations leave something to decode: {decoded}");
}

#[test]
fn processes_that_are_not_decoded_are_unsupported() {
    let file = Variant::BASE.encode();
    let frame = find(&file, 0xc0);
    for code in [0xc3, 0xc5, 0xc6, 0xc7, 0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf] {
        let mut other = file.clone();
        other[frame + 1] = code;
        assert!(matches!(decode(&other), Err(Error::Unsupported(_))), "{code:x}");
    }
    let mut deep = file.clone();
    deep[frame + 4] = 12;
    assert_eq!(decode(&deep).map(|_| ()), Err(Error::Unsupported("12-bit JPEG".to_owned())));
    let mut fractional = file;
    fractional[frame + 11] = 0x31;
    fractional[frame + 14] = 0x21;
    assert!(matches!(decode(&fractional), Err(Error::Unsupported(_))));
}

#[test]
fn limits_hold_before_anything_is_decoded() {
    let mut file = Variant { progressive: true, ..Variant::BASE }.encode();
    let frame = find(&file, 0xc2);
    let mut keep = Keep::default();
    let memory = Limits { max_memory: 10_000, ..Limits::default() };
    assert!(matches!(jpeg::decode(&file, &memory, &mut keep), Err(Error::Memory { limit: 10_000, .. })));
    file[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    let expected = Error::TooManyPixels { width: 65535, height: 65535, limit: 200_000_000 };
    assert_eq!(decode(&file).map(|_| ()), Err(expected));
    file[frame + 7..frame + 9].copy_from_slice(&[0; 2]);
    assert!(matches!(decode(&file), Err(Error::Malformed(_))));
}

#[test]
fn a_bomb_of_scans_ends() {
    let file = Variant { progressive: true, size: (16, 16), ..Variant::BASE }.encode();
    let scan = find(&file, 0xda);
    let mut bomb = file[..file.len() - 2].to_vec();
    let again = file[scan..file.len() - 2].to_vec();
    for _ in 0..600 {
        bomb.extend_from_slice(&again);
    }
    let partial = decode(&bomb).expect("decodes in part").0.partial;
    assert!(partial.is_some(), "it says that it stopped");
}

#[test]
fn motion_jpeg_without_huffman_tables_uses_the_standard_ones() {
    let file = Variant::BASE.encode();
    let bare = without(&file, 0xc4);
    assert!(bare.len() < file.len());
    assert_eq!(decode(&bare).expect("decodes").1.pixels, decode(&file).expect("decodes").1.pixels);
}

#[test]
fn a_missing_quantisation_table_is_malformed() {
    let bare = without(&Variant::BASE.encode(), 0xdb);
    assert!(matches!(decode(&bare), Err(Error::Malformed(_))));
}

#[test]
fn a_height_given_after_the_scan_is_found() {
    let file = Variant::BASE.encode();
    let frame = find(&file, 0xc0);
    let mut late = file[..file.len() - 2].to_vec();
    late[frame + 5..frame + 7].copy_from_slice(&[0, 0]);
    late.extend_from_slice(&[0xff, 0xdc, 0, 4, 0, 61, 0xff, 0xd9]);
    assert_eq!(decode(&late).expect("decodes").1.pixels, decode(&file).expect("decodes").1.pixels);
}

#[test]
fn fill_bytes_trailing_data_and_a_missing_end_do_not_matter() {
    let file = Variant::BASE.encode();
    let whole = decode(&file).expect("decodes").1.pixels;
    let scan = find(&file, 0xda);
    let mut padded = file[..scan].to_vec();
    padded.extend_from_slice(&[0xff; 5]);
    padded.extend_from_slice(&file[scan..]);
    padded.extend_from_slice(b"trailing \xff\xd8\xff data");
    for bytes in [&padded[..], &file[..file.len() - 2]] {
        let (decoded, keep) = decode(bytes).expect("decodes");
        assert_eq!((decoded.partial, keep.pixels == whole), (None, true));
    }
}

#[test]
fn a_lost_restart_interval_costs_only_itself() {
    let variant = Variant { size: (64, 64), colour: ColorType::Luma, restart: 8, ..Variant::BASE };
    let file = variant.encode();
    let whole = decode(&file).expect("decodes").1.pixels;
    // Cut out the interval between RST1 and RST2, the third row of blocks.
    let (first, second) = (find(&file, 0xd1), find(&file, 0xd2));
    let mut cut = file[..first].to_vec();
    cut.extend_from_slice(&file[second..]);
    let (decoded, keep) = decode(&cut).expect("decodes");
    assert!(decoded.partial.is_some());
    assert_eq!(keep.pixels[..16 * 64], whole[..16 * 64]);
    assert_eq!(keep.pixels[24 * 64..], whole[24 * 64..]);
    assert_ne!(keep.pixels[16 * 64..24 * 64], whole[16 * 64..24 * 64]);
}
