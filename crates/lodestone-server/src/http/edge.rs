//! What every request passes: where it comes from, whose key it carries, how much is going on.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, COOKIE, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::auth::{Caller, Role, TurnedAway};
use crate::error::{self, ApiError};
use crate::http::places;
use crate::route::{For, Methods};
use crate::ui::{self, Visit};

/// Checks a request, has it answered, and counts it.
pub(crate) async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let path = matched.as_ref().map_or("", MatchedPath::as_str);
    let methods = app.table().of(path);
    let mut response = match admit(&app, path, methods, &mut request) {
        Err(response) => *response,
        Ok(allowed) if changes(allowed, request.method()) => to_its_end(&app, allowed, request, next).await,
        Ok(allowed) => answer(&app, allowed, request, next).await,
    };
    if ui::is_page(path) {
        ui::secure(&mut response);
    }
    app.metrics.answered(path, methods, response.status(), begun.elapsed());
    response
}

/// Has a request answered, if there is a place for it.
async fn answer(app: &App, allowed: For, request: Request, next: Next) -> Response {
    // What anybody may call has to answer also when much is going on.
    if matches!(allowed, For::All) {
        return next.run(request).await;
    }
    match places::seat(&app.requests, request) {
        Ok((request, _place)) => next.run(request).await,
        Err(places::Full) => ApiError::busy(1).into_response(),
    }
}

/// Whether a request may change something. Files and signals that are only looked at are let go of when nobody waits.
fn changes(allowed: For, method: &Method) -> bool {
    !method.is_safe() && !matches!(allowed, For::All | For::Role(Role::Hash | Role::Match))
}

/// Has a request answered even if its client goes: what is done after a commit, such as turning a revoked key away, must
/// not be left out because nobody waits for the answer.
async fn to_its_end(app: &App, allowed: For, request: Request, next: Next) -> Response {
    let app = app.clone();
    let answered = tokio::spawn(async move { answer(&app, allowed, request, next).await });
    answered.await.unwrap_or_else(|_| ApiError::unavailable("the request failed").into_response())
}

fn admit(
    app: &App,
    path: &str,
    methods: Option<&Methods>,
    request: &mut Request,
) -> Result<For, Box<Response>> {
    let headers = request.headers();
    let told =
        |error: ApiError| Box::new(if ui::is_page(path) { error.into_page() } else { error }.into_response());
    if let Err(error) = same_site(app.config.open, headers, request.method()) {
        return Err(told(error));
    }
    let Some(methods) = methods.filter(|_| is_text(request.uri().path())) else {
        // No route: what lies behind is told to nobody, not even that it is not there.
        return match app.config.open || is_known(app, headers) {
            true => Err(Box::new(ApiError::no_route().into_response())),
            false => Err(Box::new(ApiError::no_key().into_response())),
        };
    };
    if request.method() == Method::OPTIONS {
        let mut response = StatusCode::OK.into_response();
        if let Ok(allow) = HeaderValue::from_str(&methods.told()) {
            response.headers_mut().insert(ALLOW, allow);
        }
        return Err(Box::new(response));
    }
    let Some(allowed) = methods.allowed(request.method()) else {
        return Err(Box::new(error::wrong_method(&methods.told())));
    };
    let is_page = ui::is_page(path);
    // Programs have neither page nor cookie, and pay nothing for those who have.
    let visit = (is_page || headers.contains_key(COOKIE))
        .then(|| Visit::of(&app.sessions, headers, app.clock.now_s()));
    let caller = match caller(app, headers, is_page, visit.as_ref(), allowed) {
        Ok(caller) => caller,
        Err(TurnedAway::NoKey) if ui::wants_page(path, request) => {
            return Err(Box::new(ui::to_login(request.uri().path())));
        }
        Err(TurnedAway::NoKey) => return Err(told(ApiError::no_key())),
        Err(TurnedAway::NoRole) => {
            let role = if let For::Role(role) = allowed { role.as_str() } else { "any" };
            // Clients look for HMA's "missing role" in this. *Source:* `hma.md` section 2, 5.
            let error = ApiError::forbidden(format!("this key is missing role {role}"));
            return Err(match visit {
                Some(visit) if ui::wants_page(path, request) => Box::new(ui::refused(app, &visit, error)),
                _ => told(error),
            });
        }
    };
    if !app.rates.may(&caller.key, app.clock.now_us()) {
        return Err(told(ApiError::busy(1)));
    }
    if let Some(visit) = visit {
        request.extensions_mut().insert(visit);
    }
    request.extensions_mut().insert(caller);
    Ok(allowed)
}

fn caller(
    app: &App,
    headers: &HeaderMap,
    is_page: bool,
    visit: Option<&Visit>,
    allowed: For,
) -> Result<Caller, TurnedAway> {
    let role = match allowed {
        For::All => return Ok(Caller { key: "".into() }),
        For::AnyKey => None,
        For::Role(role) => Some(role),
    };
    if app.config.open {
        // A key that is carried all the same is put up with. *Source:* `hma.md` section 2, 14.
        return Ok(Caller { key: "open".into() });
    }
    let now_us = app.clock.now_us();
    // A session is for the pages and for what their scripts fetch; a page from elsewhere cannot say that it is ours.
    let counts = is_page || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    match (visit.and_then(|visit| visit.key_id.as_ref()), role) {
        (Some(id), role) if counts && !headers.contains_key(AUTHORIZATION) => {
            app.keys.check_id(id, role, now_us)
        }
        (_, Some(role)) => app.keys.check(headers, role, now_us),
        (_, None) => app.keys.check_any(headers, now_us),
    }
}

