//! Project VIC JSON, streamed: the same rows however the bytes come.
#![no_main]

use std::io::Read;

use lodestone_exchange::format::{ListFormat, ReadOptions, open};

/// One byte at a time.
struct Drip<'a>(&'a [u8]);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let n = into.len().min(1);
        self.0.read(&mut into[..n])
    }
}

fn rows(input: impl Read) -> Option<Vec<String>> {
    let options = ReadOptions { format: Some(ListFormat::Vics), ..ReadOptions::default() };
    open(input, &options).ok().map(|list| list.entries.map(|row| format!("{row:?}")).collect())
}

libfuzzer_sys::fuzz_target!(|text: &[u8]| assert_eq!(rows(text), rows(Drip(text))));
