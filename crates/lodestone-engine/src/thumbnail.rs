//! Small pictures for the report: made while the rows come, in bounded memory, by integers only.
//!
//! The default of any face is no picture at all. A drawing or a blur takes detail away; neither is promised to spare
//! anyone (*Source:* Lewitzka et al. 2026, doi 10.1007/s00426-026-02241-5), which is why the report counts exposures.

use std::str::FromStr;

use base64::Engine as _;
use lodestone_media::PixelKind;
use lodestone_types::Thumbnail;

/// How much a small picture shows, least first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ThumbnailMode {
    /// Lines over a few shades: what is where, without texture or colour.
    Drawing,
    /// Colours, strongly blurred.
    Blur,
    /// Grey, mildly blurred.
    Grey,
    /// The picture as it is.
    Full,
}

impl ThumbnailMode {
    /// Every mode.
    pub const ALL: [Self; 4] = [Self::Drawing, Self::Blur, Self::Grey, Self::Full];

    /// Name on the command line and in records.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Drawing => "drawing",
            Self::Blur => "blur",
            Self::Grey => "grey",
            Self::Full => "full",
        }
    }
}

impl std::fmt::Display for ThumbnailMode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ThumbnailMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|mode| mode.as_str().eq_ignore_ascii_case(text.trim())).ok_or_else(|| {
            format!("unknown kind of small picture {text:?}; known: drawing, blur, grey, full")
        })
    }
}

/// Longest side of a small picture, in pixels, where nobody says otherwise: enough to tell what a drawing shows.
pub const DEFAULT_MAX_SIDE: u32 = 256;

/// Longest side that can be asked for.
const MOST_SIDE: u32 = 1024;

/// Makes one small picture from rows as they are decoded. Holds the small picture and one row of sums, whatever the
/// size of the large one.
#[derive(Clone, Debug)]
pub struct Thumbnailer {
    width: u32,
    height: u32,
    /// Columns and rows of the small picture.
    columns: u32,
    lines: u32,
    /// Next row of the large picture, and the row of the small one it falls into.
    row: u32,
    line: u32,
    /// Sums of red, green and blue, and pixels counted, of the line under way.
    sums: Vec<[u64; 3]>,
    counts: Vec<u64>,
    /// Finished lines, RGB.
    rgb: Vec<u8>,
}

