//! `/ui/banks/B`: one bank, its content page by page, and what matches in it.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use lodestone_engine::derive::Layers;
use lodestone_store::{Content, ContentPage, Filter, StoreError, StoredBank};
use lodestone_types::SignalType;

use crate::App;
use crate::auth::Role;
use crate::error::ApiError;
use crate::http::params::Params;
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::banks::{kind_words, ratio, support};
use crate::ui::given::{self, Given, Matched};
use crate::ui::page::{Attr, Page, Tab, Text, count, options, shown, time, token};
use crate::ui::sent::Sent;
use crate::ui::{Visit, segment};

const fn takes(name: &'static str, place: Place, kind: &'static str, about: &'static str) -> Takes {
    Takes { name, place, kind, required: false, about }
}

/// What [`given::fields`] sends.
pub(super) const GIVEN: [Takes; 5] = [
    takes("file", Place::Form, "file", "A file"),
    takes("content_type", Place::Form, "string", "What it is: `photo` or `video`"),
    takes("url", Place::Form, "string", "Where a file is fetched from"),
    takes("signal_type", Place::Form, "string", "Type of the value"),
    takes("value", Place::Form, "string", "A value"),
];

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/ui/banks/{bank_name}",
            allowed,
            About {
                summary: "Page: one bank with its content",
                takes: const {
                    &[
                        takes("after", Place::Query, "integer", "Content id after which the list goes on"),
                        takes("note", Place::Query, "string", "Only contents whose note holds this"),
                    ]
                },
                answers: &[(200, "The page"), (404, "No such bank")],
            },
            show,
        )
        .post(
            "/ui/banks/{bank_name}/find",
            allowed,
            About {
                summary: "Page: what of a bank matches a file, URL or value",
                takes: &GIVEN,
                answers: &[(200, "The page"), (400, "What was given cannot be used"), (404, "No such bank")],
            },
            find,
        )
}

/// Contents on one page.
const ROWS: usize = 50;

async fn show(
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    Path(name): Path<String>,
    params: Params,
) -> Response {
    let made = page(&app, &visit, name, &params).await;
    shown(&app, &visit, Tab::Banks, made)
}

/// What the person is told was done, by a word of the address.
fn done(word: Option<&str>) -> Option<&'static str> {
    Some(match word? {
        "made" => "The bank is there.",
        "changed" => "The bank was changed.",
        "added" => "The content was added. Look-ups find it from now on.",
        "removed" => "The content was removed. Look-ups no longer find it.",
        "gone" => "There was no such content any more.",
        _ => return None,
    })
}

async fn page(app: &App, visit: &Visit, name: String, params: &Params) -> Result<Page, ApiError> {
    let after = params.filled("after").and_then(|text| text.parse().ok()).unwrap_or(0);
    let note = params.filled("note").map(str::to_owned);
    let filter = Filter { note_contains: note.clone(), ..Filter::default() };
    let wanted = name.clone();
    let (stored, page, signals) = app
        .readers
        .read(move |store| {
            let stored = store.stored_bank(&wanted).map_err(|error| missing(error, &wanted))?;
            let page = store.contents(&wanted, after, ROWS, &filter)?;
            Ok((stored, page, store.signal_counts(&wanted)?))
        })
        .await?;
    let offered: Vec<SignalType> = app.types.enabled();
    let mut body = done(params.get("did"))
        .map_or_else(String::new, |told| format!("<p class=\"note\" role=\"status\">{told}</p>"));
    let signals: Vec<_> =
        signals.iter().map(|(kind, number)| format!("{} <i>{}</i>", kind.as_str(), count(*number))).collect();
    let layers = Layers::from_bits(stored.layers);
    let looked_into = match layers.beyond_whole() {
        false => String::new(),
        true => format!("<span>layers {layers}{}</span>", pictures(app, stored.number)),
    };
    let sub = format!(
        "<span>{}</span><span>{} contents</span><span>{}</span><span>radius {}</span><span>share: {}</span><span>asks for: {}</span>{looked_into}",
        kind_words(stored.bank.kind),
        count(stored.bank.version.entries),
        signals.join(", "),
        stored.bank.radius_bits,
        ratio(stored.enabled_ratio),
        support(&stored),
    );
    let place = segment(&name);
    let keeps_features = layers.has(3) && stored.bank.kind.makes_known();
    body.push_str(&format!(
        "<section class=\"two\"><div><h2>Add content</h2><form class=\"panel\" method=\"post\" \
         enctype=\"multipart/form-data\" action=\"/ui/banks/{place}/add\">{token}{fields}\
         <div class=\"row\"><label for=\"add-note\">Note</label><input id=\"add-note\" name=\"note\" maxlength=\"255\" \
         autocomplete=\"off\"></div><div class=\"row end\"><button class=\"main\">Add</button></div></form>\
         <p class=\"hint\">The file is hashed and let go of. What is kept are its hashes{features} and the note.</p></div>\
         <div><h2>Find and remove</h2><form class=\"panel\" method=\"post\" enctype=\"multipart/form-data\" \
         action=\"/ui/banks/{place}/find\">{token}{find}<div class=\"row end\"><button class=\"main\">Find</button></div>\
         </form></div></section>",
        token = token(visit),
        features = if keeps_features { ", its local features (sealed)" } else { "" },
        fields = given::fields(&offered, "", true),
        // Ids of fields are told apart by the second form's own names.
        find = given::fields(&offered, "", true).replace("id=\"", "id=\"find-").replace("for=\"", "for=\"find-"),
    ));
    body.push_str(&listing(visit, &place, &page, note.as_deref(), after));
    body.push_str(&settings(visit, &place, &stored));
    Ok(Page { tab: Tab::Banks, title: name, sub, body })
}

