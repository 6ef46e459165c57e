//! `/v1/banks/B/content/ID/opinions`: who confirms or disputes a content. What is disputed by more than confirm it still
//! matches, and says so.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use lodestone_store::{Opinion, StoredOpinion};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::fetch_loop::network;
use crate::hma::content::content_id;
use crate::route::{About, For, Routes};
use crate::v1::content::no_content;
use crate::v1::{field, json as json_body, ok};

const PATH: &str = "/v1/banks/{name}/content/{content_id}/opinions";
const MISSING: (u16, &str) = (404, "No such bank, or it has no such content");
/// Characters of a note.
const MAX_NOTE: usize = 255;

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            PATH,
            allowed,
            About {
                summary: "Who confirms and disputes a content",
                takes: &[],
                answers: &[(200, "opinions, and how many of each"), MISSING],
            },
            list,
        )
        .put(
            PATH,
            allowed,
            About {
                summary: "Confirms or disputes a content in the name of this key, instead of what it said before",
                takes: const { &[
                    field("opinion", "string", true, "`confirm` or `dispute`"),
                    field("note", "string", false, "Up to 255 characters"),
                ] },
                answers: &[(200, "All opinions on it"), (400, "A field cannot be used"), MISSING],
            },
            put,
        )
        .delete(
            PATH,
            allowed,
            About {
                summary: "Takes back what this key said of a content",
                takes: &[],
                answers: &[(200, "All opinions on it, also when there was none to take back"), MISSING],
            },
            withdraw,
        )
}

fn told(opinions: &[StoredOpinion]) -> Value {
    let of = |wanted| opinions.iter().filter(|one| one.opinion == wanted).count();
    let list: Vec<Value> = opinions
        .iter()
        .map(|one| {
            json!({ "who": one.who, "opinion": one.opinion.as_str(), "note": one.note, "at_us": one.at_us })
        })
        .collect();
    json!({ "confirm": of(Opinion::Confirm), "dispute": of(Opinion::Dispute), "opinions": list })
}

async fn list(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = content_id(&id)?;
    let opinions = app
        .readers
        .read(move |store| {
            let content = store.content(&name, id)?.ok_or_else(|| no_content(id))?;
            Ok(store.opinions_of(content.entry.entry_no)?)
        })
        .await?;
    Ok(ok(told(&opinions)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    opinion: String,
    #[serde(default)]
    note: Option<String>,
}

async fn put(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let id = content_id(&id)?;
    let given: Given = json_body(&app, &headers, body).await?;
    let opinion: Opinion =
        given.opinion.parse().map_err(|_| ApiError::bad("opinion must be confirm or dispute"))?;
    if given.note.as_ref().is_some_and(|note| note.chars().count() > MAX_NOTE) {
        return Err(ApiError::bad(format!("note must be at most {MAX_NOTE} characters")));
    }
    let bank = name.clone();
    let (no, opinions) = app
        .writer
        .write(move |batch| {
            let no = batch.content(&name, id)?.ok_or_else(|| no_content(id))?.entry.entry_no;
            batch.set_opinion(no, &caller.key, opinion, given.note.as_deref())?;
            let object = json!({ "bank": name, "bank_content_id": id, "opinion": opinion.as_str() });
            audit::note(batch, &caller, "opinion.set", &object)?;
            Ok((no, batch.opinions_of(no)?))
        })
        .await?;
    network::vote(&app, bank, no, opinion);
    Ok(ok(told(&opinions)))
}

async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = content_id(&id)?;
    let opinions = app
        .writer
        .write(move |batch| {
            let no = batch.content(&name, id)?.ok_or_else(|| no_content(id))?.entry.entry_no;
            if batch.withdraw_opinion(no, &caller.key)? {
                let object = json!({ "bank": name, "bank_content_id": id });
                audit::note(batch, &caller, "opinion.withdraw", &object)?;
            }
            Ok(batch.opinions_of(no)?)
        })
        .await?;
    Ok(ok(told(&opinions)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opinions_are_told_with_their_counts() {
        let one = |who: &str, opinion| StoredOpinion { who: who.into(), opinion, note: None, at_us: 5 };
        let told =
            told(&[one("a", Opinion::Dispute), one("b", Opinion::Confirm), one("c", Opinion::Dispute)]);
        assert_eq!((&told["confirm"], &told["dispute"]), (&json!(1), &json!(2)));
        assert_eq!(
            told["opinions"][0],
            json!({ "who": "a", "opinion": "dispute", "note": null, "at_us": 5 })
        );
    }
}
