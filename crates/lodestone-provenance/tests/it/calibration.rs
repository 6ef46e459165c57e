//! Tables, weighing and wording from outside.

use std::collections::BTreeMap;

use lodestone_provenance::calibration::fit::{
    Method, Occasion, Shrinkage, fit_joint, joint_table, score_table,
};
use lodestone_provenance::calibration::{Case, Level, Map, Spec, Table, specs};
use lodestone_provenance::{Calibrations, weigh};
use lodestone_types::{Assessment, Bearing, Direction, Finding, Proposition, Strength};

const CAMERA: Proposition = Proposition::CameraOriginal;
const GENERATED: Proposition = Proposition::AiGenerated;

fn facts(list: &[(&str, &str)]) -> BTreeMap<String, String> {
    list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
}

fn read(list: &[(&str, &str)]) -> Assessment {
    Assessment { facts: facts(list), ..Assessment::default() }
}

fn case(proposition: Proposition, source: &str, list: &[(&str, &str)]) -> Case {
    Case { proposition, source: source.to_owned(), month: None, facts: facts(list), scores: BTreeMap::new() }
}

fn spec(levels: Vec<Level>) -> Spec {
    Spec { id: "t/1".to_owned(), h1: CAMERA, h2: GENERATED, levels, not_for: vec!["anything".to_owned()] }
}

fn level(fact: &str) -> Level {
    Level {
        fact: fact.to_owned(),
        absent: vec!["none".to_owned()],
        among_present: false,
        merge: BTreeMap::new(),
        silent: BTreeMap::new(),
    }
}

/// Ten sources a side, five files each; `share` of ten sources of the first have the fact, none of the second.
fn cases(share: usize) -> Vec<Case> {
    let mut out = Vec::new();
    for s in 0..10 {
        for _ in 0..5 {
            let chain = if s < share { "strong" } else { "none" };
            out.push(case(CAMERA, &format!("c{s}"), &[("camera_chain", chain)]));
            out.push(case(GENERATED, &format!("g{s}"), &[("camera_chain", "none")]));
        }
    }
    out
}

/// The same with five sources a side and four files each.
fn few_cases(share: usize) -> Vec<Case> {
    let mut out = cases(share);
    out.retain(|c| c.source.ends_with(['0', '1', '2', '3', '4']));
    let mut seen = BTreeMap::new();
    out.retain(|c| {
        let n: &mut usize = seen.entry(c.source.clone()).or_default();
        *n += 1;
        *n <= 4
    });
    out
}

#[test]
fn shipped_tables_cost_less_than_silence_on_unseen_sources_and_keep_their_caps() {
    let tables = Calibrations::built_in();
    assert!(tables.tables().count() >= 2);
    for table in tables.tables() {
        let judged = table.judged.as_ref().expect("judged");
        let [_, high] = judged.cllr_range.expect("an interval");
        assert!(judged.cllr < 1.0 && high < 1.0, "{}: {judged:?}", table.id);
        let n = *table.corpus.files.iter().min().expect("two") as f64;
        assert!(table.cap_log10_lr <= (n + 1.0).log10(), "{}", table.id);
        assert!(!table.not_for.is_empty() && !table.corpus.digest.is_empty() && table.date.len() == 10);
        let Map::Joint { levels, cells, .. } = &table.map else { panic!("{}: no joint table", table.id) };
        assert!(cells.iter().all(|c| c.range[0] <= c.log10_lr && c.log10_lr <= c.range[1]));
        for confound in ["format", "size_bucket", "quality_bucket"] {
            assert!(levels.iter().all(|l| l.fact != confound));
        }
    }
    assert!(tables.describe().iter().all(|line| line.contains("Cllr")));
}

