//! Known pictures are found where they stand.

use lodestone_features::{
    Luma,
    region::{ProposalKind, Region, RegionOptions, RegionPrints, refine, region_prints},
};
use lodestone_hash::{PdqHash, PixelKind, pdq};

use crate::pictures::{flat, laid, luma, scene};

fn whole(luma: &Luma) -> PdqHash {
    pdq(luma.width(), luma.height(), PixelKind::Luma8, luma.pixels()).unwrap().hash()
}

/// The nearest region and its bits.
fn nearest(prints: &RegionPrints, known: &PdqHash) -> (u32, Region, ProposalKind) {
    let regions = prints.regions.iter();
    regions.map(|p| (p.hash.distance_bits(known), p.region, p.kind)).min_by_key(|found| found.0).unwrap()
}

fn prints(luma: &Luma) -> RegionPrints {
    region_prints(luma, &RegionOptions::default())
}

#[test]
fn a_picture_with_borders_of_unequal_width_is_found_without_them() {
    let known = scene(1, 300, 220);
    let page = laid(&flat(400, 320, 250), &known, 30, 70);
    let (bits, region, kind) = nearest(&prints(&page), &whole(&known));
    assert!(bits <= 16, "{bits} {region:?}");
    assert_eq!(kind, ProposalKind::Frame);
    assert!(region.overlap(&Region { x: 30.0, y: 70.0, width: 300.0, height: 220.0 }) > 0.98, "{region:?}");
}

#[test]
fn a_picture_within_another_without_a_border_is_found_by_its_edges() {
    let known = scene(2, 240, 180);
    let page = laid(&scene(90, 620, 480), &known, 210, 130);
    let (bits, region, kind) = nearest(&prints(&page), &whole(&known));
    assert!(bits <= 20, "{bits} {region:?}");
    assert_eq!(kind, ProposalKind::Edges);
}

#[test]
fn every_picture_of_a_collage_of_nine_is_found_and_none_is_called_a_pattern() {
    let known: Vec<Luma> = (0..9).map(|i| scene(10 + 3 * i, 170, 130)).collect();
    for gutter in [0, 7] {
        let mut page = flat(3 * 170 + 4 * gutter, 3 * 130 + 4 * gutter, 255);
        for (i, picture) in (0..).zip(&known) {
            page = laid(&page, picture, gutter + i % 3 * (170 + gutter), gutter + i / 3 * (130 + gutter));
        }
        let prints = prints(&page);
        for picture in &known {
            let (bits, region, _) = nearest(&prints, &whole(picture));
            assert!(bits <= 31, "gutter {gutter}: {bits} {region:?}");
        }
        assert!(prints.regions.iter().all(|print| !print.repeated), "gutter {gutter}");
    }
}

#[test]
fn a_picture_between_the_bars_of_a_screen_is_found() {
    let known = scene(4, 360, 270);
    let mut page = flat(360, 720, 20);
    page = laid(&page, &flat(360, 60, 240), 0, 0);
    page =
        laid(&page, &luma(360, 90, |x, y| if x / 4 % 3 == 0 && y / 12 % 2 == 0 { 30 } else { 240 }), 0, 420);
    let page = laid(&page, &known, 0, 110);
    let (bits, region, _) = nearest(&prints(&page), &whole(&known));
    assert!(bits <= 16, "{bits} {region:?}");
}

#[test]
fn a_picture_on_its_own_blurred_enlargement_is_found() {
    let known = scene(5, 360, 200);
    // Enlarged and smooth: no detail, no uniform tone.
    let page = luma(360, 640, |x, y| {
        let row = known.row(y * 199 / 639);
        let from = (x / 3 + 100) as usize;
        let sum: u32 = row[from..from + 40].iter().map(|&v| u32::from(v)).sum();
        (sum / 40) as u8
    });
    let page = laid(&page, &known, 0, 220);
    let (bits, region, _) = nearest(&prints(&page), &whole(&known));
    assert!(bits <= 16, "{bits} {region:?}");
}

