//! Integration tests of this crate, one binary: the program as a user meets it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod against;
mod archives;
mod audit;
mod banks;
mod data;
mod derived;
mod described;
mod drawn;
mod examine;
mod exchange;
mod files;
mod hashes;
mod hma;
mod hostile;
mod index;
mod kdb_file;
mod kept_features;
mod keys;
mod labelled;
mod lists;
mod ndjson;
#[allow(dead_code)] // shared with the tests of lodestone-provenance, which use all of it
#[path = "../../../lodestone-provenance/tests/it/onnx.rs"]
mod onnx;
mod pages;
mod photodna;
mod program;
mod remote;
mod restored;
mod serve_client;
mod serve_layers;
mod serve_v1;
mod states;
mod text;