#[test]
fn shipped_tables_read_a_whole_camera_chain_as_support_for_a_camera() {
    let mut assessment = read(&[("camera_chain", "strong"), ("generator", "none")]);
    weigh(&Calibrations::built_in(), &mut [], &mut assessment);
    assert_eq!(assessment.pairs.len(), 6);
    let pair = &assessment.pairs[0];
    assert_eq!((pair.h1, pair.h2), (CAMERA, GENERATED));
    let lr = pair.log10_lr.expect("answered");
    assert!(lr > 0.5, "{lr}");
    assert_eq!(pair.rests_on, ["camera_chain=strong"]);
    assert!(pair.calibration.as_deref().is_some_and(|id| id.starts_with("camera_original-ai_generated/")));
    assert!(
        pair.wording.starts_with("The findings are about ")
            && pair.wording.contains(" times more probable if ")
    );
}

#[test]
fn a_file_without_metadata_gets_no_number_at_all() {
    for format in ["jpeg", "png", "webp"] {
        let mut assessment = read(&[
            ("camera_chain", "none"),
            ("generator", "none"),
            ("structure", "library"),
            ("format", format),
            ("size_bucket", "512-1023"),
        ]);
        weigh(&Calibrations::built_in(), &mut [], &mut assessment);
        assert_eq!(assessment.pairs.len(), 6);
        for pair in &assessment.pairs {
            assert_eq!(pair.log10_lr, None, "{pair:?}");
            assert!(pair.abstained.is_some() && pair.wording.starts_with("Not assessed: whether "));
        }
    }
}

#[test]
fn an_input_picture_silences_pairs_that_have_no_place_for_it() {
    let mut assessment = read(&[("camera_chain", "none"), ("generator", "with_input")]);
    weigh(&Calibrations::built_in(), &mut [], &mut assessment);
    let why = assessment.pairs[0].abstained.as_deref().expect("silent");
    assert!(why.contains("input picture"), "{why}");
}

#[test]
fn weighing_twice_changes_nothing_and_says_what_points_the_other_way() {
    let against = Bearing { proposition: CAMERA, direction: Direction::Against, strength: Strength::Weak };
    let mut findings = [Finding {
        examiner: "exif".to_owned(),
        code: "exif.odd".to_owned(),
        what: String::new(),
        locations: Vec::new(),
        bearings: vec![against],
        gives: vec!["camera_chain".to_owned()],
        log10_lr: Some(9.0),
        weight: None,
    }];
    let mut assessment = read(&[("camera_chain", "strong")]);
    let tables = Calibrations::built_in();
    weigh(&tables, &mut findings, &mut assessment);
    let once = (findings.clone(), assessment.clone());
    weigh(&tables, &mut findings, &mut assessment);
    assert_eq!(once, (findings.clone(), assessment.clone()));
    assert_eq!(assessment.pairs[0].contrary, ["exif.odd"]);
    assert_eq!(findings[0].log10_lr, assessment.pairs[0].log10_lr);
}

#[test]
fn a_finding_says_of_which_pair_and_by_which_table_its_ratio_is() {
    let finding = |gives: &str| Finding {
        examiner: "assessment".to_owned(),
        code: gives.to_owned(),
        what: String::new(),
        locations: Vec::new(),
        bearings: Vec::new(),
        gives: vec![gives.to_owned()],
        log10_lr: None,
        weight: None,
    };
    let tables = Calibrations::built_in();
    let weighed = |chain: &str| {
        let mut findings = [finding("camera_chain"), finding("source_type")];
        weigh(&tables, &mut findings, &mut read(&[("camera_chain", chain), ("source_type", "ai")]));
        assert_eq!((findings[1].log10_lr, &findings[1].weight), (None, &None), "a statement has no ratio");
        let [chain, _] = findings;
        (chain.log10_lr, chain.weight)
    };
    let (strong, weight) = weighed("strong");
    let weight = weight.expect("weighed");
    assert!(strong.expect("a number") > 0.3 && weight.range[0] > 0.0);
    assert_eq!((weight.h1, weight.h2), (CAMERA, GENERATED));
    assert!(weight.calibration.starts_with("camera_original-ai_generated/1 ("));
    // The first table says nothing of a contradicted trace; the one against edited pictures does.
    let (contradicted, weight) = weighed("contradicted");
    assert!(contradicted.expect("a number") < 0.0);
    assert_eq!(weight.map(|w| w.h2), Some(Proposition::EditedCapture));
    assert_eq!(weighed("none"), (None, None));
}

