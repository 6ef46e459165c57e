//! Writes a report of made-up records, to look at the page without scanning anything:
//! `cargo run -p lodestone-engine --example sample_report -- report.html [GROUPS]`.

use std::fs::File;

use lodestone_engine::report::{Report, render};
use lodestone_engine::thumbnail::{ThumbnailMode, Thumbnailer};
use lodestone_media::PixelKind;
use lodestone_types::{
    Assessment, Bank, BankKind, CameraChain, ContentId, Digests, Dihedral, Edge, EdgeKind, Factor,
    Fingerprint, Form, Group, HashMode, ListVersion, Match, Observation, Picture, Priority, Record,
    SignalType, Stage, State, Summary, Thumbnail, Transform, Unreadable,
};

fn main() -> std::io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "sample-report.html".to_owned());
    let groups_wanted: u64 = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(14);
    let (groups, records) = pile(groups_wanted);
    let count = |state| records.iter().filter(|record| record.state == state).count() as u64;
    let summary = Summary {
        files: records.len() as u64,
        bytes: records.iter().map(|record| record.observation.size_bytes).sum(),
        known: count(State::Known),
        derived: count(State::Derived),
        unsupported: 0,
        known_good: count(State::KnownGood),
        alike: count(State::Alike),
        examined: count(State::Examined),
        unreadable: count(State::Unreadable),
        partial: 0,
        groups: groups.len() as u64,
        exposures_needed: groups.len() as u64 - 1,
        exposures_saved: records.len() as u64 - groups.len() as u64 + 1,
        not_reached: 0,
        interrupted: false,
        unreadable_reasons: vec![
            ("decode/malformed".into(), 1),
            ("decode/too_many_pixels".into(), 1),
            ("identify/unsupported".into(), 2),
        ],
    };
    let bank = |name: &str, kind, source: &str, entries| Bank {
        name: name.into(),
        kind,
        radius_bits: 31,
        photodna_max_distance: None,
        source: source.into(),
        version: ListVersion { number: 3, sha256: "5e0f".repeat(16), entries },
    };
    let report = Report {
        title: "Scan of sample-pile".into(),
        summary: &summary,
        groups: &groups,
        banks: &[
            bank("charts-2026", BankKind::KnownReal, "charts-2026.csv", 1_204_311),
            bank("known-good", BankKind::KnownGood, "known-good.md5", 412),
        ],
        settings: vec![
            ("radius_bits".into(), "31".into()),
            ("similar_bits".into(), "48".into()),
            ("workers".into(), "2".into()),
            ("max_pixels".into(), "200000000".into()),
            ("thumbnails".into(), "drawing".into()),
        ],
        program: "lodestone 0.1.0".into(),
        generation: 3,
        roots: vec!["/cases/2026-117/sample-pile".into()],
        started: "2026-11-22 16:00:04 UTC".into(),
        finished: "2026-11-22 16:03:41 UTC".into(),
        elapsed: "3 min 37 s".into(),
    };
    render(&mut File::create(path)?, &report, &mut records.into_iter().map(Ok))
}

/// Groups and records that show every part of the page.
fn pile(groups_wanted: u64) -> (Vec<Group>, Vec<Record>) {
    let mut groups = Vec::new();
    let mut records = Vec::new();
    for rank in 1..=groups_wanted {
        let members = [6, 3, 1, 2, 4, 1][(rank % 6) as usize];
        let kind = rank % 5;
        let hostile = if rank == 3 { "\u{202e}gpj.<img src=x onerror=alert(1)>" } else { "harbour" };
        let mut paths: Vec<String> =
            (0..members).map(|m| format!("DCIM/{:03}CANVAS/{hostile}-{rank:04}-{m}.jpg", 100 + m)).collect();
        paths.sort();
        for (at, path) in paths.iter().enumerate() {
            let state = match (kind, members) {
                (1, _) => State::Known,
                (_, 1) => State::Examined,
                _ => State::Alike,
            };
            records.push(record(path, rank, at as u64, state, kind));
        }
        groups.push(group(rank, paths, kind));
    }
    for (name, stage, reason, detail) in [
        ("broken/cut-short.jpg", Stage::Decode, "malformed", "no scan data before the file ends"),
        (
            "broken/thirty-thousand.png",
            Stage::Decode,
            "too_many_pixels",
            "30000 x 30000 pixels exceed the limit of 200000000",
        ),
        ("notes.txt", Stage::Identify, "unsupported", "no supported picture"),
        ("clip.mp4", Stage::Identify, "unsupported", "no supported picture"),
    ] {
        let mut one = record(name, 9000, 0, State::Unreadable, 0);
        one.observation.picture = None;
        one.observation.fingerprints.clear();
        one.observation.format = None;
        one.observation.assessment = None;
        one.observation.thumbnail = None;
        one.observation.unreadable = Some(Unreadable::new(stage, reason, detail));
        records.push(one);
    }
    let mut good = record("system/wallpaper.png", 9001, 0, State::KnownGood, 0);
    good.observation.assessment = None;
    records.push(good);
    records.sort_by(|a, b| a.path.cmp(&b.path));
    (groups, records)
}

