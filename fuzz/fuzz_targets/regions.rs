//! Grey pictures of any size and content: regions lie within, features are the same twice.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lodestone_features::region::{RegionOptions, region_prints};
use lodestone_features::{Luma, OrbOptions, extract};

fuzz_target!(|data: &[u8]| {
    let [width, height, rest @ ..] = data else { return };
    let (width, height) = (u32::from(*width).max(1), u32::from(*height).max(1));
    let pixels: Vec<u8> =
        rest.iter().copied().cycle().take((width * height) as usize).collect();
    let Ok(luma) = Luma::new(width, height, pixels) else { return };
    let prints = region_prints(&luma, &RegionOptions::default());
    assert!(prints.regions.len() <= 60);
    for print in &prints.regions {
        assert!(print.region.x >= 0.0 && print.region.right() <= width as f32 + 0.01);
        assert!(print.region.y >= 0.0 && print.region.bottom() <= height as f32 + 0.01);
    }
    assert_eq!(extract(&luma, &OrbOptions::KNOWN), extract(&luma, &OrbOptions::KNOWN));
});