#[test]
fn the_trace_as_a_whole_is_a_finding_that_a_table_can_weigh() {
    use crate::build::{Value, app1_exif, examine, jpeg, tiff};
    let exif = tiff(&[(0x010f, Value::Ascii("Lodestone")), (0x0110, Value::Ascii("One"))], &[]);
    let (mut findings, mut assessment) = examine(&jpeg(&[app1_exif(&exif)], true), (8, 8));
    weigh(&Calibrations::built_in(), &mut findings, &mut assessment);
    let whole = findings.iter().find(|f| f.code == "camera_chain.weak").expect("told");
    assert!(whole.bearings.is_empty(), "its parts bear");
    assert_eq!(whole.log10_lr, assessment.pairs[0].log10_lr);
    assert!(whole.log10_lr.is_some());
    let (findings, _) = examine(&jpeg(&[], true), (8, 8));
    assert!(findings.iter().all(|f| !f.code.starts_with("camera_chain")), "no camera is claimed");
}

#[test]
fn counts_give_the_ratio_that_a_hand_gets() {
    let all = cases(10);
    let all: Vec<&Case> = all.iter().collect();
    let shrinkage = Shrinkage { smoothing: 2.0, source_limit: 100.0 };
    let fitted = fit_joint(&spec(vec![level("camera_chain")]), &all, shrinkage, 500).expect("both classes");
    // 50 of 50 against 0 of 50; pooled (50.5/51 + 0.5/51)/2 = 1/2; (50 + 1)/52 over (0 + 1)/52 = 51; log10(51) is also the cap.
    let [cell] = fitted.cells.as_slice() else { panic!("{fitted:?}") };
    assert!((cell.log10_lr - 51f64.log10()).abs() < 1e-3 && cell.files == [50, 0] && cell.sources == [10, 0]);
    // Half of the first have it: (25 + q)/(52) with q = 2 × (25.5/51 + 0.5/51)/2.
    let half = cases(5);
    let half: Vec<&Case> = half.iter().collect();
    let fitted = fit_joint(&spec(vec![level("camera_chain")]), &half, shrinkage, 500).expect("both classes");
    let pooled = 26.0_f64 / 51.0;
    assert!((fitted.cells[0].log10_lr - ((25.0 + pooled) / pooled).log10()).abs() < 1e-3);
    let [low, high] = fitted.cells[0].range;
    assert!(low < fitted.cells[0].log10_lr && low > 0.0 && high <= fitted.cap_log10_lr);
}

#[test]
fn a_source_counts_only_up_to_its_limit() {
    let mut all = cases(0);
    all.extend((0..500).map(|_| case(CAMERA, "big", &[("camera_chain", "strong")])));
    let all: Vec<&Case> = all.iter().collect();
    let fit = |source_limit| {
        let shrinkage = Shrinkage { smoothing: 4.0, source_limit };
        fit_joint(&spec(vec![level("camera_chain")]), &all, shrinkage, 0).expect("both")
    };
    let (few, many) = (fit(5.0), fit(1e9));
    assert!(few.cells[0].log10_lr < many.cells[0].log10_lr - 0.05, "{few:?} {many:?}");
}

