//! `/ui/match/compare`: two files or values, and how far they are from each other.

use axum::response::Response;
use lodestone_types::bank::DEFAULT_RADIUS_BITS;
use lodestone_types::{Signal, SignalType};
use serde_json::Value;

use crate::auth::Role;
use crate::error::ApiError;
use crate::hma::compare::compared;
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::Visit;
use crate::ui::given::{self, Given};
use crate::ui::matching::ruler;
use crate::ui::page::{Page, Tab, Text, token};
use crate::ui::sent::Sent;

const fn field(name: &'static str, kind: &'static str, about: &'static str) -> Takes {
    Takes { name, place: Place::Form, kind, required: false, about }
}

pub(super) fn routes(routes: Routes) -> Routes {
    routes.post(
        "/ui/match/compare",
        For::Role(Role::Match),
        About {
            summary: "Page: how far two files or values are from each other",
            takes: const {
                &[
                    field("left_file", "file", "One file"),
                    field("left_content_type", "string", "What it is: `photo` or `video`"),
                    field("left_signal_type", "string", "Type of the value"),
                    field("left_value", "string", "or its value"),
                    field("right_file", "file", "The other file"),
                    field("right_content_type", "string", "What it is: `photo` or `video`"),
                    field("right_signal_type", "string", "Type of the value"),
                    field("right_value", "string", "or its value"),
                ]
            },
            answers: &[(200, "The page"), (400, "What was given cannot be used"), (403, "No token")],
        },
        compare,
    )
}

/// The form.
pub(super) fn form(types: &[SignalType], visit: &Visit) -> String {
    format!(
        "<section><h2>Compare two</h2><form class=\"panel\" method=\"post\" enctype=\"multipart/form-data\" \
         action=\"/ui/match/compare\">{}<div class=\"two\"><fieldset><legend>One</legend>{}</fieldset>\
         <fieldset><legend>The other</legend>{}</fieldset></div>\
         <div class=\"row end\"><button class=\"main\">Compare</button></div></form></section>",
        token(visit),
        given::fields(types, "left_", false),
        given::fields(types, "right_", false),
    )
}

async fn compare(mut sent: Sent) -> Response {
    let made = both(&mut sent).await;
    sent.shown(Tab::Match, made)
}

async fn both(sent: &mut Sent) -> Result<Page, ApiError> {
    let posted = sent.form().await?;
    let (app, visit) = (&sent.app, &sent.visit);
    let left = Given::of(app, &posted.form, "left_").await?;
    let right = Given::of(app, &posted.form, "right_").await?;
    let rows: Vec<String> = left
        .by_type()
        .iter()
        .filter_map(|(kind, one)| Some(row(*kind, one, right.by_type().get(kind)?)))
        .collect();
    let table = match rows.is_empty() {
        true => "<p class=\"note warn\">They have no type of signal in common.</p>".to_owned(),
        false => format!(
            "<div class=\"wide\"><table><thead><tr><th>By</th><th>Distance</th><th>Match</th></tr></thead><tbody>{}</tbody></table></div>",
            rows.concat()
        ),
    };
    let body = format!(
        "<section><h2>Compared</h2>{table}</section><section class=\"two\"><div><h2>One</h2>{}</div><div><h2>The other</h2>{}</div></section>\
         {}",
        left.table(),
        right.table(),
        form(&app.types.enabled(), visit)
    );
    Ok(Page { tab: Tab::Match, title: "Two compared".to_owned(), sub: String::new(), body })
}

fn row(kind: SignalType, left: &Signal, right: &Signal) -> String {
    let (matches, told) = match kind {
        SignalType::Pdq => {
            let bits: u32 = left.bytes().iter().zip(right.bytes()).map(|(a, b)| (a ^ b).count_ones()).sum();
            let told = format!("{} <b>{bits}</b> of 256 bits", ruler(bits, DEFAULT_RADIUS_BITS));
            (bits <= DEFAULT_RADIUS_BITS, told)
        }
        kind if kind.is_text() && kind != SignalType::Url => {
            let told = compared(left, right);
            let distance = told.pointer("/1/distance").and_then(Value::as_str).unwrap_or("too far");
            (told.get(0) == Some(&Value::Bool(true)), Text(distance).to_string())
        }
        _ => (left == right, if left == right { "equal" } else { "not equal" }.to_owned()),
    };
    let word =
        if matches { "<span class=\"bad\">match</span>" } else { "<span class=\"off\">no match</span>" };
    format!("<tr><td><code>{}</code></td><td>{told}</td><td>{word}</td></tr>", kind.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bits_and_distances_are_told() {
        let of = |kind, byte, size| Signal::from_bytes(kind, &vec![byte; size]).unwrap();
        let pdq = row(SignalType::Pdq, &of(SignalType::Pdq, 0x0f, 32), &of(SignalType::Pdq, 0x1f, 32));
        assert!(pdq.contains("<b>32</b>") && pdq.contains(">no match<"), "{pdq}");
        let md5 = of(SignalType::Md5, 1, 16);
        assert!(row(SignalType::Md5, &md5, &md5).contains(">equal<"));
        assert!(row(SignalType::Md5, &md5, &of(SignalType::Md5, 2, 16)).contains(">not equal<"));
    }
}
