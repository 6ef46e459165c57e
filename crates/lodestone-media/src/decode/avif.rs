//! AVIF: the primary picture, single or a grid, with its alpha plane, turned and mirrored as the file says.

use heifer_isobmff::boxes::{ColorInfo, Property};
use heifer_isobmff::{HeifFile, ItemId};
use re_rav1d::dav1d::pixel::{MatrixCoefficients, YUVRange};
use re_rav1d::dav1d::{Decoder, Picture, PixelLayout, PlanarImageComponent, Plane, Settings};

use super::emit::{Emitter, buffer, check_size};
use crate::{Decoded, Error, Format, Limits};

/// Decoder's planes of up to 16 bits, RGBA out, and a copy when it is turned.
const BYTES_PER_PIXEL: u64 = 14;
const MAX_TILES: u32 = 1 << 12;

/// Decodes the primary picture.
pub(crate) fn decode(bytes: &[u8], limits: &Limits, out: &mut Emitter<'_>) -> Result<Decoded, Error> {
    let file = HeifFile::parse(bytes).map_err(|e| container(&e))?;
    let id = file.primary_id;
    let mut image = item(&file, id, limits)?;
    let alpha = file.referencing_items(id, b"auxl").into_iter().find(|&aux| is_alpha(&file, aux));
    if let Some(alpha) = alpha {
        let plane = item(&file, alpha, limits)?;
        if (plane.width, plane.height) == (image.width, image.height) {
            for (to, from) in image.rgba.chunks_exact_mut(4).zip(plane.rgba.chunks_exact(4)) {
                to[3] = from[0];
            }
        }
    }
    for property in file.item_properties(id).map_err(|e| container(&e))? {
        match property {
            Property::Rotation(quarters) => {
                for _ in 0..quarters % 4 {
                    image = image.turned(limits)?;
                }
            }
            Property::Mirror(top_bottom) => image.mirror(*top_bottom),
            _ => {}
        }
    }
    out.canvas(0, 0, (image.width, image.height), &image.rgba);
    let mut decoded = out.decoded(Format::Avif, 1);
    if image.bits > 8 {
        decoded.notes.push(format!("{}-bit", image.bits));
    }
    Ok(decoded)
}

fn is_alpha(file: &HeifFile<'_>, id: ItemId) -> bool {
    let urn = |t: &str| t.ends_with("auxid:1") || t.contains("auxiliary:alpha");
    file.item_properties(id).is_ok_and(|mut all| {
        all.any(|p| matches!(p, Property::AuxiliaryType(t) if urn(t.trim_end_matches('\0'))))
    })
}

struct Image {
    width: u32,
    height: u32,
    bits: usize,
    rgba: Vec<u8>,
}

impl Image {
    fn new(width: u32, height: u32, limits: &Limits) -> Result<Self, Error> {
        check_size(width.into(), height.into(), BYTES_PER_PIXEL, limits)?;
        let rgba = buffer(u64::from(width) * u64::from(height) * 4, limits)?;
        Ok(Self { width, height, bits: 8, rgba })
    }

    /// A quarter turn against the clock.
    fn turned(&self, limits: &Limits) -> Result<Self, Error> {
        let mut to = Self::new(self.height, self.width, limits)?;
        let (w, h) = (self.width as usize, self.height as usize);
        for (i, pixel) in self.rgba.chunks_exact(4).enumerate() {
            let at = ((w - 1 - i % w) * h + i / w) * 4;
            if let Some(p) = to.rgba.get_mut(at..at + 4) {
                p.copy_from_slice(pixel);
            }
        }
        to.bits = self.bits;
        Ok(to)
    }

    fn mirror(&mut self, top_bottom: bool) {
        let stride = self.width as usize * 4;
        if top_bottom {
            let rows: Vec<u8> = self.rgba.chunks_exact(stride).rev().flatten().copied().collect();
            self.rgba = rows;
        } else {
            for row in self.rgba.chunks_exact_mut(stride) {
                let turned: Vec<u8> = row.chunks_exact(4).rev().flatten().copied().collect();
                row.copy_from_slice(&turned);
            }
        }
    }

    fn draw(&mut self, tile: &Self, left: u32, top: u32) {
        let (from_stride, to_stride) = (tile.width as usize * 4, self.width as usize * 4);
        let across = tile.width.min(self.width.saturating_sub(left)) as usize * 4;
        for (y, row) in (top..self.height).zip(tile.rgba.chunks_exact(from_stride)) {
            let at = y as usize * to_stride + left as usize * 4;
            if let (Some(to), Some(from)) = (self.rgba.get_mut(at..at + across), row.get(..across)) {
                to.copy_from_slice(from);
            }
        }
    }
}