impl Thumbnailer {
    /// Starts a picture of `width` × `height` pixels; the small one fits into `max_side` (1 to 1024) and is never
    /// larger than the picture.
    pub fn new(width: u32, height: u32, max_side: u32) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let side = max_side.clamp(1, MOST_SIDE);
        let longest = width.max(height);
        let fit = |length: u32| {
            if longest <= side {
                length
            } else {
                let scaled = u64::from(length) * u64::from(side) / u64::from(longest);
                u32::try_from(scaled).unwrap_or(side).max(1)
            }
        };
        let (columns, lines) = (fit(width), fit(height));
        Self {
            width,
            height,
            columns,
            lines,
            row: 0,
            line: 0,
            sums: vec![[0; 3]; columns as usize],
            counts: vec![0; columns as usize],
            rgb: Vec::new(),
        }
    }

    /// Takes the next rows: any number of whole rows. Rows beyond the height, and a part of a row at the end, are
    /// ignored. Alpha is laid over white.
    pub fn push_rows(&mut self, kind: PixelKind, rows: &[u8]) {
        let stride = (self.width as usize).saturating_mul(kind.bytes());
        for row in rows.chunks_exact(stride) {
            if self.row >= self.height {
                return;
            }
            self.row(kind, row);
        }
    }

    fn row(&mut self, kind: PixelKind, row: &[u8]) {
        let line = scaled(self.row, self.lines, self.height);
        while self.line < line {
            self.end_line();
        }
        // Column `c` of the small picture takes the columns x with x * columns / width == c: walked without division.
        let (mut column, mut rest) = (0usize, 0u64);
        for pixel in row.chunks_exact(kind.bytes()) {
            let rgb = match *pixel {
                [grey] => [grey; 3].map(u64::from),
                [r, g, b] => [r, g, b].map(u64::from),
                [r, g, b, alpha] => {
                    let alpha = u64::from(alpha);
                    [r, g, b].map(|c| (u64::from(c) * alpha + 255 * (255 - alpha) + 127) / 255)
                }
                _ => [0; 3],
            };
            if let (Some(sum), Some(count)) = (self.sums.get_mut(column), self.counts.get_mut(column)) {
                for (sum, value) in sum.iter_mut().zip(rgb) {
                    *sum += value;
                }
                *count += 1;
            }
            rest += u64::from(self.columns);
            if rest >= u64::from(self.width) {
                rest -= u64::from(self.width);
                column += 1;
            }
        }
        self.row += 1;
        if self.row == self.height {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        for (sum, count) in self.sums.iter_mut().zip(&mut self.counts) {
            let pixels = (*count).max(1);
            self.rgb.extend(sum.map(|sum| u8::try_from((sum + pixels / 2) / pixels).unwrap_or(u8::MAX)));
            *sum = [0; 3];
            *count = 0;
        }
        self.line += 1;
    }

    /// The small picture, PNG in base64. Rows that never came are mid-grey.
    pub fn finish(mut self, mode: ThumbnailMode) -> Thumbnail {
        if self.counts.iter().any(|count| *count > 0) {
            self.end_line();
        }
        let (width, height) = (self.columns as usize, self.lines as usize);
        self.rgb.resize(width * height * 3, 128);
        let (grey, pixels) = match mode {
            ThumbnailMode::Full => (false, self.rgb),
            ThumbnailMode::Blur => {
                (false, blurred(&self.rgb, width, height, 3, (width.max(height) / 12).max(2)))
            }
            ThumbnailMode::Grey => {
                let radius = (width.max(height) / 96).max(1);
                (true, blurred(&luma(&self.rgb), width, height, 1, radius))
            }
            ThumbnailMode::Drawing => (true, drawing(&luma(&self.rgb), width, height)),
        };
        Thumbnail {
            mode: mode.as_str().to_owned(),
            width: self.columns,
            height: self.lines,
            png_base64: base64::engine::general_purpose::STANDARD.encode(png(
                &pixels,
                self.columns,
                self.lines,
                grey,
            )),
        }
    }
}

/// `at * to / from`: the row of the small picture that a row of the large one falls into.
fn scaled(at: u32, to: u32, from: u32) -> u32 {
    u32::try_from(u64::from(at) * u64::from(to) / u64::from(from)).unwrap_or(u32::MAX)
}

/// Grey after ITU-R BT.601, in 8-bit fixed point.
fn luma(rgb: &[u8]) -> Vec<u8> {
    rgb.chunks_exact(3)
        .map(|p| {
            let value = 77 * u32::from(p[0]) + 150 * u32::from(p[1]) + 29 * u32::from(p[2]) + 128;
            u8::try_from(value >> 8).unwrap_or(u8::MAX)
        })
        .collect()
}

/// Three box blurs in each direction, close to a Gaussian of sigma `radius`: a box of half-width `radius` has variance
/// (w² - 1) / 12 with w = 2 radius + 1, three of them nearly radius².
fn blurred(pixels: &[u8], width: usize, height: usize, channels: usize, radius: usize) -> Vec<u8> {
    let mut pixels = pixels.to_vec();
    for _ in 0..3 {
        for channel in 0..channels {
            for y in 0..height {
                box_line(&mut pixels, y * width * channels + channel, channels, width, radius);
            }
            for x in 0..width {
                box_line(&mut pixels, x * channels + channel, width * channels, height, radius);
            }
        }
    }
    pixels
}

