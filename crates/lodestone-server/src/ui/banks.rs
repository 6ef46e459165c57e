//! `/ui/banks`: all banks, and a form for another.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use lodestone_store::StoredBank;
use lodestone_types::bank::DEFAULT_RADIUS_BITS;
use lodestone_types::{BankKind, SignalType};
use serde_json::json;

use crate::App;
use crate::audit;
use crate::auth::Role;
use crate::error::ApiError;
use crate::hma::banks::{check_name, check_ratio, taken};
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::page::{Page, Tab, Text, count, options, shown, token};
use crate::ui::sent::Sent;
use crate::ui::{Visit, segment};

const fn field(name: &'static str, kind: &'static str, required: bool, about: &'static str) -> Takes {
    Takes { name, place: Place::Form, kind, required, about }
}

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .get(
            "/ui/banks",
            allowed,
            About { summary: "Page: all banks", takes: &[], answers: &[(200, "The page")] },
            list,
        )
        .post(
            "/ui/banks",
            allowed,
            About {
                summary: "Makes a bank (form of the page)",
                takes: const {
                    &[
                        field("name", "string", true, "UPPER_WITH_UNDERSCORE"),
                        field("kind", "string", false, "What its members are"),
                        field("radius_bits", "integer", false, "PDQ distance up to which it matches"),
                        field("enabled_ratio", "number", false, "Share of look-ups it takes part in, 0 to 1"),
                    ]
                },
                answers: &[(303, "To its page"), (400, "A field"), (403, "It exists, or no token")],
            },
            create,
        )
}

/// What each kind means, in a few words.
pub(super) fn kind_words(kind: BankKind) -> &'static str {
    match kind {
        BankKind::KnownReal => "known, of real events",
        BankKind::KnownGenerated => "known, generated",
        BankKind::KnownEdited => "known, edited",
        BankKind::RelatedNotIllegal => "related to a case, not illegal",
        BankKind::Own => "our own content",
        BankKind::Negative => "confirmed false alarms",
        BankKind::KnownGood => "known good files",
    }
}

struct Row {
    stored: StoredBank,
    signals: BTreeMap<SignalType, u64>,
}

async fn list(State(app): State<App>, Extension(visit): Extension<Visit>) -> Response {
    let read = app.readers.read(|store| {
        let mut rows = Vec::new();
        for stored in store.stored_banks()? {
            let signals = store.signal_counts(&stored.bank.name)?;
            rows.push(Row { stored, signals });
        }
        Ok(rows)
    });
    let made = read.await.map(|rows| Page {
        tab: Tab::Banks,
        title: "Banks".to_owned(),
        sub: format!(
            "<span>{}</span>",
            lodestone_engine::report::text::plural(rows.len() as u64, "bank", "banks")
        ),
        body: format!("{}{}", table(&rows), create_form(&visit)),
    });
    shown(&app, &visit, Tab::Banks, made)
}

fn table(rows: &[Row]) -> String {
    if rows.is_empty() {
        return "<section><p class=\"empty\">There is no bank yet. Make one below, or have one filled by an \
                <a href=\"/ui/exchanges\">exchange</a>.</p></section>"
            .to_owned();
    }
    let rows: String = rows
        .iter()
        .map(|row| {
            let bank = &row.stored.bank;
            let signals: Vec<_> = row
                .signals
                .iter()
                .map(|(kind, number)| format!("{} <i>{}</i>", kind.as_str(), count(*number)))
                .collect();
            format!(
                "<tr><td><a href=\"/ui/banks/{}\">{}</a></td><td>{}</td><td class=\"n\">{}</td><td>{}</td>\
                 <td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
                segment(&bank.name),
                Text(&bank.name),
                kind_words(bank.kind),
                count(bank.version.entries),
                signals.join(", "),
                bank.radius_bits,
                ratio(row.stored.enabled_ratio),
                support(&row.stored),
            )
        })
        .collect();
    format!(
        "<section><div class=\"wide\"><table><thead><tr><th>Bank</th><th>Kind</th><th class=\"n\">Contents</th><th>Signals</th>\
         <th class=\"n\">Radius</th><th class=\"n\">Share</th><th>Asks for</th></tr></thead><tbody>{rows}</tbody></table></div></section>"
    )
}

