//! The wire: connections, what every request passes, bodies.

pub(crate) mod body;
pub(crate) mod edge;
pub(crate) mod listen;
pub(crate) mod params;
pub(crate) mod reply;
