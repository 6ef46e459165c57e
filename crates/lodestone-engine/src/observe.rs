//! `observe`: bytes in, an [`Observation`] out. It knows no list, so an observation can be kept and appraised again.

use std::sync::Arc;

use base64::Engine as _;
use lodestone_hash::{Digester, FoldedPdq, folded_scale};
use lodestone_media::{Format, Limits, identify, jpeg, segments};
use lodestone_provenance::{Item, Kit, Map};
use lodestone_types::{
    Check, CheckState, ContentId, Digests, DrawnMap, Fingerprint, Form, HashMode, Observation, Picture,
    Stage, Unreadable,
};

use crate::capture::Held;
use crate::derive;
use crate::hashing::{HashingSink, fingerprint};
use crate::options::{ObserveOptions, Pre};

/// Observes one file's bytes. See [`Eye`] for many.
pub fn observe(options: &ObserveOptions, bytes: &[u8]) -> Observation {
    Eye::new(options).observe(bytes)
}

/// Observes files one after the other, keeping its buffers.
pub struct Eye {
    options: ObserveOptions,
    limits: Limits,
    sink: HashingSink,
    kit: Arc<Kit>,
}

/// Bytes of all maps of one file, as PNG files. Beyond it the rest is left out, and a check says so.
const MAX_MAP_BYTES: usize = 24 << 20;

impl Eye {
    /// An eye that observes as asked, with the examiners' built-in material only.
    pub fn new(options: &ObserveOptions) -> Self {
        Self::with(options, Arc::new(Kit::built_in()))
    }

    /// An eye that observes as asked, with what the examiners bring.
    pub(crate) fn with(options: &ObserveOptions, kit: Arc<Kit>) -> Self {
        let thumbnail = options.thumbnail.as_deref().and_then(|mode| mode.parse().ok());
        Self {
            limits: options.limits(),
            sink: HashingSink::new(
                options.pre,
                options.composites,
                thumbnail,
                if options.holds_frame() { options.max_examined_pixels } else { 0 },
            )
            .with_detail(!options.parts.is_none()),
            kit,
            options: options.clone(),
        }
    }

    /// What the options are.
    pub fn options(&self) -> &ObserveOptions {
        &self.options
    }

    /// Names and digests of what the examiners bring, one line each.
    pub fn kit(&self) -> Vec<String> {
        self.kit.describe()
    }

    /// Everything the bytes say of themselves. Never fails: what cannot be read is said so, and digests remain.
    pub fn observe(&mut self, bytes: &[u8]) -> Observation {
        self.observe_digested(bytes, Some(digests_of(bytes)), None)
    }

    /// As [`Eye::observe`], of bytes digested before, with the text that stands beside the file.
    pub(crate) fn observe_digested(
        &mut self,
        bytes: &[u8],
        digests: Option<Digests>,
        sidecar: Option<&str>,
    ) -> Observation {
        let format = identify(bytes);
        let mut seen = Observation {
            size_bytes: bytes.len() as u64,
            digests,
            format: format.map(|format| format.as_str().to_owned()),
            ..Observation::default()
        };
        match format {
            None if bytes.is_empty() => {
                seen.unreadable = Some(Unreadable::new(Stage::Identify, "empty", "a file without bytes"));
            }
            // No picture for us; its metadata and credentials may still speak: a drawing in SVG, a film (below).
            None => {
                seen.unreadable = Some(unsupported());
                self.examine(bytes, &Held::Nothing, sidecar, &mut seen);
            }
            Some(format) if format.is_video() => {
                seen.unreadable = Some(unsupported());
                self.examine(bytes, &Held::Nothing, sidecar, &mut seen);
            }
            Some(format) if format.is_archive() => {}
            Some(format) => {
                let held = self.picture(bytes, format, &mut seen);
                self.examine(bytes, &held, sidecar, &mut seen);
            }
        }
        seen
    }

    /// PDQ of the first form only, without digests or findings; `None` when there is no picture.
    pub fn pdq(&mut self, bytes: &[u8]) -> Option<Fingerprint> {
        let mut seen = Observation::default();
        let _ = self.picture(bytes, identify(bytes).filter(|format| !format.is_video())?, &mut seen);
        (!seen.fingerprints.is_empty()).then(|| seen.fingerprints.swap_remove(0))
    }

    /// Decodes and hashes; gives the first frame's pixels back where they are asked for.
    fn picture(&mut self, bytes: &[u8], format: Format, seen: &mut Observation) -> Held {
        if self.options.may_fold()
            && format == Format::Jpeg
            && let Some((picture, print)) = self.folded(bytes)
        {
            seen.picture = Some(picture);
            seen.fingerprints.push(print);
            return Held::Nothing;
        }
        self.pixels(bytes, seen)
    }

