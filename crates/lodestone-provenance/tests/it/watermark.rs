//! Watermarks are read from pictures that the reference library marked and from drawn ones that a test marks; nothing
//! is heard where nothing was written.

use lodestone_media::{FrameInfo, Limits, PixelKind, PixelSink, decode};
use lodestone_provenance::watermark::{Scheme, direct, search};
use lodestone_provenance::{Examined, Item, Kit, Pixels, Wish, examine};
use lodestone_types::{CheckState, Proposition};

/// A picture in memory.
#[derive(Clone, Default)]
struct Picture {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl PixelSink for Picture {
    fn frame(&mut self, info: &FrameInfo) {
        assert_eq!(info.pixels, PixelKind::Rgb8);
        (self.width, self.height) = (info.width as usize, info.height as usize);
    }
    fn rows(&mut self, rows: &[u8]) {
        self.rgb.extend_from_slice(rows);
    }
    fn end_frame(&mut self) {}
}

impl Picture {
    fn decoded(png: &[u8]) -> Self {
        let mut picture = Self::default();
        decode(png, &Limits::default(), &mut picture).expect("a PNG");
        picture
    }

    fn pixels(&self) -> Pixels<'_> {
        let size = |n: usize| u32::try_from(n).expect("small");
        Pixels { width: size(self.width), height: size(self.height), rgb: &self.rgb, alpha: None }
    }

    fn examined(&self) -> Examined {
        let segments = lodestone_media::segments::scan(&[]);
        let item = Item {
            bytes: &[],
            segments: &segments,
            width: 0,
            height: 0,
            pixels: Some(self.pixels()),
            sidecar: None,
        };
        examine(&item, &Kit::built_in(), &Wish { watermarks: true, ..Wish::default() })
    }

    /// Another picture whose pixel (x, y) is this one's (x + left, y + top); grey outside.
    fn cut(&self, left: isize, top: isize, width: usize, height: usize) -> Self {
        let mut rgb = Vec::new();
        for y in 0..height as isize {
            for x in 0..width as isize {
                let (x, y) = (x + left, y + top);
                let inside = x >= 0 && y >= 0 && x < self.width as isize && y < self.height as isize;
                let at = if inside { y as usize * self.width + x as usize } else { 0 };
                rgb.extend_from_slice(if inside { &self.rgb[at * 3..][..3] } else { &[235, 236, 240] });
            }
        }
        Self { width, height, rgb }
    }

    /// Hills and a sky with some grain, from a seed.
    fn drawn(width: usize, height: usize, seed: u32) -> Self {
        let mut state = seed.wrapping_mul(2_654_435_761) | 1;
        let mut grain = || {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 29) as i32
        };
        let mut rgb = Vec::new();
        for y in 0..height as i32 {
            for x in 0..width as i32 {
                let hill = (x / 3 + seed as i32 * 7) % 61 - 30;
                let sky = y < height as i32 / 2 + hill.abs();
                let base = if sky { [120 + y / 8, 170, 225 - y / 9] } else { [70, 110 + (x + y) % 23, 50] };
                let g = grain();
                rgb.extend(base.map(|c| (c + g).clamp(0, 255) as u8));
            }
        }
        Self { width, height, rgb }
    }

    /// Marks every block: the greatest of its 2 x 2 means of U, without the first, is moved to a quarter or three
    /// quarters of a step. Blue and red move so that Y stays.
    fn marked(&self, bits: &[u8]) -> Self {
        let mut picture = self.clone();
        let columns = self.width / 8;
        for n in 0..columns * (self.height / 8) {
            let (x0, y0) = (n % columns * 8, n / columns * 8);
            let mean = |i: usize| {
                let (x, y) = (x0 + i % 4 * 2, y0 + i / 4 * 2);
                [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(dx, dy)| self.u(x + dx, y + dy)).iter().sum::<f64>()
                    / 2.0
            };
            let (i, value) =
                (1..16).map(|i| (i, mean(i))).fold((1, -1.0), |a, b| if b.1 > a.1 { b } else { a });
            let wanted = ((value / 36.0).floor() + 0.25 + 0.5 * f64::from(bits[n % bits.len()])) * 36.0;
            // LL is twice the mean of U; B - Y = 2.032 U.
            let step = (wanted - value) / 2.0 * 2.032;
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let at = ((y0 + i / 4 * 2 + dy) * self.width + x0 + i % 4 * 2 + dx) * 3;
                let blue = f64::from(picture.rgb[at + 2]) + step;
                let green = f64::from(picture.rgb[at + 1]) - step * 0.114 / 0.587;
                picture.rgb[at + 2] = blue.round().clamp(0.0, 255.0) as u8;
                picture.rgb[at + 1] = green.round().clamp(0.0, 255.0) as u8;
            }
        }
        picture
    }

    fn u(&self, x: usize, y: usize) -> f64 {
        let p = &self.rgb[(y * self.width + x) * 3..];
        let [r, g, b] = [p[0], p[1], p[2]].map(f64::from);
        (b - (0.299 * r + 0.587 * g + 0.114 * b)) * 0.492 + 128.0
    }
}