/// One box blur along `length` samples from `start`, `step` apart; edges repeat.
fn box_line(pixels: &mut [u8], start: usize, step: usize, length: usize, radius: usize) {
    let line: Vec<u32> =
        (0..length).map(|at| pixels.get(start + at * step).copied().unwrap_or(0).into()).collect();
    let (Some(&first), Some(&last)) = (line.first(), line.last()) else { return };
    let before =
        |at: usize, back: usize| at.checked_sub(back).and_then(|at| line.get(at)).copied().unwrap_or(first);
    let after = |at: usize| line.get(at).copied().unwrap_or(last);
    let window = 2 * radius + 1;
    let mut sum: u64 =
        u64::from(first) * (radius as u64 + 1) + (1..=radius).map(|at| u64::from(after(at))).sum::<u64>();
    for at in 0..length {
        let mean = (sum + window as u64 / 2) / window as u64;
        if let Some(pixel) = pixels.get_mut(start + at * step) {
            *pixel = u8::try_from(mean).unwrap_or(u8::MAX);
        }
        sum = sum + u64::from(after(at + radius + 1)) - u64::from(before(at, radius));
    }
}

/// Lines where the blurred grey changes fast, over four pale shades where it does not.
fn drawing(luma: &[u8], width: usize, height: usize) -> Vec<u8> {
    const SHADES: [u8; 4] = [178, 210, 232, 248];
    const LINE: u32 = 36;
    let smooth = blurred(luma, width, height, 1, (width.max(height) / 128).max(1));
    let at = |x: usize, y: usize| {
        let (x, y) = (x.min(width.saturating_sub(1)), y.min(height.saturating_sub(1)));
        smooth.get(y * width + x).copied().map_or(0, i32::from)
    };
    let mut drawn = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (l, r, u, d) = (x.saturating_sub(1), x + 1, y.saturating_sub(1), y + 1);
            let gx = at(r, u) + 2 * at(r, y) + at(r, d) - at(l, u) - 2 * at(l, y) - at(l, d);
            let gy = at(l, d) + 2 * at(x, d) + at(r, d) - at(l, u) - 2 * at(x, u) - at(r, u);
            let slope = gx.unsigned_abs() + gy.unsigned_abs();
            let shade = SHADES[(at(x, y) as usize / 64).min(3)];
            let ink = u8::try_from((slope.saturating_sub(LINE) * 2).min(255)).unwrap_or(u8::MAX);
            drawn.push(shade.saturating_sub(ink).max(24).min(shade));
        }
    }
    drawn
}