#[test]
fn facts_that_go_together_are_not_counted_twice() {
    // The second fact repeats the first: knowing both must be worth what knowing one is.
    let mut all = Vec::new();
    for s in 0..10 {
        for f in 0..5 {
            for (h, every) in [(CAMERA, 2), (GENERATED, 5)] {
                let is = if f % every == 0 { "yes" } else { "none" };
                all.push(case(h, &format!("s{s}"), &[("a", is), ("b", is)]));
            }
        }
    }
    let all: Vec<&Case> = all.iter().collect();
    let shrinkage = Shrinkage { smoothing: 1.0, source_limit: 100.0 };
    let lr =
        |levels: Vec<Level>| fit_joint(&spec(levels), &all, shrinkage, 0).expect("both").cells[0].log10_lr;
    let (one, both) = (lr(vec![level("a")]), lr(vec![level("a"), level("b")]));
    assert!(one > 0.3 && (one - both).abs() < 0.01, "{one} {both}");
}

#[test]
fn a_table_is_judged_on_sources_it_was_not_fitted_on() {
    let all = few_cases(4);
    let all: Vec<&Case> = all.iter().collect();
    let occasion = Occasion { date: "2026-01-01".to_owned(), ..Occasion::default() };
    let (table, judgements) =
        joint_table(&spec(vec![level("camera_chain")]), &all, &occasion).expect("a table");
    assert_eq!(judgements.len(), 40);
    let judged = table.judged.as_ref().expect("judged");
    assert!(judged.cllr < 0.8 && judged.answered == [16, 0], "{judged:?}");
    let again = Table::parse(&table.to_json()).expect("what is written can be read");
    assert_eq!(again, table);
    // A trait that stands in one source of each side only: nothing is known of it elsewhere, and the table stays silent.
    let mut odd = few_cases(0);
    odd.iter_mut().filter(|c| c.source == "c3").for_each(|c| c.facts = facts(&[("camera_chain", "weak")]));
    let odd: Vec<&Case> = odd.iter().collect();
    let (table, _) = joint_table(&spec(vec![level("camera_chain")]), &odd, &occasion).expect("a table");
    let judged = table.judged.expect("judged");
    assert!((judged.cllr - 1.0).abs() < 1e-9 && judged.answered == [0, 0]);
}

#[test]
fn too_few_files_or_sources_give_a_reason_and_no_table() {
    let all: Vec<Case> = cases(5).into_iter().filter(|c| c.proposition == CAMERA).collect();
    let all: Vec<&Case> = all.iter().collect();
    let why = joint_table(&specs()[0], &all, &Occasion::default()).unwrap_err();
    assert!(why.contains("0 usable files of ai_generated"), "{why}");
}

fn scored(confounded: bool) -> Vec<Case> {
    let mut out = Vec::new();
    for s in 0..8 {
        for f in 0..10 {
            for (h, shift, size) in [(GENERATED, 1.0, "256-511"), (CAMERA, -1.0, "2048-")] {
                let size = if confounded { size } else { "256-511" };
                let known = [("format", "jpeg"), ("size_bucket", size), ("quality_bucket", "88-93")];
                let mut one = case(h, &format!("s{s}"), &known);
                one.scores.insert("model:m".to_owned(), shift + f64::from(f) * 0.3 - 1.35);
                out.push(one);
            }
        }
    }
    out
}

#[test]
fn a_score_is_weighed_inside_the_range_of_its_calibration_and_not_outside() {
    let all = scored(false);
    let all: Vec<&Case> = all.iter().collect();
    for method in [Method::Logistic, Method::Isotonic] {
        let (table, judgements) =
            score_table("model:m", [CAMERA, GENERATED], &all, method, &Occasion::default()).expect("a table");
        assert!(table.judged.as_ref().is_some_and(|j| j.cllr < 0.7), "{:?}", table.judged);
        assert_eq!(judgements.len(), 160);
        let mut tables = Calibrations::default();
        tables.add(&table.to_json()).expect("a table");
        let mut inside = read(&[("format", "jpeg"), ("size_bucket", "256-511"), ("quality_bucket", "88-93")]);
        inside.scores.insert("model:m".to_owned(), 1e6);
        weigh(&tables, &mut [], &mut inside);
        let lr = inside.pairs[0].log10_lr.expect("inside");
        assert!(lr < -0.5 && lr >= -(81f64.log10()), "{lr}");
        let mut outside = read(&[("format", "png"), ("size_bucket", "256-511"), ("quality_bucket", "88-93")]);
        outside.scores.insert("model:m".to_owned(), 1.0);
        weigh(&tables, &mut [], &mut outside);
        let why = outside.pairs[0].abstained.as_deref().expect("not assessed");
        assert!(why.contains("format png is outside"), "{why}");
    }
}