/// A message's bits, from the rule file.
fn bits(name: &str) -> Vec<u8> {
    let rules: toml::Table = include_str!("../../rules/watermarks.toml").parse().expect("TOML");
    let messages = rules["message"].as_array().expect("messages");
    let message = messages.iter().find(|m| m["name"].as_str() == Some(name)).expect("known");
    message["bits"].as_str().expect("bits").bytes().map(|b| b - b'0').collect()
}

const GOLDEN: [(&str, &[u8]); 6] = [
    ("dwtdct-sd1.png", include_bytes!("../data/watermarks/dwtdct-sd1.png")),
    ("dwtdct-sd2.png", include_bytes!("../data/watermarks/dwtdct-sd2.png")),
    ("dwtdct-sdxl.png", include_bytes!("../data/watermarks/dwtdct-sdxl.png")),
    ("dwtdct-flux.png", include_bytes!("../data/watermarks/dwtdct-flux.png")),
    ("dwtdctsvd-sdxl.png", include_bytes!("../data/watermarks/dwtdctsvd-sdxl.png")),
    ("none.png", include_bytes!("../data/watermarks/none.png")),
];

#[test]
fn what_the_reference_library_wrote_is_read_with_the_expected_correlation() {
    let expected = include_str!("../data/watermarks/expected.txt");
    for line in expected.lines().filter(|l| !l.starts_with('#')) {
        let [file, scheme, message, correlation] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let png = GOLDEN.iter().find(|(name, _)| *name == file).expect("a file").1;
        let told = Picture::decoded(png).examined().assessment.watermarks;
        assert_eq!(told.len(), 1, "{line}: {told:?}");
        assert_eq!((told[0].scheme.as_str(), told[0].message.as_str()), (scheme, message));
        assert_eq!(told[0].crop_phase, None);
        let correlation: f64 = correlation.parse().expect("a number");
        assert!((told[0].correlation - correlation).abs() < 2e-3, "{line}: {}", told[0].correlation);
    }
}

#[test]
fn a_mark_is_told_with_how_it_bears_and_names_the_program_only_where_nothing_else_does() {
    let examined = Picture::decoded(GOLDEN[2].1).examined();
    let finding = examined.findings.iter().find(|f| f.examiner == "watermark").expect("found");
    assert_eq!(finding.code, "watermark.dwtdct.SDXL");
    assert!(finding.what.contains("photograph"), "{}", finding.what);
    assert_eq!(finding.gives, ["watermark"]);
    let assessment = &examined.assessment;
    assert_eq!(assessment.facts["watermark"], "found");
    assert_eq!(assessment.supported.first(), Some(&Proposition::AiGenerated));
    assert!(assessment.supported.contains(&Proposition::AiEdited));
    assert_eq!(assessment.generator_source.as_deref(), Some("watermark"));
    assert!(assessment.checks.iter().any(|c| c.examiner == "watermark" && c.state == CheckState::Applied));
}

#[test]
fn the_drawn_picture_without_a_mark_gives_none() {
    let examined = Picture::decoded(GOLDEN[5].1).examined();
    assert!(examined.findings.iter().all(|f| f.examiner != "watermark"));
    assert_eq!(examined.assessment.facts["watermark"], "none");
    assert_eq!(examined.assessment.generator, None);
}

