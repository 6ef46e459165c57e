//! Lists read, written again and read again: the same entries, numbers digit for digit.
#![no_main]

use lodestone_exchange::format::{ListFormat, ListWriter, ReadOptions, WriteOptions, open};
use lodestone_types::ListEntry;

fn entries(text: &[u8], format: ListFormat) -> Vec<ListEntry> {
    let options = ReadOptions { format: Some(format), ..ReadOptions::default() };
    let Ok(list) = open(text, &options) else { return Vec::new() };
    let mut entries: Vec<ListEntry> = list.entries.filter_map(Result::ok).collect();
    for entry in &mut entries {
        // Rows that were rejected are not written; the order of values is nobody's.
        entry.line = 0;
        entry.signals.sort();
    }
    entries
}

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    for format in [ListFormat::Vics, ListFormat::Ndjson] {
        let read = entries(text, format);
        let mut out = Vec::new();
        let mut writer = ListWriter::new(&mut out, format, &WriteOptions::default()).unwrap();
        for entry in &read {
            writer.entry(entry).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(entries(&out, format), read);
    }
});
