//! `/v1/banks/B/content`: content page by page, searched; one content; removed.

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use lodestone_engine::live::LiveState;
use lodestone_store::{Content, Filter};
use lodestone_types::{Signal, SignalType};
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::hma::content::content_id;
use crate::http::params::Params;
use crate::route::{About, For, Routes};
use crate::v1::{limit, ok, query};

/// Contents of a page, unless another number is asked for.
const PAGE: usize = 100;
/// Contents of a page at most.
const MAX_PAGE: usize = 1000;

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/v1/banks/{name}/content",
            allowed,
            About {
                summary: "Content of a bank, by rising id, page by page; only what all filters given hold for",
                takes: const { &[
                    query("after", "integer", "Id after which to go on: `next` of the page before"),
                    query("limit", "integer", "Contents a page, 1 to 1000; 100 by default"),
                    query("signal", "string", "TYPE:VALUE: has exactly this signal"),
                    query("note", "string", "Its note contains this"),
                    query("classification", "string", "Has exactly this classification"),
                    query("tag", "string", "Has exactly this tag"),
                    query("source", "string", "Came with the list of this name"),
                    query("suspended", "boolean", "Is suspended, or is not"),
                ] },
                answers: &[
                    (200, "contents, and in `next` where to go on; a page with fewer, even none, is not the end"),
                    (400, "A parameter cannot be used"),
                    (404, "No such bank"),
                ],
            },
            list,
        )
        .get(
            "/v1/banks/{name}/content/{content_id}",
            allowed,
            About {
                summary: "A content with all that is known of it",
                takes: &[],
                answers: &[(200, "The content"), (404, "No such bank, or it has no such content")],
            },
            show,
        )
        .delete(
            "/v1/banks/{name}/content/{content_id}",
            allowed,
            About {
                summary: "Removes a content",
                takes: &[],
                answers: &[(200, "Done"), (404, "No such bank, or it has no such content")],
            },
            remove,
        )
}

/// A content with all that is known of it.
pub(super) fn told(state: &LiveState, content: &Content) -> Value {
    let row = &content.entry.row;
    let signals: Vec<Value> =
        row.signals.iter().map(|one| json!({ "type": one.kind(), "value": one.to_text() })).collect();
    let said = state.said_of(u64::try_from(content.entry.entry_no).unwrap_or(u64::MAX));
    json!({
        "bank_content_id": content.content_id,
        "entry": row.entry,
        "signals": signals,
        "pdq_quality": row.pdq_quality,
        "classification": row.classification,
        "tags": row.tags,
        "note": content.note,
        "source": content.source,
        "line": row.line,
        "disable_until_ts": content.disable_until_ts,
        "original_media_uri": content.original_media_uri,
        "metadata": content.metadata,
        "extra": row.extra,
        "added_generation": content.entry.added_generation,
        "opinions": { "confirm": said.confirms, "dispute": said.disputes },
    })
}

/// No such content in this bank.
pub(super) fn no_content(id: i64) -> ApiError {
    ApiError::missing(format!("content '{id}' not found"))
}

