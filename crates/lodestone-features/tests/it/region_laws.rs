//! What holds of regions whatever the picture.

use lodestone_features::{
    Luma,
    region::{Region, RegionOptions, propose, refine, region_prints},
};
use lodestone_hash::PdqHash;
use proptest::prelude::*;

/// Flat, striped, noisy and framed pictures of any small size.
fn picture() -> impl Strategy<Value = Luma> {
    let side = prop_oneof![1_u32..10, 10_u32..90, Just(300_u32), Just(700_u32)];
    (side.clone(), side, 0_u32..6, any::<u32>()).prop_map(|(width, height, kind, seed)| {
        let noise =
            |x: u32, y: u32| ((x ^ seed).wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b)) >> 13;
        crate::pictures::luma(width, height, |x, y| match kind {
            0 => seed as u8,
            1 => noise(x, y) as u8,
            2 => {
                if (x / (1 + seed % 40)) % 2 == 0 {
                    20
                } else {
                    200
                }
            }
            3 => {
                if (x / (1 + seed % 30) + y / (1 + seed % 23)) % 2 == 0 {
                    0
                } else {
                    255
                }
            }
            4 => {
                if x < width / 4 || y < height / 5 {
                    255
                } else {
                    noise(x / 3, y / 3) as u8
                }
            }
            _ => (x * 255 / width) as u8,
        })
    })
}

fn is_within(region: &Region, luma: &Luma) -> bool {
    region.x >= 0.0
        && region.y >= 0.0
        && region.width >= 1.0
        && region.height >= 1.0
        && region.right() <= luma.width() as f32 + 0.01
        && region.bottom() <= luma.height() as f32 + 0.01
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn regions_lie_within_the_picture_and_are_at_most_sixty_and_always_the_same(luma in picture()) {
        let prints = region_prints(&luma, &RegionOptions::default());
        prop_assert!(prints.regions.len() <= 60);
        prop_assert_eq!((prints.width, prints.height), (luma.width(), luma.height()));
        for (rank, print) in prints.regions.iter().enumerate() {
            prop_assert!(is_within(&print.region, &luma), "{:?}", print.region);
            prop_assert!(print.quality >= 30 || print.extent != print.region);
            let is_plain = print.extent == print.region;
            prop_assert_eq!(print.turned.len(), if rank < 16 && is_plain { 7 } else { 0 });
        }
        prop_assert_eq!(&region_prints(&luma, &RegionOptions::default()), &prints);
    }

    #[test]
    fn proposals_lie_within_the_picture_and_differ(luma in picture()) {
        let proposals = propose(&luma);
        prop_assert!(proposals.len() <= 60);
        for (i, proposal) in proposals.iter().enumerate() {
            prop_assert!(is_within(&proposal.region, &luma), "{:?}", proposal.region);
            prop_assert!(proposals[..i].iter().all(|other| other.region != proposal.region));
        }
    }

    #[test]
    fn refinement_stays_within_the_picture_and_never_ends_farther_away(
        luma in picture(),
        place in (-0.5_f32..1.5, -0.5_f32..1.5, 0.0_f32..1.5, 0.0_f32..1.5),
        form in 0_usize..10,
        target in any::<[u8; 32]>(),
        most in 0_u32..12,
    ) {
        let (width, height) = (luma.width() as f32, luma.height() as f32);
        let region = Region { x: place.0 * width, y: place.1 * height, width: place.2 * width, height: place.3 * height };
        let refined = refine(&luma, &region, form, &PdqHash(target), most);
        prop_assert!(is_within(&refined.region, &luma), "{:?}", refined);
        prop_assert!(refined.distance_bits <= refined.first_distance_bits);
        prop_assert!(refined.hashes <= most.max(1));
    }

    #[test]
    fn fewer_regions_are_the_first_of_more(luma in picture(), most in 0_usize..20) {
        let options = RegionOptions { cut: 0, ..RegionOptions::default() };
        let all = region_prints(&luma, &options);
        let some = region_prints(&luma, &RegionOptions { most, ..options });
        prop_assert_eq!(some.regions.len(), most.min(all.regions.len()));
        for (a, b) in some.regions.iter().zip(&all.regions) {
            prop_assert_eq!((a.region, a.hash, &a.turned), (b.region, b.hash, &b.turned));
        }
    }
}
