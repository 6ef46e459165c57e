//! What is kept sealed in the store: credentials of exchanges, signing secrets of webhooks; and where its key comes from.
//!
//! The key is the one of `--key-file`, else that of the variable `LODESTONE_KEY`, else `secret.key` in the data folder,
//! which is made (mode 0600) when the first secret is kept. A key beside the database protects copies of the database
//! only, not the folder: who wants more keeps the key elsewhere and names it. The others of these keys, and old key
//! files, open what they sealed; whatever they sealed is sealed anew at start, so that a change of keys is a restart.
//!
//! With the first secret a check value is sealed too. When no key opens it, the key is lost or another: the server
//! starts and looks up (nothing of that needs a secret), `/ready` names the key that is missing, and whatever needs a
//! secret answers 503. No new key is ever made then. `lodestone key forget-secrets` gives the lost secrets up.
//!
//! Sealed are the rows of exchange credentials, all settings whose names begin with [`SETTING_PREFIX`], and the local
//! features and descriptors of known pictures (`features.rs`). Those cannot be typed in anew: giving up lost secrets leaves them where they
//! are, sealed, unless it is said that they go too.

mod key_file;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use lodestone_net::Secret;
use lodestone_net::seal::{self, KeyId, KeyRing, SealError, SealKey};
use lodestone_store::{Batch, Store, StoreError};
use ring::rand::SystemRandom;

use crate::error::ApiError;
use crate::features;

pub use key_file::write_key;

/// Settings whose names begin so are sealed secrets: [`Secrets::put`].
pub const SETTING_PREFIX: &str = "sealed.";
/// The setting that holds the check value.
const CHECK: &str = "secrets.check";
/// What the check value is sealed for.
const CHECK_PURPOSE: &str = "check";
/// The key's file in the data folder.
const OWN_FILE: &str = "secret.key";

/// Where keys come from.
#[derive(Clone, Debug, Default)]
pub struct KeySources {
    /// Key file; it seals when there is one.
    pub key_file: Option<PathBuf>,
    /// Value of `LODESTONE_KEY`; it seals when there is no key file.
    pub variable: Option<Secret>,
    /// Files of earlier keys, which only open.
    pub old_key_files: Vec<PathBuf>,
}

/// Why a secret is not sealed or opened.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SecretsError {
    /// A key that was named cannot be used.
    #[error(transparent)]
    Key(SealError),
    /// The key that sealed what the store keeps is not among those at hand.
    #[error(
        "{0}; give that key by --key-file, --old-key-file or LODESTONE_KEY, or give up what it sealed with \
         `lodestone key forget-secrets`"
    )]
    Lost(SealError),
    /// One secret cannot be opened, or not be sealed.
    #[error(transparent)]
    Seal(SealError),
    /// The local features of an entry cannot be opened, or not be sealed.
    #[error("the local features, or the descriptor, of {entry}: {error}")]
    Features {
        /// The entry and its bank, in words.
        entry: String,
        /// Why.
        error: SealError,
    },
    /// The key's file cannot be written.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The store.
    #[error("{0}")]
    Store(Arc<StoreError>),
}

impl From<StoreError> for SecretsError {
    fn from(error: StoreError) -> Self {
        Self::Store(Arc::new(error))
    }
}

impl From<SecretsError> for ApiError {
    /// 503: without its key a secret is neither kept nor used, and never left out in silence.
    fn from(error: SecretsError) -> Self {
        match error {
            SecretsError::Seal(SealError::TooLong) => Self::bad(SealError::TooLong.to_string()),
            other => Self::unavailable(other.to_string()),
        }
    }
}

/// Seals and opens secrets. Clones are the same.
#[derive(Clone, Debug)]
pub struct Secrets(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    data: PathBuf,
    keys: ArcSwap<Keys>,
    random: SystemRandom,
}

#[derive(Debug)]
struct Keys {
    ring: Arc<KeyRing>,
    /// Why the check value does not open.
    lost: Option<SealError>,
}

impl Inner {
    fn set(&self, ring: Arc<KeyRing>) {
        self.keys.store(Arc::new(Keys { ring, lost: None }));
    }
}