/// How many pictures of a bank layer 3 looks for, and how many it misses.
fn pictures(app: &App, number: i64) -> String {
    let known = app.pictures.now();
    match known.banks().get(&number.unsigned_abs()) {
        None => String::new(),
        Some(bank) => {
            let missed = bank.not_looked_for();
            let missed = if missed > 0 {
                format!(", {} kept and not looked for", count(missed))
            } else {
                String::new()
            };
            format!(": {} pictures with features{missed}", count(bank.looked_for))
        }
    }
}

/// 404 in HMA's words.
fn missing(error: StoreError, name: &str) -> ApiError {
    match error {
        StoreError::NotFound { .. } => ApiError::missing(format!("bank '{name}' not found")),
        other => other.into(),
    }
}

fn listing(visit: &Visit, place: &str, page: &ContentPage, note: Option<&str>, after: i64) -> String {
    let search = format!(
        "<form class=\"filter\" method=\"get\" action=\"/ui/banks/{place}\"><label for=\"note\">Note holds</label>\
         <input id=\"note\" name=\"note\" type=\"search\" value=\"{}\" autocomplete=\"off\"><button>Search</button></form>",
        Attr(note.unwrap_or_default())
    );
    let rows: String = page.contents.iter().map(|content| row(visit, place, content)).collect();
    let rows = match (rows.is_empty(), after > 0 || note.is_some()) {
        (false, _) => content_table(&rows),
        (true, false) => "<p class=\"empty\">The bank is empty.</p>".to_owned(),
        (true, true) => "<p class=\"empty\">Nothing here.</p>".to_owned(),
    };
    let filter = note.map_or_else(String::new, |note| {
        format!("&amp;note={}", url::form_urlencoded::byte_serialize(note.as_bytes()).collect::<String>())
    });
    let first = if after > 0 {
        format!("<a href=\"/ui/banks/{place}?after=0{filter}\">First page</a>")
    } else {
        String::new()
    };
    let next = page.next.map_or_else(String::new, |next| {
        format!("<a rel=\"next\" href=\"/ui/banks/{place}?after={next}{filter}\">Next page</a>")
    });
    format!("<section><h2>Content</h2>{search}{rows}<p class=\"pages\">{first}{next}</p></section>")
}

fn content_table(rows: &str) -> String {
    format!(
        "<div class=\"wide\"><table class=\"contents\"><thead><tr><th class=\"n\">Id</th><th>Signals</th><th>Note</th><th>Of the list</th><th>State</th>\
         <th><span class=\"hide\">Remove</span></th></tr></thead><tbody>{rows}</tbody></table></div>"
    )
}