/// A PNG file of 8-bit samples. Writing to memory cannot fail; if it did the result would be empty.
fn png(pixels: &[u8], width: u32, height: u32, grey: bool) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(if grey { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let written = encoder.write_header().and_then(|mut writer| {
        writer.write_image_data(pixels)?;
        writer.finish()
    });
    if written.is_err() {
        file.clear();
    }
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(width: u32, height: u32) -> Vec<u8> {
        (0..height)
            .flat_map(|y| {
                (0..width)
                    .flat_map(move |x| [(x * 7) as u8, (y * 5) as u8, ((x / 16 + y / 16) % 2 * 255) as u8])
            })
            .collect()
    }

    fn decoded(thumbnail: &Thumbnail) -> (png::OutputInfo, Vec<u8>) {
        let file = base64::engine::general_purpose::STANDARD.decode(&thumbnail.png_base64).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info, pixels)
    }

    fn made(width: u32, height: u32, mode: ThumbnailMode) -> Thumbnail {
        let mut small = Thumbnailer::new(width, height, 256);
        small.push_rows(PixelKind::Rgb8, &picture(width, height));
        small.finish(mode)
    }

    #[test]
    fn a_small_picture_fits_and_is_never_enlarged() {
        for (width, height, expected) in [
            (1024, 512, (256, 128)),
            (100, 40, (100, 40)),
            (5000, 3, (256, 1)),
            (1, 1, (1, 1)),
            (257, 256, (256, 255)),
        ] {
            let small = made(width, height, ThumbnailMode::Full);
            assert_eq!((small.width, small.height), expected);
            assert_eq!((decoded(&small).0.width, decoded(&small).0.height), expected);
        }
    }

    #[test]
    fn a_picture_that_fits_is_kept_pixel_for_pixel_in_full_mode() {
        assert_eq!(decoded(&made(60, 50, ThumbnailMode::Full)).1, picture(60, 50));
    }

    #[test]
    fn rows_may_come_in_any_portions() {
        let pixels = picture(700, 400);
        let mut one_by_one = Thumbnailer::new(700, 400, 256);
        for row in pixels.chunks(700 * 3) {
            one_by_one.push_rows(PixelKind::Rgb8, row);
        }
        assert_eq!(one_by_one.finish(ThumbnailMode::Full), made(700, 400, ThumbnailMode::Full));
    }

    #[test]
    fn a_box_takes_the_mean_of_its_pixels() {
        let mut small = Thumbnailer::new(512, 2, 256);
        small.push_rows(PixelKind::Luma8, &[10, 20].repeat(512));
        assert_eq!(decoded(&small.finish(ThumbnailMode::Full)).1, [15; 256 * 3]);
    }

    #[test]
    fn missing_surplus_and_broken_rows_do_no_harm() {
        let mut small = Thumbnailer::new(400, 400, 256);
        small.push_rows(PixelKind::Rgba8, &vec![9; 400 * 4 * 10 + 7]);
        let (info, pixels) = decoded(&small.finish(ThumbnailMode::Full));
        assert_eq!((info.width, info.height), (256, 256));
        assert_eq!(pixels.last(), Some(&128));
        let mut small = Thumbnailer::new(2, 1, 256);
        small.push_rows(PixelKind::Luma8, &[1, 2, 3, 4, 5, 6]);
        assert_eq!(decoded(&small.finish(ThumbnailMode::Full)).1, [1, 1, 1, 2, 2, 2]);
    }

    #[test]
    fn a_huge_picture_costs_no_memory_before_its_rows_come() {
        let small = Thumbnailer::new(u32::MAX, u32::MAX, 256);
        assert_eq!((small.columns, small.lines), (256, 256));
    }

    #[test]
    fn transparency_is_laid_over_white() {
        let mut small = Thumbnailer::new(2, 1, 256);
        small.push_rows(PixelKind::Rgba8, &[0, 0, 0, 0, 10, 20, 30, 255]);
        assert_eq!(decoded(&small.finish(ThumbnailMode::Full)).1, [255, 255, 255, 10, 20, 30]);
    }

    #[test]
    fn blur_takes_fine_detail_away_and_drawing_takes_colour_away() {
        let spread = |pixels: &[u8]| pixels.iter().max().zip(pixels.iter().min()).map_or(0, |(a, b)| a - b);
        let checks: Vec<u8> =
            (0..256u32 * 256).map(|i| if (i % 8 < 4) ^ (i / 256 % 8 < 4) { 255 } else { 0 }).collect();
        let mut small = Thumbnailer::new(256, 256, 256);
        small.push_rows(PixelKind::Luma8, &checks);
        let centre: Vec<u8> =
            decoded(&small.clone().finish(ThumbnailMode::Blur)).1[300 * 256..400 * 256].to_vec();
        assert!(spread(&centre) < 8, "{}", spread(&centre));
        assert_eq!(decoded(&small.finish(ThumbnailMode::Drawing)).0.color_type, png::ColorType::Grayscale);
    }

    #[test]
    fn names_round_trip() {
        for mode in ThumbnailMode::ALL {
            assert_eq!(mode.as_str().parse(), Ok(mode));
        }
        assert!("hover".parse::<ThumbnailMode>().is_err());
    }
}