impl Secrets {
    /// The keys of these sources and of the data folder, tried on the store's check value. Makes no key.
    ///
    /// # Errors
    /// [`SecretsError::Key`] when a key that was named cannot be read; the store's. That no key opens what the store
    /// keeps is told by [`Secrets::key`].
    pub fn open(data: &Path, sources: &KeySources, store: &Store) -> Result<Self, SecretsError> {
        let mut keys = Vec::new();
        if let Some(path) = &sources.key_file {
            keys.push(SealKey::from_file(path).map_err(SecretsError::Key)?);
        }
        if let Some(text) = &sources.variable {
            let text = text.expose_str().unwrap_or_default();
            keys.push(SealKey::parse("LODESTONE_KEY", text).map_err(SecretsError::Key)?);
        }
        let own = data.join(OWN_FILE);
        if own.exists() {
            keys.push(SealKey::from_file(&own).map_err(SecretsError::Key)?);
        }
        let mut old = Vec::new();
        for path in &sources.old_key_files {
            old.push(SealKey::from_file(path).map_err(SecretsError::Key)?);
        }
        let mut keys = keys.into_iter();
        let ring = match keys.next() {
            Some(first) => KeyRing::new(first, keys.chain(old)),
            // An old key never seals, even when it is the only one.
            None if !old.is_empty() => return Err(SecretsError::Key(SealError::NoKey)),
            None => KeyRing::empty(),
        };
        let lost = store.setting(CHECK)?.and_then(|check| ring.open(CHECK_PURPOSE, &check).err());
        let keys = ArcSwap::from_pointee(Keys { ring: Arc::new(ring), lost });
        Ok(Self(Arc::new(Inner { data: data.to_owned(), keys, random: SystemRandom::new() })))
    }

    /// The key that seals; `None` as long as nothing was sealed and no key was named.
    ///
    /// # Errors
    /// [`SecretsError::Lost`].
    pub fn key(&self) -> Result<Option<KeyId>, SecretsError> {
        let keys = self.0.keys.load();
        match &keys.lost {
            Some(lost) => Err(SecretsError::Lost(lost.clone())),
            None => Ok(keys.ring.sealing_key()),
        }
    }

