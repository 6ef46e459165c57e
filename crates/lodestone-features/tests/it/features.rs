//! What holds for features of any picture and for any bytes.

use lodestone_features::{
    Features, FindStats, Form, Luma, OrbOptions, Part, Questioned, VoteFileError, VoteIndex,
    VoteIndexBuilder, VoteOptions, align, extract, extract_parts, find_known,
};
use proptest::prelude::*;

use crate::scene::{picture, scene};

fn any_luma() -> impl Strategy<Value = Luma> {
    (1..90u32, 1..90u32, any::<u32>(), 1..9u32).prop_map(|(width, height, seed, size)| {
        picture(width, height, |x, y| {
            let h = (x / size).wrapping_mul(0x9e37_79b1) ^ (y / size).wrapping_mul(0x85eb_ca77) ^ seed;
            (h.wrapping_mul(0x2c1b_3c6d) >> 24) as u8
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_picture_has_features_that_lie_in_it_and_round_trip(luma in any_luma(), parts in prop::collection::vec(any::<[u8; 4]>(), 0..4)) {
        let parts: Vec<Part> = parts
            .iter()
            .map(|p| Part { left: p[0].into(), top: p[1].into(), width: p[2].into(), height: p[3].into() })
            .collect();
        for features in [extract(&luma, &OrbOptions::KNOWN), extract_parts(&luma, &parts, &OrbOptions::PART)] {
            prop_assert_eq!(features.keypoints.len(), features.descriptors.len());
            for keypoint in &features.keypoints {
                let (x, y) = keypoint.place();
                prop_assert!(x <= luma.width() as f32 && y <= luma.height() as f32);
            }
            prop_assert_eq!(Features::from_bytes(&features.to_bytes()), Ok(features.clone()));
        }
        prop_assert!(extract(&luma, &OrbOptions::KNOWN).len() <= OrbOptions::KNOWN.features);
        prop_assert_eq!(extract(&luma, &OrbOptions::KNOWN), extract(&luma, &OrbOptions::KNOWN));
    }

    #[test]
    fn any_two_pictures_can_be_aligned_or_not(a in any_luma(), b in any_luma()) {
        let known = extract(&a, &OrbOptions::KNOWN);
        let asked = Questioned::new(&extract(&b, &OrbOptions::QUESTIONED));
        if let Some(alignment) = align(&asked, &known) {
            prop_assert!(alignment.transform.matrix.iter().flatten().all(|v| v.is_finite()));
            let size = |l: &Luma| (l.width() as u16, l.height() as u16);
            let _ = lodestone_features::difference(&a, size(&a), &b, size(&b), &alignment);
        }
    }

    #[test]
    fn any_record_that_is_read_is_written_the_same_and_can_be_searched(
        mut bytes in prop::collection::vec(any::<u8>(), 0..400),
        n in 0..9u16,
    ) {
        let head = [b"LdF1".as_slice(), &1u16.to_le_bytes(), &[64, 0, 64, 0], &n.to_le_bytes(), &[0; 4]].concat();
        let plausible = bytes.len() % 2 == 0;
        if plausible {
            bytes.resize(16 + 38 * usize::from(n), 9);
            bytes[..16].copy_from_slice(&head);
        }
        if let Ok(features) = Features::from_bytes(&bytes) {
            prop_assert_eq!(features.to_bytes(), bytes);
            let mut builder = VoteIndexBuilder::new();
            builder.push(1, &features);
            let index = builder.finish();
            let found = find_known(&index, &Questioned::new(&features), &VoteOptions::default(), &mut FindStats::default());
            prop_assert!(found.len() <= 1);
        }
    }

    #[test]
    fn an_index_with_any_byte_changed_is_refused_or_can_be_searched(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let features = extract(&scene(120, 90, 1), &OrbOptions::KNOWN);
        let mut builder = VoteIndexBuilder::new();
        builder.push(1, &features);
        let mut bytes = builder.finish().to_bytes();
        let at = at.index(bytes.len());
        let same = bytes[at] == to;
        bytes[at] = to;
        let read = VoteIndex::from_bytes(&bytes);
        prop_assert_eq!(read.is_ok(), same);
        prop_assert!(at < 64 || same || read.err() == Some(VoteFileError::Damaged));
    }
}

#[test]
fn the_mirrored_picture_and_the_negative_have_the_features_that_their_form_says() {
    let luma = scene(320, 240, 5);
    let features = extract(&luma, &OrbOptions::KNOWN);
    for form in Form::ALL {
        let changed = picture(320, 240, |x, y| {
            let value = luma.row(y)[if form.mirror { 319 - x } else { x } as usize];
            if form.negative { 255 - value } else { value }
        });
        let others = extract(&changed, &OrbOptions::KNOWN);
        // Cells of corners are counted from the left; most features are there, near and alike.
        let there = features.keypoints.iter().zip(&features.descriptors).filter(|(keypoint, descriptor)| {
            let mut expected = **keypoint;
            if form.mirror {
                expected.x = 320 * 16 - expected.x;
            }
            others.keypoints.iter().zip(&others.descriptors).any(|(k, d)| {
                k.x.abs_diff(expected.x) <= 24
                    && k.y.abs_diff(expected.y) <= 24
                    && d.distance_bits(descriptor.in_form(form)) <= 24
            })
        });
        let there = there.count();
        assert!(there * 10 >= features.len() * 6, "{form:?}: {there} of {}", features.len());
    }
}

#[test]
fn the_features_of_a_picture_are_the_same_on_every_machine() {
    let bytes = extract(&scene(200, 150, 9), &OrbOptions::KNOWN).to_bytes();
    let sum = bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3));
    assert_eq!((bytes.len(), sum), (7616, 1_823_921_201_749_242_211), "another extractor: raise EXTRACTOR");
}
