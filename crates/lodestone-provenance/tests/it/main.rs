//! Integration tests of this crate, one binary.
mod build;
mod calibration;
mod camera;
mod conventions;
#[cfg(feature = "credentials")]
mod credentials;
mod generators;
mod hostile;
#[cfg(feature = "models")]
mod models;
mod structure;
mod structure_pixels;
mod variants;
mod watermark;
