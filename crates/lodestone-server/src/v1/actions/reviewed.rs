//! `/v1/reviews`, `/v1/labels`: what people decide, and words on events.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{LIMIT, field, id, json as read_json, kept_json, limit, number, ok, one_of, query};
use crate::App;
use crate::actions::HELD;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::params::Params;
use crate::route::{About, For, Routes};

const MISSING: &str = "there is no such review";
/// Longest word or note, in characters.
const WORDS: usize = 2000;

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/v1/reviews",
            allowed,
            About {
                summary: "What waits for a person, oldest first; the page after begins at `next`. Matches of parts of pictures that \
                          nothing confirms stand in the queue `derived`, with relation and transform, where no rule asks for them",
                takes: const {
                    &[
                        query("state", "string", "`open` or `all`; open without it"),
                        query("queue", "string", "Only of this queue"),
                        query("after", "integer", "Only those after this number"),
                        LIMIT,
                    ]
                },
                answers: &[(200, "A page"), (400, "A parameter cannot be used")],
            },
            list,
        )
        .post(
            "/v1/reviews/{no}",
            allowed,
            About {
                summary: "Notes what a person decided",
                takes: const {
                    &[
                        field("decision", "string", true, "In your own words, such as `confirmed`"),
                        field("note", "string", false, "Why"),
                    ]
                },
                answers: &[
                    (200, "Noted"),
                    (400, "What does not fit"),
                    (404, MISSING),
                    (409, "It is decided already"),
                ],
            },
            decide,
        )
        .get(
            "/v1/labels/{event}",
            allowed,
            About { summary: "The labels of a match", takes: &[], answers: &[(200, "The labels")] },
            labels,
        )
        .post(
            "/v1/labels/{event}",
            allowed,
            About {
                summary: "Puts a label on a match",
                takes: const { &[field("label", "string", true, "The label")] },
                answers: &[(200, "The labels"), (400, "What does not fit"), (404, "No such match")],
            },
            add,
        )
        .delete(
            "/v1/labels/{event}",
            allowed,
            About {
                summary: "Takes a label off a match",
                takes: const { &[query("label", "string", "The label")] },
                answers: &[(200, "The labels"), (400, "No label is named")],
            },
            remove,
        )
}

async fn list(State(app): State<App>, params: Params) -> Result<Response, ApiError> {
    let only_open = one_of(&params, "state", &["open", "all"])? == "open";
    let (after, limit) = (number(&params, "after", 0)?, limit(&params)?);
    let queue = params.filled("queue").map(str::to_owned);
    let read = app.readers.read(move |store| Ok(store.reviews(only_open, queue.as_deref(), after, limit)?));
    let rows = read.await?;
    let next = (rows.len() == limit).then(|| rows.last().map(|row| row.no)).flatten();
    let reviews: Vec<Value> = rows
        .iter()
        .map(|row| {
            json!({ "no": row.no, "event": row.event, "rule": row.rule.max(0), "is": kept_json(&row.body),
                    "created_us": row.created_us, "decided_us": row.decided_us,
                    "decision": row.decision.as_deref().map(kept_json) })
        })
        .collect();
    Ok(ok(&json!({ "reviews": reviews, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Decision {
    decision: String,
    #[serde(default)]
    note: Option<String>,
}

async fn decide(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(text): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let no = id(&text, MISSING)?;
    let decision: Decision = read_json(&app, &headers, body).await?;
    let is_short = |text: &str| text.chars().count() <= WORDS;
    if decision.decision.trim().is_empty()
        || !is_short(&decision.decision)
        || decision.note.as_deref().is_some_and(|note| !is_short(note))
    {
        return Err(ApiError::bad(format!(
            "decision has to be 1 to {WORDS} characters, note at most as many"
        )));
    }
    let review = app.readers.read(move |store| Ok(store.review(no)?)).await?;
    let review = review.ok_or_else(|| ApiError::missing(MISSING))?;
    app.writer
        .write(move |batch| {
            let said = json!({ "decision": decision.decision, "note": decision.note, "by": &*caller.key });
            if !batch.decide_review(no, &said.to_string())? {
                let conflict = axum::http::StatusCode::CONFLICT;
                return Err(ApiError::new(conflict, "this review is decided already"));
            }
            let object = json!({ "review": no, "event": review.event, "rule": review.rule,
                                 "decision": said["decision"], "note": said["note"] });
            audit::note(batch, &caller, "review.decide", &object)
        })
        .await?;
    Ok(ok(&json!({ "message": "Done" })))
}

async fn told(app: &App, event: String) -> Result<Response, ApiError> {
    let labels = app.readers.read(move |store| Ok(store.labels_of(&event)?)).await?;
    Ok(ok(&json!({ "labels": labels })))
}

async fn labels(State(app): State<App>, Path(event): Path<String>) -> Result<Response, ApiError> {
    told(&app, event).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    label: String,
}

async fn add(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(event): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let Label { label } = read_json(&app, &headers, body).await?;
    check(&label)?;
    let known = event.clone();
    if app.readers.read(move |store| Ok(store.match_event(&known)?)).await?.is_none() {
        return Err(ApiError::missing("there is no such match"));
    }
    let labelled = event.clone();
    app.writer
        .write(move |batch| {
            if batch.add_label(&labelled, &label)? {
                audit::note(batch, &caller, "label.add", &json!({ "event": labelled, "label": label }))?;
            }
            Ok(())
        })
        .await?;
    told(&app, event).await
}

async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(event): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let label = params.filled("label").ok_or_else(|| ApiError::bad("label is missing"))?.to_owned();
    check(&label)?;
    let labelled = event.clone();
    app.writer
        .write(move |batch| {
            if batch.remove_label(&labelled, &label)? {
                audit::note(batch, &caller, "label.remove", &json!({ "event": labelled, "label": label }))?;
            }
            Ok(())
        })
        .await?;
    told(&app, event).await
}

/// Labels of holds are the server's: one taken off by hand would lose what is held.
fn check(label: &str) -> Result<(), ApiError> {
    let plain =
        !label.trim().is_empty() && !label.chars().any(char::is_control) && label.chars().count() <= 100;
    match plain && !label.starts_with(HELD) {
        true => Ok(()),
        false => {
            Err(ApiError::bad(format!("a label is 1 to 100 characters and does not begin with {HELD:?}")))
        }
    }
}
