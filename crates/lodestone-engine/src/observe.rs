//! `observe`: bytes in, an [`Observation`] out. It knows no list, so an observation can be kept and appraised again.

use lodestone_hash::{Digester, FoldedPdq, folded_scale};
use lodestone_media::{Format, Limits, identify, jpeg, segments};
use lodestone_types::{
    ContentId, Digests, Fingerprint, Form, HashMode, Observation, Picture, Stage, Unreadable,
};

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
    kit: lodestone_provenance::Kit,
}

impl Eye {
    /// An eye that observes as asked.
    pub fn new(options: &ObserveOptions) -> Self {
        let thumbnail = options.thumbnail.as_deref().and_then(|mode| mode.parse().ok());
        Self {
            limits: options.limits(),
            sink: HashingSink::new(options.pre, options.composites, thumbnail),
            kit: lodestone_provenance::Kit::built_in(),
            options: options.clone(),
        }
    }

    /// What the options are.
    pub fn options(&self) -> &ObserveOptions {
        &self.options
    }

    /// Everything the bytes say of themselves. Never fails: what cannot be read is said so, and digests remain.
    pub fn observe(&mut self, bytes: &[u8]) -> Observation {
        let mut digester = Digester::new();
        digester.update(bytes);
        self.observe_digested(bytes, digests(digester))
    }

    /// As [`Eye::observe`], of bytes digested before.
    pub(crate) fn observe_digested(&mut self, bytes: &[u8], digests: Digests) -> Observation {
        let format = identify(bytes);
        let mut seen = Observation {
            size_bytes: bytes.len() as u64,
            digests: Some(digests),
            format: format.map(|format| format.as_str().to_owned()),
            ..Observation::default()
        };
        match format {
            None if bytes.is_empty() => {
                seen.unreadable = Some(Unreadable::new(Stage::Identify, "empty", "a file without bytes"));
            }
            None => seen.unreadable = Some(unsupported()),
            Some(format) if format.is_archive() => {}
            Some(format) => self.picture(bytes, format, &mut seen),
        }
        seen
    }

    /// PDQ of the first form only, without digests or findings; `None` when there is no picture.
    pub fn pdq(&mut self, bytes: &[u8]) -> Option<Fingerprint> {
        let mut seen = Observation::default();
        self.picture(bytes, identify(bytes)?, &mut seen);
        (!seen.fingerprints.is_empty()).then(|| seen.fingerprints.swap_remove(0))
    }

    fn picture(&mut self, bytes: &[u8], format: Format, seen: &mut Observation) {
        if self.options.folded
            && format == Format::Jpeg
            && self.options.thumbnail.is_none()
            && let Some((picture, print)) = self.folded(bytes)
        {
            seen.picture = Some(picture);
            seen.fingerprints.push(print);
        } else {
            self.pixels(bytes, seen);
        }
        if self.options.provenance {
            let found = segments::scan(bytes);
            let (width, height) = seen.picture.as_ref().map_or((0, 0), |p| (p.width, p.height));
            let item = lodestone_provenance::Item {
                bytes,
                segments: &found,
                width,
                height,
                pixels: None,
                sidecar: None,
            };
            let wish = lodestone_provenance::Wish::WITHOUT_PIXELS;
            let examined = lodestone_provenance::examine(&item, &self.kit, &wish);
            seen.findings = examined.findings;
            seen.assessment = Some(examined.assessment);
            if let Some(picture) = &mut seen.picture {
                picture.orientation = segments::orientation(&found);
            }
        }
    }

    fn pixels(&mut self, bytes: &[u8], seen: &mut Observation) {
        let decoded = lodestone_media::decode(bytes, &self.limits, &mut self.sink);
        let out_of_step = self.sink.out_of_step;
        let (fingerprints, thumbnail) = self.sink.take();
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
                seen.thumbnail = thumbnail;
            }
            Ok(_) => {
                let detail = "the decoder handed over another number of rows than it announced";
                seen.unreadable = Some(Unreadable::new(Stage::Decode, "malformed", detail));
            }
            Err(error) => {
                seen.unreadable = Some(Unreadable::new(Stage::Decode, error.reason(), error.to_string()));
            }
        }
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

pub(crate) fn unsupported() -> Unreadable {
    Unreadable::new(Stage::Identify, "unsupported", "no picture or archive that this build reads")
}

pub(crate) fn digests(digester: Digester) -> Digests {
    let digests = digester.finish();
    Digests { md5: digests.md5, sha1: digests.sha1, sha256: ContentId(digests.sha256) }
}
