//! Laws of the crate, from outside.

mod derivatives;
mod features;
mod scene;