    /// Has the examiners read what there is: also of a picture that cannot be decoded.
    fn examine(&self, bytes: &[u8], held: &Held, sidecar: Option<&str>, seen: &mut Observation) {
        if !self.options.provenance {
            return;
        }
        let found = segments::scan(bytes);
        let (width, height) = seen.picture.as_ref().map_or((0, 0), |p| (p.width, p.height));
        let wish = self.options.wish;
        let pixels = held.pixels().filter(|_| wish.needs_pixels());
        let item = Item { bytes, segments: &found, width, height, pixels, sidecar };
        let examined = lodestone_provenance::examine(&item, &self.kit, &wish);
        seen.findings = examined.findings;
        let mut assessment = examined.assessment;
        if wish.needs_pixels() && pixels.is_none() {
            assessment.checks.push(not_applicable("pixels", self.why_no_pixels(held, seen)));
        }
        let left_out = maps(examined.maps, &mut seen.maps);
        if left_out > 0 {
            let why = format!("{left_out} left out: all maps of a file have {MAX_MAP_BYTES} bytes at most");
            assessment.checks.push(not_applicable("maps", why));
        }
        seen.assessment = Some(assessment);
        if let Some(picture) = &mut seen.picture {
            picture.orientation = segments::orientation(&found);
        }
    }

    fn why_no_pixels(&self, held: &Held, seen: &Observation) -> String {
        match (held, &seen.unreadable) {
            (Held::TooMany(pixels), _) => {
                let most = self.options.max_examined_pixels;
                format!("the picture has {pixels} pixels; at most {most} are examined")
            }
            (_, Some(why)) => format!("the picture could not be decoded: {}", why.reason),
            _ => "no pixels were decoded".to_owned(),
        }
    }

    fn pixels(&mut self, bytes: &[u8], seen: &mut Observation) -> Held {
        let decoded = lodestone_media::decode(bytes, &self.limits, &mut self.sink);
        let out_of_step = self.sink.out_of_step;
        let (fingerprints, thumbnail, held) = self.sink.take();
        match decoded {
            Ok(decoded) if !out_of_step && !fingerprints.is_empty() => {
                seen.format = Some(decoded.format.as_str().to_owned());
                seen.picture = Some(Picture {
                    width: decoded.width,
                    height: decoded.height,
                    frames: decoded.frames,
                    orientation: None,
                    partial: decoded.partial,
                    notes: decoded.notes,
                });
                seen.fingerprints = fingerprints;
                if let Some(luma) = self.sink.take_detail() {
                    derive::parts(&luma, self.options.parts, seen);
                }
                if self.options.parts.descriptor {
                    let described = derive::describe(&self.kit, &self.options, bytes, &held, seen);
                    seen.descriptors = Some(described);
                }
                seen.thumbnail = thumbnail;
                return held;
            }
            Ok(_) => {
                let detail = "the decoder handed over another number of rows than it announced";
                seen.unreadable = Some(Unreadable::new(Stage::Decode, "malformed", detail));
            }
            Err(error) => {
                seen.unreadable = Some(Unreadable::new(Stage::Decode, error.reason(), error.to_string()));
            }
        }
        Held::Nothing
    }

    /// A screen from a scaled decode; `None` when the picture is too small for it or not of that kind.
    fn folded(&self, bytes: &[u8]) -> Option<(Picture, Fingerprint)> {
        if self.options.pre != Pre::FullSize {
            return None;
        }
        let header = jpeg::header(bytes).ok()?;
        let scale = folded_scale(header.width, header.height);
        if scale <= 1 {
            return None;
        }
        let (_, _, plane) = jpeg::decode_luma_scaled(bytes, &self.limits, scale).ok()?;
        let mut folded = FoldedPdq::new(header.width, header.height, scale).ok()?;
        folded.push_rows(&plane).ok()?;
        let features = folded.finish().ok()?;
        let picture = Picture {
            width: header.width,
            height: header.height,
            frames: 1,
            notes: vec![format!("hashed from a decode scaled to 1/{scale}")],
            ..Picture::default()
        };
        Some((picture, fingerprint(Form::default(), &features, HashMode::Folded)))
    }
}

fn not_applicable(examiner: &str, why: String) -> Check {
    Check { examiner: examiner.to_owned(), state: CheckState::NotApplicable, why: Some(why) }
}

/// Takes the maps that fit; returns how many do not.
fn maps(drawn: Vec<Map>, into: &mut Vec<DrawnMap>) -> usize {
    let (mut room, mut left_out) = (MAX_MAP_BYTES, 0);
    for Map { name, caption, width, height, png } in drawn {
        match room.checked_sub(png.len()) {
            Some(rest) => {
                room = rest;
                let png_base64 = base64::engine::general_purpose::STANDARD.encode(&png);
                into.push(DrawnMap { name, caption, width, height, png_base64 });
            }
            None => left_out += 1,
        }
    }
    left_out
}

pub(crate) fn unsupported() -> Unreadable {
    Unreadable::new(Stage::Identify, "unsupported", "no picture or archive that this build reads")
}

/// Digests of bytes, without a worker: nothing of them is parsed.
pub fn digests_of(bytes: &[u8]) -> Digests {
    let mut digester = Digester::new();
    digester.update(bytes);
    digests(digester)
}

pub(crate) fn digests(digester: Digester) -> Digests {
    let digests = digester.finish();
    Digests { md5: digests.md5, sha1: digests.sha1, sha256: ContentId(digests.sha256) }
}
