//! The own JPEG decoder.
#![no_main]

mod sink;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let header = lodestone_media::jpeg::header(bytes);
    let mut strict = sink::Strict::default();
    if let Ok(decoded) = lodestone_media::jpeg::decode(bytes, &sink::limits(), &mut strict) {
        assert_eq!(strict.frames, 1);
        let header = header.expect("what decodes has a header");
        assert_eq!((decoded.width, decoded.height), (header.width, header.height));
    }
});
