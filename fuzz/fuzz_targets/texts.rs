//! Texts, addresses, queries and TLSH digests of strangers: what is taken into the index is found by itself, and adding one
//! changes no older state.
#![no_main]

use lodestone_engine::text::{TextIndex, check};
use lodestone_types::{Signal, SignalType};

const KINDS: [SignalType; 4] =
    [SignalType::RawText, SignalType::Url, SignalType::TrendQuery, SignalType::TextTlsh];

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((&choice, rest)) = input.split_first() else { return };
    let kind = KINDS[usize::from(choice) % KINDS.len()];
    // Long texts that are nearly alike are slow by design; the server limits them.
    let text: String = String::from_utf8_lossy(rest).chars().take(2_000).collect();
    let (known, asked) = text.split_once('\n').unwrap_or((&text, &text));
    let (Ok(known), Ok(asked)) = (Signal::parse(kind, known), Signal::parse(kind, asked)) else { return };
    let empty = TextIndex::default();
    let Ok(index) = empty.with(7, &known) else {
        assert!(check(&known).is_err());
        return;
    };
    assert!(check(&known).is_ok() && empty.is_empty() && index.len(kind) == 1);
    let (built, refused) = TextIndex::build([(7, &known)]);
    assert!(refused.is_empty());
    let found = index.search(&asked);
    assert_eq!(found, built.search(&asked));
    // A query is looked up as the text that it is written as: it need not hold for itself.
    if kind != SignalType::TrendQuery
        && let Ok(itself) = index.search(&known)
    {
        assert!(itself.iter().any(|(key, _)| *key == 7), "{kind}");
    }
    for (_, distance) in found.iter().flatten() {
        assert!(!distance.to_string().is_empty());
    }
    let _ = index.queries_that_hold(&text);
    assert_eq!(index.without(7).len(kind), 0);
});
