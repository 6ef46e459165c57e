//! What goes out of the house and what is held back.

use lodestone_exchange::format::gate::{
    Answer, Decided, Decision, Evidence, GatedWriter, HeldFormat, HeldWriter, OriginFacts, ReasonCode, answer,
};
use lodestone_exchange::format::{ListFormat, ListWriter, WriteOptions};
use lodestone_types::{Assessment, BankKind, ListEntry, PairAssessment, Proposition, Signal, SignalType};
use serde_json::{Value, json};

use crate::{rows, value};

fn facts(bank: BankKind) -> OriginFacts {
    OriginFacts::of_entry(bank, &ListEntry::default())
}

fn listed(bank: BankKind) -> OriginFacts {
    OriginFacts { listed_by: Some("list.json".to_owned()), ..facts(bank) }
}

fn decided(who: &str, says: Decided, at_us: i64) -> Decision {
    Decision { who: who.to_owned(), says, at_us, note: None }
}

fn codes(target: BankKind, facts: &OriginFacts) -> Vec<ReasonCode> {
    match answer(target, facts) {
        Answer::GoesOut => Vec::new(),
        Answer::Held(reasons) => {
            assert!(!reasons.is_empty(), "held without a reason");
            reasons.iter().map(|reason| reason.code).collect()
        }
    }
}

fn assessment(supported: &[Proposition]) -> Assessment {
    Assessment {
        basis: "examiners/2".to_owned(),
        abstains: supported.is_empty(),
        supported: supported.to_vec(),
        ..Assessment::default()
    }
}

const REAL: BankKind = BankKind::KnownReal;
const GENERATED: BankKind = BankKind::KnownGenerated;

#[test]
fn nothing_unexamined_goes_out_as_real_without_a_person() {
    let mut ours = facts(REAL);
    assert_eq!(codes(REAL, &ours), [ReasonCode::Unexamined]);
    assert_eq!(codes(REAL, &listed(REAL)), [], "the list vouches for it");
    ours.assessed(&assessment(&[]));
    assert_eq!(codes(REAL, &ours), [ReasonCode::Undetermined], "looked at, and nothing found");
    let mut camera = facts(REAL);
    camera.assessed(&assessment(&[Proposition::CameraOriginal]));
    assert_eq!(codes(REAL, &camera), []);
    ours.decisions.push(decided("ann", Decided::Real, 1));
    assert_eq!(codes(REAL, &ours), []);
}

#[test]
fn nothing_suspected_goes_out_as_real_without_a_person() {
    let mut suspects: Vec<OriginFacts> = Vec::new();
    for proposition in [Proposition::AiGenerated, Proposition::AiEdited, Proposition::OtherSynthetic] {
        let mut one = listed(REAL);
        one.assessed(&assessment(&[Proposition::CameraOriginal, proposition]));
        suspects.push(one);
    }
    let mut likely = listed(REAL);
    let pair = PairAssessment {
        h1: Proposition::CameraOriginal,
        h2: Proposition::AiGenerated,
        log10_lr: Some(-1.5),
        range: None,
        calibration: None,
        abstained: None,
        wording: "the findings are 32 times more probable if it was generated".to_owned(),
        rests_on: Vec::new(),
        contrary: Vec::new(),
    };
    likely.assessed(&Assessment { pairs: vec![pair], ..assessment(&[]) });
    suspects.push(likely);
    let mut named = listed(REAL);
    named.assessed(&Assessment { generator: Some("some model".to_owned()), ..assessment(&[]) });
    suspects.push(named);
    let flagged = ListEntry { extra: Some(json!({ "generativeAi": "true" })), ..ListEntry::default() };
    suspects.push(OriginFacts { listed_by: Some("l".into()), ..OriginFacts::of_entry(REAL, &flagged) });
    let tagged = ListEntry { tags: vec!["AI-generated".to_owned()], ..ListEntry::default() };
    suspects.push(OriginFacts { listed_by: Some("l".into()), ..OriginFacts::of_entry(REAL, &tagged) });
    suspects.push(listed(GENERATED));
    suspects.push(listed(BankKind::KnownEdited));
    let mut told = listed(REAL);
    told.synthetic.push(Evidence::new("other_bank", "the same digest stands in a known-generated bank"));
    suspects.push(told);
    for mut one in suspects {
        assert_eq!(codes(REAL, &one), [ReasonCode::SuspectedSynthetic], "{one:?}");
        let Answer::Held(reasons) = answer(REAL, &one) else { unreachable!() };
        assert!(!reasons[0].evidence.is_empty(), "suspicion is told with its evidence");
        one.decisions.push(decided("ann", Decided::Real, 1));
        assert_eq!(codes(REAL, &one), [], "a person's word goes over it");
    }
}

