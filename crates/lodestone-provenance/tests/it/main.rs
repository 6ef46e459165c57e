//! Integration tests of this crate, one binary.
mod build;
mod calibration;
mod camera;
mod conventions;
#[cfg(feature = "credentials")]
mod credentials;
mod generators;
mod hostile;
mod structure;
mod structure_pixels;
mod watermark;
