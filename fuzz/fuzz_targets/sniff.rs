//! Telling a list format by its head.
#![no_main]

use lodestone_exchange::format::sniff;
use lodestone_types::SignalType;

libfuzzer_sys::fuzz_target!(|head: &[u8]| {
    for declared in [None, Some(SignalType::Pdq), Some(SignalType::Md5)] {
        let once = sniff(head, declared).map_err(|refusal| refusal.to_string());
        assert_eq!(once, sniff(head, declared).map_err(|refusal| refusal.to_string()));
    }
});
