//! Connections: accepted, limited, served, drained.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, Uri, uri::PathAndQuery};
use axum::response::IntoResponse as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::error::ApiError;
use crate::http::lanes::Lanes;
use crate::http::patience::Patient;

/// What connections are served with.
pub(crate) struct Door {
    /// The routes; replaced once the server is ready.
    pub(crate) routes: Arc<ArcSwap<Router>>,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) max_connections: usize,
    pub(crate) head_timeout: Duration,
    pub(crate) drain: Duration,
    /// Where connections are served.
    pub(crate) lanes: Arc<Lanes>,
}

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a client may take no byte of an answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a connection on which nothing was asked yet may go on once the server stops.
const FIRST: Duration = Duration::from_secs(1);
/// How long to wait after a failure to accept (no file descriptors left).
const PAUSE: Duration = Duration::from_millis(50);

/// Connections beyond those that there is a place for: they are asked whether the server lives, and told that it is busy.
const SPARE: usize = 64;
/// Time in which the head of a request has to arrive on one of those.
const SPARE_HEAD: Duration = Duration::from_secs(5);

/// A connection's place.
struct Place {
    _taken: OwnedSemaphorePermit,
    /// It is one of those that there are beyond all others.
    is_spare: bool,
}

/// Places of connections.
#[derive(Clone)]
struct Places {
    usual: Arc<Semaphore>,
    spare: Arc<Semaphore>,
}

impl Places {
    /// A place; where there is none, even beyond the usual ones, what is too much waits in the system's queue.
    async fn take(&self) -> Option<Place> {
        let (usual, spare) = (Arc::clone(&self.usual), Arc::clone(&self.spare));
        tokio::select! {
            biased;
            taken = usual.acquire_owned() => Some(Place { _taken: taken.ok()?, is_spare: false }),
            taken = spare.acquire_owned() => Some(Place { _taken: taken.ok()?, is_spare: true }),
        }
    }
}

/// Serves until `stop` says so, then lets running requests end within the time to drain.
pub(crate) async fn serve(listener: TcpListener, door: Arc<Door>, mut stop: watch::Receiver<bool>) {
    let places = Places {
        usual: Arc::new(Semaphore::new(door.max_connections)),
        spare: Arc::new(Semaphore::new(SPARE)),
    };
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            () = stopped(&mut stop) => break,
        };
        let Some((stream, place)) = accepted else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let _ = stream.set_nodelay(true);
        // It is waited for where it is served.
        let Ok(stream) = stream.into_std() else { continue };
        let (inside, stop) = (Arc::clone(&door), stop.clone());
        door.lanes.spawn(async move {
            let (door, is_spare) = (inside, place.is_spare);
            let _place = place;
            let Ok(stream) = tokio::net::TcpStream::from_std(stream) else { return };
            match &door.tls {
                None => connection(stream, &door, is_spare, stop).await,
                Some(acceptor) => {
                    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
                        connection(stream, &door, is_spare, stop).await;
                    }
                }
            }
        });
    }
    drop(listener);
    let all = u32::try_from(door.max_connections).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(door.drain, places.usual.acquire_many(all)).await;
}

/// Waits until it is time to stop.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error: nobody can say so any more.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// A connection, with a place for it. A usual place that came free meanwhile is given to one that had a spare one.
async fn accept(listener: &TcpListener, places: &Places) -> Option<(tokio::net::TcpStream, Place)> {
    let mut place = places.take().await?;
    let (stream, _) = listener.accept().await.ok()?;
    if place.is_spare
        && let Ok(taken) = Arc::clone(&places.usual).try_acquire_owned()
    {
        place = Place { _taken: taken, is_spare: false };
    }
    Some((stream, place))
}

/// What is answered where all usual places are taken: whether the server lives and is ready, and to everything else that
/// it is busy.
fn is_for_all(path: &str) -> bool {
    matches!(path, "/live" | "/ready" | "/status" | "/status/live")
}

async fn connection<S>(stream: S, door: &Door, is_spare: bool, mut stop: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let routes = Arc::clone(&door.routes);
    let begun = Arc::new(AtomicBool::new(false));
    let has_begun = Arc::clone(&begun);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        has_begun.store(true, Ordering::Relaxed);
        let routes = Router::clone(&routes.load());
        let mut request = request.map(Body::new);
        if let Some(uri) = without_leading_slashes(request.uri()) {
            *request.uri_mut() = uri;
        }
        let is_answered = !is_spare || is_for_all(request.uri().path());
        async move {
            match is_answered {
                true => routes.oneshot(request).await,
                false => Ok(ApiError::unavailable("all connections are taken").into_response()),
            }
        }
    });
    let head_timeout = if is_spare { door.head_timeout.min(SPARE_HEAD) } else { door.head_timeout };
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_timeout).half_close(false).keep_alive(!is_spare);
    let mut served = pin!(http.serve_connection(TokioIo::new(Patient::new(stream, PATIENCE)), service));
    tokio::select! {
        _ = served.as_mut() => {}
        () = stopped(&mut stop) => {
            served.as_mut().graceful_shutdown();
            // One that never asked anything is not taken for idle, and would hold the end up until its head is due.
            let is_new = !begun.load(Ordering::Relaxed);
            if is_new && tokio::time::timeout(FIRST, served.as_mut()).await.is_ok() {
                return;
            }
            if begun.load(Ordering::Relaxed) {
                let _ = served.await;
            }
        }
    }
}

/// `//c/banks` is `/c/banks`: Coop's base URL ends with a slash. *Source:* `hma.md` section 1.1.
fn without_leading_slashes(uri: &Uri) -> Option<Uri> {
    let path = uri.path();
    if !path.starts_with("//") {
        return None;
    }
    let mut text = format!("/{}", path.trim_start_matches('/'));
    if let Some(query) = uri.query() {
        text.push('?');
        text.push_str(query);
    }
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(text).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leading_slashes_become_one() {
        let uri: Uri = "//c/banks?a=//x".parse().unwrap();
        assert_eq!(without_leading_slashes(&uri).unwrap(), "/c/banks?a=//x");
        assert!(without_leading_slashes(&"/c//banks".parse().unwrap()).is_none());
        assert_eq!(without_leading_slashes(&"//".parse().unwrap()).unwrap(), "/");
    }
}
