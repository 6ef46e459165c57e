//! The thumbnail that a camera embeds against the picture: many programs change the one and leave the other.
//!
//! The picture is made as small as the thumbnail by averaging, black bars are taken off, and the two are compared in
//! luma: as wholes by correlation, which exposure and contrast do not change, and in blocks after the best straight
//! line between them, which shows a local change. Thresholds were measured on the development corpus
//! (eval/provenance/README.md); a camera makes its thumbnail before it corrects the lens, so they have slack.

use lodestone_media::segments::Segments;
use lodestone_media::{FrameInfo, Limits, PixelKind, PixelSink};
use lodestone_types::{CheckState, Location, Proposition, Strength};

use crate::exif::Exif;
use crate::item::{Item, Pixels};
use crate::reading::{Reading, against, supports};

/// How far two ratios of width to height may be apart. 3 %: a thumbnail of 160 pixels rounds to whole ones and blocks.
const MAX_RATIO: f64 = 0.03;
/// Correlation below which it is another picture, and from which it is the same.
const DIFFERS_BELOW: f64 = 0.6;
const AGREES_FROM: f64 = 0.95;
/// Mean difference in luma of one block from which it was changed, and how many times the median block's.
const BLOCK_DIFFERENCE: f64 = 40.0;
const BLOCK_TIMES: f64 = 12.0;
/// Correlation from which a thumbnail of another shape is taken for one that the camera squeezed or cut to 4:3.
const RESHAPED_FROM: f64 = 0.85;
/// Blocks along each side.
const BLOCKS: usize = 8;
/// Pixels of a thumbnail that is decoded: DCF says 160 x 120, some phones write 512 x 384.
const MAX_PIXELS: u64 = 1 << 20;
/// Luma up to which a row or column may be a bar.
const BAR: u8 = 24;

/// The shape of the thumbnail against the picture's, from the headers alone.
pub(crate) fn shape(exif: &Exif<'_>, picture: (u32, u32), reading: &mut Reading) {
    let Some((_, data)) = exif.tiff.thumbnail(&exif.segment.data) else { return };
    let inner = lodestone_media::segments::scan(data);
    let Some(frame) = inner.jpeg.and_then(|j| j.frame) else { return };
    let thumbnail = (u32::from(frame.width), u32::from(frame.height));
    if picture.0 == 0 || picture.1 == 0 || thumbnail.0 == 0 || thumbnail.1 == 0 {
        return;
    }
    if same_shape(thumbnail, picture) || same_shape((thumbnail.1, thumbnail.0), picture) {
        reading.camera.thumbnail_fits = Some(true);
    } else if !same_shape(thumbnail, (4, 3)) {
        // DCF's 4:3 may have black bars: only the pixels tell.
        reading.camera.thumbnail_fits = Some(false);
    }
}

fn same_shape(a: (u32, u32), b: (u32, u32)) -> bool {
    let across = f64::from(a.0) * f64::from(b.1);
    let down = f64::from(a.1) * f64::from(b.0);
    // A pixel of the smaller one is more than 3 % where it is tiny.
    (across - down).abs() <= across.max(down) * MAX_RATIO
}

