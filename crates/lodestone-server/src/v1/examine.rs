//! `POST /v1/examine`: everything that `lodestone examine` knows of one upload, in its schema.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use lodestone_engine::live::LiveState;
use lodestone_engine::pool::Kind;
use lodestone_engine::wire::{self, Examiners};
use lodestone_engine::{AppraiseOptions, BASIS, Calibrations, LookUps, Snapshot, SnapshotBuilder, appraise};
use lodestone_store::EntryName;
use lodestone_types::{BankKind, Match, Record, SignalType, State as Ended};
use serde_json::{Value, json};

use crate::App;
use crate::auth::{Caller, Role};
use crate::derived::{self, Plan};
use crate::error::ApiError;
use crate::http::body;
use crate::http::params::Params;
use crate::looked::{self, Looked};
use crate::lookup::{Ask, Forms, Found};
use crate::media;
use crate::route::{About, For, Place, Routes, Takes};
use crate::v1::files::looked_up;
use crate::v1::match_files::{MOST, match_file};
use crate::v1::told::Hits;
use crate::v1::{asked, ok, query, upload};

/// What an examination is weighed by.
pub(crate) struct Examining {
    /// Without banks: it has the tables only.
    tables: Snapshot,
}

impl Examining {
    /// Loads tables by which findings are weighed.
    ///
    /// # Errors
    /// What cannot be used of them, in words.
    pub(crate) fn open(calibration: &[PathBuf]) -> Result<Self, String> {
        let tables = Calibrations::load(calibration).map_err(|error| error.to_string())?;
        let tables = SnapshotBuilder::default().weighing_by(tables).build(0);
        Ok(Self { tables: tables.map_err(|error| error.to_string())? })
    }
}

const FILE: Takes = Takes {
    name: "photo",
    place: Place::Form,
    kind: "file",
    required: false,
    about: "The file, in a field of any name; or the file itself as the body",
};

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post(
        "/v1/examine",
        For::Role(Role::Hash),
        About {
            summary: "Everything known of one file: container, metadata, credentials, findings, assessment, as \
                      `lodestone/examine/1`. With `match` also what it matches, in all symmetries and as its negative, \
                      which needs the role `match` too",
            takes: const { &[
                FILE,
                query("name", "string", "Its name, told back as `path`; nothing is read from it"),
                query("match", "boolean", "Look it up in the banks"),
                asked::SENDER,
            ] },
            answers: &[
                (200, "One object of `lodestone/examine/1`; `unreadable` says why where it could not be read"),
                (400, "No file, or several"),
                (403, "`match` without the role"),
                (413, "Too large"),
                (429, "Too many files wait"),
                (503, "No worker process runs, or the index cannot be read now"),
            ],
        },
        examine,
    )
}

async fn examine(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let matching = params.get("match").is_some_and(|text| text.eq_ignore_ascii_case("true") || text == "1");
    let may_match =
        app.config.open || app.keys.check_id(&caller.key, Some(Role::Match), app.clock.now_us()).is_ok();
    if matching && !may_match {
        return Err(ApiError::forbidden("this key is missing role match"));
    }
    let held = body::read(&headers, body, &app.bodies).await?;
    let file = upload::one(&headers, &held.bytes).await?;
    let name = params.filled("name").map(super::cut).or(file.name).unwrap_or_default();
    let bytes = file.bytes.clone();
    let seen = media::observe(&app, file.bytes, Kind::Examine).await?;
    let mut record = appraise(
        &app.examining.tables,
        AppraiseOptions::default(),
        vec![(name, None, seen)],
        &mut LookUps::default(),
    )
    .pop()
    .ok_or_else(|| ApiError::unavailable("the examination failed"))?;
    let examiners = Examiners {
        program: concat!("lodestone ", env!("CARGO_PKG_VERSION")).to_owned(),
        basis: BASIS.to_owned(),
        kit: app.pool.kit().to_vec(),
        calibrations: app.examining.tables.calibrations().describe(),
    };
    record.generation = app.view.now().generation();
    if matching {
        look_up(&app, &caller, &params, (&mut record, &bytes), &examiners).await?;
    }
    drop((bytes, held));
    Ok(ok(wire::examined(&record, &examiners)))
}

/// Looks the file up, writes the match down, and puts what it matches into the record.
async fn look_up(
    app: &App,
    caller: &Caller,
    params: &Params,
    (record, bytes): (&mut Record, &Bytes),
    examiners: &Examiners,
) -> Result<(), ApiError> {
    let state = app.view.now();
    let ask = Ask {
        forms: Forms { dihedral: true, negative: true },
        coin: Some(f64::MIN_POSITIVE),
        now_s: Some(app.clock.now_s()),
        most: MOST,
        ..Ask::default()
    };
    let hits = match_file(&state, &record.observation, &ask)?;
    let quiet = !hits.quiet.is_empty();
    let mut known = hits.known();
    let derived = parts(app, &state, &ask, (&known, quiet), (record, bytes)).await?;
    known.extend(derived.iter().cloned());
    record.matches = matches(app, &hits, &derived).await?;
    record.generation = state.generation();
    record.state = ended(record);
    let said = wire::examined(record, examiners);
    let looked = Looked {
        caller,
        sender: params.filled("sender"),
        content_ref: Some(record.path.as_str()).filter(|name| !name.is_empty()),
        sha256: record.observation.digests.map(|digests| digests.sha256.0),
        signals: &looked_up(&record.observation),
        found: &known,
        left_out: hits.left_out_known,
        of_a_bank: looked::OF_A_BANK,
        assessment: Some(assessment(&said)),
    };
    match looked.event(app, &state) {
        Some(event) => app.record(&event),
        None => Ok(()),
    }
}

