//! `/ui/documentation`: all routes, from the table by which they are served.

use axum::Extension;
use axum::extract::State;
use axum::response::Response;

use crate::App;
use crate::openapi::{group, groups};
use crate::route::{About, For, Place, Route, Routes, Table};
use crate::ui::Visit;
use crate::ui::page::{Page, Tab, Text, shown};

pub(super) fn routes(routes: Routes) -> Routes {
    let about = About { summary: "Page: all routes", takes: &[], answers: &[(200, "The page")] };
    routes.get("/ui/documentation", For::AnyKey, about, show)
}

async fn show(State(app): State<App>, Extension(visit): Extension<Visit>) -> Response {
    let page = Page {
        tab: Tab::Documentation,
        title: "Routes".to_owned(),
        sub: "<span><a href=\"/openapi/openapi.json\">OpenAPI document</a></span>".to_owned(),
        body: listing(app.table()),
    };
    shown(&app, &visit, Tab::Documentation, Ok(page))
}

/// All routes by group.
pub(crate) fn listing(table: &Table) -> String {
    let mut html = String::from("<nav class=\"jump\" aria-label=\"Groups\">");
    let mut sections = String::new();
    for (name, about) in groups() {
        let routes: String =
            table.list().iter().filter(|route| group(route.path) == name).map(route).collect();
        if routes.is_empty() {
            continue;
        }
        html.push_str(&format!("<a href=\"#{name}\">{name}</a>"));
        sections
            .push_str(&format!("<section id=\"{name}\"><h2>{name} <i>{about}</i></h2>{routes}</section>"));
    }
    html.push_str("</nav>");
    html + &sections
}

fn route(route: &Route) -> String {
    let allowed = match route.allowed {
        For::All => "<span class=\"chip\">anybody</span>".to_owned(),
        For::AnyKey => "<span class=\"chip key\">any key</span>".to_owned(),
        For::Role(role) => format!("<span class=\"chip key\">{}</span>", role.as_str()),
    };
    let mut takes = String::new();
    for one in route.about.takes {
        let place = match one.place {
            Place::Query => "query",
            Place::Json => "JSON",
            Place::Form => "form",
            Place::Body => "body",
        };
        let must = if one.required { ", required" } else { "" };
        takes.push_str(&format!(
            "<tr><td><code>{}</code></td><td>{place}</td><td>{}{must}</td><td>{}</td></tr>",
            Text(one.name),
            Text(one.kind),
            marked(one.about),
        ));
    }
    if !takes.is_empty() {
        takes = format!(
            "<div class=\"wide\"><table><thead><tr><th>Takes</th><th>In</th><th>Type</th><th></th></tr></thead><tbody>{takes}</tbody></table></div>"
        );
    }
    let answers: String = route
        .about
        .answers
        .iter()
        .map(|(status, about)| format!("<li><b>{status}</b> {}</li>", marked(about)))
        .collect();
    format!(
        "<details class=\"route\"><summary><span class=\"method m-{}\">{}</span> <code>{}</code> <span class=\"what\">{}</span> {allowed}</summary>\
         {takes}<ul class=\"tally\">{answers}</ul></details>",
        route.method.as_str().to_ascii_lowercase(),
        route.method,
        Text(route.path),
        marked(route.about.summary),
    )
}

/// Text of the table with its backquotes as code.
fn marked(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in text.split('`').enumerate() {
        match at % 2 {
            0 => html.push_str(&Text(part).to_string()),
            _ => html.push_str(&format!("<code>{}</code>", Text(part))),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backquotes_become_code_and_markup_stays_text() {
        assert_eq!(marked("`photo` or <b>"), "<code>photo</code> or &lt;b&gt;");
    }
}
