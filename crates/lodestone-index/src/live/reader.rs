//! A live index open for look-ups only, beside a writer or without one.

use super::error::LiveError;
use super::folder::{Folder, MANIFEST};
use super::load::{Loaded, continue_log, load};
use super::log;
use super::manifest::MANIFEST_MAX;
use super::snapshot::LiveSnapshot;

/// Where in the files the snapshot in use ends.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) folder: Folder,
    manifest: Vec<u8>,
    log: u64,
    log_length: u64,
    /// Why the newest files were refused.
    pub(crate) refused: Option<String>,
}

impl Reader {
    /// The last committed state.
    pub(crate) fn open(folder: Folder) -> Result<(Self, LiveSnapshot), LiveError> {
        let loaded = load(&folder, &[])?;
        Ok(Self::after(folder, loaded))
    }

    fn after(folder: Folder, loaded: Loaded) -> (Self, LiveSnapshot) {
        let Loaded { manifest_bytes: manifest, snapshot, log, log_length, refused, .. } = loaded;
        let refused = refused.map(|refused| refused.reason);
        (Self { folder, manifest, log, log_length, refused }, snapshot)
    }

    /// The last committed state, when it is not `before`.
    pub(crate) fn refresh(&mut self, before: &LiveSnapshot) -> Result<Option<LiveSnapshot>, LiveError> {
        let manifest = self.folder.read(&self.folder.file(MANIFEST), MANIFEST_MAX)?;
        if manifest.as_deref() == Some(&self.manifest)
            && let Some(bytes) =
                self.folder.read_from(&self.folder.log(self.log), self.log_length, log::LOG_MAX)?
        {
            let mut next = before.share();
            self.log_length += continue_log(&self.folder, &mut next, self.log, &bytes, &mut 0)?;
            return Ok((next.generation != before.generation).then_some(next));
        }
        let loaded = load(&self.folder, &before.slots)?;
        let (reader, snapshot) = Self::after(self.folder.clone(), loaded);
        *self = reader;
        Ok(Some(snapshot))
    }
}
