//! Between decoders and the sink: keeps the sink's contract whatever a decoder does.

use crate::{Decoded, Error, Format, FrameInfo, Limits, PixelKind, PixelSink};

/// Hands rows to a sink and keeps its contract: exactly `height` rows for each frame that started.
pub(crate) struct Emitter<'a> {
    sink: &'a mut dyn PixelSink,
    open: Option<Open>,
    first: Option<(u32, u32)>,
    sent: u32,
}

struct Open {
    row_bytes: usize,
    rows_left: u32,
}

impl<'a> Emitter<'a> {
    pub(crate) fn new(sink: &'a mut dyn PixelSink) -> Self {
        Self { sink, open: None, first: None, sent: 0 }
    }

    /// Starts a frame; one still open is completed first. A frame without pixels is not started.
    pub(crate) fn frame(&mut self, index: u32, t_ms: u64, width: u32, height: u32, pixels: PixelKind) {
        self.end();
        if width == 0 || height == 0 {
            return;
        }
        self.first.get_or_insert((width, height));
        let row_bytes = width as usize * pixels.bytes();
        self.open = Some(Open { row_bytes, rows_left: height });
        self.sink.frame(&FrameInfo { index, t_ms, width, height, pixels });
    }

    /// Whole rows; what exceeds the frame is dropped.
    pub(crate) fn rows(&mut self, rows: &[u8]) {
        let Some(open) = &mut self.open else { return };
        let n = (rows.len() / open.row_bytes).min(open.rows_left as usize);
        if let Some(whole) = rows.get(..n * open.row_bytes)
            && n > 0
        {
            self.sink.rows(whole);
            open.rows_left -= n as u32;
        }
    }

    /// Ends the open frame; rows that never came are black (and wholly transparent where there is alpha).
    pub(crate) fn end(&mut self) {
        let Some(mut open) = self.open.take() else { return };
        let black = vec![0u8; open.row_bytes];
        while open.rows_left > 0 {
            self.sink.rows(&black);
            open.rows_left -= 1;
        }
        self.sink.end_frame();
        self.sent += 1;
    }

    /// A whole frame at once.
    pub(crate) fn whole(&mut self, index: u32, t_ms: u64, size: (u32, u32), pixels: PixelKind, data: &[u8]) {
        self.frame(index, t_ms, size.0, size.1, pixels);
        self.rows(data);
        self.end();
    }

    /// A whole frame of straight RGBA: as RGB when nothing in it is transparent.
    pub(crate) fn canvas(&mut self, index: u32, t_ms: u64, size: (u32, u32), rgba: &[u8]) {
        if rgba.iter().skip(3).step_by(4).any(|&a| a != 255) {
            return self.whole(index, t_ms, size, PixelKind::Rgba8, rgba);
        }
        self.frame(index, t_ms, size.0, size.1, PixelKind::Rgb8);
        let mut row = Vec::new();
        for line in rgba.chunks_exact((size.0 as usize).saturating_mul(4).max(1)) {
            row.clear();
            row.extend(line.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]));
            self.rows(&row);
        }
        self.end();
    }

    /// Frames completed.
    pub(crate) fn sent(&self) -> u32 {
        self.sent
    }

    /// Whether any frame was started.
    pub(crate) fn started(&self) -> bool {
        self.first.is_some()
    }

    /// What came out, with the first frame's size.
    pub(crate) fn decoded(&self, format: Format, frames: u32) -> Decoded {
        let (width, height) = self.first.unwrap_or((0, 0));
        Decoded { format, width, height, frames, partial: None, notes: Vec::new() }
    }
}

/// A decoder that speaks to a sink is watched over as well.
impl PixelSink for Emitter<'_> {
    fn frame(&mut self, info: &FrameInfo) {
        Emitter::frame(self, info.index, info.t_ms, info.width, info.height, info.pixels);
    }

    fn rows(&mut self, rows: &[u8]) {
        Emitter::rows(self, rows);
    }

    fn end_frame(&mut self) {
        self.end();
    }
}

/// The header's size against the limits, before anything is allocated: pixels, and the bytes a decoder will hold
/// (`bytes_per_pixel` for every pixel).
pub(crate) fn check_size(
    width: u64,
    height: u64,
    bytes_per_pixel: u64,
    limits: &Limits,
) -> Result<(), Error> {
    if width == 0 || height == 0 {
        return Err(Error::Malformed("a picture without pixels".into()));
    }
    let pixels = width.checked_mul(height).filter(|&p| p <= limits.max_pixels);
    let Some(pixels) = pixels else {
        return Err(Error::TooManyPixels { width, height, limit: limits.max_pixels });
    };
    check_memory(pixels.saturating_mul(bytes_per_pixel), limits)
}

/// Bytes a decoder will hold against the limit.
pub(crate) fn check_memory(bytes: u64, limits: &Limits) -> Result<(), Error> {
    if bytes > limits.max_memory || usize::try_from(bytes).is_err() {
        return Err(Error::Memory { what: "pixels".into(), limit: limits.max_memory });
    }
    Ok(())
}

/// A zeroed buffer of a size that was checked against the limits; an error instead of an abort when memory is short.
pub(crate) fn buffer(bytes: u64, limits: &Limits) -> Result<Vec<u8>, Error> {
    check_memory(bytes, limits)?;
    let mut buf = Vec::new();
    let n = usize::try_from(bytes).unwrap_or(usize::MAX);
    if buf.try_reserve_exact(n).is_err() {
        return Err(Error::Memory { what: "pixels".into(), limit: limits.max_memory });
    }
    buf.resize(n, 0);
    Ok(buf)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Count {
        bytes: usize,
        ends: u32,
    }
    impl PixelSink for Count {
        fn frame(&mut self, _: &FrameInfo) {}
        fn rows(&mut self, rows: &[u8]) {
            self.bytes += rows.len();
        }
        fn end_frame(&mut self) {
            self.ends += 1;
        }
    }

    #[test]
    fn missing_rows_are_filled_and_excess_rows_dropped() {
        let mut sink = Count::default();
        let mut out = Emitter::new(&mut sink);
        out.frame(0, 0, 3, 4, PixelKind::Rgb8);
        out.rows(&[1; 9 * 2]);
        out.end();
        out.frame(1, 0, 3, 1, PixelKind::Luma8);
        out.rows(&[1; 30]);
        out.end();
        assert_eq!((sink.bytes, sink.ends), (36 + 3, 2));
    }

    #[test]
    fn sizes_are_checked_before_they_are_used() {
        let limits = Limits::default();
        assert!(matches!(check_size(30_000, 30_000, 3, &limits), Err(Error::TooManyPixels { .. })));
        assert!(matches!(check_size(u64::MAX, u64::MAX, 3, &limits), Err(Error::TooManyPixels { .. })));
        assert!(matches!(check_size(14_000, 14_000, 8, &limits), Err(Error::Memory { .. })));
        assert!(matches!(check_size(0, 5, 3, &limits), Err(Error::Malformed(_))));
        assert!(check_size(12_000, 9_000, 4, &limits).is_ok());
    }
}
