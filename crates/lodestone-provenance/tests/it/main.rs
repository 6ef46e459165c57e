//! Integration tests of this crate, one binary.
mod build;
mod calibration;
mod camera;
mod conventions;
#[cfg(feature = "credentials")]
mod credentials;
#[cfg(feature = "models")]
mod descriptor;
mod generators;
mod hostile;
#[cfg(feature = "models")]
mod models;
#[cfg(feature = "models")]
mod onnx;
mod structure;
mod structure_pixels;
mod variants;
mod watermark;
