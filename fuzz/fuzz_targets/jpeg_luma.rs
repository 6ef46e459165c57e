//! The scaled decode of brightness alone.
#![no_main]

mod sink;

use lodestone_media::jpeg;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    for scale in [1, 2, 4, 8] {
        if let Ok((width, height, plane)) = jpeg::decode_luma_scaled(bytes, &sink::limits(), scale) {
            let header = jpeg::header(bytes).expect("what decodes has a header");
            assert_eq!((width, height), (header.width.div_ceil(scale), header.height.div_ceil(scale)));
            assert_eq!(plane.len(), width as usize * height as usize);
        }
    }
});