fn is_known(app: &App, headers: &HeaderMap) -> bool {
    let now_us = app.clock.now_us();
    let session = app.sessions.of(headers, app.clock.now_s());
    app.keys.check_any(headers, now_us).is_ok()
        || session.is_some_and(|session| app.keys.check_id(&session.key_id, None, now_us).is_ok())
}

/// Refuses what a page from elsewhere has a browser send: other origins, and, where no keys are asked for, names that
/// were made to point here (DNS rebinding).
fn same_site(open: bool, headers: &HeaderMap, method: &Method) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(HOST.as_str()).unwrap_or_default();
    if open && !host.is_empty() && !is_loopback_host(host) {
        return Err(ApiError::forbidden("without keys, only loopback host names are served"));
    }
    let is_foreign = text("sec-fetch-site").is_some_and(|site| site == "cross-site");
    // A link from elsewhere may lead here; a picture or script of another page may not ask for anything, look-ups neither.
    let is_link = text("sec-fetch-mode").is_some_and(|mode| mode == "navigate");
    if method.is_safe() && (!is_foreign || is_link) {
        return Ok(());
    }
    if is_foreign {
        return Err(ApiError::forbidden("cross-site requests are refused"));
    }
    if let Some(origin) = text(ORIGIN.as_str()) {
        let authority = origin.split_once("://").map_or(origin, |(_, authority)| authority);
        if !authority.eq_ignore_ascii_case(host) {
            return Err(ApiError::forbidden("requests of other origins are refused"));
        }
    }
    Ok(())
}

/// Whether a path is UTF-8 when it is decoded. What is none names nothing.
fn is_text(path: &str) -> bool {
    if !path.contains('%') {
        return true;
    }
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'%', [high, low, after @ ..]) if digit(*high).is_some() && digit(*low).is_some() => {
                bytes.push(digit(*high).unwrap_or(0) << 4 | digit(*low).unwrap_or(0));
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    std::str::from_utf8(&bytes).is_ok()
}

fn is_loopback_host(host: &str) -> bool {
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((inner, _)) => inner,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_something_is_done_to_its_end() {
        assert!(changes(For::Role(Role::Admin), &Method::DELETE));
        assert!(changes(For::Role(Role::Curate), &Method::POST));
        assert!(!changes(For::Role(Role::Match), &Method::POST));
        assert!(!changes(For::Role(Role::Curate), &Method::GET) && !changes(For::All, &Method::POST));
    }

    #[test]
    fn names_of_loopback_are_told_from_others() {
        for host in
            ["localhost", "LOCALHOST:80", "127.0.0.1", "127.8.9.1:9", "[::1]", "[::1]:80", "a.localhost"]
        {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in
            ["example.org", "10.0.0.1", "[2001:db8::1]:80", "localhost.example.org", "127.0.0.1.example"]
        {
            assert!(!is_loopback_host(host), "{host}");
        }
    }

    fn ask(method: &Method, headers: &[(&'static str, &str)], open: bool) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        same_site(open, &map, method).is_ok()
    }

    #[test]
    fn other_sites_cannot_have_a_browser_ask_and_programs_and_links_can() {
        let (get, post) = (&Method::GET, &Method::POST);
        let here = ("host", "lodestone.example:9876");
        assert!(ask(post, &[here], false), "a program");
        assert!(ask(
            post,
            &[here, ("sec-fetch-site", "same-origin"), ("origin", "https://lodestone.example:9876")],
            false
        ));
        assert!(!ask(post, &[here, ("origin", "https://evil.example")], false));
        assert!(!ask(post, &[here, ("origin", "null")], false));
        assert!(!ask(post, &[here, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], false));
        assert!(
            ask(get, &[here, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], false),
            "a link"
        );
        assert!(
            !ask(get, &[here, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "no-cors")], false),
            "a picture"
        );
        assert!(ask(get, &[here, ("sec-fetch-site", "none")], false));
    }

    #[test]
    fn without_keys_a_name_made_to_point_here_is_refused() {
        assert!(!ask(&Method::GET, &[("host", "rebound.example:9876")], true));
        assert!(ask(&Method::GET, &[("host", "127.0.0.1:9876")], true));
        assert!(ask(&Method::GET, &[("host", "rebound.example:9876")], false), "with keys, any name");
    }

    #[test]
    fn paths_are_text_or_nothing() {
        for path in ["/", "/c/bank/A", "/c/bank/%C3%A9", "/c/bank/%zz%", "/c/bank/%00"] {
            assert!(is_text(path), "{path}");
        }
        for path in ["/c/bank/%FF", "/%C3", "/c/bank/%ff%fe/signal"] {
            assert!(!is_text(path), "{path}");
        }
    }
}