#[test]
fn what_people_decided_goes_over_everything_and_where_they_differ_nothing_goes_out() {
    let mut one = listed(REAL);
    one.decisions.push(decided("ann", Decided::Generated, 1));
    assert_eq!(codes(REAL, &one), [ReasonCode::DecidedOtherwise]);
    assert_eq!(codes(GENERATED, &one), [], "even out of another bank");
    one.decisions.push(decided("bob", Decided::Real, 2));
    assert_eq!(codes(REAL, &one), [ReasonCode::DecisionsDiffer]);
    assert_eq!(codes(GENERATED, &one), [ReasonCode::DecisionsDiffer]);
    one.decisions.push(decided("ann", Decided::Real, 3));
    assert_eq!(codes(REAL, &one), [], "the last word of each counts");
    one.decisions.push(decided("cem", Decided::Disputed, 4));
    assert_eq!(codes(REAL, &one), [ReasonCode::DecisionsDiffer]);
    assert_eq!(Decided::of_opinion(REAL, true), Some(Decided::Real));
    assert_eq!(Decided::of_opinion(GENERATED, true), Some(Decided::Generated));
    assert_eq!(Decided::of_opinion(REAL, false), Some(Decided::Disputed));
    assert_eq!(Decided::of_opinion(BankKind::Own, true), None);
}

#[test]
fn a_machine_alone_puts_nothing_among_the_generated() {
    let mut ours = facts(GENERATED);
    assert_eq!(codes(GENERATED, &ours), [ReasonCode::Unexamined]);
    ours.assessed(&assessment(&[]));
    assert_eq!(codes(GENERATED, &ours), [ReasonCode::Undetermined]);
    ours.assessed(&assessment(&[Proposition::AiGenerated]));
    assert_eq!(codes(GENERATED, &ours), [ReasonCode::Undecided]);
    ours.decisions.push(decided("ann", Decided::Generated, 1));
    assert_eq!(codes(GENERATED, &ours), []);
    assert_eq!(codes(GENERATED, &listed(GENERATED)), []);
    let baseline = ListEntry { extra: Some(json!({ "Baseline": true })), ..ListEntry::default() };
    let real = OriginFacts { listed_by: Some("l".into()), ..OriginFacts::of_entry(GENERATED, &baseline) };
    assert_eq!(codes(GENERATED, &real), [ReasonCode::SuspectedReal]);
    assert_eq!(codes(GENERATED, &listed(REAL)), [ReasonCode::SuspectedReal]);
}

#[test]
fn banks_of_other_kinds_are_not_gated() {
    for kind in BankKind::ALL {
        if !matches!(kind, REAL | GENERATED) {
            assert_eq!(codes(kind, &facts(kind)), [], "{kind}");
        }
    }
}

fn entry(id: &str, extra: Option<Value>) -> ListEntry {
    let signals = vec![Signal::parse(SignalType::Md5, &value(1, 32)).unwrap()];
    ListEntry { entry: id.to_owned(), signals, extra, line: 7, ..ListEntry::default() }
}

#[test]
fn what_goes_out_is_written_and_what_is_held_is_listed_with_its_evidence_and_without_its_values() {
    for format in [HeldFormat::Ndjson, HeldFormat::Csv] {
        let (mut out, mut held) = (Vec::new(), Vec::new());
        let list = ListWriter::new(&mut out, ListFormat::Ndjson, &WriteOptions::default()).unwrap();
        let mut gated = GatedWriter::new(list, HeldWriter::new(&mut held, format), REAL);
        for (one, vouched) in [
            (entry("good", None), true),
            (entry("flagged, \"x\"", Some(json!({ "generativeAi": "True" }))), true),
            (entry("ours", None), false),
        ] {
            let mut facts = OriginFacts::of_entry(REAL, &one);
            facts.listed_by = vouched.then(|| "list.json".to_owned());
            assert_eq!(gated.entry(&one, &facts).unwrap(), one.entry == "good");
        }
        let report = gated.finish().unwrap();
        assert_eq!((report.written.entries, report.held), (1, 2));
        assert_eq!(report.reasons[&ReasonCode::SuspectedSynthetic], 1);
        assert_eq!(report.reasons[&ReasonCode::Unexamined], 1);
        let (_, written) = rows(&String::from_utf8(out).unwrap(), None);
        assert_eq!(written.len(), 1);
        let held = String::from_utf8(held).unwrap();
        assert!(!held.contains(&value(1, 32)), "{held}");
        assert!(held.contains("generativeAi is set") && held.contains("unexamined"), "{held}");
        if format == HeldFormat::Ndjson {
            let first: Value = serde_json::from_str(held.lines().next().unwrap()).unwrap();
            assert_eq!((&first["entry"], &first["line"]), (&json!("flagged, \"x\""), &json!(7)));
            assert_eq!(first["reasons"][0]["code"], "suspected_synthetic");
            assert_eq!(first["reasons"][0]["evidence"][0]["from"], "flag");
            assert_eq!(first["listed_by"], "list.json");
        } else {
            assert!(held.starts_with("entry,line,bank,target,reasons,listed_by,evidence\n"), "{held}");
            assert!(
                held.contains(
                    "\"flagged, \"\"x\"\"\",7,known-real,known-real,suspected_synthetic,list.json,"
                )
            );
        }
    }
}

#[test]
fn a_list_of_which_nothing_goes_out_is_empty_and_whole() {
    let (mut out, mut held) = (Vec::new(), Vec::new());
    let list = ListWriter::new(&mut out, ListFormat::Vics, &WriteOptions::default()).unwrap();
    let mut gated = GatedWriter::new(list, HeldWriter::new(&mut held, HeldFormat::Csv), REAL);
    let one = entry("1", None);
    gated.entry(&one, &OriginFacts::of_entry(REAL, &one)).unwrap();
    gated.finish().unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&out).unwrap()["value"], json!([]));
}