/// Adds an object's fields to another.
pub(super) fn extend(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

/// `TYPE:VALUE`, of any type.
fn signal(text: &str) -> Result<Signal, ApiError> {
    let (kind, value) = text.split_once(':').ok_or_else(|| ApiError::bad("signal must be TYPE:VALUE"))?;
    let unknown = || ApiError::bad(format!("no signal type '{}'", super::cut(kind)));
    let kind = SignalType::from_wire(kind).ok_or_else(unknown)?;
    Signal::parse(kind, value).map_err(|error| ApiError::bad(format!("signal: {error}")))
}

fn filter(params: &Params) -> Result<Filter, ApiError> {
    let text = |name| params.filled(name).map(str::to_owned);
    let suspended = match params.filled("suspended") {
        None => None,
        Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
        Some(_) => return Err(ApiError::bad("suspended must be true or false")),
    };
    Ok(Filter {
        signal: params.filled("signal").map(signal).transpose()?,
        note_contains: text("note"),
        classification: text("classification"),
        tag: text("tag"),
        source: text("source"),
        suspended,
    })
}

async fn list(
    State(app): State<App>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let limit = limit(params.filled("limit"), PAGE, MAX_PAGE)?;
    let filter = filter(&params)?;
    let after = match params.filled("after") {
        None => 0,
        Some(text) => {
            let id = text.parse::<i64>().ok().filter(|id| *id >= 0);
            id.ok_or_else(|| ApiError::bad("after must be an id"))?
        }
    };
    let state = app.view.now();
    let seen = state.clone();
    let page = app
        .readers
        .read(move |store| {
            let by_signal = only_signal(&filter).and_then(|signal| holders(&seen, &name, signal, after));
            let Some(numbers) = by_signal else { return Ok(store.contents(&name, after, limit, &filter)?) };
            let mut page = lodestone_store::ContentPage::default();
            for no in numbers {
                let content = store.content_by_no(i64::try_from(no).unwrap_or(i64::MAX))?;
                // Equal bytes of an MD5 are found under both of its names.
                let exact = |content: &Content| {
                    filter.signal.as_ref().is_some_and(|signal| content.entry.row.signals.contains(signal))
                };
                page.contents.extend(content.filter(exact));
                if page.contents.len() == limit {
                    page.next = page.contents.last().map(|last| last.content_id);
                    break;
                }
            }
            Ok(page)
        })
        .await?;
    let contents: Vec<Value> = page.contents.iter().map(|content| told(&state, content)).collect();
    Ok(ok(json!({ "generation": state.generation(), "contents": contents, "next": page.next })))
}

/// The signal, where it is all that is searched for, and the index finds such values.
fn only_signal(filter: &Filter) -> Option<&Signal> {
    let signal = filter.signal.as_ref()?;
    let rest = Filter { signal: None, ..filter.clone() };
    (rest == Filter::default() && signal.kind().is_digest()).then_some(signal)
}

/// Entries of a bank with this digest whose ids come after one, by rising number: without reading the bank. `None` where
/// there is no such bank in memory: the store says so.
fn holders(state: &LiveState, name: &str, signal: &Signal, after: i64) -> Option<Vec<u64>> {
    let bank = state.bank(name)?.number;
    let after = u64::try_from(after).unwrap_or(0);
    let mut numbers = state.equal(signal);
    numbers.retain(|no| state.bank_of(*no).is_some_and(|of| of.number == bank));
    numbers.retain(|no| state.content_id(*no).is_some_and(|id| id > after));
    numbers.sort_unstable();
    // An entry that was changed since all was read may be named twice.
    numbers.dedup();
    Some(numbers)
}

async fn show(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = content_id(&id)?;
    let content = app.readers.read(move |store| Ok(store.content(&name, id)?)).await?;
    Ok(ok(told(&app.view.now(), &content.ok_or_else(|| no_content(id))?)))
}

async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path((name, id)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let id = content_id(&id)?;
    app.writer
        .write(move |batch| {
            batch.remove_content(&name, id)?.ok_or_else(|| no_content(id))?;
            audit::note(batch, &caller, "content.remove", &json!({ "bank": name, "bank_content_id": id }))
        })
        .await?;
    Ok(ok(json!({ "deleted": 1 })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_read_from_the_query_string() {
        let sha1 = "ab".repeat(20);
        let params = Params::parse(&format!("signal=sha1:{sha1}&note=x+y&tag=t&suspended=TRUE"));
        let read = filter(&params).unwrap();
        assert_eq!(read.signal.as_ref().unwrap().to_text(), sha1);
        assert_eq!((read.note_contains.as_deref(), read.suspended), (Some("x y"), Some(true)));
        assert!(only_signal(&read).is_none());
        let only = filter(&Params::parse(&format!("signal=sha1:{sha1}"))).unwrap();
        assert!(only_signal(&only).is_some());
        for bad in ["signal=x", "signal=nope:1", "signal=md5:zz", "suspended=maybe"] {
            assert_eq!(filter(&Params::parse(bad)).unwrap_err().status().as_u16(), 400, "{bad}");
        }
    }

    #[test]
    fn a_text_with_colons_is_searched_as_it_is() {
        assert_eq!(signal("url:https://example.org/").unwrap().to_text(), "https://example.org/");
    }
}
