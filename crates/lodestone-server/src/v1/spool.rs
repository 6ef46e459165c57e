//! A body too large to be held, written to a private file in the data folder while it arrives, and removed after use.
//!
//! A list is imported as a whole or not at all, and the writer must not wait for a slow client: so it is all there before
//! the first row is read.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use lodestone_types::hex;
use ring::digest::{Context, SHA256};
use tokio::io::AsyncWriteExt as _;

use crate::error::ApiError;
use crate::http::body::broken;
use crate::v1::transfers::Running;

/// Time that a whole body may take.
const WHOLE: Duration = Duration::from_secs(3600);

/// Limits of a body.
pub(super) struct Limits {
    pub(super) max_bytes: u64,
    /// Time in which the next piece has to arrive.
    pub(super) pause: Duration,
}

/// A body on disk. The file goes with it.
#[derive(Debug)]
pub(super) struct Spooled {
    path: PathBuf,
    /// Its size.
    pub(super) size_bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub(super) sha256: String,
}

impl Spooled {
    /// Opens it for reading.
    ///
    /// # Errors
    /// 503.
    pub(super) fn open(&self) -> Result<File, ApiError> {
        File::open(&self.path).map_err(|error| failed(&error))
    }
}

impl Drop for Spooled {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn folder(data: &Path) -> PathBuf {
    data.join("tmp")
}

/// Removes what a process that was killed left behind.
pub(crate) fn clear(data: &Path) {
    let Ok(files) = fs::read_dir(folder(data)) else { return };
    for file in files.flatten() {
        if file.file_name().to_string_lossy().ends_with(".spool") {
            let _ = fs::remove_file(file.path());
        }
    }
}

/// Makes a folder that only its owner can look into.
pub(super) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

fn create(data: &Path, id: &str) -> io::Result<(PathBuf, File)> {
    let folder = folder(data);
    private_folder(&folder)?;
    let path = folder.join(format!("{id}.spool"));
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let file = options.open(&path)?;
    Ok((path, file))
}

fn failed(error: &io::Error) -> ApiError {
    if error.kind() == io::ErrorKind::StorageFull {
        return ApiError::unavailable("the disk is full: nothing was changed");
    }
    tracing::error!(%error, "spooling");
    ApiError::unavailable("the upload cannot be written to disk now")
}

/// Writes a body to disk.
///
/// # Errors
/// 413 when it is too large, 408 when it does not arrive in time, 400 when the connection broke off or nothing came,
/// 503 when the disk is full.
pub(super) async fn spool(
    data: &Path,
    id: &str,
    limits: &Limits,
    headers: &HeaderMap,
    mut body: Body,
    running: &Running,
) -> Result<Spooled, ApiError> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|announced| announced > limits.max_bytes) {
        return Err(ApiError::too_large());
    }
    let (path, file) = create(data, id).map_err(|error| failed(&error))?;
    // From here on the file is removed whatever happens.
    let mut spooled = Spooled { path, size_bytes: 0, sha256: String::new() };
    let mut file = tokio::fs::File::from_std(file);
    let mut digest = Context::new(&SHA256);
    let until = Instant::now() + WHOLE;
    loop {
        let pause = limits.pause.min(until.saturating_duration_since(Instant::now()));
        let late = || ApiError::new(StatusCode::REQUEST_TIMEOUT, "the request's body did not arrive in time");
        let frame = tokio::time::timeout(pause, body.frame()).await.map_err(|_| late())?;
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| broken(&error))?;
        let Ok(data) = frame.into_data() else { continue };
        spooled.size_bytes = spooled.size_bytes.saturating_add(data.len() as u64);
        if spooled.size_bytes > limits.max_bytes {
            return Err(ApiError::too_large());
        }
        digest.update(&data);
        file.write_all(&data).await.map_err(|error| failed(&error))?;
        running.received(spooled.size_bytes);
    }
    file.flush().await.map_err(|error| failed(&error))?;
    if spooled.size_bytes == 0 {
        return Err(ApiError::bad("no list: the body is empty"));
    }
    spooled.sha256 = hex::encode(digest.finish().as_ref());
    Ok(spooled)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use crate::v1::Transfers;

    use super::*;

    fn run(data: &Path, text: &'static str, max_bytes: u64) -> Result<Spooled, ApiError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let import = Transfers::default().import("i".into(), "A", "key", 0)?;
        let limits = Limits { max_bytes, pause: Duration::from_secs(5) };
        runtime.block_on(spool(data, "i", &limits, &HeaderMap::new(), Body::from(text), &import.running))
    }

    #[test]
    fn a_body_is_on_disk_while_it_is_used_and_no_longer() {
        let dir = tempfile::tempdir().unwrap();
        let spooled = run(dir.path(), "abc", 3).unwrap();
        let mut text = String::new();
        spooled.open().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), spooled.size_bytes), ("abc", 3));
        assert_eq!(spooled.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        let left = || fs::read_dir(dir.path().join("tmp")).unwrap().count();
        assert_eq!(left(), 1);
        drop(spooled);
        assert_eq!(left(), 0);
        assert_eq!(run(dir.path(), "abcd", 3).unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(run(dir.path(), "", 3).unwrap_err().status(), StatusCode::BAD_REQUEST);
        assert_eq!(left(), 0);
    }

    #[test]
    fn what_a_killed_process_left_is_removed_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        clear(dir.path());
        private_folder(&folder(dir.path())).unwrap();
        fs::write(folder(dir.path()).join("x.spool"), "x").unwrap();
        fs::write(folder(dir.path()).join("keep"), "x").unwrap();
        clear(dir.path());
        assert_eq!(fs::read_dir(folder(dir.path())).unwrap().count(), 1);
    }
}
