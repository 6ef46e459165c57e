//! Rows of pixels to fingerprints, as the decoder makes them.

use lodestone_features::Luma;
use lodestone_hash::{PdqFeatures, PdqStream};
use lodestone_media::{FrameInfo, PixelKind, PixelSink};
use lodestone_types::{Backdrop, Fingerprint, Form, HashMode, Thumbnail};

use crate::capture::{Capture, Held};
use crate::detail::{DETAIL_SIDE, Shrinker};
use crate::options::Pre;
use crate::thumbnail::{ThumbnailMode, Thumbnailer};

/// A decoder's rows go in, fingerprints of every frame come out. Memory: a few hundred rows of each stream.
pub(crate) struct HashingSink {
    pre: Pre,
    composites: bool,
    thumbnail_mode: Option<ThumbnailMode>,
    /// Alpha dropped, on white, on black: kept from frame to frame and from file to file, with their buffers.
    streams: [PdqStream; 3],
    current: Option<Frame>,
    scratch: Vec<u8>,
    fingerprints: Vec<Fingerprint>,
    thumbnail: Option<Thumbnail>,
    capture: Capture,
    /// Whether the first frame's small grey copy is wanted, and it.
    wants_detail: bool,
    detail: Option<Luma>,
    /// A decoder handed over another number of rows than it announced: its error, not the file's.
    pub(crate) out_of_step: bool,
}

struct Frame {
    info: FrameInfo,
    composites: bool,
    thumbnailer: Option<Thumbnailer>,
    shrinker: Option<Shrinker>,
}

impl HashingSink {
    /// `max_held`: most pixels of a first frame that is held as a whole; 0: none is.
    pub(crate) fn new(
        pre: Pre,
        composites: bool,
        thumbnail_mode: Option<ThumbnailMode>,
        max_held: u64,
    ) -> Self {
        Self {
            pre,
            composites,
            thumbnail_mode,
            streams: [(); 3].map(|()| PdqStream::new(0, 0, lodestone_hash::PixelKind::Rgb8)),
            current: None,
            scratch: Vec::new(),
            fingerprints: Vec::new(),
            thumbnail: None,
            capture: Capture::new(max_held),
            wants_detail: false,
            detail: None,
            out_of_step: false,
        }
    }

    /// Makes the small grey copy of first frames, too.
    pub(crate) fn with_detail(mut self, wanted: bool) -> Self {
        self.wants_detail = wanted;
        self
    }

    /// The first frame's small grey copy; it is gone with the next file.
    pub(crate) fn take_detail(&mut self) -> Option<Luma> {
        self.detail.take()
    }

    /// What came out; the sink is then ready for another file. A frame that was not ended is left out.
    pub(crate) fn take(&mut self) -> (Vec<Fingerprint>, Option<Thumbnail>, Held) {
        self.current = None;
        self.out_of_step = false;
        (std::mem::take(&mut self.fingerprints), self.thumbnail.take(), self.capture.take())
    }

    fn print(&mut self, info: &FrameInfo, backdrop: Option<Backdrop>, features: &PdqFeatures) {
        let mode = if self.pre == Pre::Nearest512 { HashMode::Pre512Nn } else { HashMode::Exact };
        let form = Form { frame: info.index, t_ms: info.t_ms, backdrop };
        self.fingerprints.push(fingerprint(form, features, mode));
    }
}

/// All eight symmetries of a picture's features. The first is the plain hash, which alone is what exchanges share.
pub(crate) fn fingerprint(form: Form, features: &PdqFeatures, mode: HashMode) -> Fingerprint {
    let mut pdq_dihedral: Vec<[u8; 32]> = features.dihedral().map(|hash| hash.0).into();
    if let Some(first) = pdq_dihedral.first_mut() {
        *first = features.hash().0;
    }
    Fingerprint { form, pdq_dihedral, quality: features.quality(), mode }
}