/// A share of look-ups in words.
pub(super) fn ratio(ratio: f64) -> String {
    if ratio >= 1.0 {
        return "all".to_owned();
    }
    if ratio <= 0.0 {
        return "<span class=\"off\">off</span>".to_owned();
    }
    format!("{} %", crate::hma_json::float_text((ratio * 10_000.0).round() / 100.0).trim_end_matches(".0"))
}

/// What a bank asks of members before its matches stand, in words.
pub(super) fn support(stored: &StoredBank) -> String {
    let members = match stored.members_needed {
        0 => None,
        1 => Some("1 member".to_owned()),
        more => Some(format!("{more} members")),
    };
    let confirmed = match stored.confirmations_needed {
        0 => None,
        1 => Some("1 confirmation".to_owned()),
        more => Some(format!("{more} confirmations")),
    };
    match (members, confirmed) {
        (None, None) => "nothing".to_owned(),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(members), Some(confirmed)) => format!("{members} or {confirmed}"),
    }
}

/// A number of members as a form gives it.
///
/// # Errors
/// 400.
pub(super) fn needed(text: Option<&str>) -> Result<Option<u32>, ApiError> {
    let number = |text: &str| text.parse().ok().filter(|number| *number <= MOST_NEEDED);
    let bad = || ApiError::bad(format!("What is asked of members is a whole number from 0 to {MOST_NEEDED}"));
    text.map(|text| number(text).ok_or_else(bad)).transpose()
}

/// More members than an exchange has.
const MOST_NEEDED: u32 = 1000;

fn create_form(visit: &Visit) -> String {
    let kinds = options(BankKind::ALL.iter().map(|kind| (kind.as_str(), kind_words(*kind))), "known-real");
    format!(
        "<section><h2>Another bank</h2><form class=\"panel\" method=\"post\" action=\"/ui/banks\">{}\
         <div class=\"row\"><label for=\"name\">Name</label><input id=\"name\" name=\"name\" required maxlength=\"255\" \
         pattern=\"[A-Z_][A-Z0-9_]*\" title=\"Capitals, digits, underscores; no digit first\" autocomplete=\"off\" \
         spellcheck=\"false\" placeholder=\"UPPER_WITH_UNDERSCORE\"></div>\
         <div class=\"row\"><label for=\"kind\">Members are</label><select id=\"kind\" name=\"kind\">{kinds}</select></div>\
         <div class=\"row\"><label for=\"radius\">Radius</label><input id=\"radius\" name=\"radius_bits\" type=\"number\" \
         min=\"0\" max=\"64\" value=\"{DEFAULT_RADIUS_BITS}\"><small>bits of 256 by which PDQ may differ</small></div>\
         <div class=\"row\"><label for=\"ratio\">Share</label><input id=\"ratio\" name=\"enabled_ratio\" type=\"number\" \
         min=\"0\" max=\"1\" step=\"any\" value=\"1\"><small>of look-ups it takes part in, 0 to 1</small></div>\
         <div class=\"row end\"><button class=\"main\">Make the bank</button></div></form></section>",
        token(visit)
    )
}

async fn create(mut sent: Sent) -> Response {
    let made = make(&mut sent).await;
    sent.done(Tab::Banks, made.map(|name| format!("/ui/banks/{}?did=made", segment(&name))))
}

async fn make(sent: &mut Sent) -> Result<String, ApiError> {
    let posted = sent.form().await?;
    let text = |name: &str| posted.form.get(name).map(str::trim).filter(|text| !text.is_empty());
    let name = text("name").unwrap_or_default().to_owned();
    check_name(&name)?;
    let kind: BankKind = text("kind").map_or(Ok(BankKind::default()), str::parse).map_err(ApiError::bad)?;
    let radius_bits = radius(text("radius_bits"))?;
    let share = share(text("enabled_ratio"))?;
    let caller = sent.caller.clone();
    sent.app
        .writer
        .write(move |batch| {
            batch
                .create_bank(&name, kind, radius_bits, "pages")
                .map_err(|error| taken(error, "Bank already exists"))?;
            let change = lodestone_store::BankChange { enabled_ratio: Some(share), ..Default::default() };
            batch.change_bank(&name, &change)?;
            let told =
                json!({ "bank": name, "kind": kind, "radius_bits": radius_bits, "enabled_ratio": share });
            audit::note(batch, &caller, "bank.create", &told)?;
            Ok(name)
        })
        .await
}

