//! The banks as a server's look-ups see them: in memory and in a mapped index, changed while they are searched.
//!
//! ```text
//! Store (one writer) ── batch committed ──▶ LiveBanks::follow ──▶ a new LiveState ──▶ look-ups
//! ```
//!
//! A look-up takes the [`LiveState`] of its moment and never touches the database. The writer calls [`LiveBanks::follow`]
//! after each commit and before it answers, so that what was acknowledged is seen by the next look-up. All that follows
//! comes from the database's own log of changes: a process that was killed between commit and follow catches up when
//! it opens the folder again, by the same code.
//!
//! What an entry has now is known by overriding: entries that changed or went since the digests were read are noted
//! with what they have now, and what the larger maps say of them counts only if it agrees.

mod digests;
mod ids;
mod known;
mod layers;
mod load;
mod state;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use lodestone_index::{BuildOptions, LiveIndex, LiveOptions};
use lodestone_store::{Store, StoreError};

use crate::bank_index::{self, IndexError, Tell};
use crate::support::Support;

pub use ids::ContentIds;
pub use known::{KnownBank, LiveKnown, TellRefused};
pub use state::{LiveBank, LiveCounts, LiveState, Near, Said};

/// Why the banks could not be opened for look-ups, or not be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LiveBanksError {
    /// The banks cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Their index cannot be read or written.
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// The banks of a data folder, open for look-ups and for following their changes.
pub struct LiveBanks {
    data: PathBuf,
    index: Option<LiveIndex>,
    build: BuildOptions,
    view: LiveView,
    /// Of the state that look-ups see; `None`: not known, all has to be read anew.
    support: Option<Support>,
}

/// Where look-ups find the banks' newest state. Clones see the same.
#[derive(Clone, Debug)]
pub struct LiveView(Arc<ArcSwap<LiveState>>);

impl LiveView {
    /// What look-ups see now. Costs nanoseconds, and stays as it is while the banks go on.
    pub fn now(&self) -> Arc<LiveState> {
        self.0.load_full()
    }
}

impl LiveBanks {
    /// Opens the banks of a folder. `store` is the folder's, open for writing.
    ///
    /// The index is brought up to date, or built when it is missing or damaged (about a microsecond a value and core);
    /// digests and texts are read into memory, about half a microsecond and 30 bytes each.
    ///
    /// # Errors
    /// [`LiveBanksError`].
    pub fn open(store: &mut Store, data: &Path, tell: &mut Tell<'_>) -> Result<Self, LiveBanksError> {
        let build = BuildOptions::default();
        bank_index::bring_up_to_date(store, data, &build, tell)?;
        let index = open_index(store, data, &build)?;
        let mut support = Support::default();
        let state = load::whole(store, &index, &mut support)?;
        Ok(Self {
            data: data.to_owned(),
            index: Some(index),
            build,
            view: LiveView(Arc::new(ArcSwap::from_pointee(state))),
            support: Some(support),
        })
    }

    /// Where look-ups find the newest state.
    pub fn view(&self) -> LiveView {
        self.view.clone()
    }

    /// Takes in what was committed since; what look-ups see when this returns is the store's state.
    ///
    /// Cost: in proportion to what changed, some microseconds each and a flush of the disk where PDQ values changed.
    ///
    /// # Errors
    /// [`LiveBanksError`]; look-ups then see the state before, and the next call tries again.
    pub fn follow(&mut self, store: &mut Store) -> Result<(), LiveBanksError> {
        let before = self.view.now();
        if store.state()? != before.token() {
            let unbroken = match &self.index {
                Some(index) => {
                    bank_index::follow(store, index, &mut |_| std::ops::ControlFlow::Continue(()))?
                }
                None => false,
            };
            if !unbroken {
                return self.reopen(store);
            }
        }
        let Some(index) = &self.index else { return self.reopen(store) };
        // Where this fails, what was taken in by half is read anew by the next call.
        let support = self.support.take();
        let onward = match support {
            Some(mut support) => {
                load::onward(store, index, &before, &mut support)?.map(|state| (state, support))
            }
            None => None,
        };
        let (state, support) = match onward {
            Some(onward) => onward,
            None => {
                let mut support = Support::default();
                (load::whole(store, index, &mut support)?, support)
            }
        };
        self.support = Some(support);
        self.view.0.store(Arc::new(state));
        // Look-ups and index stand where the store stands: the log up to here is needed by nobody. Where it cannot be
        // trimmed now, as on a full disk, the next step trims it; what was committed is seen all the same.
        let _ = store.trim_changes(before.generation());
        Ok(())
    }

    /// Opens everything anew: after a restored database, a reset, or a failure of the disk under the index.
    fn reopen(&mut self, store: &mut Store) -> Result<(), LiveBanksError> {
        // It is locked while it is open.
        self.index = None;
        let mut tell = |_| std::ops::ControlFlow::Continue(());
        bank_index::bring_up_to_date(store, &self.data, &self.build, &mut tell)?;
        let index = open_index(store, &self.data, &self.build)?;
        let mut support = Support::default();
        let state = load::whole(store, &index, &mut support)?;
        self.support = Some(support);
        self.index = Some(index);
        self.view.0.store(Arc::new(state));
        Ok(())
    }
}

/// Opens the index for writing, with a thread that merges. A folder without one gets an empty one.
fn open_index(store: &Store, data: &Path, build: &BuildOptions) -> Result<LiveIndex, LiveBanksError> {
    let mut options = LiveOptions::default();
    options.build = build.clone();
    let index = LiveIndex::open(&bank_index::index_folder(data), options).map_err(IndexError::from)?;
    let state = store.state()?.unwrap_or(0);
    if index.snapshot().stamp() != state {
        index.apply(&[], state).map_err(IndexError::from)?;
    }
    Ok(index)
}
