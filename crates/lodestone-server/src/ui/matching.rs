//! `/ui/match`: a file, a URL or a value, and what it matches.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use lodestone_types::bank::DEFAULT_RADIUS_BITS;
use lodestone_types::{Dihedral, SignalType, Standing};

use crate::App;
use crate::auth::Role;
use crate::error::ApiError;
use crate::http::body::Form;
use crate::lookup::Found;
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::bank::GIVEN;
use crate::ui::banks::kind_words;
use crate::ui::given::{self, Given, Matched};
use crate::ui::page::{Attr, Page, Tab, Text, count, shown, token};
use crate::ui::sent::Sent;
use crate::ui::{Visit, compare, segment};

const fn field(name: &'static str, kind: &'static str, about: &'static str) -> Takes {
    Takes { name, place: Place::Form, kind, required: false, about }
}

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Match);
    routes
        .get(
            "/ui/match",
            allowed,
            About { summary: "Page: look something up", takes: &[], answers: &[(200, "The page")] },
            show,
        )
        .post(
            "/ui/match",
            allowed,
            About {
                summary: "Page: what a file, URL or value matches",
                takes: const {
                    &[
                        GIVEN[0],
                        GIVEN[1],
                        GIVEN[2],
                        GIVEN[3],
                        GIVEN[4],
                        field(
                            "radius",
                            "integer",
                            "PDQ distance in bits, 0 to 64, instead of the banks' own",
                        ),
                        field("dihedral", "boolean", "Also turned and mirrored, of files"),
                        field("negative", "boolean", "Also with colours inverted"),
                        field("by_share", "boolean", "Banks take part by their share, as for clients"),
                    ]
                },
                answers: &[(200, "The page"), (400, "What was given cannot be used"), (403, "No token")],
            },
            look_up,
        )
}

async fn show(State(app): State<App>, Extension(visit): Extension<Visit>) -> Response {
    let types = app.types.enabled();
    let body = format!("{}{}", form(&types, &visit, None), compare::form(&types, &visit));
    let page = Page { tab: Tab::Match, title: "Match".to_owned(), sub: String::new(), body };
    shown(&app, &visit, Tab::Match, Ok(page))
}

async fn look_up(mut sent: Sent) -> Response {
    let made = found(&mut sent).await;
    sent.shown(Tab::Match, made)
}

async fn found(sent: &mut Sent) -> Result<Page, ApiError> {
    let posted = sent.form().await?;
    let (app, visit, form_) = (&sent.app, &sent.visit, &posted.form);
    let given = Given::of(app, form_, "").await?;
    let is_on = |name: &str| form_.get(name).is_some();
    let answer = given.look_up(app, &sent.caller, &asked(form_), !is_on("by_share")).await?;
    let given::Answer { matched, generation, missed } = answer;
    let total: usize = matched.iter().map(|(_, found)| found.len()).sum();
    let mut body = format!("<section><h2>Looked up</h2>{}</section>", given.table());
    body.push_str(&format!(
        "<section><h2>Matches <i>{}</i></h2>{}</section>",
        count(total as u64),
        matches(&matched)
    ));
    if !missed.is_empty() {
        let layers: Vec<_> = missed.iter().map(u8::to_string).collect();
        body.push_str(&format!(
            "<p class=\"note warn\">A bank asks for more than could be looked at: of layer {} something is missing here. \
             No match there says nothing.</p>",
            layers.join(", ")
        ));
    }
    body.push_str(&form(&app.types.enabled(), visit, Some(form_)));
    let sub = format!("<span>Generation {}</span>", count(generation));
    Ok(Page { tab: Tab::Match, title: "Match".to_owned(), sub, body })
}

/// What was ticked, as the parameters of a look-up.
fn asked(form: &Form) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    if let Some(radius) = form.get("radius").map(str::trim).filter(|text| !text.is_empty()) {
        query.append_pair("radius", radius);
    }
    let forms: Vec<_> =
        ["dihedral", "negative"].into_iter().filter(|name| form.get(name).is_some()).collect();
    query.append_pair("forms", &forms.join(","));
    // A person reads it.
    query.append_pair("review", "true");
    query.finish()
}

/// Rows shown at most.
const ROWS: usize = 500;

fn matches(matched: &[Matched]) -> String {
    let all: Vec<(SignalType, &Found)> =
        matched.iter().flat_map(|(kind, found)| found.iter().map(|found| (*kind, found))).collect();
    if all.is_empty() {
        return "<p class=\"empty\">No bank has anything like it. That says nothing of what it is.</p>"
            .to_owned();
    }
    let rows: String = all
        .iter()
        .take(ROWS)
        .map(|(kind, found)| {
            let bank = &found.bank.bank;
            format!(
                "<tr><td><a href=\"/ui/banks/{place}\">{name}</a><small>{kind_of}</small></td>\
                 <td class=\"n\"><a href=\"/ui/banks/{place}?after={before}\">{id}</a></td><td><code>{kind}</code></td>\
                 <td>{distance}</td><td>{form}</td></tr>",
                place = segment(&bank.name),
                name = Text(&bank.name),
                kind_of = kind_words(bank.kind),
                before = found.content_id.saturating_sub(1),
                id = found.content_id,
                kind = kind.as_str(),
                distance = distance(*kind, found),
                form = seen(found),
            )
        })
        .collect();
    let more = match all.len() > ROWS {
        true => format!("<p class=\"hint\">The nearest {ROWS} are shown.</p>"),
        false => String::new(),
    };
    format!(
        "<div class=\"wide\"><table><thead><tr><th>Bank</th><th class=\"n\">Content</th><th>By</th><th>Distance</th><th>Seen</th></tr></thead>\
         <tbody>{rows}</tbody></table></div>{more}"
    )
}

