//! Every picture format, by content.
#![no_main]

mod sink;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut strict = sink::Strict::default();
    if let Ok(decoded) = lodestone_media::decode(bytes, &sink::limits(), &mut strict) {
        assert!(strict.frames > 0 && decoded.width > 0 && decoded.height > 0);
    }
});
