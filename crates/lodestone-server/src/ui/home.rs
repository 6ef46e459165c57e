//! `/ui/`: how things stand.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use lodestone_engine::Enforced;
use lodestone_store::Exchange;

use crate::App;
use crate::error::ApiError;
use crate::media::ContentType;
use crate::route::{About, For, Routes};
use crate::ui::Visit;
use crate::ui::page::{Page, Tab, Text, count, shown, time};

pub(super) fn routes(routes: Routes) -> Routes {
    let about = About {
        summary: "Page: signal types, index, workers, exchanges, what waits",
        takes: &[],
        answers: &[(200, "The page")],
    };
    routes.get("/ui", For::AnyKey, about, home).get("/ui/", For::AnyKey, about, home)
}

async fn home(State(app): State<App>, Extension(visit): Extension<Visit>) -> Response {
    let made = page(&app).await;
    shown(&app, &visit, Tab::Home, made)
}

/// What waits for a person or for another server.
#[derive(Debug, Default)]
struct Waiting {
    reviews: u64,
    pending: u64,
    dead: u64,
    held: usize,
}

/// Held hashes that are counted at most.
const HELD: usize = 1000;

async fn page(app: &App) -> Result<Page, ApiError> {
    let (waiting, exchanges, contents): (_, _, u64) = app
        .readers
        .read(|store| {
            let (pending, dead) = store.outbox_counts()?;
            let held = store.quarantine(true, "", HELD)?.len();
            let waiting = Waiting { reviews: store.open_reviews()?, pending, dead, held };
            let contents = store.stored_banks()?.iter().map(|stored| stored.bank.version.entries).sum();
            Ok((waiting, store.exchanges()?, contents))
        })
        .await?;
    let state = app.view.now();
    let signals: u64 = state.counts().values().sum();
    let counts = app.pool.counts();
    let ready = if app.not_ready().is_empty() {
        "<span class=\"ok\">Ready</span>"
    } else {
        "<span class=\"bad\">Not ready</span>"
    };
    let mut body = format!(
        "<div class=\"figures\"><div class=\"fig lead\"><b>{}</b><span>contents</span><small>{} signals in {} banks</small></div>\
         <div class=\"fig\"><b>{}</b><span>generation</span><small>changed {}</small></div>\
         <div class=\"fig\"><b>{}</b><span>files read</span><small>{} waiting</small></div></div>",
        count(contents),
        count(signals),
        count(state.banks().count() as u64),
        count(state.generation()),
        time(Some(app.built_to_s())),
        count(counts.hashed + counts.examined),
        count(counts.queued),
    );
    body.push_str(&waits(&waiting, app.writer.waiting()));
    body.push_str("<section><h2>Signal types</h2><div class=\"wide\"><table><thead><tr><th>Type</th><th>Of</th><th class=\"n\">Signals</th><th>State</th></tr></thead><tbody>");
    for (kind, ratio) in app.types.all() {
        let of: Vec<_> =
            ContentType::ALL.iter().filter(|content| content.has(kind)).map(|c| c.as_str()).collect();
        let of = if of.is_empty() { "text".to_owned() } else { of.join(", ") };
        let state_of =
            if ratio > 0.0 { "<span class=\"ok\">on</span>" } else { "<span class=\"off\">off</span>" };
        body.push_str(&format!(
            "<tr><td><code>{}</code></td><td>{of}</td><td class=\"n\">{}</td><td>{state_of}</td></tr>",
            kind.as_str(),
            count(state.counts().get(&kind).copied().unwrap_or(0)),
        ));
    }
    body.push_str("</tbody></table></div></section>");
    body.push_str(&workers(app));
    body.push_str(&exchange_table(&exchanges));
    Ok(Page { tab: Tab::Home, title: "How things stand".to_owned(), sub: ready.to_owned(), body })
}

fn waits(waiting: &Waiting, writes: usize) -> String {
    let mut items = String::new();
    let mut item = |number: u64, more: bool, words: &str, bad: bool| {
        let class = match (number, bad) {
            (0, _) => " class=\"zero\"",
            (_, true) => " class=\"alarm\"",
            _ => "",
        };
        let plus = if more { "+" } else { "" };
        items.push_str(&format!("<li{class}><b>{}{plus}</b> {words}</li>", count(number)));
    };
    item(waiting.reviews, false, "reviews open", false);
    item(waiting.held as u64, waiting.held >= HELD, "hashes held for a person", false);
    item(waiting.pending, false, "deliveries on their way", false);
    item(waiting.dead, false, "dead letters", true);
    item(writes as u64, false, "changes being written", false);
    format!("<section><h2>What waits</h2><ul class=\"tally\">{items}</ul></section>")
}

