//! Bodies: read whole within limits of size, time and of what all requests hold together.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;
use crate::http::form::{PARTS, boundary, parts};
use crate::http::places;

/// How much of bodies is held.
#[derive(Clone, Debug)]
pub struct BodyLimits {
    /// Bytes of one body.
    pub max_bytes: u64,
    /// Time in which one has to arrive.
    pub timeout: Duration,
    /// Room for all, in units of [`UNIT`] bytes.
    pub held: Arc<Semaphore>,
}

/// Bytes of a unit of room.
pub const UNIT: u64 = 16 << 10;

/// Room taken of what all requests hold together: bodies, and files that are fetched. Given back when dropped.
#[derive(Debug)]
pub struct Room {
    all: Arc<Semaphore>,
    taken: Option<OwnedSemaphorePermit>,
    units: u64,
}

impl Room {
    /// None yet.
    pub fn of(limits: &BodyLimits) -> Self {
        Self { all: Arc::clone(&limits.held), taken: None, units: 0 }
    }

    /// Takes room for so many bytes in all; `false`, and nothing changed, when there is not so much.
    pub fn grow_to(&mut self, bytes: u64) -> bool {
        let wanted = bytes.div_ceil(UNIT);
        if wanted <= self.units {
            return true;
        }
        let more = u32::try_from(wanted - self.units).ok();
        let more = more.and_then(|more| Arc::clone(&self.all).try_acquire_many_owned(more).ok());
        let Some(more) = more else { return false };
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        self.units = wanted;
        true
    }
}

/// A body, and the room it takes.
#[derive(Debug)]
pub struct Held {
    /// The bytes.
    pub bytes: Bytes,
    _room: Room,
}

/// Reads a body.
///
/// # Errors
/// 413 when it is too large, 408 when it does not arrive in time, 429 when there is no room for it now, 400 when the
/// connection broke off.
pub async fn read(headers: &HeaderMap, body: Body, limits: &BodyLimits) -> Result<Held, ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > limits.max_bytes) {
        return Err(ApiError::too_large());
    }
    match tokio::time::timeout(limits.timeout, collect(body, limits)).await {
        Ok(read) => read,
        Err(_) => {
            Err(ApiError::new(StatusCode::REQUEST_TIMEOUT, "the request's body did not arrive in time"))
        }
    }
}

/// What is told of a body that broke off, or that found no place for its request once it was in.
pub(crate) fn broken(error: &axum::Error) -> ApiError {
    match places::is_full(error) {
        true => ApiError::busy(1),
        false => ApiError::bad("the request's body could not be read"),
    }
}

async fn collect(mut body: Body, limits: &BodyLimits) -> Result<Held, ApiError> {
    let mut first: Option<Bytes> = None;
    let mut rest = BytesMut::new();
    let mut room = Room::of(limits);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        let size = first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len();
        if size as u64 > limits.max_bytes {
            return Err(ApiError::too_large());
        }
        if !room.grow_to(size as u64) {
            return Err(ApiError::busy(1));
        }
        // A body in one piece is not copied.
        match (&first, rest.is_empty()) {
            (None, true) => first = Some(data),
            _ => {
                if let Some(first) = first.take() {
                    rest.extend_from_slice(&first);
                }
                rest.extend_from_slice(&data);
            }
        }
    }
    let bytes = first.unwrap_or_else(|| rest.freeze());
    Ok(Held { bytes, _room: room })
}

/// A file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormFile {
    /// Name of its field.
    pub field: String,
    /// Its bytes.
    pub bytes: Bytes,
}

/// A form: its plain fields and its files, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Names and values.
    pub fields: Vec<(String, String)>,
    /// Parts that carry a file name, even an empty one. *Source:* werkzeug, `MultiPartParser`.
    pub files: Vec<FormFile>,
}

impl Form {
    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Parses a form; one that is none, or breaks off, holds nothing, as in Flask.
pub fn form(headers: &HeaderMap, bytes: &Bytes) -> Form {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let mut form = Form::default();
    if kind.to_ascii_lowercase().starts_with(b"application/x-www-form-urlencoded") {
        form.fields = url::form_urlencoded::parse(bytes).into_owned().take(PARTS).collect();
        return form;
    }
    let Some(boundary) = boundary(kind) else { return form };
    for part in parts(&boundary, bytes) {
        match part.is_file {
            true => form.files.push(FormFile { field: part.name, bytes: part.bytes }),
            false => form.fields.push((part.name, String::from_utf8_lossy(&part.bytes).into_owned())),
        }
    }
    form
}