    /// How things stand, in a few words without any secret: `unused`, `ok`, or why nothing can be opened.
    pub fn told(&self) -> String {
        match self.key() {
            Ok(None) => "unused".to_owned(),
            Ok(Some(_)) => "ok".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    /// Seals a secret for a purpose, which has to be given again to open it. The same batch keeps the check value.
    ///
    /// # Errors
    /// [`SecretsError::Lost`]; [`SecretsError::File`] when the first key cannot be written; the store's.
    pub fn seal(
        &self,
        batch: &mut Batch<'_>,
        purpose: &str,
        secret: &Secret,
    ) -> Result<String, SecretsError> {
        if self.key()?.is_none() {
            self.make_key()?;
        }
        self.keep_check(batch)?;
        self.0.keys.load().ring.seal(&self.0.random, purpose, secret).map_err(SecretsError::Seal)
    }

    /// As [`Secrets::seal`], as bytes.
    ///
    /// # Errors
    /// As there.
    pub fn seal_bytes(
        &self,
        batch: &mut Batch<'_>,
        purpose: &str,
        secret: &Secret,
    ) -> Result<Vec<u8>, SecretsError> {
        self.keep_check(batch)?;
        self.0.keys.load().ring.seal_bytes(&self.0.random, purpose, secret).map_err(SecretsError::Seal)
    }

    /// Has a key and a check value, before anything is sealed.
    fn keep_check(&self, batch: &mut Batch<'_>) -> Result<(), SecretsError> {
        if self.key()?.is_none() {
            self.make_key()?;
        }
        if batch.setting(CHECK)?.is_none() {
            let check = Secret::new(*b"check");
            let sealed = self.0.keys.load().ring.seal(&self.0.random, CHECK_PURPOSE, &check);
            batch.set_setting(CHECK, Some(&sealed.map_err(SecretsError::Seal)?))?;
        }
        Ok(())
    }

    /// Whether something is sealed with the key that seals now.
    ///
    /// # Errors
    /// As [`Secrets::key`]; [`SecretsError::Seal`] for what nothing here has sealed.
    pub fn is_sealed_as_now(&self, sealed: &[u8]) -> Result<bool, SecretsError> {
        Ok(Some(seal::bytes_sealed_by(sealed).map_err(SecretsError::Seal)?) == self.key()?)
    }

    /// Opens what was sealed for the same purpose.
    ///
    /// # Errors
    /// [`SecretsError::Lost`], [`SecretsError::Seal`].
    pub fn unseal(&self, purpose: &str, sealed: &str) -> Result<Secret, SecretsError> {
        self.key()?;
        self.0.keys.load().ring.open(purpose, sealed).map_err(SecretsError::Seal)
    }

    /// Opens what [`Secrets::seal_bytes`] sealed for the same purpose.
    ///
    /// # Errors
    /// As [`Secrets::unseal`].
    pub fn unseal_bytes(&self, purpose: &str, sealed: &[u8]) -> Result<Secret, SecretsError> {
        self.key()?;
        self.0.keys.load().ring.open_bytes(purpose, sealed).map_err(SecretsError::Seal)
    }

    /// Keeps a secret under a name, as a sealed setting; `None` forgets it, which needs no key.
    ///
    /// # Errors
    /// As [`Secrets::seal`].
    pub fn put(
        &self,
        batch: &mut Batch<'_>,
        name: &str,
        secret: Option<&Secret>,
    ) -> Result<(), SecretsError> {
        let setting = format!("{SETTING_PREFIX}{name}");
        let sealed = secret.map(|secret| self.seal(batch, &setting, secret)).transpose()?;
        Ok(batch.set_setting(&setting, sealed.as_deref())?)
    }

    /// The secret kept under a name; `None` when there is none.
    ///
    /// # Errors
    /// As [`Secrets::unseal`]; the store's.
    pub fn get(&self, store: &Store, name: &str) -> Result<Option<Secret>, SecretsError> {
        let setting = format!("{SETTING_PREFIX}{name}");
        let sealed = store.setting(&setting)?;
        sealed.map(|sealed| self.unseal(&setting, &sealed)).transpose()
    }

    /// Seals anew whatever another key sealed; returns how many secrets that were. Call it at start. With a lost key it
    /// does nothing. Local features whose key is another stay as they are, and keep nothing else from being sealed anew.
    ///
    /// # Errors
    /// The store's; [`SecretsError::Seal`] and [`SecretsError::Features`] when one of them cannot be opened, and then
    /// nothing is changed.
    pub fn reseal(&self, store: &mut Store, now_us: i64) -> Result<Rewritten, SecretsError> {
        if !matches!(self.key(), Ok(Some(_))) {
            return Ok(Rewritten::default());
        }
        let keys = self.0.keys.load();
        rewrite(store, now_us, |purpose, sealed| {
            if Some(sealed.sealed_by()?) == keys.ring.sealing_key() {
                return Ok(Fate::Stays);
            }
            let secret = match sealed.open(&keys.ring, purpose) {
                Err(SecretsError::Seal(SealError::WrongKey { .. })) if matches!(sealed, Sealed::Bytes(_)) => {
                    return Ok(Fate::Stays);
                }
                opened => opened?,
            };
            sealed.anew(&keys.ring, &self.0.random, purpose, &secret).map(Fate::Becomes)
        })
    }

    /// Seals everything anew under another key, which seals from now on.
    ///
    /// # Errors
    /// [`SecretsError::Lost`] when the present key is not at hand; as [`Secrets::reseal`].
    pub fn rotate(&self, store: &mut Store, now_us: i64, to: SealKey) -> Result<Rewritten, SecretsError> {
        self.key()?;
        let keys = self.0.keys.load();
        let new = KeyRing::new(to, []);
        let count = rewrite(store, now_us, |purpose, sealed| {
            let secret = match sealed.open(&keys.ring, purpose) {
                Ok(secret) => secret,
                // It has that key already.
                Err(_) if sealed.open(&new, purpose).is_ok() => return Ok(Fate::Stays),
                Err(error) => return Err(error),
            };
            sealed.anew(&new, &self.0.random, purpose, &secret).map(Fate::Becomes)
        })?;
        self.0.set(Arc::new(new));
        Ok(count)
    }

    /// Gives up what no key at hand opens; returns how many secrets that were. They have to be given anew. Local features
    /// of known pictures go only when `with_features` says so: nobody can type them in.
    ///
    /// # Errors
    /// The store's.
    pub fn forget_lost(
        &self,
        store: &mut Store,
        now_us: i64,
        with_features: bool,
    ) -> Result<Rewritten, SecretsError> {
        let keys = self.0.keys.load();
        let count = rewrite(store, now_us, |purpose, sealed| {
            let stays = matches!(sealed, Sealed::Bytes(_)) && !with_features;
            Ok(if stays || sealed.open(&keys.ring, purpose).is_ok() { Fate::Stays } else { Fate::Goes })
        })?;
        self.0.set(Arc::clone(&keys.ring));
        Ok(count)
    }

    /// How many entries have local features, and descriptors, that no key at hand opens.
    ///
    /// # Errors
    /// The store's.
    pub fn lost_features(&self, store: &mut Store, now_us: i64) -> Result<Rewritten, SecretsError> {
        let keys = self.0.keys.load();
        let mut lost = Rewritten::default();
        rewrite(store, now_us, |purpose, sealed| {
            if matches!(sealed, Sealed::Bytes(_)) && sealed.open(&keys.ring, purpose).is_err() {
                match purpose.starts_with(features::DESCRIPTOR) {
                    true => lost.descriptors += 1,
                    false => lost.features += 1,
                }
            }
            Ok(Fate::Stays)
        })?;
        Ok(lost)
    }

    /// Makes `secret.key` and seals with it.
    fn make_key(&self) -> Result<(), SecretsError> {
        let key = SealKey::generate(&self.0.random).map_err(SecretsError::Seal)?;
        let path = self.0.data.join(OWN_FILE);
        write_key(&path, &key)?;
        tracing::warn!(
            key = %key.id(),
            file = OWN_FILE,
            "made a key for secrets in the data folder; name another with --key-file to keep it apart from the data"
        );
        self.0.set(Arc::new(KeyRing::new(key, [])));
        Ok(())
    }
}

/// What a secret of an exchange's interface is sealed for.
pub fn credentials_purpose(api: &str) -> String {
    format!("exchange-credentials:{api}")
}

/// How much was sealed anew, or given up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewritten {
    /// Credentials and settings.
    pub secrets: usize,
    /// Entries with local features.
    pub features: usize,
    /// Descriptors of entries by a user's model.
    pub descriptors: usize,
}

/// Something sealed: secrets are text, local features bytes.
enum Sealed {
    Text(String),
    Bytes(Vec<u8>),
}

impl Sealed {
    fn sealed_by(&self) -> Result<KeyId, SecretsError> {
        match self {
            Self::Text(text) => seal::sealed_by(text),
            Self::Bytes(bytes) => seal::bytes_sealed_by(bytes),
        }
        .map_err(SecretsError::Seal)
    }

