//! The frame of every page: head, navigation, what went wrong.

use axum::http::StatusCode;
use axum::response::Response;
pub(super) use lodestone_engine::report::text::{Attr, Text, count};

use crate::App;
use crate::error::ApiError;
use crate::http::reply::typed;
use crate::ui::Visit;

/// Which part of the navigation a page belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// How things stand.
    Home,
    /// Banks.
    Banks,
    /// Look-ups.
    Match,
    /// Exchanges.
    Exchanges,
    /// Routes.
    Documentation,
    /// None of them.
    Other,
}

/// The navigation: where, name.
const TABS: [(Tab, &str, &str); 5] = [
    (Tab::Home, "/ui/", "Home"),
    (Tab::Banks, "/ui/banks", "Banks"),
    (Tab::Match, "/ui/match", "Match"),
    (Tab::Exchanges, "/ui/exchanges", "Exchanges"),
    (Tab::Documentation, "/ui/documentation", "Documentation"),
];

/// A page before it is framed.
#[derive(Debug)]
pub(crate) struct Page {
    /// Where it belongs.
    pub(crate) tab: Tab,
    /// Its heading, as text.
    pub(crate) title: String,
    /// What stands under the heading, as HTML; may be empty.
    pub(crate) sub: String,
    /// The rest, as HTML.
    pub(crate) body: String,
}

/// A page, or why there is none, as an answer.
pub(super) fn shown(app: &App, visit: &Visit, tab: Tab, made: Result<Page, ApiError>) -> Response {
    let (status, page) = match made {
        Ok(page) => (StatusCode::OK, page),
        Err(error) => (error.status(), failed(tab, &error)),
    };
    typed(status, "text/html; charset=utf-8", frame(&page, visit, app.config.open))
}

fn failed(tab: Tab, error: &ApiError) -> Page {
    let body = format!(
        "<p class=\"note warn\" role=\"alert\">{}</p>\n<p>Nothing was changed. Go back to the page before, or choose one above.</p>",
        Text(error.message())
    );
    let title = match error.status() {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::FORBIDDEN => "Not allowed",
        _ => "That did not work",
    };
    Page { tab, title: title.to_owned(), sub: String::new(), body }
}

/// The whole text of a page.
pub(crate) fn frame(page: &Page, visit: &Visit, open: bool) -> String {
    let mut tabs = String::new();
    for (tab, place, name) in TABS {
        let here = if tab == page.tab { " aria-current=\"page\"" } else { "" };
        tabs.push_str(&format!("<a href=\"{place}\"{here}>{name}</a>"));
    }
    let who = match &visit.key_id {
        _ if open => "<span class=\"who\">Open: no keys are asked for</span>".to_owned(),
        Some(id) => format!(
            "<form class=\"who\" method=\"post\" action=\"/ui/logout\">{}<span>Key <code>{}</code></span>\
             <button>Sign out</button></form>",
            token(visit),
            Text(id)
        ),
        None => "<span class=\"who\"></span>".to_owned(),
    };
    let sub = if page.sub.is_empty() { String::new() } else { format!("<p class=\"sub\">{}</p>", page.sub) };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>{title} · Lodestone</title>\n<link rel=\"icon\" href=\"/ui/assets/icon.svg\">\n\
         <link rel=\"stylesheet\" href=\"/ui/assets/page.css\">\n<script src=\"/ui/assets/page.js\" defer></script>\n\
         </head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the page</a>\n\
         <header class=\"bar\"><a class=\"brand\" href=\"/ui/\">Lodestone</a>\
         <nav aria-label=\"Pages\">{tabs}</nav>{who}</header>\n\
         <main id=\"main\">\n<div class=\"mast\"><h1>{title}</h1>{sub}</div>\n{body}\n</main>\n\
         <footer><p>Lodestone {version}. Matches say that something is like what a list holds; people decide what it \
         is. No picture is shown or kept here.</p></footer>\n</body>\n</html>\n",
        title = Text(&page.title),
        body = page.body,
        version = env!("CARGO_PKG_VERSION"),
    )
}

/// The field that every form carries.
pub(super) fn token(visit: &Visit) -> String {
    format!("<input type=\"hidden\" name=\"token\" value=\"{}\">", Attr(&visit.token))
}

/// Options of a choice: value and words, one of them chosen.
pub(super) fn options<'t>(all: impl Iterator<Item = (&'t str, &'t str)>, chosen: &str) -> String {
    all.map(|(value, words)| {
        let here = if value == chosen { " selected" } else { "" };
        format!("<option value=\"{}\"{here}>{}</option>", Attr(value), Text(words))
    })
    .collect()
}

/// A time, in UTC, to the minute; `never` for none.
pub(super) fn time(seconds: Option<i64>) -> String {
    let Some(seconds) = seconds else { return "never".to_owned() };
    let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", rest / 3600, rest % 3600 / 60)
}

/// The date of a day since 1970. *Source:* Howard Hinnant, `chrono`-compatible low-level date algorithms, `civil_from_days`.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(719_468);
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit() -> Visit {
        Visit { key_id: Some("3f9a0c1e7b2d".into()), token: "abc".to_owned(), from_browser: true }
    }

    #[test]
    fn a_page_has_no_script_or_style_of_its_own_and_loads_nothing_from_elsewhere() {
        let page = Page { tab: Tab::Home, title: "T".into(), sub: String::new(), body: String::new() };
        let text = frame(&page, &visit(), false);
        for bad in ["<style", " style=", "<script>", " onclick", "http:", "https:", "<img"] {
            assert!(!text.contains(bad), "{bad}");
        }
        assert!(text.contains("aria-current=\"page\">Home"));
        assert!(text.contains("name=\"token\" value=\"abc\""), "signing out is a form too");
    }

    #[test]
    fn titles_and_messages_are_escaped() {
        let error = ApiError::missing("bank '<script>alert(1)</script>\u{202e}' not found");
        let text = frame(&failed(Tab::Banks, &error), &visit(), false);
        assert!(text.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && text.contains("U+202E"), "{text}");
        let page =
            Page { tab: Tab::Home, title: "</title><b>".into(), sub: String::new(), body: String::new() };
        assert!(!frame(&page, &visit(), true).contains("<b>"));
        assert_eq!(
            options([("\"><i>", "<i>")].into_iter(), ""),
            "<option value=\"&quot;&gt;&lt;i&gt;\">&lt;i&gt;</option>"
        );
    }

    #[test]
    fn times_are_told_in_utc() {
        assert_eq!(time(Some(0)), "1970-01-01 00:00 UTC");
        assert_eq!(time(Some(1_709_210_096)), "2024-02-29 12:34 UTC");
        assert_eq!(time(Some(-1)), "1969-12-31 23:59 UTC");
        assert_eq!(time(Some(4_102_444_800)), "2100-01-01 00:00 UTC");
        assert_eq!(time(None), "never");
        // Whatever stands in a list is told, not computed beyond its bounds.
        time(Some(i64::MAX));
        time(Some(i64::MIN));
    }
}