/// A radius as a form gives it.
///
/// # Errors
/// 400.
pub(super) fn radius(text: Option<&str>) -> Result<u32, ApiError> {
    let Some(text) = text else { return Ok(DEFAULT_RADIUS_BITS) };
    let radius = text.parse().ok().filter(|radius| *radius <= 64);
    radius.ok_or_else(|| ApiError::bad("The radius is a whole number from 0 to 64"))
}

/// A share as a form gives it.
///
/// # Errors
/// 400.
pub(super) fn share(text: Option<&str>) -> Result<f64, ApiError> {
    let share = text.map_or(Ok(1.0), str::parse);
    check_ratio(share.map_err(|_| ApiError::bad("The share is a number from 0 to 1"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lodestone_types::Bank;

    #[test]
    fn shares_are_told_in_words() {
        assert_eq!((ratio(1.0).as_str(), ratio(0.25).as_str()), ("all", "25 %"));
        assert_eq!((ratio(0.001).as_str(), ratio(0.12345).as_str()), ("0.1 %", "12.35 %"));
        assert!(ratio(0.0).contains("off"));
    }

    #[test]
    fn numbers_of_forms_are_checked() {
        assert_eq!(
            (radius(None).unwrap(), radius(Some("0")).unwrap(), radius(Some("64")).unwrap()),
            (31, 0, 64)
        );
        assert!(radius(Some("65")).is_err() && radius(Some("-1")).is_err() && radius(Some("x")).is_err());
        assert_eq!(share(Some("0.5")).unwrap().to_bits(), 0.5f64.to_bits());
        for bad in ["nan", "inf", "1.1", "-0.1", "x"] {
            assert!(share(Some(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_asked_of_members_is_told_in_words() {
        let of = |members_needed, confirmations_needed| {
            let stored = StoredBank {
                number: 1,
                bank: sample(),
                enabled_ratio: 1.0,
                layers: 1,
                members_needed,
                confirmations_needed,
                created_us: 0,
            };
            support(&stored)
        };
        assert_eq!((of(0, 0).as_str(), of(1, 0).as_str()), ("nothing", "1 member"));
        assert_eq!((of(2, 0).as_str(), of(0, 1).as_str()), ("2 members", "1 confirmation"));
        assert_eq!(of(3, 2), "3 members or 2 confirmations");
        assert_eq!(needed(Some("7")).unwrap(), Some(7));
        assert!(
            needed(None).unwrap().is_none() && needed(Some("-1")).is_err() && needed(Some("1001")).is_err()
        );
    }

    #[test]
    fn hostile_names_of_banks_stay_text() {
        let bank = Bank { name: "<img src=x onerror=alert(1)>\"'".into(), ..sample() };
        let row = Row {
            stored: StoredBank {
                number: 1,
                bank,
                enabled_ratio: 1.0,
                layers: 1,
                members_needed: 0,
                confirmations_needed: 0,
                created_us: 0,
            },
            signals: BTreeMap::from([(SignalType::Pdq, 1234)]),
        };
        let html = table(&[row]);
        assert!(!html.contains("<img") && html.contains("&lt;img src=x"), "{html}");
        assert!(
            html.contains("href=\"/ui/banks/%3Cimg%20src%3Dx%20onerror%3Dalert%281%29%3E%22%27\""),
            "{html}"
        );
    }

    fn sample() -> Bank {
        Bank {
            name: "A".into(),
            kind: BankKind::KnownReal,
            radius_bits: 31,
            photodna_max_distance: None,
            source: "api".into(),
            version: lodestone_types::ListVersion::default(),
        }
    }
}
