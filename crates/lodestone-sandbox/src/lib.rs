//! A pool of worker processes with limits and deadlines, fed bytes, returning values.
#![forbid(unsafe_code)]