fn distance(kind: SignalType, found: &Found) -> String {
    match (kind, found.distance.bits()) {
        (SignalType::Pdq, None) if found.derived.is_some() => Text(&found.distance.to_hma()).to_string(),
        (SignalType::Pdq, Some(bits)) => {
            format!("{} <b>{bits}</b> of 256 bits", ruler(bits, found.bank.bank.radius_bits))
        }
        (_, Some(0)) => "equal".to_owned(),
        _ => Text(&found.distance.to_hma()).to_string(),
    }
}

/// A distance on a scale up to half of the bits, with a mark where matching ends.
pub(super) fn ruler(bits: u32, radius_bits: u32) -> String {
    let at = |bits: u32| bits.min(128);
    let class = if bits <= radius_bits { "near" } else { "far" };
    format!(
        "<svg class=\"ruler {class}\" viewBox=\"0 0 128 10\" role=\"img\" aria-label=\"{bits} of 256 bits differ; up to {radius_bits} is a match\">\
         <rect class=\"rail\" x=\"0\" y=\"4\" width=\"128\" height=\"2\"/><rect class=\"bar\" x=\"0\" y=\"3\" width=\"{}\" height=\"4\"/>\
         <rect class=\"mark\" x=\"{}\" y=\"0\" width=\"1\" height=\"10\"/></svg>",
        // What is equal is seen too.
        at(bits).max(2),
        at(radius_bits),
    )
}

fn seen(found: &Found) -> String {
    if let Some(derived) = &found.derived {
        let hit = &derived.hit;
        let relation = hit.relation.map_or("may contain", |relation| relation.words());
        let region = hit.transform.region.map_or_else(String::new, |region| {
            format!(", at {}, {} with {} × {} pixels", region.x, region.y, region.width, region.height)
        });
        let standing =
            if found.is_for_review() { "; nothing confirms it: for a person to decide" } else { "" };
        return format!("the file {relation} it{region} (layer {}){standing}", hit.layer);
    }
    let turned = match found.dihedral {
        Dihedral::AsIs => "as it is".to_owned(),
        other => serde_json::to_value(other)
            .ok()
            .and_then(|v| v.as_str().map(|s| s.replace('_', " ")))
            .unwrap_or_default(),
    };
    let inverted = if found.negative { ", inverted" } else { "" };
    let standing = match found.standing {
        Standing::Match => "",
        _ => "<small>too few members hold or confirm it: for a person to look at</small>",
    };
    format!("{}{inverted}{standing}", Text(&turned))
}

/// The form; `last` is what was ticked before. What was given is not repeated: it may be a hash that nobody should see.
fn form(types: &[SignalType], visit: &Visit, last: Option<&Form>) -> String {
    let tick = |name: &str, words: &str| {
        let on = if last.is_some_and(|form| form.get(name).is_some()) { " checked" } else { "" };
        format!(
            "<label class=\"tick\"><input type=\"checkbox\" name=\"{name}\" value=\"true\"{on}> {words}</label>"
        )
    };
    let radius = last.and_then(|form| form.get("radius")).unwrap_or_default();
    format!(
        "<section><h2>{}</h2><form class=\"panel\" method=\"post\" enctype=\"multipart/form-data\" action=\"/ui/match\">{}{}\
         <div class=\"row\"><span class=\"label\">Also</span>{}{}{}</div>\
         <div class=\"row\"><label for=\"radius\">Radius</label><input id=\"radius\" name=\"radius\" type=\"number\" min=\"0\" max=\"64\" \
         value=\"{}\" placeholder=\"{DEFAULT_RADIUS_BITS}\"><small>bits; empty: each bank's own</small></div>\
         <div class=\"row end\"><button class=\"main\">Look up</button></div></form>\
         <p class=\"hint\">Files are read in a confined process, hashed, and let go of; nothing is shown of them. A match is \
         written to the match log.</p></section>",
        if last.is_some() { "Another" } else { "Look something up" },
        token(visit),
        given::fields(types, "", true),
        tick("dihedral", "turned and mirrored"),
        tick("negative", "inverted"),
        tick("by_share", "banks only by their share"),
        Attr(radius),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_of(pairs: &[(&str, &str)]) -> Form {
        let fields = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Form { fields, files: Vec::new() }
    }

    #[test]
    fn what_was_ticked_becomes_the_parameters_of_a_look_up() {
        assert_eq!(asked(&form_of(&[])), "forms=&review=true");
        let all = form_of(&[("radius", " 20 "), ("negative", "true"), ("dihedral", "true")]);
        assert_eq!(asked(&all), "radius=20&forms=dihedral%2Cnegative&review=true");
    }

    #[test]
    fn a_value_that_was_looked_up_is_not_put_into_the_next_form() {
        let visit = Visit { key_id: None, token: "t".into(), from_browser: true };
        let last = form_of(&[("value", "deadbeef"), ("radius", "\"><b>"), ("negative", "true")]);
        let html = form(&[SignalType::Pdq], &visit, Some(&last));
        assert!(!html.contains("deadbeef") && !html.contains("<b>"), "{html}");
        assert!(html.contains("name=\"negative\" value=\"true\" checked"), "{html}");
    }

    #[test]
    fn rulers_end_at_half_of_the_bits() {
        assert!(ruler(200, 31).contains("class=\"bar\" x=\"0\" y=\"3\" width=\"128\""));
        assert!(ruler(31, 31).contains("ruler near") && ruler(32, 31).contains("ruler far"));
    }
}
