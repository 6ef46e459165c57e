//! The canvas on which an animation's frames are laid: GIF, APNG and WebP share it.

/// A rectangle on the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rect {
    pub(crate) x: u32,
    pub(crate) y: u32,
    pub(crate) w: u32,
    pub(crate) h: u32,
}

/// What happens to a frame's area after it was shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dispose {
    /// It stays.
    #[default]
    Keep,
    /// It becomes transparent.
    Clear,
    /// It becomes what it was before.
    Previous,
}

/// How a frame is laid over what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blend {
    /// Replaces colour and alpha.
    Source,
    /// Alpha blending.
    Over,
    /// Transparent pixels leave what is there; where nothing was drawn yet, their hidden colour shows in the form
    /// without alpha, as in Pillow.
    Mask,
}

/// Straight RGBA, transparent black at first.
pub(crate) struct Canvas {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
    saved: Vec<u8>,
}

impl Canvas {
    /// `rgba`: zeroed, `width * height * 4` bytes, from [`super::emit::buffer`].
    pub(crate) fn new(width: u32, height: u32, rgba: Vec<u8>) -> Self {
        Self { width, height, rgba, saved: Vec::new() }
    }

    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    pub(crate) fn rgba(&self) -> &[u8] {
        &self.rgba
    }

    /// The part of `rect` inside the canvas.
    fn clip(&self, rect: Rect) -> Rect {
        let x = rect.x.min(self.width);
        let y = rect.y.min(self.height);
        Rect { x, y, w: rect.w.min(self.width - x), h: rect.h.min(self.height - y) }
    }

    /// The canvas bytes of one row of a clipped rectangle.
    fn row_mut(&mut self, clipped: Rect, dy: u32) -> &mut [u8] {
        let start = ((clipped.y + dy) as usize * self.width as usize + clipped.x as usize) * 4;
        self.rgba.get_mut(start..start + clipped.w as usize * 4).unwrap_or_default()
    }

    /// Lays `pixels` (straight RGBA, `rect.w * rect.h`) over the canvas; what lies outside is left out.
    pub(crate) fn draw(&mut self, rect: Rect, pixels: &[u8], blend: Blend) {
        let clipped = self.clip(rect);
        let stride = rect.w as usize * 4;
        for (dy, line) in (0..clipped.h).zip(pixels.chunks_exact(stride.max(4))) {
            let row = self.row_mut(clipped, dy);
            for (dst, src) in row.chunks_exact_mut(4).zip(line.chunks_exact(4)) {
                match blend {
                    Blend::Source => dst.copy_from_slice(src),
                    Blend::Over => over(dst, src),
                    Blend::Mask if src[3] == 255 || dst == [0; 4] => dst.copy_from_slice(src),
                    Blend::Mask => {}
                }
            }
        }
    }

    /// Remembers the canvas, when the frame that comes wants it back afterwards.
    pub(crate) fn before(&mut self, dispose: Dispose) {
        if dispose == Dispose::Previous {
            self.saved.clone_from(&self.rgba);
        }
    }

    /// What happens after a frame was shown.
    pub(crate) fn after(&mut self, rect: Rect, dispose: Dispose) {
        match dispose {
            Dispose::Keep => {}
            Dispose::Clear => {
                let clipped = self.clip(rect);
                for dy in 0..clipped.h {
                    self.row_mut(clipped, dy).fill(0);
                }
            }
            Dispose::Previous => self.rgba.clone_from(&self.saved),
        }
    }
}

/// One straight-alpha pixel over another. *Source:* libwebp `src/demux/anim_decode.c`, `BlendPixelNonPremult`.
fn over(dst: &mut [u8], src: &[u8]) {
    let (sa, da) = (u32::from(src[3]), u32::from(dst[3]));
    if sa == 255 || da == 0 {
        if sa > 0 || dst == [0; 4] {
            dst.copy_from_slice(src);
        }
        return;
    }
    if sa == 0 {
        return;
    }
    let under = (da * (256 - sa)) >> 8;
    let alpha = sa + under;
    let scale = (1u64 << 24) / u64::from(alpha);
    for c in 0..3 {
        let sum = u64::from(u32::from(src[c]) * sa + u32::from(dst[c]) * under);
        dst[c] = ((sum * scale) >> 24).min(255) as u8;
    }
    dst[3] = alpha.min(255) as u8;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canvas(w: u32, h: u32) -> Canvas {
        Canvas::new(w, h, vec![0; (w * h * 4) as usize])
    }

    #[test]
    fn frames_outside_are_clipped() {
        let mut c = canvas(2, 2);
        c.draw(Rect { x: 1, y: 1, w: 5, h: 5 }, &[9; 100], Blend::Source);
        c.draw(Rect { x: 7, y: u32::MAX, w: 1, h: 1 }, &[1; 4], Blend::Source);
        assert_eq!(&c.rgba()[..12], &[0; 12]);
        assert_eq!(&c.rgba()[12..], &[9; 4]);
        c.after(Rect { x: 1, y: 0, w: u32::MAX, h: u32::MAX }, Dispose::Clear);
        assert_eq!(c.rgba(), &[0; 16]);
    }

    #[test]
    fn previous_brings_back_what_was_there() {
        let mut c = canvas(1, 1);
        let all = Rect { x: 0, y: 0, w: 1, h: 1 };
        c.draw(all, &[1, 2, 3, 255], Blend::Source);
        c.before(Dispose::Previous);
        c.draw(all, &[7, 7, 7, 255], Blend::Over);
        c.after(all, Dispose::Previous);
        assert_eq!(c.rgba(), &[1, 2, 3, 255]);
    }

    #[test]
    fn half_transparent_white_over_black_is_grey() {
        let mut c = canvas(1, 1);
        let all = Rect { x: 0, y: 0, w: 1, h: 1 };
        c.draw(all, &[0, 0, 0, 255], Blend::Source);
        c.draw(all, &[255, 255, 255, 128], Blend::Over);
        assert!((126..=129).contains(&c.rgba()[0]) && c.rgba()[3] >= 254, "{:?}", c.rgba());
    }
}