impl PixelSink for HashingSink {
    fn frame(&mut self, info: &FrameInfo) {
        self.capture.frame(info);
        let composites = info.pixels == PixelKind::Rgba8 && self.composites;
        let first = self.fingerprints.is_empty() && self.thumbnail.is_none();
        if first {
            self.detail = None;
        }
        let pixels = match info.pixels {
            PixelKind::Luma8 => lodestone_hash::PixelKind::Luma8,
            PixelKind::Rgb8 | PixelKind::Rgba8 => lodestone_hash::PixelKind::Rgb8,
        };
        let pre = match self.pre {
            Pre::FullSize => lodestone_hash::Pre::FullSize,
            Pre::Nearest512 => lodestone_hash::Pre::Nearest512,
        };
        let count = if composites { 3 } else { 1 };
        for stream in &mut self.streams[..count] {
            stream.reset(info.width, info.height, pixels, pre);
        }
        let thumbnailer =
            (first && self.thumbnail_mode.is_some()).then(|| Thumbnailer::new(info.width, info.height, 256));
        let shrinker =
            (first && self.wants_detail).then(|| Shrinker::new(info.width, info.height, DETAIL_SIDE));
        self.current = Some(Frame { info: *info, composites, thumbnailer, shrinker });
    }

    fn rows(&mut self, rows: &[u8]) {
        self.capture.rows(rows);
        let Some(frame) = self.current.as_mut() else {
            self.out_of_step = true;
            return;
        };
        let [dropped, on_white, on_black] = &mut self.streams;
        let mut fed;
        if frame.info.pixels == PixelKind::Rgba8 {
            let scratch = &mut self.scratch;
            scratch.clear();
            scratch.extend(rows.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]));
            fed = dropped.push_rows(scratch);
            if frame.composites {
                for (stream, backdrop) in [(on_white, 255), (on_black, 0)] {
                    scratch.clear();
                    scratch.extend(
                        rows.chunks_exact(4).flat_map(|p| [0, 1, 2].map(|c| over(p[c], p[3], backdrop))),
                    );
                    fed = fed.and(stream.push_rows(scratch));
                }
            }
        } else {
            fed = dropped.push_rows(rows);
        }
        if let Some(thumbnailer) = &mut frame.thumbnailer {
            thumbnailer.push_rows(frame.info.pixels, rows);
        }
        if let Some(shrinker) = &mut frame.shrinker {
            shrinker.push_rows(frame.info.pixels, rows);
        }
        self.out_of_step |= fed.is_err();
    }

    fn end_frame(&mut self) {
        self.capture.end_frame();
        let Some(frame) = self.current.take() else {
            self.out_of_step = true;
            return;
        };
        let Ok(features) = self.streams[0].finish() else {
            self.out_of_step = true;
            return;
        };
        self.print(&frame.info, None, &features);
        if let Some(shrinker) = frame.shrinker {
            self.detail = shrinker.finish();
        }
        if frame.composites {
            for (number, backdrop) in [(1, Backdrop::White), (2, Backdrop::Black)] {
                // A composite that hashes like the picture without its alpha says nothing more.
                match self.streams[number].finish() {
                    Ok(composite) if composite.hash() != features.hash() => {
                        self.print(&frame.info, Some(backdrop), &composite);
                    }
                    Ok(_) => {}
                    Err(_) => self.out_of_step = true,
                }
            }
        }
        if let (Some(thumbnailer), Some(mode)) = (frame.thumbnailer, self.thumbnail_mode) {
            self.thumbnail = Some(thumbnailer.finish(mode));
        }
    }
}

/// One channel laid over a plain backdrop, rounded to the nearest.
fn over(channel: u8, alpha: u8, backdrop: u8) -> u8 {
    let (c, a, b) = (u32::from(channel), u32::from(alpha), u32::from(backdrop));
    ((c * a + b * (255 - a) + 127) / 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn laying_over_a_backdrop_keeps_the_ends_and_rounds_to_the_nearest() {
        for value in [0, 1, 77, 255] {
            assert_eq!(over(value, 255, 255), value);
            assert_eq!(over(value, 0, 255), 255);
            assert_eq!(over(value, 0, 0), 0);
        }
        assert_eq!(over(100, 128, 0), 50);
    }
}