    fn open(&self, ring: &KeyRing, purpose: &str) -> Result<Secret, SecretsError> {
        match self {
            Self::Text(text) => ring.open(purpose, text),
            Self::Bytes(bytes) => ring.open_bytes(purpose, bytes),
        }
        .map_err(SecretsError::Seal)
    }

    /// The secret sealed in the same way with another key.
    fn anew(
        &self,
        ring: &KeyRing,
        random: &SystemRandom,
        purpose: &str,
        secret: &Secret,
    ) -> Result<Self, SecretsError> {
        match self {
            Self::Text(_) => ring.seal(random, purpose, secret).map(Self::Text),
            Self::Bytes(_) => ring.seal_bytes(random, purpose, secret).map(Self::Bytes),
        }
        .map_err(SecretsError::Seal)
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bytes(_) => None,
        }
    }
}

/// What becomes of something sealed.
enum Fate {
    Stays,
    Goes,
    Becomes(Sealed),
}

/// Rows of features that are read at a time.
const PAGE: usize = 64;

/// Writes everything sealed anew, all or none: `change` says, for a purpose and what is sealed, what becomes of it.
fn rewrite(
    store: &mut Store,
    now_us: i64,
    mut change: impl FnMut(&str, &Sealed) -> Result<Fate, SecretsError>,
) -> Result<Rewritten, SecretsError> {
    let credentials = store.all_exchange_credentials()?;
    store.batch(now_us, |batch| {
        let mut count = Rewritten::default();
        for (api, sealed) in credentials {
            let fate = change(&credentials_purpose(&api), &Sealed::Text(sealed))?;
            count.secrets += written(&fate, |anew| Ok(batch.set_exchange_credentials(&api, anew)?))?;
        }
        for (name, sealed) in batch.settings(SETTING_PREFIX)? {
            let fate = change(&name, &Sealed::Text(sealed))?;
            count.secrets += written(&fate, |anew| Ok(batch.set_setting(&name, anew)?))?;
        }
        if let Some(check) = batch.setting(CHECK)? {
            let fate = change(CHECK_PURPOSE, &Sealed::Text(check))?;
            written(&fate, |anew| Ok(batch.set_setting(CHECK, anew)?))?;
        }
        count.features = rewrite_features(batch, &mut change)?;
        count.descriptors = rewrite_descriptors(batch, &mut change)?;
        Ok(count)
    })
}