fn row(visit: &Visit, place: &str, content: &Content) -> String {
    let signals: String = content
        .entry
        .row
        .signals
        .iter()
        .map(|signal| {
            format!(
                "<div class=\"signal\"><small>{}</small> <code class=\"value\">{}</code></div>",
                signal.kind().as_str(),
                Text(&short(&signal.to_text()))
            )
        })
        .collect();
    let list = [content.entry.row.classification.as_deref(), Some(content.source.as_str())];
    let list: Vec<_> =
        list.into_iter().flatten().chain(content.entry.row.tags.iter().map(String::as_str)).collect();
    let list = short(&list.join(" · "));
    let state = match content.disable_until_ts {
        1 => "<span class=\"ok\">on</span>".to_owned(),
        0 => "<span class=\"off\">off</span>".to_owned(),
        until => format!("<span class=\"warned\">on from {}</span>", time(Some(until))),
    };
    format!(
        "<tr><td class=\"n\">{id}</td><td>{signals}</td><td>{}</td><td>{}</td><td>{state}</td><td>\
         <details class=\"sure\"><summary>Remove…</summary><form method=\"post\" action=\"/ui/banks/{place}/remove\">{}\
         <input type=\"hidden\" name=\"content_id\" value=\"{id}\"><button class=\"danger\">Remove {id}</button></form></details></td></tr>",
        Text(content.note.as_deref().unwrap_or_default()),
        Text(&list),
        token(visit),
        id = content.content_id,
    )
}

