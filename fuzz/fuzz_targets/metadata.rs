//! Metadata segments, and the examiners that read them.
#![no_main]

use lodestone_media::segments;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let found = segments::scan(bytes);
    let _ = segments::orientation(&found);
    for segment in &found.items {
        let _ = (segment.text().len(), segment.is_verbatim());
    }
    let once = lodestone_provenance::examine(&found, 640, 480);
    assert_eq!(once, lodestone_provenance::examine(&found, 640, 480));
});
