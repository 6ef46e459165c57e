//! Records of local features and vote indexes from bundles: nothing panics, what is read is written back the same, and
//! what a record holds can be voted with and aligned.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lodestone_features::{
    Features, FindStats, Questioned, VoteIndex, VoteIndexBuilder, VoteOptions, align, find_known,
};

fuzz_target!(|data: &[u8]| {
    if let Ok(index) = VoteIndex::from_bytes(data) {
        assert_eq!(index.to_bytes(), data, "an index that is read is written back the same");
    }
    let Ok(features) = Features::from_bytes(data) else { return };
    assert_eq!(features.to_bytes(), data, "a record that is read is written back the same");
    let questioned = Questioned::new(&features);
    let _ = align(&questioned, &features);
    let mut builder = VoteIndexBuilder::new();
    if builder.push(1, &features) {
        find_known(&builder.finish(), &questioned, &VoteOptions::default(), &mut FindStats::default());
    }
});
