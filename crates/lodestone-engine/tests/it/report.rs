//! The report as a reader gets it: one file, safe whatever the names in it, bounded whatever the pile.

use std::io;

use base64::Engine as _;
use lodestone_engine::report::{Report, csv, limits, render};
use lodestone_types::{
    Bank, BankKind, ContentId, Digests, Edge, EdgeKind, Factor, Fingerprint, Form, Group, HashMode,
    ListVersion, Match, Observation, Picture, Priority, Record, SignalType, Stage, State, Summary, Thumbnail,
    Transform, Unreadable,
};
use sha2::Digest as _;

const HOSTILE: &str = "a\"'><script>alert(1)</script>\u{202e}\u{0}&.jpg";

fn record(path: &str) -> Record {
    Record {
        path: path.to_owned(),
        path_bytes_hex: None,
        state: State::Known,
        observation: Observation {
            size_bytes: 1_500,
            digests: Some(Digests { md5: [1; 16], sha1: [2; 20], sha256: ContentId([3; 32]) }),
            format: Some("jpeg".into()),
            picture: Some(Picture { width: 40, height: 30, frames: 1, ..Picture::default() }),
            fingerprints: vec![Fingerprint {
                form: Form::default(),
                pdq_dihedral: vec![[4; 32]; 8],
                quality: 90,
                mode: HashMode::Exact,
            }],
            ..Observation::default()
        },
        matches: vec![Match {
            bank: "charts".into(),
            bank_kind: BankKind::KnownReal,
            entry: "=entry,7".into(),
            signal_type: SignalType::Pdq,
            distance_bits: 12,
            radius_bits: 31,
            ..Match::plain("charts", BankKind::KnownReal, "=entry,7", SignalType::Pdq)
        }],
        generation: 5,
        group: None,
    }
}

fn group(number: u64, members: &[&str]) -> Group {
    Group {
        group: number,
        rank: number,
        members: members.iter().map(|path| (*path).to_owned()).collect(),
        representative: 0,
        reasons: vec![format!("reason {number} <b>")],
        priority: Priority {
            points: 60,
            factors: vec![Factor {
                code: "derivative_of_known".into(),
                points: 60,
                why: "near an entry".into(),
            }],
        },
        edges: (1..members.len())
            .map(|b| Edge {
                a: 0,
                b,
                kind: EdgeKind::SamePicture,
                distance_bits: 6,
                transform: Transform::default(),
            })
            .collect(),
        exposures_saved: members.len() as u64 - 1,
    }
}

fn rendered(groups: &[Group], records: Vec<Record>) -> String {
    let summary = Summary { files: records.len() as u64, ..Summary::default() };
    let banks = [Bank {
        name: "charts".into(),
        kind: BankKind::KnownReal,
        radius_bits: 31,
        photodna_max_distance: None,
        source: "charts<.csv".into(),
        version: ListVersion { number: 2, sha256: "ab".repeat(32), entries: 40 },
    }];
    let report = Report {
        title: format!("Scan of {HOSTILE}"),
        summary: &summary,
        groups,
        banks: &banks,
        settings: vec![("similar_bits".into(), HOSTILE.into())],
        program: "lodestone 0.0.0".into(),
        generation: 5,
        roots: vec![HOSTILE.into()],
        started: String::new(),
        finished: String::new(),
        elapsed: "1 s".into(),
    };
    let mut page = Vec::new();
    render(&mut page, &report, &mut records.into_iter().map(Ok)).expect("memory takes all");
    String::from_utf8(page).expect("a page is UTF-8")
}

