//! Triage over synthetic records.

mod made;

use lodestone_engine::triage::{RULES, TriageItem, TriageOptions, Triaged, triage};
use lodestone_types::{
    BankKind, CameraChain, Credentials, Dihedral, EdgeKind, Group, Integrity, Proposition, State, Transform,
    TransformKind, Trust, Watermark,
};
use made::{Made, bytes, file, flipped};

fn run(files: &[Made]) -> Triaged {
    let items: Vec<TriageItem> = files.iter().map(Made::item).collect();
    triage(&items, &TriageOptions::default(), &mut |_| {})
}

fn members(triaged: &Triaged) -> Vec<Vec<&str>> {
    let mut members: Vec<Vec<&str>> =
        triaged.groups.iter().map(|group| group.members.iter().map(String::as_str).collect()).collect();
    members.sort();
    members
}

fn codes(group: &Group) -> Vec<&str> {
    group.priority.factors.iter().map(|factor| factor.code.as_str()).collect()
}

#[test]
fn an_empty_pile_has_no_cards() {
    assert_eq!(run(&[]), Triaged::default());
}

#[test]
fn files_with_the_same_bytes_stack_whatever_their_quality() {
    let a = file("a").quality(3);
    let b = file("b").same_bytes_as(&a);
    let triaged = run(&[a, b, file("c")]);
    assert_eq!(members(&triaged), [vec!["a", "b"], vec!["c"]]);
    let group = triaged.groups.iter().find(|group| group.members.len() == 2).unwrap();
    assert_eq!((group.edges.len(), group.edges[0].kind, group.exposures_saved), (1, EdgeKind::Identical, 1));
    assert_eq!(triaged.alike.into_iter().collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn pictures_within_31_bits_are_the_same_and_within_48_similar() {
    let hash = bytes(1);
    for (flips, kind) in [
        (0, Some(EdgeKind::SamePicture)),
        (31, Some(EdgeKind::SamePicture)),
        (32, Some(EdgeKind::Similar)),
        (48, Some(EdgeKind::Similar)),
        (49, None),
    ] {
        let triaged = run(&[file("a").hash(hash), file("b").hash(flipped(hash, 0..flips))]);
        let edges: Vec<_> = triaged.groups.iter().flat_map(|group| &group.edges).collect();
        let expected: Vec<_> = kind.into_iter().map(|kind| (kind, flips as u32)).collect();
        assert_eq!(edges.iter().map(|edge| (edge.kind, edge.distance_bits)).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn pictures_below_the_quality_floor_group_by_bytes_only() {
    let hash = bytes(1);
    let triaged = run(&[file("a").hash(hash).quality(49), file("b").hash(hash).quality(49)]);
    assert_eq!(triaged.groups.len(), 2);
    assert_eq!(codes(&triaged.groups[0]), ["unknown_featureless"]);
}

#[test]
fn turned_and_inverted_copies_group_with_the_transform_that_brings_them_back() {
    let hash = bytes(1);
    let copies = [
        file("b").form(1, flipped(hash, 3..7)),
        file("c").hash(hash.map(|byte| !byte)),
        file("d").form(5, hash.map(|byte| !byte)),
    ];
    let mut files = vec![file("a").hash(hash)];
    files.extend(copies);
    let triaged = run(&files);
    assert_eq!(triaged.groups.len(), 1);
    let group = &triaged.groups[0];
    let found: Vec<_> =
        group.edges.iter().map(|edge| (edge.a, edge.b, edge.distance_bits, edge.transform)).collect();
    let expected = [
        (0, 1, 4, Transform::new(Dihedral::Rot90, false, None, None)),
        (0, 2, 0, Transform::new(Dihedral::AsIs, true, None, None)),
        (0, 3, 0, Transform::new(Dihedral::FlipY, true, None, None)),
    ];
    assert_eq!(found, expected);
    assert_eq!(group.edges[1].transform.kind, TransformKind::Negative);
    assert!(
        group.reasons.iter().any(|reason| reason.contains("3 turned, mirrored or inverted")),
        "{:?}",
        group.reasons
    );
}

/// Pictures of which each is near the next only: the ends are unrelated.
fn chain(count: usize, step: usize) -> Vec<Made> {
    let hash = bytes(9);
    (0..count).map(|i| file(&format!("{i:03}")).hash(flipped(hash, 0..i * step))).collect()
}

#[test]
fn a_chain_that_percolates_is_split_into_stars_round_its_medoids() {
    let files = chain(8, 25); // 175 bits from end to end
    let triaged = run(&files);
    assert!(triaged.groups.len() > 1 && triaged.groups.len() < 8, "{} groups", triaged.groups.len());
    assert_eq!(triaged.groups.iter().map(|group| group.members.len()).sum::<usize>(), 8);
    for group in &triaged.groups {
        for edge in &group.edges {
            assert!(edge.distance_bits <= 48, "{edge:?}");
        }
        // Any two members are at most two radii apart, as in a star.
        let place = |name: &String| name.parse::<usize>().unwrap();
        let (first, last) = (place(group.members.first().unwrap()), place(group.members.last().unwrap()));
        assert!((last - first) * 25 <= 96, "{:?}", group.members);
    }
}

#[test]
fn a_short_chain_stays_together_by_its_links() {
    let triaged = run(&chain(4, 25)); // 75 bits from end to end
    assert_eq!(triaged.groups.len(), 1);
    assert_connected(&triaged.groups[0]);
    assert!(triaged.groups[0].edges.iter().all(|edge| edge.distance_bits <= 48));
}

#[test]
fn many_copies_of_one_picture_stay_one_group() {
    let hash = bytes(3);
    let files: Vec<Made> = (0..80)
        .map(|i| file(&format!("{i:02}")).hash(flipped(hash, i * 3..i * 3 + if i == 0 { 0 } else { 12 })))
        .collect();
    let triaged = run(&files);
    assert_eq!(triaged.groups.len(), 1);
    assert_connected(&triaged.groups[0]);
}

fn assert_connected(group: &Group) {
    let mut reached = vec![false; group.members.len()];
    reached[group.representative] = true;
    for _ in &group.members {
        for edge in &group.edges {
            let either = reached[edge.a] || reached[edge.b];
            (reached[edge.a], reached[edge.b]) = (either, either);
        }
    }
    assert!(reached.iter().all(|reached| *reached), "{group:?}");
}

#[test]
fn files_that_match_the_same_known_entry_are_one_group() {
    let a = file("a").pdq_match(BankKind::KnownReal, "7", 20);
    let b = file("b").digest_match(BankKind::KnownReal, "7");
    let c = file("c").digest_match(BankKind::KnownReal, "8");
    let triaged = run(&[a, b, c]);
    assert_eq!(members(&triaged), [vec!["a", "b"], vec!["c"]]);
    assert_eq!(triaged.groups[0].edges[0].kind, EdgeKind::SameKnown);
    assert_eq!(codes(&triaged.groups[0])[0], "derivative_of_known_real");
    assert!(triaged.alike.is_empty(), "known files stay known");
}

#[test]
fn what_could_not_be_read_or_is_known_good_has_no_card_of_its_own() {
    let mut broken = file("a").state(State::Unreadable);
    broken.0.observation.fingerprints.clear();
    let good = file("b").state(State::KnownGood);
    let triaged = run(&[broken, good, file("c")]);
    assert_eq!(triaged.group_of, [None, None, Some(1)]);
}

#[test]
fn a_known_good_file_that_is_alike_to_an_unknown_one_stands_on_its_card() {
    let hash = bytes(4);
    let triaged = run(&[file("a").hash(hash).state(State::KnownGood), file("b").hash(flipped(hash, 0..8))]);
    assert_eq!(triaged.group_of, [Some(1), Some(1)]);
    assert_eq!(triaged.alike.into_iter().collect::<Vec<_>>(), [1], "the known-good file stays known-good");
    assert!(codes(&triaged.groups[0]).contains(&"known_good_member"));
    assert!(codes(&triaged.groups[0]).contains(&"unknown"));
}

#[test]
fn the_best_picture_represents_its_group() {
    let hash = bytes(5);
    let mut large = file("b").hash(hash).quality(90);
    large.0.observation.picture.as_mut().unwrap().width = 4000;
    let triaged = run(&[file("a").hash(hash).quality(90), large, file("c").hash(hash).quality(80)]);
    assert_eq!(triaged.groups[0].representative, 1);
}

/// One file for each place in the order, first to be looked at first.
/// Credentials of a listed signer that say this source type.
fn signed(source_type: &str, hash: Integrity) -> impl Fn(&mut lodestone_types::Assessment) {
    move |a| {
        a.credentials = Some(Credentials {
            parsed: true,
            hash,
            signature: Integrity::Ok,
            trust: Trust::Official,
            source_types: vec![source_type.to_owned()],
            manifests: 1,
            ..Credentials::default()
        });
    }
}

/// Factors of a single file, by code.
fn factors(made: Made) -> Vec<(String, i32)> {
    let group = run(&[made]).groups.remove(0);
    group.priority.factors.into_iter().map(|factor| (factor.code, factor.points)).collect()
}

#[test]
fn credentials_lift_captures_and_changed_files_and_take_nothing_from_generated_ones() {
    let points = |made| factors(made).iter().map(|(_, points)| points).sum::<i32>();
    let plain = points(file("a"));
    let has = |made, code: &str| factors(made).iter().any(|(own, _)| own == code);
    assert!(points(file("a").assessed(signed("digitalCapture", Integrity::Ok))) >= plain + 400);
    let changed = file("a").assessed(signed("digitalCapture", Integrity::Broken));
    assert!(has(changed, "changed_after_signing"));
    let generated = || file("a").assessed(signed("trainedAlgorithmicMedia", Integrity::Ok));
    assert!(has(generated(), "generator_credential") && !has(generated(), "capture_credential"));
    assert!(points(generated()) >= 100);
    let marked = file("a").assessed(|a| {
        a.watermarks = vec![Watermark {
            scheme: "dwtDct".to_owned(),
            message: "SDV2".to_owned(),
            correlation: 0.9,
            threshold: 0.5,
            crop_phase: None,
        }];
    });
    assert!(has(marked, "generator_watermark"));
    let unlisted = file("a").assessed(|a| {
        signed("digitalCapture", Integrity::Ok)(a);
        a.credentials.as_mut().unwrap().trust = Trust::None;
    });
    assert!(!has(unlisted, "capture_credential"), "anyone can make such a certificate");
}

fn ranks() -> Vec<(&'static str, Made)> {
    let camera = |chain| move |a: &mut lodestone_types::Assessment| a.camera_chain = chain;
    let generated = |a: &mut lodestone_types::Assessment| {
        a.generator = Some("a generator".to_owned());
        a.supported = vec![Proposition::AiGenerated];
    };
    vec![
        ("AI edit near known real", file("q").pdq_match(BankKind::KnownReal, "1", 12).assessed(generated)),
        ("near known real", file("p").pdq_match(BankKind::KnownReal, "2", 12)),
        ("near known edit", file("o").pdq_match(BankKind::KnownEdited, "3", 12)),
        ("near own", file("n").pdq_match(BankKind::Own, "4", 12)),
        ("near related", file("m").pdq_match(BankKind::RelatedNotIllegal, "5", 12)),
        ("signed capture", file("l2").assessed(signed("digitalCapture", Integrity::Ok))),
        ("camera original", file("l").assessed(camera(CameraChain::Strong))),
        ("near known generated", file("j").pdq_match(BankKind::KnownGenerated, "6", 12)),
        ("AI edit of an input", file("i").assessed(|a| a.input_picture_used = true)),
        ("part of a camera trace", file("h").assessed(camera(CameraChain::Weak))),
        ("contradicted camera trace", file("g2").assessed(camera(CameraChain::Contradicted))),
        ("edited", file("g").assessed(|a| a.editor = Some("an editor".to_owned()))),
        ("no evidence", file("f")),
        ("generator named", file("e").assessed(generated)),
        ("exact known real", file("d").digest_match(BankKind::KnownReal, "7")),
        ("exact known edit", file("c4").digest_match(BankKind::KnownEdited, "8")),
        ("exact own", file("c3").digest_match(BankKind::Own, "9")),
        ("exact related", file("c2").digest_match(BankKind::RelatedNotIllegal, "10")),
        ("exact known generated", file("c").digest_match(BankKind::KnownGenerated, "11")),
        ("false alarm", file("b").digest_match(BankKind::Negative, "12")),
        ("featureless", file("a").quality(20)),
    ]
}

#[test]
fn the_order_of_cards_is_the_order_of_the_table() {
    let (names, files): (Vec<_>, Vec<_>) = ranks().into_iter().unzip();
    let triaged = run(&files);
    let ranked: Vec<&str> = triaged
        .groups
        .iter()
        .map(|group| names[files.iter().position(|file| file.0.path == group.members[0]).unwrap()])
        .collect();
    assert_eq!(ranked, names);
    assert!(triaged.groups.iter().all(|group| group.priority.points >= 1));
    assert!(triaged.groups.windows(2).all(|pair| pair[0].priority.points > pair[1].priority.points));
}

#[test]
fn size_never_lifts_a_card_over_one_with_better_reasons() {
    for pair in ranks().windows(2) {
        let (better, worse) = (&pair[0].1, &pair[1].1);
        let mut files = vec![file("!").same_bytes_as(better)];
        files[0].0.matches = better.0.matches.clone();
        files[0].0.state = better.0.state;
        for i in 0..70 {
            // Seventy copies of the worse one, all of different bytes.
            let mut copy = file(&format!("x{i}"));
            let digests = copy.0.observation.digests;
            copy = copy.same_bytes_as(worse);
            copy.0.observation.digests = digests;
            copy.0.matches = worse.0.matches.clone();
            copy.0.state = worse.0.state;
            files.push(copy);
        }
        let triaged = run(&files);
        assert_eq!(triaged.groups[0].members, ["!"], "{} before {}", pair[0].0, pair[1].0);
    }
}

#[test]
fn a_claim_of_being_generated_takes_nothing_away() {
    let claims = |a: &mut lodestone_types::Assessment| {
        a.generator = Some("a generator".to_owned());
        a.supported = vec![Proposition::AiGenerated, Proposition::OtherSynthetic];
        a.digital_source_type = Some("trainedAlgorithmicMedia".to_owned());
    };
    for (name, plain) in ranks() {
        let path = plain.0.path.clone();
        let before = run(&[plain]).groups[0].priority.clone();
        let (_, again) = ranks().into_iter().find(|(other, _)| *other == name).unwrap();
        let after = run(&[again.assessed(claims)]).groups[0].priority.clone();
        let open = before
            .factors
            .iter()
            .find(|factor| factor.code == "origin_open")
            .map_or(0, |factor| factor.points);
        assert!(
            after.points >= before.points - open && after.points >= 1,
            "{name} ({path}): {before:?} {after:?}"
        );
    }
}

#[test]
fn an_unknown_relative_in_a_group_of_known_files_outranks_the_known_file() {
    let hash = bytes(6);
    let known = file("a").hash(hash).digest_match(BankKind::KnownReal, "1");
    let relative = file("b").hash(flipped(hash, 0..40));
    let triaged = run(&[known, relative, file("c")]);
    let first = &triaged.groups[0];
    assert_eq!(first.members, ["a", "b"]);
    assert_eq!(codes(first)[0], "derivative_of_known_real");
    assert!(first.reasons[0].contains("known real material"), "{:?}", first.reasons);
    assert_eq!(first.exposures_saved, 1);
}

#[test]
fn a_group_known_exactly_needs_no_look() {
    let a = file("a").digest_match(BankKind::KnownReal, "1");
    let mut b = file("b").same_bytes_as(&a);
    b.0.matches = a.0.matches.clone();
    b.0.state = State::Known;
    let triaged = run(&[a, b]);
    assert_eq!(triaged.groups[0].exposures_saved, 2);
}

#[test]
fn points_add_up_to_the_factors_and_every_factor_is_in_the_table() {
    let files: Vec<Made> = ranks().into_iter().map(|(_, file)| file).collect();
    for group in run(&files).groups {
        assert_eq!(
            group.priority.points,
            group.priority.factors.iter().map(|factor| factor.points).sum::<i32>()
        );
        for factor in &group.priority.factors {
            let rule = RULES.iter().find(|rule| rule.code == factor.code);
            assert!(rule.is_some_and(|rule| factor.points <= rule.points), "{factor:?}");
            assert!(group.reasons.contains(&factor.why));
        }
    }
}

#[test]
fn the_order_of_the_items_does_not_matter() {
    let mut files = chain(8, 25);
    files.extend(ranks().into_iter().map(|(_, file)| file));
    let hash = bytes(8);
    files.extend(
        (0..20).map(|i| {
            file(&format!("z{i}")).hash(flipped(hash, i * 5..i * 5 + 20)).form(3, flipped(hash, 0..i))
        }),
    );
    let expected = run(&files);
    for shuffle in 1..6u64 {
        let mut keyed: Vec<(u64, &Made)> = files
            .iter()
            .enumerate()
            .map(|(i, file)| {
                (u64::from_be_bytes(std::array::from_fn(|b| bytes(shuffle * 1000 + i as u64)[b])), file)
            })
            .collect();
        keyed.sort_by_key(|(key, _)| *key);
        let items: Vec<TriageItem> = keyed.iter().map(|(_, file)| file.item()).collect();
        let triaged = triage(&items, &TriageOptions::default(), &mut |_| {});
        assert_eq!(triaged.groups, expected.groups);
        for (item, group) in items.iter().zip(&triaged.group_of) {
            let place = files.iter().position(|file| file.0.path == item.path()).unwrap();
            assert_eq!(*group, expected.group_of[place]);
        }
    }
}
