//! Files of a bounded size.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::kit::KitError;

/// Bytes of a model file at most: ViT-L in half precision.
pub(super) const MAX_MODEL: u64 = 700 << 20;
/// Bytes of a sidecar at most.
pub(super) const MAX_SIDECAR: u64 = 1 << 20;

/// All of a file.
///
/// # Errors
/// When it cannot be read or is larger than `limit` bytes.
pub(super) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, KitError> {
    let io = |source| KitError::Io { path: path.to_owned(), source };
    let mut bytes = Vec::new();
    File::open(path).map_err(io)?.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
    if bytes.len() as u64 > limit {
        return Err(KitError::Invalid { path: path.to_owned(), what: format!("more than {limit} bytes") });
    }
    Ok(bytes)
}