/// The content of the thumbnail against the picture.
pub(crate) fn examine(item: &Item<'_>, reading: &mut Reading) {
    let segments = item.segments;
    let found = segments.exif();
    let thumbnail = found.as_ref().and_then(|(s, tiff)| Some((s, tiff.thumbnail(&s.data)?)));
    let Some((segment, (offset, data))) = thumbnail else {
        reading.facts.insert("thumbnail".to_owned(), "none".to_owned());
        reading.check("thumbnail", CheckState::NotApplicable, Some("no thumbnail in EXIF".to_owned()));
        return;
    };
    reading.facts.insert("thumbnail".to_owned(), "not_compared".to_owned());
    let Some(pixels) = item.pixels.filter(|_| !raw_preview(segments)) else {
        let why = "there is a thumbnail; the picture's pixels were not looked at".to_owned();
        reading.check("thumbnail", CheckState::NotApplicable, Some(why));
        return;
    };
    let Some(small) = decode(data) else {
        reading.check("thumbnail", CheckState::Failed, Some("the thumbnail cannot be decoded".to_owned()));
        return;
    };
    let place = Location {
        offset: crate::fields::segment_offset(segment, offset),
        field: "exif:thumbnail".to_owned(),
        raw: Some(format!("{} x {} pixels", small.width, small.height)),
    };
    reading.applied += 1;
    match compare(&small, &pixels) {
        None => {
            let why = "the picture has too little structure to compare".to_owned();
            reading.check("thumbnail", CheckState::NotApplicable, Some(why));
        }
        Some(likeness) => {
            reading.check("thumbnail", CheckState::Applied, None);
            tell(&likeness, place, reading);
        }
    }
}

fn raw_preview(segments: &Segments<'_>) -> bool {
    crate::exif::is_raw(segments)
}

fn tell(likeness: &Likeness, place: Location, reading: &mut Reading) {
    let differs = match likeness {
        Likeness::OtherShape => {
            // Old cameras also cut or squeeze thumbnails: shape alone says little.
            reading.camera.thumbnail_fits = Some(false);
            reading.find(
                "thumbnail",
                "thumbnail.other_shape",
                "the embedded thumbnail is of another shape than the picture, black bars aside".to_owned(),
                vec![place],
                vec![
                    supports(Proposition::EditedCapture, Strength::Weak),
                    against(Proposition::CameraOriginal, Strength::Weak),
                ],
            );
            return;
        }
        Likeness::Compared { correlation, .. } if *correlation < DIFFERS_BELOW => {
            Some(format!("its correlation with the picture is {correlation:.2}"))
        }
        Likeness::Compared { correlation, worst, median }
            if *worst >= BLOCK_DIFFERENCE && *worst >= median * BLOCK_TIMES =>
        {
            Some(format!(
                "one part of it differs by {worst:.0} levels of luma from the picture, where the rest differs by {median:.0} (correlation {correlation:.2})"
            ))
        }
        Likeness::Compared { .. } => None,
    };
    if let Some(how) = differs {
        reading.camera.thumbnail_differs = true;
        reading.find(
            "thumbnail",
            "thumbnail.differs",
            format!("the embedded thumbnail shows another state of the picture: {how}"),
            vec![place],
            vec![
                supports(Proposition::EditedCapture, Strength::Moderate),
                against(Proposition::CameraOriginal, Strength::Moderate),
            ],
        );
        reading.fact("thumbnail", "differs");
    } else if let Likeness::Compared { correlation, .. } = likeness
        && *correlation >= AGREES_FROM
    {
        reading.camera.thumbnail_fits = Some(true);
        reading.find(
            "thumbnail",
            "thumbnail.agrees",
            format!("the embedded thumbnail shows this picture (correlation {correlation:.2})"),
            vec![place],
            vec![supports(Proposition::CameraOriginal, Strength::Weak)],
        );
        reading.fact("thumbnail", "agrees");
    }
}

/// How alike the two are.
#[derive(Debug, PartialEq)]
enum Likeness {
    OtherShape,
    Compared { correlation: f64, worst: f64, median: f64 },
}

fn compare(small: &Luma, pixels: &Pixels<'_>) -> Option<Likeness> {
    let bare = small.without_bars();
    let shown = (bare.width, bare.height);
    let picture = (usize::try_from(pixels.width).ok()?, usize::try_from(pixels.height).ok()?);
    let shape = |(w, h): (usize, usize)| Some((u32::try_from(w).ok()?, u32::try_from(h).ok()?));
    let fits = |l: &Luma| {
        Some((l.width, l.height))
            .and_then(shape)
            .is_some_and(|s| near_shape(s, (pixels.width, pixels.height)))
    };
    // A dark edge may look like a bar: the thumbnail as it is counts too.
    let used = if fits(&bare) {
        bare
    } else if fits(small) {
        small.clone()
    } else if near_shape(shape(shown)?, (pixels.height, pixels.width)) {
        // Turned: the orientation was changed and the thumbnail was not.
        return None;
    } else {
        let told = shown.0 >= 32 && shown.1 >= 32 && !reshaped(small, pixels);
        return told.then_some(Likeness::OtherShape);
    };
    if used.width < 16 || used.height < 16 || picture.0 < used.width || picture.1 < used.height {
        return None;
    }
    let reduced = reduce(pixels, (0, 0, picture.0, picture.1), used.width, used.height)?;
    likeness(&used.luma, &reduced, used.width, used.height)
}

