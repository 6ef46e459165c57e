//! `/v1/matches`: the log of matches.

use axum::extract::{Path, State};
use axum::response::Response;
use lodestone_store::Store;
use serde_json::{Value, json};

use super::{LIMIT, kept_json, limit, number, ok, query};
use crate::App;
use crate::auth::Role;
use crate::error::ApiError;
use crate::events::MatchEvent;
use crate::http::params::Params;
use crate::route::{About, For, Routes};

/// Events looked at for one page at most, where filters let few through.
const LOOKED_AT: usize = 20_000;

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Audit);
    routes
        .get(
            "/v1/matches",
            allowed,
            About {
                summary: "The log of matches, newest first; the page after begins at `next`",
                takes: const { &[
                    query("before", "integer", "Only those before this number in the log: `next` of the page before"),
                    LIMIT,
                    query("bank", "string", "Only with a match in this bank"),
                    query("bank_content_id", "integer", "Only with a match of this content"),
                    query("signal_type", "string", "Only with a match of this type"),
                    query("sender", "string", "Only of this sender"),
                    query("key", "string", "Only of this key"),
                    query("since_us", "integer", "Not older, microseconds since 1970"),
                    query("until_us", "integer", "Older than this"),
                ] },
                answers: &[(200, "A page"), (400, "A parameter cannot be used")],
            },
            list,
        )
        .get(
            "/v1/matches/{event}",
            allowed,
            About {
                summary: "A match, with its labels",
                takes: &[],
                answers: &[(200, "The match"), (404, "No such match, or it is forgotten")],
            },
            show,
        )
}

/// Which events are wanted.
#[derive(Debug, Default)]
struct Filter {
    bank: Option<String>,
    bank_content_id: Option<u64>,
    signal_type: Option<String>,
    sender: Option<String>,
    key: Option<String>,
    since_us: i64,
    until_us: i64,
}

impl Filter {
    fn of(params: &Params) -> Result<Self, ApiError> {
        let text = |name| params.filled(name).map(str::to_owned);
        let content = match params.filled("bank_content_id") {
            None => None,
            Some(text) => {
                Some(text.parse().map_err(|_| ApiError::bad("bank_content_id must be a whole number"))?)
            }
        };
        Ok(Self {
            bank: text("bank"),
            bank_content_id: content,
            signal_type: text("signal_type"),
            sender: text("sender"),
            key: text("key"),
            since_us: number(params, "since_us", i64::MIN)?,
            until_us: number(params, "until_us", i64::MAX)?,
        })
    }

    fn wants(&self, event: &MatchEvent) -> bool {
        let in_match = event.matches.iter().any(|one| {
            self.bank.as_ref().is_none_or(|bank| *bank == one.bank)
                && self.bank_content_id.is_none_or(|id| id == one.bank_content_id)
                && self.signal_type.as_ref().is_none_or(|kind| *kind == one.signal_type)
        });
        in_match
            && self.sender.as_ref().is_none_or(|sender| Some(sender) == event.sender.as_ref())
            && self.key.as_ref().is_none_or(|key| *key == event.key)
            && (self.since_us..self.until_us).contains(&event.at_us)
    }
}

async fn list(State(app): State<App>, params: Params) -> Result<Response, ApiError> {
    let filter = Filter::of(&params)?;
    let (before, limit) = (number(&params, "before", i64::MAX)?, limit(&params)?);
    let (found, next) = app.readers.read(move |store| page(store, &filter, before, limit)).await?;
    Ok(ok(&json!({ "matches": found, "next": next })))
}

/// A page, and where the next begins; `None`: this is the last.
fn page(
    store: &Store,
    filter: &Filter,
    mut before: i64,
    limit: usize,
) -> Result<(Vec<Value>, Option<i64>), ApiError> {
    let mut found = Vec::new();
    let mut looked_at = 0;
    while looked_at < LOOKED_AT {
        let rows = store.match_events_before(before, 500)?;
        if rows.is_empty() {
            return Ok((found, None));
        }
        for row in rows {
            if found.len() == limit {
                return Ok((found, Some(before)));
            }
            before = row.no;
            looked_at += 1;
            if serde_json::from_str(&row.body).is_ok_and(|event| filter.wants(&event)) {
                found.push(told(row.no, &row.body));
            }
        }
    }
    Ok((found, Some(before)))
}

fn told(no: i64, body: &str) -> Value {
    let mut event = kept_json(body);
    if let Some(event) = event.as_object_mut() {
        event.insert("no".to_owned(), json!(no));
    }
    event
}

async fn show(State(app): State<App>, Path(id): Path<String>) -> Result<Response, ApiError> {
    let read = app.readers.read(move |store| Ok((store.match_event(&id)?, store.labels_of(&id)?))).await?;
    let (Some(row), labels) = read else { return Err(ApiError::missing("there is no such match")) };
    let mut event = told(row.no, &row.body);
    event["labels"] = json!(labels);
    Ok(ok(&event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lodestone_store::StoreError;

    #[test]
    fn pages_go_back_in_time_and_filters_hold_of_one_match() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(dir.path()).unwrap();
        let event = |at: i64| {
            let one = |bank: &str, id: i64| {
                json!({ "bank": bank, "bank_kind": "own", "bank_content_id": id, "signal_type": "pdq",
                        "distance": "0", "distance_bits": 0 })
            };
            json!({ "id": format!("e{at}"), "at_us": at, "key": "k", "generation": 1, "signals": {},
                    "matches": [one("A", at), one("B", 0)] })
        };
        let work = |batch: &mut lodestone_store::Batch<'_>| -> Result<(), StoreError> {
            for at in 1..=5 {
                batch.add_match_event(&format!("e{at}"), at, &event(at).to_string())?;
            }
            Ok(())
        };
        store.batch(1, work).unwrap();
        let ids = |text: &str| {
            let params = Params::parse(text);
            let before = number(&params, "before", i64::MAX).unwrap();
            let (found, next) = page(&store, &Filter::of(&params).unwrap(), before, limit(&params).unwrap()).unwrap();
            (found.iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), next)
        };
        let (first, next) = ids("limit=2");
        assert_eq!((first, next), (vec!["e5".to_owned(), "e4".to_owned()], Some(4)));
        assert_eq!(ids("limit=9&before=4"), (["e3", "e2", "e1"].map(str::to_owned).to_vec(), None));
        assert_eq!(ids("bank=A&bank_content_id=3").0, ["e3"]);
        assert!(ids("bank=B&bank_content_id=3").0.is_empty());
        assert_eq!(ids("since_us=2&until_us=4").0, ["e3", "e2"]);
        assert!(ids("sender=s").0.is_empty() && ids("key=k").0.len() == 5);
    }
}
