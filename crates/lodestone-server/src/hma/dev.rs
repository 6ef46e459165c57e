//! `/dev`: shortcuts for trying things, only with `--dev`, and only for administrators. *Source:* HMA's `development.py`,
//! `utils/dev_utils.py`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header::LOCATION};
use axum::response::Response;
use lodestone_store::{BankChange, NewContent};
use lodestone_types::bank::DEFAULT_RADIUS_BITS;
use lodestone_types::{BankKind, Signal, SignalType};
use serde_json::json;

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::fetch_loop;
use crate::hma::banks;
use crate::hma::exchanges::{self, NewExchange};
use crate::http::reply::typed;
use crate::route::{About, For, Routes};
use crate::types;

pub(crate) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Admin);
    let about = |summary| About { summary, takes: &[], answers: &[(302, "Done: to the pages")] };
    let makes = |summary| About {
        summary,
        takes: &[],
        answers: &[(302, "Done: to the pages"), (403, "There is such a bank or exchange")],
    };
    routes
        .post("/dev/setup_sample_example", allowed, makes("Makes an exchange of samples"), sample_example)
        .post("/dev/setup_tx_example", allowed, makes("Makes an example of a ThreatExchange"), tx_example)
        .post("/dev/seed_banks", allowed, makes("Makes two banks of 5,000 random signals each"), seed_banks)
        .post("/dev/run_fetch", allowed, about("Fetches from all exchanges now"), run_fetch)
        .post("/dev/factory_reset", allowed, about("Empties the store; keys stay"), factory_reset)
}

/// To the pages, whether they are offered or not, as in HMA.
fn home() -> Response {
    let mut response = typed(StatusCode::FOUND, "text/html; charset=utf-8", "");
    response.headers_mut().insert(LOCATION, HeaderValue::from_static("/ui/"));
    response
}

async fn sample_example(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let new = NewExchange::of(&json!({ "bank": "SEED_SAMPLE", "api": "sample" }))?;
    exchanges::make(&app, &caller, new).await?;
    Ok(home())
}

async fn tx_example(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let fields = json!({ "privacy_group": 1_012_185_296_055_235_i64 });
    let new = json!({ "bank": "TX_EXAMPLE_COLLAB", "api": "fb_threatexchange", "api_json": fields });
    exchanges::make(&app, &caller, NewExchange::of(&new)?).await?;
    Ok(home())
}

/// Banks, and signals of each. *Source:* HMA's `seed_banks_random`.
const SEEDED: (usize, usize) = (2, 5_000);

async fn seed_banks(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let random = app.clone();
    app.writer
        .write(move |batch| {
            for at in 0..SEEDED.0 {
                let name = format!("SEED_BANK_{at}");
                batch
                    .create_bank(&name, BankKind::default(), DEFAULT_RADIUS_BITS, "seed_banks")
                    .map_err(|error| banks::taken(error, "Bank already exists"))?;
                let all = BankChange { enabled_ratio: Some(1.0), ..BankChange::default() };
                batch.change_bank(&name, &all)?;
                for at in 0..SEEDED.1 {
                    let bytes: [u8; 32] = random.random_bytes();
                    let signal = match at % 2 {
                        0 => Signal::from_bytes(SignalType::Pdq, &bytes),
                        _ => bytes.get(..16).and_then(|half| Signal::from_bytes(SignalType::VideoMd5, half)),
                    };
                    let signals: Vec<Signal> = signal.into_iter().collect();
                    batch.add_content(&name, &NewContent { signals: &signals, ..NewContent::default() })?;
                }
            }
            audit::note(batch, &caller, "dev.seed_banks", &json!({ "banks": SEEDED.0, "signals": SEEDED.1 }))
        })
        .await?;
    Ok(home())
}

async fn run_fetch(State(app): State<App>) -> Result<Response, ApiError> {
    let run = tokio::task::spawn_blocking(move || fetch_loop::run(&app)).await;
    run.map_err(|_| ApiError::unavailable("the fetch failed"))?;
    Ok(home())
}

async fn factory_reset(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, ApiError> {
    let now_us = app.clock.now_us();
    let settings: Vec<String> = app.types.all().iter().map(|(kind, _)| types::setting(*kind)).collect();
    let actions = app.actions.clone();
    app.writer
        .alone(move |owned| {
            owned.store.batch(now_us, |batch| {
                batch.reset()?;
                for setting in &settings {
                    batch.set_setting(setting, None)?;
                }
                audit::note(batch, &caller, "dev.factory_reset", &json!({}))
            })?;
            Ok(actions.after_reset(&owned.store)?)
        })
        .await?;
    app.load_types().await?;
    Ok(home())
}