fn group(rank: u64, members: Vec<String>, kind: u64) -> Group {
    let factors: &[(&str, i32, &str)] = match kind {
        1 => &[
            (
                "derivative_of_known",
                60,
                "6 to 24 bits from an entry of charts-2026, with other bytes: a derivative of known material",
            ),
            ("camera_chain", 15, "one member carries a complete camera trace"),
        ],
        2 => &[
            (
                "camera_chain",
                40,
                "Make, Model, MakerNote, dates and exposure agree, and the JPEG structure is one that cameras write",
            ),
            ("unknown", 10, "in no list"),
        ],
        3 => &[
            ("unknown", 10, "in no list"),
            (
                "generator_metadata",
                -4,
                "metadata follows the conventions of a generator; ranked lower, never left out",
            ),
        ],
        _ => &[("unknown", 10, "in no list"), ("group_size", 2, "several files show it")],
    };
    let edges = (1..members.len())
        .map(|b| Edge {
            a: 0,
            b,
            kind: if b % 3 == 0 {
                EdgeKind::Identical
            } else if b % 3 == 1 {
                EdgeKind::SamePicture
            } else {
                EdgeKind::Similar
            },
            distance_bits: [0, 8, 38][b % 3],
            transform: Transform::new(
                if b % 3 == 2 { Dihedral::FlipX } else { Dihedral::AsIs },
                false,
                None,
                None,
            ),
        })
        .collect();
    let mut reasons = vec![match kind {
        1 => "Derivative of known material: the picture of charts-2026 entry 88213, other bytes.".to_owned(),
        2 => "Likely camera original, in no list.".to_owned(),
        3 => "Unknown; the metadata follows the conventions of a generator (A1111).".to_owned(),
        _ => "Unknown; nothing in the files speaks of their origin.".to_owned(),
    }];
    if members.len() > 1 {
        reasons.push(format!("{} files show the same or a similar picture.", members.len()));
    }
    Group {
        group: rank,
        rank,
        exposures_saved: members.len() as u64 - 1,
        members,
        representative: 0,
        reasons,
        priority: Priority {
            points: factors.iter().map(|factor| factor.1).sum(),
            factors: factors
                .iter()
                .map(|(code, points, why)| Factor {
                    code: (*code).into(),
                    points: *points,
                    why: (*why).into(),
                })
                .collect(),
        },
        edges,
    }
}

fn record(path: &str, seed: u64, at: u64, state: State, kind: u64) -> Record {
    let byte = (seed * 31 + at * 7) as u8;
    let known = Match {
        bank: "charts-2026".into(),
        bank_kind: BankKind::KnownReal,
        entry: (88_000 + seed * 71).to_string(),
        signal_type: if at == 1 { SignalType::Md5 } else { SignalType::Pdq },
        distance_bits: if at == 1 { 0 } else { (6 + at * 4) as u32 },
        radius_bits: if at == 1 { 0 } else { 31 },
        transform: Transform::new(
            if at == 2 { Dihedral::FlipX } else { Dihedral::AsIs },
            at == 3,
            None,
            None,
        ),
        classification: (at == 0).then(|| "B2".into()),
        ..Match::plain("", BankKind::KnownReal, "", SignalType::Pdq)
    };
    let assessment = match kind {
        2 => Assessment {
            camera_chain: CameraChain::Strong,
            camera: Some("Lodestone Demo LD-1".into()),
            ..Assessment::default()
        },
        3 => Assessment {
            generator: Some("A1111".into()),
            input_picture_used: at == 1,
            ..Assessment::default()
        },
        1 => Assessment { editor: Some("GIMP 2.10".into()), ..Assessment::default() },
        _ => Assessment { abstains: true, ..Assessment::default() },
    };
    Record {
        path: path.into(),
        path_bytes_hex: None,
        state,
        observation: Observation {
            size_bytes: 180_000 + seed * 90_311 + at * 777,
            digests: Some(Digests { md5: [byte; 16], sha1: [byte; 20], sha256: ContentId([byte; 32]) }),
            format: Some("jpeg".into()),
            picture: Some(Picture { width: 4032, height: 3024, frames: 1, ..Picture::default() }),
            fingerprints: vec![Fingerprint {
                form: Form::default(),
                pdq_dihedral: vec![[byte; 32]; 8],
                quality: 100,
                mode: HashMode::Exact,
            }],
            assessment: Some(assessment),
            thumbnail: (seed < 40).then(|| thumbnail(seed)),
            ..Observation::default()
        },
        matches: if state == State::Known { vec![known] } else { Vec::new() },
        generation: 3,
        group: (seed < 9000).then_some(seed),
    }
}

/// A gradient with discs: a chart, drawn as the mode would draw it.
fn thumbnail(seed: u64) -> Thumbnail {
    let (width, height) = (640u32, 480u32);
    let mut rows = Vec::new();
    for y in 0..height {
        for x in 0..width {
            let (dx, dy) = (i64::from(x) - 200 - (seed as i64 * 37) % 240, i64::from(y) - 240);
            let inside = dx * dx + dy * dy < 120 * 120;
            rows.extend([(x / 3) as u8, (y / 2) as u8, if inside { 220 } else { 60 }]);
        }
    }
    let mut small = Thumbnailer::new(width, height, 256);
    small.push_rows(PixelKind::Rgb8, &rows);
    small.finish(ThumbnailMode::ALL[(seed % 4) as usize])
}
