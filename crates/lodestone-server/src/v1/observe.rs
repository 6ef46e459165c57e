//! Many files through the worker processes, a few at a time, so that one request does not fill the queue for all others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use bytes::Bytes;
use lodestone_engine::pool::Kind;
use lodestone_types::Observation;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::App;
use crate::error::ApiError;
use crate::media::{self, ContentType};
use crate::v1::upload::Upload;

/// Files of one request in work at one time, whatever the number of workers.
const AT_ONCE: usize = 16;
/// How long a file waits for its turn where the queue is full.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(50);

/// What became of each file, in their order. The bytes are let go of as they are read.
pub(super) async fn all(
    app: &App,
    files: Vec<Upload>,
    pictures: Kind,
) -> Vec<(Upload, Result<Observation, ApiError>)> {
    let places = Arc::new(Semaphore::new(app.config.workers.clamp(1, AT_ONCE)));
    let mut tasks = JoinSet::new();
    for (at, mut file) in files.into_iter().enumerate() {
        let (app, places) = (app.clone(), Arc::clone(&places));
        tasks.spawn(async move {
            let _place = places.acquire_owned().await;
            let bytes = std::mem::take(&mut file.bytes);
            let seen = one(&app, file.kind, bytes, pictures).await;
            (at, file, seen)
        });
    }
    let mut done: Vec<_> = Vec::new();
    while let Some(task) = tasks.join_next().await {
        // A task that panicked is a mistake of ours; the others are told, and its place is missed below.
        if let Ok(one) = task {
            done.push(one);
        }
    }
    done.sort_by_key(|(at, _, _)| *at);
    done.into_iter().map(|(_, file, seen)| (file, seen)).collect()
}

async fn one(app: &App, kind: ContentType, bytes: Bytes, pictures: Kind) -> Result<Observation, ApiError> {
    if kind == ContentType::Video {
        // Digests alone need no decoder, and no worker.
        let size_bytes = bytes.len() as u64;
        let digests =
            tokio::task::spawn_blocking(move || lodestone_engine::observe::digests_of(&bytes)).await;
        let digests = Some(digests.map_err(|_| ApiError::unavailable("hashing failed"))?);
        return Ok(Observation { size_bytes, digests, ..Observation::default() });
    }
    let until = Instant::now() + PATIENCE;
    loop {
        match media::observe(app, bytes.clone(), pictures).await {
            Err(error) if error.status() == StatusCode::TOO_MANY_REQUESTS && Instant::now() < until => {
                tokio::time::sleep(PAUSE).await;
            }
            seen => return seen,
        }
    }
}