/// Some old cameras squeeze every picture into the thumbnail, or cut its middle out: whole, it is still this picture.
fn reshaped(small: &Luma, pixels: &Pixels<'_>) -> bool {
    let (Ok(width), Ok(height)) = (usize::try_from(pixels.width), usize::try_from(pixels.height)) else {
        return false;
    };
    // The widest middle of the thumbnail's shape.
    let cut_width = width.min(height * small.width / small.height.max(1)).max(1);
    let cut_height = height.min(width * small.height / small.width.max(1)).max(1);
    let middle = ((width - cut_width) / 2, (height - cut_height) / 2, cut_width, cut_height);
    [(0, 0, width, height), middle].into_iter().any(|part| {
        let likeness = reduce(pixels, part, small.width, small.height)
            .and_then(|reduced| likeness(&small.luma, &reduced, small.width, small.height));
        matches!(likeness, Some(Likeness::Compared { correlation, .. }) if correlation >= RESHAPED_FROM)
    })
}

/// Within 4 %, or a pixel or two of the thumbnail: its sides are whole pixels and its bars end within blocks.
fn near_shape(thumbnail: (u32, u32), picture: (u32, u32)) -> bool {
    let expected = f64::from(thumbnail.0) * f64::from(picture.1) / f64::from(picture.0.max(1));
    (expected - f64::from(thumbnail.1)).abs() <= (f64::from(thumbnail.1) * 0.04).max(3.0)
}

fn likeness(a: &[u8], b: &[u8], width: usize, height: usize) -> Option<Likeness> {
    let count = a.len().min(b.len()) as f64;
    let sums = a.iter().zip(b).fold([0.0f64; 5], |s, (&x, &y)| {
        let (x, y) = (f64::from(x), f64::from(y));
        [s[0] + x, s[1] + y, s[2] + x * x, s[3] + y * y, s[4] + x * y]
    });
    let [mean_a, mean_b, aa, bb, ab] = sums.map(|s| s / count);
    let (variance_a, variance_b) = (aa - mean_a * mean_a, bb - mean_b * mean_b);
    // Flat pictures correlate with nothing. 8 levels.
    if variance_a < 64.0 || variance_b < 64.0 {
        return None;
    }
    let covariance = ab - mean_a * mean_b;
    let correlation = covariance / (variance_a * variance_b).sqrt();
    let slope = covariance / variance_b;
    let mut blocks = Vec::new();
    for by in 0..BLOCKS {
        for bx in 0..BLOCKS {
            let (mut sum, mut number) = (0.0, 0u32);
            for y in by * height / BLOCKS..(by + 1) * height / BLOCKS {
                for x in bx * width / BLOCKS..(bx + 1) * width / BLOCKS {
                    let at = y * width + x;
                    if let (Some(&p), Some(&q)) = (a.get(at), b.get(at)) {
                        sum += f64::from(p) - mean_a - slope * (f64::from(q) - mean_b);
                        number += 1;
                    }
                }
            }
            // The mean of differences, not of their sizes: edges that are a pixel off cancel.
            blocks.push((sum / f64::from(number.max(1))).abs());
        }
    }
    blocks.sort_by(f64::total_cmp);
    let worst = blocks.last().copied().unwrap_or(0.0);
    let median = blocks.get(blocks.len() / 2).copied().unwrap_or(0.0).max(1.0);
    Some(Likeness::Compared { correlation, worst, median })
}