#[test]
fn a_score_that_may_only_repeat_the_size_is_refused() {
    let all = scored(true);
    let all: Vec<&Case> = all.iter().collect();
    let why = score_table("model:m", [CAMERA, GENERATED], &all, Method::Logistic, &Occasion::default())
        .unwrap_err();
    assert!(why.contains("0 usable files"), "{why}");
    // Sizes overlap a little: then the control speaks.
    let mut some = scored(true);
    for (i, one) in some.iter_mut().enumerate() {
        if i % 16 < 2 {
            let size = if one.proposition == CAMERA { "256-511" } else { "2048-" };
            one.facts.insert("size_bucket".to_owned(), size.to_owned());
        }
    }
    let some: Vec<&Case> = some.iter().collect();
    let why = score_table("model:m", [CAMERA, GENERATED], &some, Method::Logistic, &Occasion::default())
        .unwrap_err();
    assert!(why.contains("size, format and quality alone"), "{why}");
}

#[test]
fn lines_that_agree_do_not_add_up() {
    let all = scored(false);
    let all: Vec<&Case> = all.iter().collect();
    let table = |name: &str| {
        let (mut table, _) =
            score_table("model:m", [CAMERA, GENERATED], &all, Method::Logistic, &Occasion::default())
                .expect("a table");
        if let Map::Score { score, .. } = &mut table.map {
            *score = name.to_owned();
        }
        table
    };
    let mut tables = Calibrations::default();
    for name in ["model:a", "model:b"] {
        tables.add(&table(name).to_json()).expect("a table");
    }
    let with = |scores: &[(&str, f64)]| {
        let mut one = read(&[("format", "jpeg"), ("size_bucket", "256-511"), ("quality_bucket", "88-93")]);
        one.scores = scores.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect();
        weigh(&tables, &mut [], &mut one);
        one.pairs[0].log10_lr.expect("answered")
    };
    let (a, both) = (with(&[("model:a", 1.0)]), with(&[("model:a", 1.0), ("model:b", 0.8)]));
    assert!((a - both).abs() < 1e-9, "{a} {both}");
    let opposed = with(&[("model:a", 1.0), ("model:b", -1.0)]);
    assert!(opposed.abs() < a.abs(), "{a} {opposed}");
}

#[test]
fn a_table_beyond_its_cap_or_of_another_shape_is_refused() {
    let all = few_cases(5);
    let all: Vec<&Case> = all.iter().collect();
    let (table, _) =
        joint_table(&spec(vec![level("camera_chain")]), &all, &Occasion::default()).expect("a table");
    let good = table.to_json();
    assert!(Table::parse(&good).is_ok());
    let wide = Table { cap_log10_lr: 3.0, ..table.clone() };
    assert!(Table::parse(&wide.to_json()).is_err());
    let mut beyond = table.clone();
    if let Map::Joint { cells, .. } = &mut beyond.map {
        cells[0].log10_lr = 5.0;
    }
    assert!(Table::parse(&beyond.to_json()).is_err());
    for broken in ["", "{}", "[1]", "{\"schema\": 1}", &good.replace("\"schema\": 1", "\"schema\": 2")] {
        assert!(Calibrations::default().add(broken).is_err());
    }
}