#[test]
fn a_mirrored_picture_is_found_by_its_symmetries_and_a_negative_by_the_complement() {
    let known = scene(6, 300, 220);
    let mirrored = luma(300, 220, |x, y| 255 - known.row(y)[299 - x as usize]);
    let prints = prints(&laid(&flat(400, 320, 250), &mirrored, 30, 70));
    let forms = prints.regions.iter().flat_map(|print| print.forms().collect::<Vec<_>>());
    let bits = forms.map(|hash| hash.complement().distance_bits(&whole(&known))).min().unwrap();
    assert!(bits <= 24, "{bits}");
}

#[test]
fn tiles_of_one_pattern_are_marked() {
    let tile = scene(7, 150, 150);
    let mut page = flat(4 * 160 + 10, 3 * 160 + 10, 0);
    for i in 0..12 {
        page = laid(&page, &tile, 10 + i % 4 * 160, 10 + i / 4 * 160);
    }
    let prints = prints(&page);
    let tile = whole(&tile);
    let found: Vec<_> = prints.regions.iter().filter(|p| p.hash.distance_bits(&tile) <= 20).collect();
    assert!(found.len() >= 3 && found.iter().all(|print| print.repeated), "{found:?}");
}

#[test]
fn a_large_picture_is_measured_in_its_own_pixels() {
    let known = scene(8, 1200, 900);
    let page = laid(&flat(1600, 1300, 0), &known, 200, 150);
    let (bits, region, _) = nearest(&prints(&page), &whole(&known));
    assert!(bits <= 16, "{bits} {region:?}");
    assert!(
        region.overlap(&Region { x: 200.0, y: 150.0, width: 1200.0, height: 900.0 }) > 0.98,
        "{region:?}"
    );
}

#[test]
fn a_picture_cut_to_fill_its_cell_is_found_by_what_is_supposed_to_be_cut() {
    let known = scene(11, 330, 220);
    let shown = luma(300, 220, |x, y| known.row(y)[x as usize + 15]);
    let page = laid(&scene(93, 640, 480), &shown, 40, 90);
    let prints = prints(&page);
    let cut =
        prints.regions.iter().filter(|p| p.extent != p.region).map(|p| p.hash.distance_bits(&whole(&known)));
    let plain =
        prints.regions.iter().filter(|p| p.extent == p.region).map(|p| p.hash.distance_bits(&whole(&known)));
    let (cut, plain) = (cut.min().unwrap(), plain.min().unwrap());
    assert!(cut <= 31 && cut < plain, "{cut} {plain}");
}

#[test]
fn refinement_finds_a_misplaced_edge_and_what_was_cut_off() {
    let known = scene(9, 400, 300);
    let target = whole(&known);
    let page = laid(&scene(91, 640, 480), &known, 100, 80);
    let off = Region { x: 84.0, y: 80.0, width: 416.0, height: 312.0 };
    let refined = refine(&page, &off, 0, &target, 80);
    assert!(refined.first_distance_bits > 31, "{refined:?}");
    assert!(refined.distance_bits <= 16 && refined.hashes <= 80, "{refined:?}");

    let cut = luma(372, 300, |x, y| known.row(y)[x as usize + 14]);
    let all = Region { x: 0.0, y: 0.0, width: 372.0, height: 300.0 };
    let refined = refine(&cut, &all, 0, &target, 80);
    assert!(refined.distance_bits < refined.first_distance_bits.min(32), "{refined:?}");
    assert!(refined.extent.width > 385.0 && refined.region.width <= 372.0, "{refined:?}");
}

#[test]
fn refinement_does_not_make_a_match_of_an_unrelated_picture() {
    let target = whole(&scene(40, 300, 200));
    for seed in 50..70 {
        let page = scene(seed, 400, 300);
        let refined =
            refine(&page, &Region { x: 40.0, y: 30.0, width: 300.0, height: 200.0 }, 0, &target, 60);
        assert!(refined.distance_bits > 60, "{seed}: {refined:?}");
    }
}