/// As much of a text as a table has room for.
fn short(text: &str) -> String {
    const ROOM: usize = 300;
    let mut cut: String = text.chars().take(ROOM).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// What can be chosen of layers, by words.
const LAYERS: [(&str, &str); 4] = [
    ("1", "1: whole pictures"),
    ("1,2", "1,2: also regions of pictures"),
    ("1,3", "1,3: also local features"),
    ("1,2,3", "1,2,3: regions and local features"),
];

/// What can be chosen; what was set elsewhere is among it.
fn layers_offered(now: &str) -> String {
    let other = LAYERS.iter().all(|(layers, _)| *layers != now).then_some((now, now));
    options(LAYERS.into_iter().chain(other), now)
}

fn settings(visit: &Visit, place: &str, stored: &StoredBank) -> String {
    let share = crate::hma_json::float_text(stored.enabled_ratio);
    format!(
        "<section class=\"two\"><div><h2>Settings</h2><form class=\"panel\" method=\"post\" action=\"/ui/banks/{place}/change\">{token}\
         <div class=\"row\"><label for=\"ratio\">Share</label><input id=\"ratio\" name=\"enabled_ratio\" type=\"number\" min=\"0\" \
         max=\"1\" step=\"any\" value=\"{share}\"><small>of look-ups it takes part in, 0 to 1</small></div>\
         <div class=\"row\"><label for=\"radius\">Radius</label><input id=\"radius\" name=\"radius_bits\" type=\"number\" min=\"0\" \
         max=\"64\" value=\"{radius}\"><small>bits of 256 by which PDQ may differ</small></div>\
         <div class=\"row\"><label for=\"layers\">Layers</label><select id=\"layers\" name=\"layers\">{layers}</select>\
         <small>how far files are looked into for its pictures</small></div>\
         <div class=\"row\"><label for=\"members\">Members</label><input id=\"members\" name=\"members_needed\" type=\"number\" \
         min=\"0\" max=\"1000\" value=\"{members}\"><small>that have to list or confirm a value; 0 asks for nothing</small></div>\
         <div class=\"row\"><label for=\"confirmations\">or</label><input id=\"confirmations\" name=\"confirmations_needed\" \
         type=\"number\" min=\"0\" max=\"1000\" value=\"{confirmations}\"><small>confirmations. Matches with less are for a \
         person to look at, and start no other action</small></div>\
         <div class=\"row end\"><button class=\"main\">Change</button></div></form></div>\
         <div><h2>Delete the bank</h2><form class=\"panel\" method=\"post\" action=\"/ui/banks/{place}/delete\">{token}\
         <p class=\"hint\">Its {contents} contents go with it, and the exchange that fills it. Type its name to go on.</p>\
         <div class=\"row\"><label for=\"confirm\">Name</label><input id=\"confirm\" name=\"name\" autocomplete=\"off\" \
         spellcheck=\"false\" required></div>\
         <div class=\"row end\"><button class=\"danger\">Delete</button></div></form></div></section>",
        token = token(visit),
        radius = stored.bank.radius_bits,
        layers = layers_offered(&Layers::from_bits(stored.layers).to_string()),
        members = stored.members_needed,
        confirmations = stored.confirmations_needed,
        contents = count(stored.bank.version.entries),
    )
}

async fn find(Path(name): Path<String>, mut sent: Sent) -> Response {
    let made = found(&mut sent, name).await;
    sent.shown(Tab::Banks, made)
}

async fn found(sent: &mut Sent, name: String) -> Result<Page, ApiError> {
    crate::hma::banks::bank(&sent.app, &name)?;
    let posted = sent.form().await?;
    let (app, visit) = (&sent.app, &sent.visit);
    let given = Given::of(app, &posted.form, "").await?;
    let answer = given.look_up(app, &sent.caller, "review=true", true).await?;
    let ids = ids_of(&answer.matched, &name);
    let wanted: BTreeSet<i64> = ids.iter().map(|(id, _)| *id).collect();
    let bank = name.clone();
    let contents = app
        .readers
        .read(move |store| {
            let found: Result<Vec<Option<Content>>, StoreError> =
                wanted.into_iter().take(ROWS).map(|id| store.content(&bank, id)).collect();
            Ok(found?.into_iter().flatten().collect::<Vec<_>>())
        })
        .await?;
    let place = segment(&name);
    let rows: String = contents.iter().map(|content| row(visit, &place, content)).collect();
    let table = match contents.is_empty() {
        true => "<p class=\"empty\">Nothing in this bank matches.</p>".to_owned(),
        false => content_table(&rows),
    };
    let body = format!(
        "<section><h2>Looked for</h2>{}</section><section><h2>Found <i>{}</i></h2>{table}\
         <p class=\"pages\"><a href=\"/ui/banks/{place}\">Back to the bank</a></p></section>",
        given.table(),
        count(contents.len() as u64),
    );
    Ok(Page { tab: Tab::Banks, title: name, sub: "<span>Find and remove</span>".to_owned(), body })
}

/// Ids and distances of what is in this bank.
fn ids_of(matched: &[Matched], name: &str) -> Vec<(i64, String)> {
    let found = matched
        .iter()
        .flat_map(|(_, found)| found)
        .filter(|found| found.bank.bank.name == name && found.derived.is_none());
    found
        .map(|found| (i64::try_from(found.content_id).unwrap_or(i64::MAX), found.distance.to_hma()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lodestone_store::StoredEntry;
    use lodestone_types::{ListEntry, Signal};

    fn visit() -> Visit {
        Visit { key_id: None, token: "t".into(), from_browser: true }
    }

    fn content() -> Content {
        let row = ListEntry {
            entry: "e".into(),
            signals: vec![Signal::from_bytes(SignalType::Md5, &[0xab; 16]).unwrap()],
            classification: Some("<i>A1</i>".into()),
            tags: vec!["\"><script>".into()],
            ..ListEntry::default()
        };
        Content {
            content_id: 7,
            entry: StoredEntry { entry_no: 1, added_generation: 1, row },
            source: "</td>".into(),
            disable_until_ts: 1,
            note: Some("<script>alert(1)</script>\u{202e}".into()),
            original_media_uri: None,
            metadata: None,
        }
    }

    #[test]
    fn notes_tags_and_classifications_are_escaped() {
        let html = row(&visit(), "A", &content());
        for bad in ["<script>", "<i>A1", "</td></td>", "\u{202e}"] {
            assert!(!html.contains(bad), "{bad}: {html}");
        }
        assert!(
            html.contains("&lt;script&gt;alert(1)&lt;/script&gt;<span class=\"cp\">U+202E</span>"),
            "{html}"
        );
        assert!(html.contains("abababab") && html.contains("value=\"7\""), "{html}");
    }

    #[test]
    fn a_search_is_kept_from_page_to_page_and_escaped() {
        let page = ContentPage { contents: vec![content()], next: Some(7) };
        let html = listing(&visit(), "A", &page, Some("a\"&b c"), 3);
        assert!(html.contains("value=\"a&quot;&amp;b c\""), "{html}");
        assert!(
            html.contains("?after=7&amp;note=a%22%26b+c\"") && html.contains("?after=0&amp;note="),
            "{html}"
        );
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(short("abc"), "abc");
        assert_eq!(short(&"é".repeat(400)).chars().count(), 301);
    }

    #[test]
    fn only_known_words_of_the_address_are_told() {
        assert!(done(Some("added")).is_some());
        assert!(done(Some("<b>")).is_none() && done(None).is_none());
    }
}
