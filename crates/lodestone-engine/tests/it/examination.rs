//! The page of an examination as a reader gets it.

use base64::Engine as _;
use lodestone_engine::Spool;
use lodestone_engine::report::examination::{Examination, STANDING, render};
use lodestone_engine::wire::Examiners;
use lodestone_types::{
    Assessment, Bearing, CameraChain, Check, CheckState, ContentId, Credentials, Digests, Direction,
    DrawnMap, Finding, Integrity, Location, Observation, PairAssessment, Picture, Proposition, Record,
    SignedTime, Stage, State, Strength, Thumbnail, Trust, TrustListVersion, Unreadable, Watermark, Workflow,
};
use sha2::Digest as _;

const HOSTILE: &str = "a\"'><script>alert(1)</script>\u{202e}\u{0}&.jpg";

fn finding(what: &str, code: &str, raw: &str) -> Finding {
    Finding {
        examiner: "exif".into(),
        code: code.into(),
        what: what.into(),
        locations: vec![Location { offset: Some(123_456), field: "exif:Make".into(), raw: Some(raw.into()) }],
        bearings: vec![Bearing {
            proposition: Proposition::CameraOriginal,
            direction: Direction::Supports,
            strength: Strength::Moderate,
        }],
        gives: vec![],
        log10_lr: Some(0.75),
        weight: None,
    }
}

fn pair(log10_lr: Option<f64>, wording: &str) -> PairAssessment {
    PairAssessment {
        h1: Proposition::CameraOriginal,
        h2: Proposition::AiGenerated,
        log10_lr,
        range: log10_lr.map(|lr| [lr - 0.4, lr + 0.4]),
        calibration: log10_lr.map(|_| "built-in camera/1 2026-01-01 0123abcd".into()),
        abstained: if log10_lr.is_none() { Some("fewer files than it takes".into()) } else { None },
        wording: wording.into(),
        rests_on: vec!["camera_chain=strong".into()],
        contrary: vec!["generator.named".into()],
    }
}

/// One file with something of everything, each text `text`.
fn full(text: &str) -> Record {
    let credentials = Credentials {
        parsed: true,
        hash: Integrity::Broken,
        signature: Integrity::Ok,
        trust: Trust::Official,
        time: SignedTime::Expired,
        source_types: vec!["digitalCapture".into(), text.into()],
        manifests: 3,
        actions: vec![text.into()],
        claim_generator: Some(text.into()),
        issuer: Some(text.into()),
        common_name: Some(text.into()),
        algorithm: Some("Es256".into()),
        signed_at: Some("2026-01-01T00:00:00Z".into()),
        codes: vec![text.into()],
        trust_lists: vec![TrustListVersion {
            list: Trust::Official,
            name: text.into(),
            date: Some("2026-01-01".into()),
            sha256: "ab".repeat(32),
        }],
        ..Credentials::default()
    };
    let assessment = Assessment {
        basis: "examiners/2".into(),
        camera_chain: CameraChain::Contradicted,
        camera: Some(text.into()),
        generator: Some(text.into()),
        generator_source: Some("metadata".into()),
        input_picture_used: true,
        workflow: Some(Workflow {
            models: vec![text.into()],
            seed: Some(text.into()),
            prompt_sha256: Some("cd".repeat(32)),
            prompt: Some(text.into()),
            ..Workflow::default()
        }),
        editor: Some(text.into()),
        credentials: Some(credentials),
        watermarks: vec![Watermark {
            scheme: "dwtDct".into(),
            message: text.into(),
            correlation: 0.91,
            threshold: 0.6,
            crop_phase: Some([3, 5]),
        }],
        statement: text.into(),
        limits: vec![text.into(), STANDING.into()],
        checks: vec![
            Check { examiner: "exif".into(), state: CheckState::Applied, why: None },
            Check { examiner: "watermark".into(), state: CheckState::NotApplicable, why: Some(text.into()) },
            Check { examiner: "model:x".into(), state: CheckState::Failed, why: Some(text.into()) },
        ],
        pairs: vec![pair(Some(2.5), text), pair(None, text)],
        ..Assessment::default()
    };
    Record {
        path: text.to_owned(),
        path_bytes_hex: None,
        state: State::Examined,
        observation: Observation {
            size_bytes: 1_500,
            digests: Some(Digests { md5: [1; 16], sha1: [2; 20], sha256: ContentId([3; 32]) }),
            format: Some("jpeg".into()),
            picture: Some(Picture { width: 40, height: 30, frames: 1, ..Picture::default() }),
            findings: vec![finding(text, "camera.named", text), finding(text, "generator.named", text)],
            assessment: Some(assessment),
            unreadable: Some(Unreadable::new(Stage::Decode, text, text)),
            ..Observation::default()
        },
        matches: vec![],
        generation: 5,
        group: None,
    }
}