/// A coded picture, or a grid of them.
fn item(file: &HeifFile<'_>, id: ItemId, limits: &Limits) -> Result<Image, Error> {
    let kind = file.item(id).map_err(|e| container(&e))?.item_type;
    match &kind.0 {
        b"av01" => coded(file, id, limits),
        b"grid" => {
            let grid = file.grid(id).map_err(|e| container(&e))?;
            let columns = u32::from(grid.columns).max(1);
            let tiles = file.referenced_items(id, b"dimg");
            if tiles.len() as u64 != u64::from(grid.rows) * u64::from(columns)
                || tiles.len() as u32 > MAX_TILES
            {
                return Err(Error::Malformed("AVIF: a grid without all its tiles".into()));
            }
            let mut whole = Image::new(grid.output_width, grid.output_height, limits)?;
            let mut first: Option<(u32, u32)> = None;
            for (i, &tile) in (0u32..).zip(tiles) {
                let tile = coded(file, tile, limits)?;
                let (w, h) = *first.get_or_insert((tile.width, tile.height));
                whole.bits = tile.bits;
                whole.draw(&tile, (i % columns).saturating_mul(w), (i / columns).saturating_mul(h));
            }
            Ok(whole)
        }
        _ => Err(Error::Unsupported("AVIF with a primary picture of another codec".into())),
    }
}

fn coded(file: &HeifFile<'_>, id: ItemId, limits: &Limits) -> Result<Image, Error> {
    if file.item(id).map_err(|e| container(&e))?.item_type.0 != *b"av01" {
        return Err(Error::Unsupported("AVIF with tiles of another codec".into()));
    }
    if let Some((w, h)) = file.image_size(id).map_err(|e| container(&e))? {
        check_size(w.into(), h.into(), BYTES_PER_PIXEL, limits)?;
    }
    let data = file.item_data(id).map_err(|e| container(&e))?.into_owned();
    if data.is_empty() {
        return Err(Error::Truncated("AVIF".into()));
    }
    let bad = |e: re_rav1d::dav1d::Error| Error::Malformed(format!("AVIF: {e}"));
    let mut settings = Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    let most = limits.max_pixels.min(limits.max_memory / BYTES_PER_PIXEL);
    settings.set_frame_size_limit(u32::try_from(most).unwrap_or(u32::MAX).max(1));
    let mut decoder = Decoder::with_settings(&settings).map_err(bad)?;
    let mut sent = decoder.send_data(data, None, None, None);
    // Each round either takes data or gives the picture.
    for _ in 0..64 {
        match decoder.get_picture() {
            Ok(picture) => return rgba(file, id, &picture, limits),
            Err(e) if e.is_again() => match sent {
                Err(e) if e.is_again() => sent = decoder.send_pending_data(),
                Err(e) => return Err(bad(e)),
                Ok(()) => return Err(Error::Truncated("AVIF".into())),
            },
            Err(e) => return Err(bad(e)),
        }
    }
    Err(Error::Malformed("AVIF: no picture".into()))
}

/// Planes to RGBA.
fn rgba(file: &HeifFile<'_>, id: ItemId, picture: &Picture, limits: &Limits) -> Result<Image, Error> {
    let mut image = Image::new(picture.width(), picture.height(), limits)?;
    image.bits = picture.bit_depth();
    let mut matrix = match picture.matrix_coefficients() {
        MatrixCoefficients::Identity => 0,
        MatrixCoefficients::BT709 => 1,
        MatrixCoefficients::BT2020NonConstantLuminance => 9,
        _ => 6,
    };
    let mut full = picture.color_range() == YUVRange::Full;
    // The container's word goes before the bitstream's.
    for property in file.item_properties(id).map_err(|e| container(&e))? {
        if let Property::Color(ColorInfo::Nclx { matrix: m, full_range, .. }) = property {
            (matrix, full) = (*m, *full_range);
        }
    }
    let luma = Samples::new(picture, PlanarImageComponent::Y, (1, 1));
    let step = match picture.pixel_layout() {
        PixelLayout::I400 => None,
        PixelLayout::I420 => Some((2, 2)),
        PixelLayout::I422 => Some((2, 1)),
        PixelLayout::I444 => Some((1, 1)),
    };
    let chroma = step.map(|s| {
        (Samples::new(picture, PlanarImageComponent::U, s), Samples::new(picture, PlanarImageComponent::V, s))
    });
    let colours = Colours::new(matrix, full, image.bits);
    let width = image.width as usize;
    for (i, to) in image.rgba.chunks_exact_mut(4).enumerate() {
        let (x, y) = (i % width, i / width);
        let value = luma.at(x, y);
        let rgb = match &chroma {
            None => [colours.grey(value); 3],
            Some((u, v)) => colours.rgb(value, u.smooth(x, y), v.smooth(x, y)),
        };
        to.copy_from_slice(&[rgb[0], rgb[1], rgb[2], 255]);
    }
    Ok(image)
}