/// Writes what became of a sealed text; returns how many were changed: one or none.
fn written(
    fate: &Fate,
    write: impl FnOnce(Option<&str>) -> Result<(), SecretsError>,
) -> Result<usize, SecretsError> {
    match fate {
        Fate::Stays => return Ok(0),
        Fate::Goes => write(None)?,
        Fate::Becomes(anew) => write(anew.text())?,
    }
    Ok(1)
}

fn rewrite_features(
    batch: &mut Batch<'_>,
    change: &mut impl FnMut(&str, &Sealed) -> Result<Fate, SecretsError>,
) -> Result<usize, SecretsError> {
    let (mut count, mut after) = (0, 0);
    loop {
        let page = batch.features_after(after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(count) };
        after = *last;
        for (no, sealed) in page {
            let fate = match change(&features::purpose(no), &Sealed::Bytes(sealed)) {
                Ok(fate) => fate,
                Err(SecretsError::Seal(error)) => {
                    return Err(SecretsError::Features { entry: features::entry_words(batch, no), error });
                }
                Err(error) => return Err(error),
            };
            count += usize::from(!matches!(fate, Fate::Stays));
            match fate {
                Fate::Becomes(Sealed::Bytes(anew)) => {
                    batch.reseal_features(no, &anew)?;
                }
                Fate::Goes => {
                    batch.remove_features(no)?;
                }
                _ => {}
            }
        }
    }
}

fn rewrite_descriptors(
    batch: &mut Batch<'_>,
    change: &mut impl FnMut(&str, &Sealed) -> Result<Fate, SecretsError>,
) -> Result<usize, SecretsError> {
    let (mut count, mut after) = (0, (0, String::new()));
    loop {
        let page = batch.descriptors_after((after.0, &after.1), PAGE)?;
        let Some((no, model, _)) = page.last() else { return Ok(count) };
        after = (*no, model.clone());
        for (no, model, sealed) in page {
            let fate = match change(&features::descriptor_purpose(no, &model), &Sealed::Bytes(sealed)) {
                Ok(fate) => fate,
                Err(SecretsError::Seal(error)) => {
                    return Err(SecretsError::Features { entry: features::entry_words(batch, no), error });
                }
                Err(error) => return Err(error),
            };
            count += usize::from(!matches!(fate, Fate::Stays));
            match fate {
                Fate::Becomes(Sealed::Bytes(anew)) => {
                    batch.reseal_descriptor(no, &model, &anew)?;
                }
                Fate::Goes => {
                    batch.remove_descriptor(no, &model)?;
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