/// The luma of a part of the picture (left, top, width, height), averaged to this size.
fn reduce(
    pixels: &Pixels<'_>,
    (left, top, part_width, part_height): (usize, usize, usize, usize),
    width: usize,
    height: usize,
) -> Option<Vec<u8>> {
    let stride = usize::try_from(pixels.width).ok()?;
    if width == 0 || height == 0 {
        return None;
    }
    // Every pixel of big pictures is more than a thumbnail needs: some 8 x 8 samples make one of its pixels.
    let step_x = (part_width / width / 8).max(1);
    let step_y = (part_height / height / 8).max(1);
    let span = |i: usize, from: usize, part: usize, of: usize| {
        let start = i * part / of;
        from + start..from + ((i + 1) * part / of).max(start + 1)
    };
    let mut out = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (mut sum, mut number) = (0u64, 0u64);
            for row in span(y, top, part_height, height).step_by(step_y) {
                for column in span(x, left, part_width, width).step_by(step_x) {
                    let at = (row * stride + column) * 3;
                    let rgb = pixels.rgb.get(at..at + 3)?;
                    sum += u64::from(luma(rgb[0], rgb[1], rgb[2]));
                    number += 1;
                }
            }
            out.push(u8::try_from(sum / number.max(1)).unwrap_or(255));
        }
    }
    Some(out)
}

/// BT.601 luma in integers.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    let sum = 77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b);
    u8::try_from((sum + 128) >> 8).unwrap_or(255)
}

/// A small grey picture.
#[derive(Clone, Debug, Default)]
struct Luma {
    width: usize,
    height: usize,
    luma: Vec<u8>,
}

impl Luma {
    /// Without black rows above and below or columns at both sides: bars stand in pairs of about one height.
    fn without_bars(&self) -> Self {
        let dark = |mut values: Box<dyn Iterator<Item = u8> + '_>| values.all(|v| v <= BAR);
        let row = |y: usize| dark(Box::new(self.luma.iter().skip(y * self.width).take(self.width).copied()));
        let column = |x: usize| dark(Box::new(self.luma.iter().skip(x).step_by(self.width.max(1)).copied()));
        let bar = |length: usize, dark: &dyn Fn(usize) -> bool| {
            let first = (0..length / 2).take_while(|&i| dark(i)).count();
            let last = (0..length / 2).take_while(|&i| dark(length - 1 - i)).count();
            if first.abs_diff(last) <= 3 { (first, last) } else { (0, 0) }
        };
        let (top, bottom) = bar(self.height, &row);
        let (left, right) = bar(self.width, &column);
        if top + bottom + left + right == 0 || self.width <= left + right || self.height <= top + bottom {
            return self.clone();
        }
        let (width, height) = (self.width - left - right, self.height - top - bottom);
        let luma = self
            .luma
            .chunks_exact(self.width)
            .skip(top)
            .take(height)
            .flat_map(|row| row.iter().skip(left).take(width).copied())
            .collect();
        Self { width, height, luma }
    }
}

impl PixelSink for Taken {
    fn frame(&mut self, info: &FrameInfo) {
        self.wanted = info.index == 0;
        if self.wanted {
            self.kind = Some(info.pixels);
            self.picture.width = usize::try_from(info.width).unwrap_or(0);
            self.picture.height = usize::try_from(info.height).unwrap_or(0);
        }
    }

    fn rows(&mut self, rows: &[u8]) {
        if !self.wanted {
            return;
        }
        let luma = &mut self.picture.luma;
        match self.kind {
            Some(PixelKind::Luma8) => luma.extend_from_slice(rows),
            Some(kind) => luma.extend(rows.chunks_exact(kind.bytes()).map(luma_of)),
            None => {}
        }
    }

    fn end_frame(&mut self) {
        self.wanted = false;
    }
}

