//! The gate before an export, over what an entry says of itself: a person's word goes over it, and nothing that nobody
//! vouches for goes out as real.
#![no_main]

use lodestone_exchange::format::gate::{Answer, Decided, Decision, OriginFacts, answer};
use lodestone_exchange::format::{ListFormat, ReadOptions, open};
use lodestone_types::BankKind;

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let options = ReadOptions { format: Some(ListFormat::Ndjson), ..ReadOptions::default() };
    let Ok(list) = open(text, &options) else { return };
    for entry in list.entries.filter_map(Result::ok) {
        let mut facts = OriginFacts::of_entry(BankKind::KnownReal, &entry);
        let before = answer(BankKind::KnownReal, &facts);
        match &before {
            Answer::Held(reasons) => assert!(!reasons.is_empty()),
            Answer::GoesOut => assert!(facts.synthetic.is_empty() && !facts.real.is_empty()),
        }
        assert_eq!(before, answer(BankKind::KnownReal, &facts));
        facts.decisions.push(Decision { who: "a".into(), says: Decided::Real, at_us: 1, note: None });
        assert_eq!(answer(BankKind::KnownReal, &facts), Answer::GoesOut);
    }
});
