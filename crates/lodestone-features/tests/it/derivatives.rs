//! Known pictures are found in what was made of them, and in nothing else.

use lodestone_features::{
    Alignment, Features, FindStats, Form, Luma, MATCH_EVIDENCE_BITS, OrbOptions, Part, Questioned, VoteIndex,
    VoteIndexBuilder, VoteOptions, align, extract, extract_parts, find_known,
};

use crate::scene::{picture, scene, seen};

fn index(count: u32) -> VoteIndex {
    let mut builder = VoteIndexBuilder::new();
    for seed in 0..count {
        assert!(builder.push(u64::from(seed) + 100, &extract(&scene(320, 240, seed), &OrbOptions::KNOWN)));
    }
    builder.finish()
}

fn asked(luma: &Luma) -> Questioned {
    Questioned::new(&extract(luma, &OrbOptions::QUESTIONED))
}

/// The alignment of picture 103, of twelve known ones; every other is an error.
fn found(index: &VoteIndex, luma: &Luma) -> Alignment {
    let found = find_known(index, &asked(luma), &VoteOptions::default(), &mut FindStats::default());
    assert_eq!(found.iter().map(|f| f.id).collect::<Vec<_>>(), [103]);
    let alignment = found[0].alignment.clone();
    assert!(alignment.is_match(), "{alignment:?}");
    alignment
}

#[test]
fn crops_tilts_mirrors_and_negatives_are_found_with_their_transform() {
    let index = index(12);
    let known = scene(320, 240, 3);
    let cropped = found(&index, &seen(&known, 180, 140, |x, y| (x + 90.0, y + 60.0)));
    let at = cropped.transform.apply(90.0, 60.0);
    assert!(at.0.abs() < 3.0 && at.1.abs() < 3.0, "{at:?}");
    assert!(
        (cropped.visible_of_known.left - 90.0).abs() < 3.0
            && (cropped.visible_of_known.bottom - 200.0).abs() < 3.0
    );
    assert!((cropped.scale - 1.0).abs() < 0.02);

    // Turned by the angle whose cosine is 0.96, about the middle.
    let tilted = found(
        &index,
        &seen(&known, 320, 240, |x, y| {
            let (x, y) = (x - 160.0, y - 120.0);
            (0.96 * x + 0.28 * y + 160.0, -0.28 * x + 0.96 * y + 120.0)
        }),
    );
    assert!((tilted.angle_degrees - 16.26).abs() < 1.0, "{}", tilted.angle_degrees);

    let mirrored = found(&index, &seen(&known, 320, 240, |x, y| (319.0 - x, y)));
    assert_eq!(mirrored.form, Form { mirror: true, negative: false });
    let at = mirrored.transform.apply(0.0, 10.0);
    assert!((at.0 - 320.0).abs() < 3.0 && (at.1 - 10.0).abs() < 3.0, "{at:?}");

    let negative = found(&index, &picture(320, 240, |x, y| 255 - known.row(y)[x as usize]));
    assert_eq!(negative.form, Form { mirror: false, negative: true });
}

#[test]
fn a_small_panel_beside_others_is_found_with_its_box() {
    let index = index(12);
    let (known, other) = (scene(320, 240, 3), scene(640, 480, 900));
    let panel = seen(&known, 200, 150, |x, y| (x * 1.6 + 0.3, y * 1.6 + 0.3));
    let collage = picture(640, 480, |x, y| {
        if (300..500).contains(&x) && (220..370).contains(&y) {
            panel.row(y - 220)[(x - 300) as usize]
        } else {
            other.row(y)[x as usize]
        }
    });
    let found = found(&index, &collage);
    let bounds = found.in_questioned;
    assert!((bounds.left - 300.0).abs() < 4.0 && (bounds.bottom - 370.0).abs() < 4.0, "{bounds:?}");
    assert!((found.scale - 0.625).abs() < 0.02);
}

#[test]
fn a_part_asked_about_by_itself_gives_more_evidence() {
    let known = extract(&scene(320, 240, 3), &OrbOptions::KNOWN);
    let panel = seen(&scene(320, 240, 3), 100, 75, |x, y| (x * 3.2 + 1.1, y * 3.2 + 1.1));
    let other = scene(640, 480, 901);
    let luma = picture(640, 480, |x, y| {
        if (400..500).contains(&x) && (50..125).contains(&y) {
            panel.row(y - 50)[(x - 400) as usize]
        } else {
            other.row(y)[x as usize]
        }
    });
    let mut features = extract(&luma, &OrbOptions::QUESTIONED);
    let evidence =
        |features: &Features| align(&Questioned::new(features), &known).map_or(0, |a| a.evidence_bits);
    let before = evidence(&features);
    let part = Part { left: 400, top: 50, width: 100, height: 75 };
    features.append(&extract_parts(&luma, &[part], &OrbOptions::PART));
    assert!(evidence(&features) > before, "{before}");
    assert!(evidence(&features) >= MATCH_EVIDENCE_BITS);
}

#[test]
fn other_pictures_lattices_and_flat_ones_are_found_in_nothing() {
    let index = index(12);
    let none = |luma: &Luma| {
        let found = find_known(&index, &asked(luma), &VoteOptions::default(), &mut FindStats::default());
        assert!(!found.iter().any(|f| f.alignment.is_match()), "{found:?}");
    };
    for seed in 40..46 {
        none(&scene(320, 240, seed));
    }
    none(&picture(320, 240, |x, y| if (x / 16 + y / 16) % 2 == 0 { 20 } else { 220 }));
    none(&picture(320, 240, |_, _| 7));
}

#[test]
fn a_lattice_is_no_match_of_a_lattice_moved() {
    let bricks = |dx: u32| {
        picture(400, 300, move |x, y| {
            let x = x + dx + if y / 20 % 2 == 0 { 20 } else { 0 };
            if y % 20 < 3 || x % 40 < 3 { 200 } else { 90 }
        })
    };
    let known = extract(&bricks(0), &OrbOptions::KNOWN);
    let found = align(&asked(&bricks(13)), &known);
    assert!(found.as_ref().is_none_or(|a| !a.is_match()), "{found:?}");
}

#[test]
fn an_index_finds_the_same_after_it_was_bytes() {
    let index = index(5);
    let again = VoteIndex::from_bytes(&index.to_bytes()).expect("just written");
    let luma = scene(320, 240, 3);
    let ask = |index: &VoteIndex| {
        find_known(index, &asked(&luma), &VoteOptions::default(), &mut FindStats::default())
    };
    assert_eq!(ask(&index), ask(&again));
    assert_eq!(again.to_bytes(), index.to_bytes());
    assert_eq!(again.features(2).map(|f| f.len()), index.features(2).map(|f| f.len()));
    let empty = VoteIndexBuilder::new().finish();
    assert!(ask(&empty).is_empty());
    assert!(ask(&VoteIndex::from_bytes(&empty.to_bytes()).expect("just written")).is_empty());
}
