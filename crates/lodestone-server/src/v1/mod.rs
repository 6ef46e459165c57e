//! Our own routes, under `/v1`.

pub(crate) mod actions;
