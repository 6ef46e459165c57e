//! Places of requests that are worked on. A request takes its place once its body is in: one that is uploaded slowly, or
//! never to its end, keeps nobody else waiting. What bodies hold meanwhile has bounds of its own.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::http::Request;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The place of a request, given back when this is dropped: to be kept until it is answered.
#[derive(Debug)]
pub(crate) enum Place {
    /// It has one.
    Taken(OwnedSemaphorePermit),
    /// It takes one when its body is in.
    Coming(Arc<OnceLock<OwnedSemaphorePermit>>),
}

/// All places are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests are worked on")]
pub(crate) struct Full;

/// Gives a request its place: at once where it has no body, else when its body is in. Reading a body to its end fails then
/// where there is none; see [`is_full`].
///
/// # Errors
/// [`Full`].
pub(crate) fn seat(places: &Arc<Semaphore>, request: Request<Body>) -> Result<(Request<Body>, Place), Full> {
    if request.body().is_end_stream() {
        let taken = Arc::clone(places).try_acquire_owned().map_err(|_| Full)?;
        return Ok((request, Place::Taken(taken)));
    }
    let place: Arc<OnceLock<OwnedSemaphorePermit>> = Arc::default();
    let (own, places) = (Arc::clone(&place), Arc::clone(places));
    let request = request.map(|body| Body::new(Arriving { body, places, place: own }));
    Ok((request, Place::Coming(place)))
}

/// Whether reading a body failed because there was no place for its request.
pub(crate) fn is_full(error: &axum::Error) -> bool {
    let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.is::<Full>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// A body whose end takes a place.
struct Arriving {
    body: Body,
    places: Arc<Semaphore>,
    place: Arc<OnceLock<OwnedSemaphorePermit>>,
}

impl HttpBody for Arriving {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            None if self.place.get().is_none() => match Arc::clone(&self.places).try_acquire_owned() {
                Ok(taken) => {
                    let _ = self.place.set(taken);
                    Poll::Ready(None)
                }
                Err(_) => Poll::Ready(Some(Err(axum::Error::new(Full)))),
            },
            other => Poll::Ready(other),
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn read(request: Request<Body>) -> Result<Bytes, axum::Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(request.into_body().collect()).map(http_body_util::Collected::to_bytes)
    }

    #[test]
    fn a_request_takes_its_place_when_its_body_is_in_and_keeps_it_until_it_is_answered() {
        let places = Arc::new(Semaphore::new(1));
        let with_body = || Request::new(Body::from("abc"));
        let (slow, its_place) = seat(&places, with_body()).unwrap();
        let (late, _) = seat(&places, with_body()).unwrap();
        assert_eq!(places.available_permits(), 1, "nobody waits for what is still coming");
        assert_eq!(read(slow).unwrap(), "abc");
        assert_eq!(places.available_permits(), 0);
        assert!(is_full(&read(late).unwrap_err()));
        assert_eq!(seat(&places, Request::new(Body::empty())).unwrap_err(), Full);
        drop(its_place);
        let (_, place) = seat(&places, Request::new(Body::empty())).unwrap();
        assert!(matches!(place, Place::Taken(_)) && places.available_permits() == 0);
    }
}
