//! Every list format, told by content and as declared.
#![no_main]

use lodestone_exchange::format::{ListFormat, ReadOptions, open};
use lodestone_types::{RejectKind, SignalType};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&choice, text)) = input.split_first() else { return };
    let formats = ListFormat::ALL.len();
    let format = ListFormat::ALL.get(usize::from(choice) % (formats + 1)).copied();
    let declared = SignalType::HASHES.get(usize::from(choice) / (formats + 1) % 8).copied();
    let Ok(list) = open(text, &ReadOptions { declared, format, mapping: None }) else { return };
    let mut fatal = false;
    let mut rows = 0;
    for row in list.entries {
        assert!(!fatal, "a row after a fatal one");
        rows += 1;
        match row {
            Ok(entry) => assert!(!entry.signals.is_empty() && !entry.entry.is_empty()),
            Err(reject) => fatal = reject.kind == RejectKind::Fatal,
        }
    }
    assert!(rows <= text.len() + 1);
});
