//! `/v1/banks/B/content/ID/opinions`: who confirms or disputes a content. What is disputed by more than confirm it still
//! matches, and says so.

use std::collections::BTreeSet;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use lodestone_exchange::opinion::{MemberOpinion, Stance};
use lodestone_store::{Batch, Content, Opinion, StoredOpinion};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::exchanging::{self, Ballot, queue_vote, votes};
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
                answers: &[(200, "opinions of people, what members of its exchange say, and how many of each"), MISSING],
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

/// The opinions of people here, and what members of the content's exchange say, where one fills its bank; counted as
/// look-ups count them.
struct Voices {
    here: Vec<StoredOpinion>,
    members: Vec<MemberOpinion>,
}

impl Voices {
    /// Of a content, whose bank an exchange of this interface fills, if one does.
    fn of(content: &Content, here: Vec<StoredOpinion>, api: Option<&str>) -> Self {
        let is_listed = api.is_some_and(|api| content.source == exchanging::source(api));
        let extra = content.entry.row.extra.as_ref().filter(|_| is_listed);
        Self { here, members: extra.map(MemberOpinion::kept).unwrap_or_default() }
    }

    fn count(&self) -> (usize, usize) {
        let here = |wanted| self.here.iter().filter(|one| one.opinion == wanted).count();
        let members = |wanted| {
            // What we sent, come back, is our own word once more.
            let heard = self.members.iter().filter(|one| one.stance == wanted);
            let heard = heard.filter(|one| !one.is_own || self.here.is_empty());
            heard.map(|one| one.member.as_str()).collect::<BTreeSet<_>>()
        };
        let (confirm, dispute) = (members(Stance::Confirms), members(Stance::Disputes));
        (
            here(Opinion::Confirm) + confirm.difference(&dispute).count(),
            here(Opinion::Dispute) + dispute.len(),
        )
    }
}

fn told(voices: &Voices) -> Value {
    let opinions = &voices.here;
    let (confirm, dispute) = voices.count();
    let members: Vec<Value> = voices.members.iter().map(MemberOpinion::to_value).collect();
    let list: Vec<Value> = opinions
        .iter()
        .map(|one| {
            json!({ "who": one.who, "opinion": one.opinion.as_str(), "note": one.note, "at_us": one.at_us })
        })
        .collect();
    json!({ "confirm": confirm, "dispute": dispute, "opinions": list, "members": members })
}

async fn list(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = content_id(&id)?;
    let voices = app
        .readers
        .read(move |store| {
            let content = store.content(&name, id)?.ok_or_else(|| no_content(id))?;
            let api = store.exchanges()?.into_iter().find(|one| one.bank == name).map(|one| one.api);
            Ok(Voices::of(&content, store.opinions_of(content.entry.entry_no)?, api.as_deref()))
        })
        .await?;
    Ok(ok(told(&voices)))
}

/// What is said of a content, after a change of it.
fn voices(batch: &Batch<'_>, bank: &str, content: &Content) -> Result<Voices, ApiError> {
    let api = batch.exchange_of_bank(bank)?.map(|one| one.api);
    Ok(Voices::of(content, batch.opinions_of(content.entry.entry_no)?, api.as_deref()))
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
    let voices = app
        .writer
        .write(move |batch| {
            let content = batch.content(&name, id)?.ok_or_else(|| no_content(id))?;
            batch.set_opinion(content.entry.entry_no, &caller.key, opinion, given.note.as_deref())?;
            let object = json!({ "bank": name, "bank_content_id": id, "opinion": opinion.as_str() });
            audit::note(batch, &caller, "opinion.set", &object)?;
            // What the exchange is to be told of it is kept with it.
            if let Some(exchange) = votes::voter(batch, &name, &content.source)? {
                let ballot = Ballot::of_opinion(&exchange, opinion);
                queue_vote(batch, &exchange, &content.entry, &caller.key, &ballot)?;
            }
            voices(batch, &name, &content)
        })
        .await?;
    app.actions.vote();
    Ok(ok(told(&voices)))
}

async fn withdraw(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = content_id(&id)?;
    let voices = app
        .writer
        .write(move |batch| {
            let content = batch.content(&name, id)?.ok_or_else(|| no_content(id))?;
            let no = content.entry.entry_no;
            if batch.withdraw_opinion(no, &caller.key)? {
                // What was not sent yet is not sent. There is no way to take back what was.
                if let Some(exchange) = votes::voter(batch, &name, &content.source)?
                    && batch.drop_votes(&exchange.name, no, &caller.key)? > 0
                    && let Some(last) = batch.opinions_of(no)?.into_iter().max_by_key(|one| one.at_us)
                {
                    // It had taken the place of somebody else's.
                    let ballot = Ballot::of_opinion(&exchange, last.opinion);
                    queue_vote(batch, &exchange, &content.entry, &last.who, &ballot)?;
                }
                let object = json!({ "bank": name, "bank_content_id": id });
                audit::note(batch, &caller, "opinion.withdraw", &object)?;
            }
            voices(batch, &name, &content)
        })
        .await?;
    Ok(ok(told(&voices)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opinions_are_told_with_their_counts() {
        let one = |who: &str, opinion| StoredOpinion { who: who.into(), opinion, note: None, at_us: 5 };
        let here = vec![one("a", Opinion::Dispute), one("b", Opinion::Confirm), one("c", Opinion::Dispute)];
        let members = vec![
            MemberOpinion::new("1", Stance::Lists),
            MemberOpinion::new("2", Stance::Confirms),
            MemberOpinion::new("2", Stance::Confirms),
            MemberOpinion { is_own: true, ..MemberOpinion::new("9", Stance::Confirms) },
        ];
        let told = told(&Voices { here, members });
        assert_eq!((&told["confirm"], &told["dispute"]), (&json!(2), &json!(2)));
        assert_eq!(told["members"][0], json!({ "member": "1", "stance": "lists" }));
        assert_eq!(
            told["opinions"][0],
            json!({ "who": "a", "opinion": "dispute", "note": null, "at_us": 5 })
        );
    }
}
