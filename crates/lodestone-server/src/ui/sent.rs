//! A form that a person sent: who sent it, in which visit, and what it holds.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::response::Response;

use crate::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::http::body::{self, Form};
use crate::ui::page::{Page, Tab, shown};
use crate::ui::{Visit, see_other};

/// A form on its way: read by [`Sent::form`], once.
pub(super) struct Sent {
    pub(super) app: App,
    pub(super) caller: Caller,
    pub(super) visit: Visit,
    headers: HeaderMap,
    body: Body,
}

/// A form, with the room that its bytes take.
pub(super) struct Posted {
    pub(super) form: Form,
    _held: body::Held,
}

impl FromRequest<App> for Sent {
    type Rejection = ApiError;

    async fn from_request(request: Request, app: &App) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        // What every request passes has put both there.
        let missing = || ApiError::unavailable("the request failed");
        let caller = parts.extensions.get::<Caller>().cloned().ok_or_else(missing)?;
        let visit = parts.extensions.get::<Visit>().cloned().ok_or_else(missing)?;
        Ok(Self { app: app.clone(), caller, visit, headers: parts.headers, body })
    }
}

impl Sent {
    /// Reads the form, and refuses one that a browser sends from elsewhere.
    ///
    /// # Errors
    /// 403, and what reading the body says.
    pub(super) async fn form(&mut self) -> Result<Posted, ApiError> {
        let body = std::mem::take(&mut self.body);
        let held = body::read(&self.headers, body, &self.app.bodies).await?;
        let form = body::form(&self.headers, &held.bytes);
        self.visit.check(form.get("token"))?;
        Ok(Posted { form, _held: held })
    }

    /// The page that was made, or the one that says why not.
    pub(super) fn shown(&self, tab: Tab, made: Result<Page, ApiError>) -> Response {
        shown(&self.app, &self.visit, tab, made)
    }

    /// To where what was done is shown, or the page that says why not.
    pub(super) fn done(&self, tab: Tab, done: Result<String, ApiError>) -> Response {
        match done {
            Ok(place) => see_other(&place),
            Err(error) => self.shown(tab, Err(error)),
        }
    }
}