/// What parts of the picture match in banks that ask for it themselves, and do not know the file already. Where they could
/// not be looked at the picture carries a note of it.
///
/// # Errors
/// Where nothing is known of the file: 429, 503.
async fn parts(
    app: &App,
    state: &Arc<LiveState>,
    ask: &Ask,
    (known, quiet): (&[Found], bool),
    (record, bytes): (&mut Record, &Bytes),
) -> Result<Vec<Found>, ApiError> {
    let plan = Plan::of(state, ask, None).after(known, quiet);
    if !plan.beyond_whole() || record.observation.fingerprints.is_empty() {
        return Ok(Vec::new());
    }
    let why = match derived::of_file(app, state, (&plan, ask), bytes, known).await.map(|(found, _)| found) {
        Ok(found) if !derived::told::misses(app, state, &plan) => return Ok(found),
        Ok(found) => {
            note(record, "layer 3 misses known pictures: their features are not in memory".to_owned());
            return Ok(found);
        }
        Err(error) if known.is_empty() && !error.status().is_client_error() => return Err(error),
        Err(error) => error.message().to_owned(),
    };
    app.metrics.layer_failed();
    note(record, format!("layers {} were not looked at: {why}", plan.layers()));
    Ok(Vec::new())
}

fn note(record: &mut Record, told: String) {
    if let Some(picture) = &mut record.observation.picture {
        picture.notes.push(told);
    }
}

/// Matches as `lodestone examine` writes them, with the lists' own ids and classifications.
async fn matches(app: &App, hits: &Hits, derived: &[Found]) -> Result<Vec<Match>, ApiError> {
    let mut numbers: Vec<u64> =
        hits.hits.iter().take(asked::MAX_MATCHES).map(|hit| hit.found.entry_no).collect();
    let whole = numbers.len();
    numbers.extend(derived.iter().map(|found| found.entry_no));
    let quiet: Vec<u64> = hits.quiet.named.iter().map(|quiet| quiet.entry_no).collect();
    let name = |no: u64| i64::try_from(no).unwrap_or(i64::MAX);
    let (names, quiet_names) = app
        .readers
        .read(move |store| {
            let names = |numbers: Vec<u64>| {
                numbers.into_iter().map(|no| store.entry_name(name(no))).collect::<Result<Vec<_>, _>>()
            };
            Ok((names(numbers)?, names(quiet)?))
        })
        .await?;
    let mut names = names.into_iter();
    let whole: Vec<_> = names.by_ref().take(whole).collect();
    let of_parts = derived.iter().zip(names).filter_map(|(found, name)| {
        let hit = &found.derived.as_ref()?.hit;
        let (entry, classification) = words(found, name);
        let bank = &found.bank.bank;
        Some(Match {
            distance_bits: hit.distance_bits.unwrap_or(0),
            radius_bits: hit.radius_bits.unwrap_or(0),
            transform: hit.transform,
            classification,
            layer: hit.layer,
            standing: hit.standing,
            relation: hit.relation,
            inliers: hit.inliers,
            evidence_bits: hit.evidence_bits,
            windows: hit.windows,
            expected_false_hits: Some(hit.expected_false_hits),
            ..Match::plain(&bank.name, bank.kind, &entry, found.signal_type)
        })
    });
    let known = hits.hits.iter().zip(whole).map(|(hit, name)| {
        let (entry, classification) = words(&hit.found, name);
        let similar = hit.found.signal_type == SignalType::Pdq;
        let bank = &hit.found.bank.bank;
        Match {
            distance_bits: hit.found.distance.bits().unwrap_or(0),
            radius_bits: if similar { bank.radius_bits } else { 0 },
            transform: hit.transform,
            classification,
            suppressed: hit.suppressed,
            standing: hit.found.standing,
            ..Match::plain(&bank.name, bank.kind, &entry, hit.found.signal_type)
        }
    });
    let quiet = hits.quiet.named.iter().zip(quiet_names).filter_map(|(quiet, name)| {
        let name = name?;
        let (kind, signal_type) = (quiet.bank_kind.parse().ok()?, SignalType::from_wire(quiet.signal_type)?);
        Some(Match {
            classification: name.classification,
            ..Match::plain(&quiet.bank.bank.name, kind, &name.entry, signal_type)
        })
    });
    let mut matches: Vec<Match> = known.chain(quiet).chain(of_parts).collect();
    matches.sort_by_key(|one| {
        let kind = (!one.signal_type.is_digest(), one.standing, !one.bank_kind.makes_known());
        (one.suppressed, kind, one.layer, one.distance_bits)
    });
    Ok(matches)
}

/// The list's own id of an entry, and its classification.
fn words(found: &Found, name: Option<EntryName>) -> (String, Option<String>) {
    let name = name.map(|name| (name.entry, name.classification));
    name.unwrap_or_else(|| (found.content_id.to_string(), None))
}

/// How a file ends, as in a scan.
fn ended(record: &Record) -> Ended {
    if record.matches.iter().any(Match::makes_known) {
        Ended::Known
    } else if record.matches.iter().any(Match::makes_derived) {
        Ended::Derived
    } else if record.matches.iter().any(|one| one.bank_kind == BankKind::KnownGood) {
        Ended::KnownGood
    } else if record.observation.unreadable.is_some() {
        Ended::Unreadable
    } else {
        Ended::Examined
    }
}

/// What the match log keeps of an examination.
fn assessment(said: &Value) -> Value {
    let of = |name: &str| said.get(name).cloned().unwrap_or_default();
    json!({
        "findings": of("findings"),
        "assessment": of("assessment"),
        "generator": of("generator"),
        "camera_chain": of("camera_chain"),
        "digital_source_type": of("digital_source_type"),
        "reading": of("reading"),
    })
}
