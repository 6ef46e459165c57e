//! `/ui/login`, `/ui/logout`: a key is shown once, and a session stands for it.

use axum::Extension;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{AUTHORIZATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;

use crate::App;
use crate::error::ApiError;
use crate::http::body::{self, BodyLimits};
use crate::http::params::Params;
use crate::route::{About, For, Place, Routes, Takes};
use crate::ui::page::{Attr, Page, Tab, shown, token};
use crate::ui::{Visit, see_other};

/// Bytes of a login form at most: nobody is known yet who sends one.
const MAX_FORM: u64 = 8 << 10;

pub(super) fn routes(routes: Routes) -> Routes {
    const TAKES: &[Takes] = &[
        Takes { name: "key", place: Place::Form, kind: "string", required: true, about: "An API key" },
        Takes { name: "next", place: Place::Form, kind: "string", required: false, about: "Page to go to" },
    ];
    routes
        .get(
            "/ui/login",
            For::All,
            About { summary: "Page to sign in at", takes: const { &[NEXT] }, answers: &[(200, "The page")] },
            form,
        )
        .post(
            "/ui/login",
            For::All,
            About {
                summary: "Begins a session of the pages",
                takes: TAKES,
                answers: &[(303, "To the pages, with a cookie"), (401, "No such key"), (403, "No token")],
            },
            login,
        )
        .post(
            "/ui/logout",
            For::All,
            About { summary: "Ends the session", takes: &[], answers: &[(303, "To the login page")] },
            logout,
        )
}

const NEXT: Takes = Takes {
    name: "next",
    place: Place::Query,
    kind: "string",
    required: false,
    about: "Page to go to afterwards",
};

async fn form(State(app): State<App>, Extension(visit): Extension<Visit>, params: Params) -> Response {
    if app.config.open {
        return see_other("/ui/");
    }
    shown(&app, &visit, Tab::Other, Ok(page(&visit, place(params.get("next")), None)))
}

async fn login(
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match begin(&app, &visit, &headers, body).await {
        Ok(response) => response,
        Err((error, next)) => {
            let page = page(&visit, &next, Some(error.message()));
            let mut response = shown(&app, &visit, Tab::Other, Ok(page));
            *response.status_mut() = error.status();
            response
        }
    }
}

async fn begin(
    app: &App,
    visit: &Visit,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, (ApiError, String)> {
    let limits = BodyLimits { max_bytes: MAX_FORM, ..app.bodies.clone() };
    let held = body::read(headers, body, &limits).await.map_err(|error| (error, "/ui/".to_owned()))?;
    let form = body::form(headers, &held.bytes);
    let next = place(form.get("next")).to_owned();
    visit.check(form.get("token")).map_err(|error| (error, next.clone()))?;
    let unknown =
        || ApiError::new(StatusCode::UNAUTHORIZED, "This server knows no such key, or it is no longer good.");
    let caller = bearer(form.get("key").unwrap_or_default())
        .and_then(|headers| app.keys.check_any(&headers, app.clock.now_us()).ok())
        .ok_or_else(|| (unknown(), next.clone()))?;
    tracing::info!(key = %caller.key, "signed in to the pages");
    let cookie = app.sessions.begin(&caller.key, app.clock.now_s(), app.random_bytes());
    Ok(with_cookie(see_other(&next), &cookie))
}

/// A key as a client would send it.
fn bearer(key: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&format!("Bearer {}", key.trim())).ok()?);
    Some(headers)
}

async fn logout(
    State(app): State<App>,
    Extension(visit): Extension<Visit>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let limits = BodyLimits { max_bytes: MAX_FORM, ..app.bodies.clone() };
    let checked = match body::read(&headers, body, &limits).await {
        Ok(held) => visit.check(body::form(&headers, &held.bytes).get("token")),
        Err(error) => Err(error),
    };
    match checked {
        Ok(()) => with_cookie(see_other("/ui/login"), &app.sessions.end()),
        Err(error) => shown(&app, &visit, Tab::Other, Err(error)),
    }
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Where to go afterwards: a page of ours, whatever was asked for.
fn place(next: Option<&str>) -> &str {
    let plain = |text: &&str| {
        (*text == "/ui" || text.starts_with("/ui/"))
            && text.bytes().all(|c| c.is_ascii_graphic() && c != b'\\')
    };
    next.filter(plain).unwrap_or("/ui/")
}

fn page(visit: &Visit, next: &str, trouble: Option<&str>) -> Page {
    let trouble = trouble.map_or_else(String::new, |told| {
        format!("<p class=\"note warn\" role=\"alert\">{}</p>", super::page::Text(told))
    });
    let body = format!(
        "<section>{trouble}<form class=\"panel narrow\" method=\"post\" action=\"/ui/login\">{}\
         <input type=\"hidden\" name=\"next\" value=\"{}\">\
         <div class=\"row\"><label for=\"key\">API key</label><input id=\"key\" name=\"key\" type=\"password\" \
         class=\"mono\" autocomplete=\"off\" spellcheck=\"false\" required autofocus></div>\
         <p class=\"hint\">The pages may do what the key may do, for eight hours or until you sign out. The key itself is \
         not kept in the browser.</p><div class=\"row end\"><button class=\"main\">Sign in</button></div></form></section>",
        token(visit),
        Attr(next),
    );
    Page { tab: Tab::Other, title: "Sign in".to_owned(), sub: String::new(), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_never_leads_elsewhere() {
        for good in ["/ui", "/ui/banks", "/ui/banks/A?after=3"] {
            assert_eq!(place(Some(good)), good);
        }
        for bad in [
            "",
            "/",
            "//evil.example/ui/",
            "https://evil.example/ui/",
            "/uix",
            "/ui/\\evil",
            "/ui/a\r\nb",
            "ui/",
        ] {
            assert_eq!(place(Some(bad)), "/ui/", "{bad:?}");
        }
        assert_eq!(place(None), "/ui/");
    }

    #[test]
    fn what_the_page_repeats_is_escaped() {
        let visit = Visit { key_id: None, token: "t".into(), from_browser: true };
        let page = page(&visit, "/ui/\"><script>", Some("<b>"));
        assert!(!page.body.contains("<script>") && !page.body.contains("<b>"), "{}", page.body);
    }
}