/// One plane's samples.
struct Samples {
    plane: Plane,
    stride: usize,
    wide: bool,
    step: (usize, usize),
    width: usize,
    height: usize,
}

impl Samples {
    fn new(picture: &Picture, component: PlanarImageComponent, step: (usize, usize)) -> Self {
        Self {
            plane: picture.plane(component),
            stride: picture.stride(component) as usize,
            wide: picture.bit_depth() > 8,
            step,
            width: (picture.width() as usize).div_ceil(step.0),
            height: (picture.height() as usize).div_ceil(step.1),
        }
    }

    fn at(&self, x: usize, y: usize) -> f32 {
        let start = y * self.stride;
        let value = if self.wide {
            let b = self.plane.get(start + x * 2..start + x * 2 + 2);
            b.and_then(|b| b.try_into().ok()).map_or(0, native)
        } else {
            self.plane.get(start + x).copied().map_or(0, u16::from)
        };
        f32::from(value)
    }

    /// Between the samples of a coarser plane: three parts of the near one, one of the far one, each way.
    fn smooth(&self, x: usize, y: usize) -> f32 {
        let (x0, x1) = near_and_far(x, self.step.0, self.width);
        let (y0, y1) = near_and_far(y, self.step.1, self.height);
        let near = 3.0 * self.at(x0, y0) + self.at(x1, y0);
        let far = 3.0 * self.at(x0, y1) + self.at(x1, y1);
        (3.0 * near + far) / 16.0
    }
}

/// dav1d gives samples of more than 8 bits in the machine's own byte order.
#[expect(clippy::host_endian_bytes, reason = "the decoder's buffer is in it")]
fn native(b: [u8; 2]) -> u16 {
    u16::from_ne_bytes(b)
}

fn near_and_far(x: usize, step: usize, size: usize) -> (usize, usize) {
    if step == 1 {
        return (x, x);
    }
    let near = x / 2;
    let far =
        if x.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(size.saturating_sub(1)) };
    (near, far)
}

/// The arithmetic of one matrix and range. *Source:* ITU-T H.273, tables 4 and equations 20 to 57.
struct Colours {
    identity: bool,
    kr: f32,
    kb: f32,
    black: f32,
    luma_scale: f32,
    middle: f32,
    chroma_scale: f32,
}

impl Colours {
    fn new(matrix: u16, full: bool, bits: usize) -> Self {
        let max = f32::from(((1u32 << bits.min(16)) - 1) as u16);
        let unit = (max + 1.0) / 256.0;
        let (kr, kb) = match matrix {
            1 => (0.2126, 0.0722),
            9 => (0.2627, 0.0593),
            _ => (0.299, 0.114),
        };
        let (black, luma, chroma) =
            if full { (0.0, max, max) } else { (16.0 * unit, 219.0 * unit, 224.0 * unit) };
        Self {
            identity: matrix == 0,
            kr,
            kb,
            black,
            luma_scale: 255.0 / luma,
            middle: 128.0 * unit,
            chroma_scale: 255.0 / chroma,
        }
    }

    fn grey(&self, y: f32) -> u8 {
        round((y - self.black) * self.luma_scale)
    }

    fn rgb(&self, y: f32, u: f32, v: f32) -> [u8; 3] {
        if self.identity {
            return [self.grey(v), self.grey(y), self.grey(u)];
        }
        let y = (y - self.black) * self.luma_scale;
        let (u, v) = ((u - self.middle) * self.chroma_scale, (v - self.middle) * self.chroma_scale);
        let (red, blue) = (y + 2.0 * (1.0 - self.kr) * v, y + 2.0 * (1.0 - self.kb) * u);
        let green = (y - self.kr * red - self.kb * blue) / (1.0 - self.kr - self.kb);
        [round(red), round(green), round(blue)]
    }
}

fn round(v: f32) -> u8 {
    (v.clamp(0.0, 255.0) + 0.5) as u8
}

fn container(e: &heifer_isobmff::Error) -> Error {
    Error::Malformed(format!("AVIF: {e}"))
}
