//! Foreign list formats, read and written as streams of list entries.
#![forbid(unsafe_code)]