fn workers(app: &App) -> String {
    let counts = app.pool.counts();
    let trouble = app.pool.trouble().map_or_else(String::new, |told| {
        format!("<p class=\"note warn\" role=\"alert\">{}</p>", Text(&told))
    });
    let died = counts.crashes + counts.out_of_memory + counts.timeouts;
    format!(
        "<section><h2>Workers</h2>{trouble}<dl class=\"pairs\"><div><dt>Processes</dt><dd>{} of {} run, {} at work</dd></div>\
         <div><dt>Confined by</dt><dd>{}</dd></div>\
         <div><dt>Ended by a file</dt><dd>{}</dd></div></dl></section>",
        counts.alive,
        counts.workers,
        counts.busy,
        confined(app.enforced.as_ref()),
        match died {
            0 => "never".to_owned(),
            _ => format!(
                "{} ({} crashed, {} out of memory, {} out of time); such files are answered as unreadable",
                count(died),
                counts.crashes,
                counts.out_of_memory,
                counts.timeouts
            ),
        },
    )
}

fn confined(enforced: Option<&Enforced>) -> String {
    match enforced {
        Some(enforced) if enforced.is_complete() => {
            format!("<span class=\"ok\">{}</span>", Text(&enforced.to_string()))
        }
        Some(enforced) => format!(
            "<span class=\"warned\">{}: not all there is. <code>--require-sandbox</code> refuses to start like this</span>",
            Text(&enforced.to_string())
        ),
        None => "<span class=\"warned\">own processes only</span>".to_owned(),
    }
}

/// Exchanges and how far each is.
fn exchange_table(exchanges: &[Exchange]) -> String {
    if exchanges.is_empty() {
        return "<section><h2>Exchanges</h2><p class=\"empty\">None. <a href=\"/ui/exchanges\">Add one</a> to have a bank \
                filled from a list that others keep.</p></section>"
            .to_owned();
    }
    let rows: String = exchanges
        .iter()
        .map(|exchange| {
            let (class, words) = fetched(exchange);
            format!(
                "<tr><td><a href=\"/ui/banks/{}\">{}</a></td><td><code>{}</code></td><td><span class=\"{class}\">{words}</span></td>\
                 <td>{}</td><td class=\"n\">{}</td></tr>",
                super::segment(&exchange.bank),
                Text(&exchange.name),
                Text(&exchange.api),
                time(exchange.fetch.last_fetch_complete_ts),
                count(u64::try_from(exchange.fetch.fetched_items).unwrap_or(0)),
            )
        })
        .collect();
    format!(
        "<section><h2>Exchanges</h2><div class=\"wide\"><table><thead><tr><th>Exchange</th><th>Interface</th><th>State</th>\
         <th>Last fetch</th><th class=\"n\">Items</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
}

/// How an exchange is: a class of the style sheet, and words.
pub(super) fn fetched(exchange: &Exchange) -> (&'static str, &'static str) {
    let fetch = &exchange.fetch;
    match (exchange.enabled, fetch.running_fetch_start_ts, fetch.last_fetch_succeeded, fetch.up_to_date) {
        (false, ..) => ("off", "off"),
        _ if lodestone_exchange::client::matcher::is_known(&exchange.api) => ("ok", "asked by look-ups"),
        (_, _, Some(false), _) => ("bad", "the last fetch failed"),
        (_, Some(_), ..) => ("warned", "being fetched"),
        (_, None, None, _) => ("warned", "not yet fetched"),
        (_, None, Some(true), true) => ("ok", "up to date"),
        (_, None, Some(true), false) => ("warned", "more to come"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lodestone_store::FetchState;

    fn exchange(fetch: FetchState) -> Exchange {
        Exchange {
            name: "<b>NAME".into(),
            bank: "A/../B".into(),
            api: "\"api".into(),
            config: serde_json::Value::Null,
            enabled: true,
            created_us: 0,
            fetch,
        }
    }

    #[test]
    fn the_state_of_an_exchange_is_told_in_words() {
        let of = |fetch| fetched(&exchange(fetch)).1;
        let done = FetchState { last_fetch_succeeded: Some(true), ..FetchState::default() };
        assert_eq!(of(FetchState::default()), "not yet fetched");
        assert_eq!(
            of(FetchState { running_fetch_start_ts: Some(1), ..FetchState::default() }),
            "being fetched"
        );
        assert_eq!(of(done.clone()), "more to come");
        assert_eq!(of(FetchState { up_to_date: true, ..done }), "up to date");
        assert_eq!(
            of(FetchState { last_fetch_succeeded: Some(false), ..FetchState::default() }),
            "the last fetch failed"
        );
        assert_eq!(fetched(&Exchange { enabled: false, ..exchange(FetchState::default()) }).1, "off");
    }

    #[test]
    fn names_of_exchanges_are_escaped_in_text_and_in_links() {
        let table = exchange_table(&[exchange(FetchState::default())]);
        assert!(!table.contains("<b>") && table.contains("&lt;b&gt;NAME"), "{table}");
        assert!(table.contains("/ui/banks/A%2F..%2FB\""), "{table}");
    }

    #[test]
    fn what_waits_is_counted_and_dead_letters_stand_out() {
        let text = waits(&Waiting { reviews: 1, pending: 0, dead: 2, held: HELD }, 0);
        assert!(
            text.contains("<li><b>1</b> reviews") && text.contains("<li class=\"alarm\"><b>2</b> dead"),
            "{text}"
        );
        assert!(
            text.contains("000+</b> hashes") && text.contains("class=\"zero\"><b>0</b> deliveries"),
            "{text}"
        );
    }
}