fn luma_of(pixel: &[u8]) -> u8 {
    match pixel {
        [r, g, b, ..] => luma(*r, *g, *b),
        _ => 0,
    }
}

/// Takes the first frame as luma.
#[derive(Default)]
struct Taken {
    picture: Luma,
    kind: Option<PixelKind>,
    wanted: bool,
}

fn decode(data: &[u8]) -> Option<Luma> {
    let limits = Limits { max_pixels: MAX_PIXELS, max_memory: 64 << 20, max_frames: 1, ..Limits::default() };
    let mut taken = Taken::default();
    let decoded = lodestone_media::decode(data, &limits, &mut taken).ok()?;
    let picture = taken.picture;
    (decoded.partial.is_none() && picture.luma.len() == picture.width.checked_mul(picture.height)?)
        .then_some(picture)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture with structure everywhere, drawn by arithmetic.
    fn drawn(width: usize, height: usize) -> Vec<u8> {
        let value = |x: usize, y: usize| {
            let (x, y) = (x * 64 / width, y * 48 / height);
            let v = (x * 7 + y * 13 + (x / 9) * (y / 7) * 31) % 200 + 30;
            u8::try_from(v).expect("below 256")
        };
        (0..height).flat_map(|y| (0..width).map(move |x| value(x, y))).collect()
    }

    fn rgb(luma: &[u8]) -> Vec<u8> {
        luma.iter().flat_map(|&v| [v; 3]).collect()
    }

    fn compared(thumbnail: &Luma, picture: &[u8], width: u32, height: u32) -> Option<Likeness> {
        compare(thumbnail, &Pixels { width, height, rgb: picture, alpha: None })
    }

    #[test]
    fn a_thumbnail_agrees_with_its_picture_with_and_without_bars() {
        let picture = rgb(&drawn(640, 480));
        let whole = Luma { width: 160, height: 120, luma: drawn(160, 120) };
        let Some(Likeness::Compared { correlation, .. }) = compared(&whole, &picture, 640, 480) else {
            panic!("compared");
        };
        assert!(correlation > 0.95, "{correlation}");
        let wide = rgb(&drawn(640, 426));
        let mut barred = vec![0u8; 160 * 7];
        barred.extend(drawn(160, 106));
        barred.extend(vec![3u8; 160 * 7]);
        let barred = Luma { width: 160, height: 120, luma: barred };
        let Some(Likeness::Compared { correlation, .. }) = compared(&barred, &wide, 640, 426) else {
            panic!("compared");
        };
        assert!(correlation > 0.9, "{correlation}");
    }

    #[test]
    fn another_shape_another_picture_and_a_changed_part_differ() {
        let thumbnail = Luma { width: 160, height: 120, luma: drawn(160, 120) };
        let square: Vec<u8> = drawn(640, 480).chunks_exact(640).flat_map(|row| row[..480].to_vec()).collect();
        let square = rgb(&square);
        assert_eq!(compared(&thumbnail, &square, 480, 480), Some(Likeness::OtherShape));
        let mut other = drawn(640, 480);
        other.reverse();
        let Some(Likeness::Compared { correlation, .. }) = compared(&thumbnail, &rgb(&other), 640, 480)
        else {
            panic!("compared");
        };
        assert!(correlation < DIFFERS_BELOW, "{correlation}");
        let mut part = drawn(640, 480);
        for y in 120..180 {
            part[y * 640 + 160..y * 640 + 240].fill(255);
        }
        let Some(Likeness::Compared { worst, median, .. }) = compared(&thumbnail, &rgb(&part), 640, 480)
        else {
            panic!("compared");
        };
        assert!(worst >= BLOCK_DIFFERENCE && worst >= median * BLOCK_TIMES, "{worst} {median}");
    }

    #[test]
    fn a_flat_picture_is_not_compared() {
        let flat = Luma { width: 160, height: 120, luma: vec![128; 160 * 120] };
        assert_eq!(compared(&flat, &[128; 640 * 480 * 3], 640, 480), None);
    }
}
