//! The pages under `/ui`, and HMA's form routes there.
//!
//! Pages are made here, as text: one style sheet, one small script, nothing from elsewhere, and all of it works without
//! the script. No picture is ever shown, that of an upload neither. What comes from lists and people is hostile: it is
//! escaped by [`lodestone_engine::report::text`], which also makes characters visible that hide or reorder others.
//!
//! A form is answered by its page, or by a redirect after a change (303), so that loading anew changes nothing.

mod assets;
mod bank;
mod bank_changes;
mod banks;
mod compare;
mod documentation;
mod exchange_form;
mod exchanges;
mod forms;
mod given;
mod home;
mod login;
mod matching;
mod page;
mod sent;
mod session;

use axum::extract::Request;
use axum::http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::Response;

pub(crate) use documentation::listing;
pub(crate) use page::{Page, Tab, frame};
pub(crate) use session::{Sessions, Visit};

use crate::App;
use crate::error::ApiError;
use crate::http::reply::typed;
use crate::route::Routes;

/// What a page may load and do: its own style, script and forms.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' blob:; \
                      connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Pages, and the forms of pages.
pub(crate) fn routes(routes: Routes) -> Routes {
    let routes = home::routes(routes);
    let routes = banks::routes(routes);
    let routes = bank::routes(routes);
    let routes = bank_changes::routes(routes);
    let routes = matching::routes(routes);
    let routes = compare::routes(routes);
    let routes = exchanges::routes(routes);
    let routes = documentation::routes(routes);
    let routes = login::routes(routes);
    forms::routes(routes)
}

/// Style and script, which the page at `/openapi/` needs too.
pub(crate) fn asset_routes(routes: Routes) -> Routes {
    assets::routes(routes)
}

/// Whether a route is a page, or for pages.
pub(crate) fn is_page(path: &str) -> bool {
    path == "/ui" || path.starts_with("/ui/") || path == "/openapi/"
}

/// Shuts an answer in: it may load nothing from elsewhere, be framed by nobody, and is kept by no cache.
pub(crate) fn secure(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
}

/// Whether a person is to be sent to the login page rather than be told 401.
pub(crate) fn wants_page(path: &str, request: &Request) -> bool {
    let accepts = |value: &HeaderValue| value.to_str().is_ok_and(|text| text.contains("text/html"));
    let is_html = request.headers().get(ACCEPT).is_some_and(accepts);
    is_page(path) && request.method() == Method::GET && is_html
}

/// A page that says why a person may not see another.
pub(crate) fn refused(app: &App, visit: &Visit, error: ApiError) -> Response {
    page::shown(app, visit, Tab::Other, Err(error))
}

/// To the login page, and from there back to a page.
pub(crate) fn to_login(from: &str) -> Response {
    let next: String = url::form_urlencoded::byte_serialize(from.as_bytes()).collect();
    see_other(&format!("/ui/login?next={next}"))
}

/// 303: what was asked for is done, and shown there.
fn see_other(place: &str) -> Response {
    let mut response = typed(StatusCode::SEE_OTHER, "text/html; charset=utf-8", "");
    if let Ok(place) = HeaderValue::from_str(place) {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

/// A part of a path as it stands in a URL.
fn segment(text: &str) -> String {
    // A space is `%20` in a path; `+` is itself.
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_told_from_other_routes() {
        for path in ["/ui", "/ui/", "/ui/banks/{bank_name}", "/openapi/"] {
            assert!(is_page(path), "{path}");
        }
        for path in ["", "/", "/uix", "/c/banks", "/openapi/openapi.json"] {
            assert!(!is_page(path), "{path}");
        }
    }

    #[test]
    fn names_stand_in_urls_as_one_segment() {
        assert_eq!(segment("A_B-1.c"), "A_B-1.c");
        assert_eq!(segment("a/../b ?#\"<é"), "a%2F..%2Fb%20%3F%23%22%3C%C3%A9");
    }

    #[test]
    fn the_way_back_from_the_login_page_is_a_parameter() {
        let response = to_login("/ui/banks?x=1&y");
        assert_eq!(response.headers()[LOCATION], "/ui/login?next=%2Fui%2Fbanks%3Fx%3D1%26y");
    }
}
