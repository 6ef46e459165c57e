//! Metadata segments, and the examiners that read them.
#![no_main]

use lodestone_media::segments;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let found = segments::scan(bytes);
    let _ = segments::orientation(&found);
    for segment in &found.items {
        let _ = (segment.text().len(), segment.is_verbatim());
    }
    let item = lodestone_provenance::Item {
        bytes,
        segments: &found,
        width: 640,
        height: 480,
        pixels: None,
        sidecar: None,
    };
    let (kit, wish) = (lodestone_provenance::Kit::built_in(), lodestone_provenance::Wish::WITHOUT_PIXELS);
    let once = lodestone_provenance::examine(&item, &kit, &wish);
    assert_eq!(once, lodestone_provenance::examine(&item, &kit, &wish));
});