fn page(records: &[Record]) -> String {
    let mut spool = Spool::new().expect("a temporary file");
    for record in records {
        spool.push(record).expect("room");
    }
    let examiners = Examiners {
        program: "lodestone 0.0.0".into(),
        basis: "examiners/2".into(),
        kit: vec![format!("trust list {HOSTILE}")],
        calibrations: vec!["built-in camera/1".into()],
    };
    let report = Examination {
        title: format!("Examination of {HOSTILE}"),
        examiners: &examiners,
        settings: vec![("workers".into(), HOSTILE.into())],
        generation: 5,
        banks: vec![HOSTILE.into()],
    };
    let mut page = Vec::new();
    render(&mut page, &report, &mut spool.finish().expect("room")).expect("memory takes all");
    String::from_utf8(page).expect("a page is UTF-8")
}

#[test]
fn hostile_text_stays_text_everywhere_on_the_page() {
    let page = page(&[full(HOSTILE), full("b")]);
    assert_eq!(page.matches("<script").count(), 1, "only the page's own script");
    assert!(!page.contains('\u{202e}') && !page.contains('\u{0}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && page.contains("U+202E"));
}

#[test]
fn the_policy_names_the_very_script_and_style_of_the_page_and_lets_nothing_out() {
    let page = page(&[full("a")]);
    for element in ["script", "style"] {
        let (_, rest) = page.split_once(&format!("<{element}>")).unwrap();
        let (text, _) = rest.split_once(&format!("</{element}>")).unwrap();
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(text));
        assert!(page.contains(&format!("{element}-src 'sha256-{hash}'")), "{element}");
    }
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("unsafe-inline") && !page.contains(" style=") && !page.contains(" onclick="));
    let lower = page.to_lowercase();
    for word in ["http://", "https://", "verdict", "confidence", "fake", "authentic", "verified", "proof"] {
        assert!(!lower.contains(word), "{word}");
    }
}

#[test]
fn everything_a_court_may_ask_for_stands_on_the_page() {
    let page = page(&[full("a")]);
    let digest = "03".repeat(32);
    for text in [
        digest.as_str(),
        STANDING,
        "exif:Make",
        "123\u{202f}456",
        "moderately supports: as the camera wrote it",
        "2.50, interval 2.10 to 2.90",
        "built-in camera/1 2026-01-01 0123abcd",
        "generated by a model: fewer files than it takes",
        "generator.named",
        "the bytes are not those that were signed",
        "on the C2PA trust list",
        "no trusted time shows",
        "2026-01-01",
        "<td>not applicable</td>",
        "<td>failed</td>",
        "contradicted",
        "an input picture was used",
        "grid shifted by 3 and 5",
        "lodestone 0.0.0",
        "examiners/2",
        "Words for likelihood ratios",
    ] {
        assert!(page.contains(text), "{text}");
    }
    assert_eq!(page.matches("class=\"scale\" viewBox").count(), 1, "one bar; the other pair is not assessed");
}

#[test]
fn no_picture_is_shown_before_it_is_asked_for() {
    let mut record = full("a");
    let png_base64 = "iVBORw0KGgo=".to_owned();
    record.observation.thumbnail =
        Some(Thumbnail { mode: "drawing".into(), width: 4, height: 3, png_base64: png_base64.clone() });
    record.observation.maps = vec![
        DrawnMap { name: "noise".into(), caption: "shows noise".into(), width: 4, height: 3, png_base64 },
        DrawnMap {
            name: "grid".into(),
            caption: String::new(),
            width: 4,
            height: 3,
            png_base64: "AA\"onload=".into(),
        },
    ];
    let page = page(&[record]);
    assert!(!page.contains("<img") && !page.contains("src=\"data:"));
    assert_eq!(page.matches("class=\"reveal\"").count(), 2, "what is no base64 is left out");
    assert!(page.contains("shows noise") && page.contains("never scored"));
}

#[test]
fn a_file_that_could_not_be_read_at_all_has_its_place() {
    let mut record = full("gone.jpg");
    record.observation = Observation {
        unreadable: Some(Unreadable::new(Stage::Walk, "gone", "no such file")),
        ..Observation::default()
    };
    let page = page(&[record, full("b")]);
    assert!(page.contains("Not read whole.") && page.contains("no such file"));
    assert!(page.contains("not read whole</span>"));
}
