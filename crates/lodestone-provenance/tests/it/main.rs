//! Integration tests of this crate, one binary.
mod build;
mod calibration;
mod camera;
mod conventions;
mod generators;
mod hostile;
mod structure;
mod structure_pixels;
mod watermark;