#[test]
fn hostile_names_stay_text_everywhere_on_the_page() {
    let mut unreadable = record(&format!("{HOSTILE}2"));
    unreadable.observation.unreadable = Some(Unreadable::new(Stage::Decode, HOSTILE, HOSTILE));
    let page = rendered(&[group(1, &[HOSTILE, "b"])], vec![record(HOSTILE), record("b"), unreadable]);
    assert_eq!(page.matches("<script").count(), 1, "only the page's own script");
    assert!(!page.contains('\u{202e}') && !page.contains('\u{0}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("U+202E"));
    assert!(!page.contains("reason 1 <b>"));
}

#[test]
fn the_policy_names_the_very_script_and_style_of_the_page() {
    let page = rendered(&[], vec![]);
    for element in ["script", "style"] {
        let (_, rest) = page.split_once(&format!("<{element}>")).unwrap();
        let (text, _) = rest.split_once(&format!("</{element}>")).unwrap();
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text));
        assert!(page.contains(&format!("{element}-src 'sha256-{hash}'")), "{element}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("unsafe-inline") && !page.contains(" style=") && !page.contains(" onclick="));
}

#[test]
fn the_page_names_no_address_and_none_of_the_words_we_do_not_use() {
    let page = rendered(&[group(1, &["a", "b"])], vec![record("a"), record("b")]).to_lowercase();
    for word in ["http://", "https://", "verdict", "confidence", "fake"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn no_picture_is_shown_before_it_is_asked_for() {
    let mut shown = record("a");
    shown.observation.thumbnail =
        Some(Thumbnail { mode: "drawing".into(), width: 8, height: 6, png_base64: "iVBORw0KGgo=".into() });
    let with = rendered(&[group(1, &["a"])], vec![shown]);
    assert!(with.contains("data-png=\"iVBORw0KGgo=\"") && with.contains("Reveal drawing"));
    assert!(with.contains("id=\"exposures\">0<"));
    assert!(!with.contains("<img") && !with.contains("src=\"data:"));
    let without = rendered(&[group(1, &["a"])], vec![record("a")]);
    assert!(!without.contains("data-png") && !without.contains("id=\"exposures\""));
}

#[test]
fn the_page_says_what_makes_the_run_repeatable() {
    let page = rendered(&[], vec![record("a")]);
    for fact in
        ["lodestone 0.0.0", "charts&lt;.csv", &"ab".repeat(32), "similar_bits", "generation</dt><dd>5"]
    {
        assert!(page.contains(fact), "{fact}");
    }
}

#[test]
fn groups_beyond_the_cards_follow_in_a_compact_table() {
    let groups: Vec<Group> =
        (1..=limits::CARDS as u64 + 3).map(|number| group(number, &["a", "b"])).collect();
    let page = rendered(&groups, vec![record("a")]);
    assert_eq!(page.matches("<article").count(), limits::CARDS);
    assert!(page.contains("Further groups <i>3</i>"));
}

#[test]
fn too_many_files_are_left_to_ndjson_and_csv_and_stay_out_of_memory() {
    let many = (0..limits::FILES + 1).map(|n| record(&format!("f{n:06}"))).collect();
    let page = rendered(&[], many);
    assert!(page.contains("are more than this page lists"));
    assert!(
        page.contains("15\u{202f}001 more; NDJSON and CSV hold all"),
        "matches are cut at {}",
        limits::MATCHES
    );
    assert!(page.len() < 6_000_000, "{}", page.len());
}

#[test]
fn a_source_that_fails_is_an_error_and_not_a_shorter_report() {
    let summary = Summary::default();
    let report = Report {
        title: String::new(),
        summary: &summary,
        groups: &[],
        banks: &[],
        settings: Vec::new(),
        program: String::new(),
        generation: 0,
        roots: Vec::new(),
        started: String::new(),
        finished: String::new(),
        elapsed: String::new(),
    };
    let broken = || [Ok(record("a")), Err(io::Error::other("spool"))].into_iter();
    assert!(render(&mut Vec::new(), &report, &mut broken()).is_err());
    assert!(csv(&mut Vec::new(), &[], &mut broken()).is_err());
}

#[test]
fn the_csv_has_one_row_a_file_and_no_live_formula() {
    let mut out = Vec::new();
    let mut unreadable = record("=HYPERLINK(1).jpg");
    unreadable.state = State::Unreadable;
    unreadable.matches.clear();
    unreadable.observation = Observation {
        unreadable: Some(Unreadable::new(Stage::Identify, "unsupported", "")),
        ..Observation::default()
    };
    let records = vec![Ok(record("a,b.jpg")), Ok(unreadable)];
    csv(&mut out, &[group(4, &["a,b.jpg"])], &mut records.into_iter()).unwrap();
    let hex = |digits: &str, times| digits.repeat(times);
    let expected = format!(
        "path,sha256,md5,sha1,state,stage,reason,pdq,pdq_quality,bank,entry,signal_type,distance_bits,transform,\
         matches,group,rank,camera_chain,camera,generator,generator_source,input_image_used,editor,watermark,\
         credentials_hash,credentials_signature,credentials_trust,credentials_time,source_types\r\n\"a,b.jpg\",{},{},{},known,,,{},90,charts,\"'=entry,7\",pdq,12,as_is,1,4,4,,,,,,,,,,,,\r\n\
         '=HYPERLINK(1).jpg,,,,unreadable,identify,unsupported,,,,,,,,0,,,,,,,,,,,,,,\r\n",
        hex("03", 32),
        hex("01", 16),
        hex("02", 20),
        hex("04", 32)
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
