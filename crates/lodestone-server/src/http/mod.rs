//! The wire: connections, what every request passes, bodies.

pub mod body;
pub(crate) mod edge;
pub mod form;
pub(crate) mod lanes;
pub(crate) mod listen;
pub mod params;
mod patience;
pub(crate) mod places;
pub mod reply;