#[test]
fn a_crop_is_found_after_a_search_and_told_with_its_grid() {
    let marked = Picture::drawn(400, 320, 3).marked(&bits("SDXL"));
    for (left, top) in [(8, 16), (71, 35)] {
        let crop = marked.cut(left, top, 320, 280);
        let told = crop.examined().assessment;
        assert_eq!(told.watermarks.len(), 1, "crop {left}, {top}");
        let mark = &told.watermarks[0];
        let phase = [left, top].map(|n| (8 - n as u32 % 8) % 8);
        assert_eq!((mark.message.as_str(), mark.crop_phase), ("SDXL", Some(phase)));
        assert_eq!(told.facts["watermark"], "found_after_search");
    }
}

#[test]
fn a_marked_picture_shown_in_a_window_is_found() {
    let marked = Picture::drawn(320, 320, 5).marked(&bits("FLUX"));
    let shown = marked.cut(-37, -51, 420, 400);
    let told = shown.examined().assessment.watermarks;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].message, "FLUX");
    // Two pixels beside the grid most marks are still in their blocks.
    let [x, y] = told[0].crop_phase.expect("searched");
    assert_eq!([x % 2, y % 2], [1, 1]);
}

#[test]
fn pictures_too_small_to_tell_are_not_checked() {
    for (width, height) in [(0, 0), (1, 1), (7, 300), (8, 8), (64, 64), (3, 5000)] {
        let examined = Picture::drawn(width, height, 1).examined();
        assert_eq!(examined.assessment.facts["watermark"], "not_checked", "{width} x {height}");
        assert!(examined.findings.iter().all(|f| f.examiner != "watermark"));
    }
}

#[test]
fn flat_striped_grey_and_noisy_pictures_carry_no_mark() {
    let draw = |f: &dyn Fn(usize, usize) -> [u8; 3]| {
        let rgb = (0..272 * 256).flat_map(|i| f(i % 272, i / 272)).collect();
        Picture { width: 272, height: 256, rgb }
    };
    let noise = |x: usize, y: usize| {
        let mut n = (x * 7919 + y * 104_729 + 12_345) as u32;
        for _ in 0..3 {
            n ^= n << 13;
            n ^= n >> 17;
            n ^= n << 5;
        }
        n
    };
    let pictures = [
        draw(&|_, _| [0; 3]),
        draw(&|_, _| [200, 30, 90]),
        draw(&|x, _| [(x % 256) as u8; 3]),
        draw(&|x, y| if x / 8 % 2 == y / 8 % 3 { [0, 0, 255] } else { [255, 255, 0] }),
        draw(&|x, _| if x % 16 < 8 { [20, 40, 250] } else { [250, 240, 10] }),
        draw(&|x, y| noise(x, y).to_le_bytes()[..3].try_into().expect("three")),
        draw(&|x, y| [(x / 2) as u8, (y / 2) as u8, ((x * y) / 300) as u8]),
    ];
    for (i, picture) in pictures.iter().enumerate() {
        assert_eq!(picture.examined().assessment.facts["watermark"], "none", "picture {i}");
    }
}

#[test]
fn pixels_that_are_not_all_there_are_no_mark_and_no_panic() {
    let rgb = vec![90u8; 300 * 200 * 3 - 1];
    let pixels = Pixels { width: 300, height: 300, rgb: &rgb, alpha: None };
    assert!(direct(&pixels).is_empty() && search(&pixels).is_empty());
    let pixels = Pixels { width: u32::MAX, height: u32::MAX, rgb: &rgb, alpha: None };
    assert!(direct(&pixels).is_empty() && search(&pixels).is_empty());
}

#[test]
fn both_schemes_are_listened_to_in_every_picture_and_the_same_way_twice() {
    let picture = Picture::drawn(300, 260, 9);
    let heard = direct(&picture.pixels());
    for scheme in [Scheme::DwtDct, Scheme::DwtDctSvd] {
        assert!(heard.iter().any(|h| h.scheme == scheme));
    }
    assert!(heard.iter().all(|h| h.correlation.abs() <= 1.0 && !h.counts()));
    assert_eq!(heard, direct(&picture.pixels()));
    assert_eq!(search(&picture.pixels()), search(&picture.pixels()));
}
