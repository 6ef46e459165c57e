//! Backgrounds of descriptors: nothing panics, and what is read is written back the same. The checksum is made right, so that
//! what stands behind it is reached.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lodestone_engine::derive::Background;
use sha2::{Digest, Sha256};

fuzz_target!(|data: &[u8]| {
    let whole = [data, Sha256::digest(data).as_slice()].concat();
    for bytes in [data, &whole] {
        if let Ok(background) = Background::from_bytes(bytes) {
            assert_eq!(background.to_bytes(), bytes, "a background that is read is written back the same");
        }
    }
});
