//! What every request passes: where it comes from, whose key it carries, how much is going on.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::auth::{Caller, TurnedAway};
use crate::error::{self, ApiError};
use crate::route::For;
use crate::ui::{self, Visit};

/// Checks a request, has it answered, and counts it.
pub(crate) async fn edge(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    let mut response = match admit(&app, path, &mut request) {
        Err(response) => *response,
        Ok(allowed) => {
            // What anybody may call has to answer also when much is going on.
            let place = match allowed {
                For::All => Ok(None),
                For::AnyKey | For::Role(_) => app.requests.try_acquire().map(Some),
            };
            match place {
                Ok(_place) => next.run(request).await,
                Err(_) => ApiError::busy(1).into_response(),
            }
        }
    };
    if ui::is_page(path) {
        ui::secure(&mut response);
    }
    app.metrics.answered(path, response.status(), begun.elapsed());
    response
}

fn admit(app: &App, path: &str, request: &mut Request) -> Result<For, Box<Response>> {
    let headers = request.headers();
    let told =
        |error: ApiError| Box::new(if ui::is_page(path) { error.into_page() } else { error }.into_response());
    if let Err(error) = same_site(app, headers, request.method()) {
        return Err(told(error));
    }
    if path.is_empty() {
        // No route: what lies behind is told to nobody, not even that it is not there.
        return match app.config.open || is_known(app, headers) {
            true => Err(Box::new(ApiError::no_route().into_response())),
            false => Err(Box::new(ApiError::no_key().into_response())),
        };
    }
    if request.method() == Method::OPTIONS {
        let mut response = StatusCode::OK.into_response();
        if let Ok(allow) = HeaderValue::from_str(&app.table().methods(path)) {
            response.headers_mut().insert(ALLOW, allow);
        }
        return Err(Box::new(response));
    }
    let Some(allowed) = app.table().allowed(path, request.method()) else {
        return Err(Box::new(error::wrong_method(&app.table().methods(path))));
    };
    let visit = Visit::of(&app.sessions, headers, app.clock.now_s());
    let caller = match caller(app, headers, path, &visit, allowed) {
        Ok(caller) => caller,
        Err(TurnedAway::NoKey) if ui::wants_page(path, request) => {
            return Err(Box::new(ui::to_login(request.uri().path())));
        }
        Err(TurnedAway::NoKey) => return Err(told(ApiError::no_key())),
        Err(TurnedAway::NoRole) => {
            let role = if let For::Role(role) = allowed { role.as_str() } else { "any" };
            let error = ApiError::forbidden(format!("this key has not the role {role}"));
            let page = ui::wants_page(path, request);
            return Err(if page { Box::new(ui::refused(app, &visit, error)) } else { told(error) });
        }
    };
    if !app.rates.may(&caller.key, app.clock.now_us()) {
        return Err(told(ApiError::busy(1)));
    }
    if ui::is_page(path) {
        request.extensions_mut().insert(visit);
    }
    request.extensions_mut().insert(caller);
    Ok(allowed)
}

fn caller(
    app: &App,
    headers: &HeaderMap,
    path: &str,
    visit: &Visit,
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
    let counts = ui::is_page(path) || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    match (&visit.key_id, role) {
        (Some(id), role) if counts && !headers.contains_key(AUTHORIZATION) => {
            app.keys.check_id(id, role, now_us)
        }
        (_, Some(role)) => app.keys.check(headers, role, now_us),
        (_, None) => app.keys.check_any(headers, now_us),
    }
}

fn is_known(app: &App, headers: &HeaderMap) -> bool {
    app.keys.check_any(headers, app.clock.now_us()).is_ok()
}

/// Refuses what a page from elsewhere has a browser send: other origins, and, where no keys are asked for, names that
/// were made to point here (DNS rebinding).
fn same_site(app: &App, headers: &HeaderMap, method: &Method) -> Result<(), ApiError> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let host = text(HOST.as_str()).unwrap_or_default();
    if app.config.open && !host.is_empty() && !is_loopback_host(host) {
        return Err(ApiError::forbidden("without keys, only loopback host names are served"));
    }
    if method.is_safe() {
        return Ok(());
    }
    if text("sec-fetch-site").is_some_and(|site| site == "cross-site") {
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
}
