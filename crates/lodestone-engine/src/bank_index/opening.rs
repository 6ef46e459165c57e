//! Opening the banks of a data folder for look-ups, with an index that is of their state.

use std::path::Path;
use std::time::Duration;

use lodestone_index::{BuildOptions, LiveError, LiveIndex};
use lodestone_store::{Store, StoreError};

use super::{IndexError, IndexNews, Outcome, Tell, bring_up_to_date, index_folder};
use crate::banks::{BanksError, OpenBanks};

/// How often opening starts again when the banks change meanwhile.
const ATTEMPTS: usize = 5;
/// How often, and how long each time, a writer is waited for before the banks are read into memory instead.
const WAITS: usize = 20;
const WAIT: Duration = Duration::from_millis(50);

/// Opens the banks of a data folder to match against, with their index where it can be had.
///
/// `writer`: the folder's store, when this process has it open for writing.
///
/// # Errors
/// [`BanksError`].
pub fn open_banks(
    data: &Path,
    mut writer: Option<&mut Store>,
    build: &BuildOptions,
    tell: &mut Tell<'_>,
) -> Result<OpenBanks, BanksError> {
    let folder = index_folder(data);
    let alone = writer.is_some();
    let mut mended = false;
    let mut waits = WAITS;
    for _ in 0..ATTEMPTS + WAITS {
        let mut banks = OpenBanks::in_memory(Store::open_read_only(data)?, alone)?;
        if !folder.exists() && banks.searched_values()? == 0 {
            return Ok(banks);
        }
        let behind = match LiveIndex::open_read_only(&folder) {
            Ok(live) if live.health().refused.is_none() => {
                let snapshot = live.snapshot();
                if Some(snapshot.stamp()) == banks.state()? {
                    banks.stored.index = Some(snapshot);
                    return Ok(banks);
                }
                if !mended {
                    // Perhaps somebody changed the banks a moment ago: look again, once they were read.
                    mended = true;
                    continue;
                }
                "it is not of the state of the banks".to_owned()
            }
            Ok(live) => live.health().refused.unwrap_or_default(),
            Err(LiveError::NotALiveIndex { .. }) => "there is none".to_owned(),
            Err(error) => error.to_string(),
        };
        // Its state must not be held while it is written to.
        drop(banks);
        let outcome = match &mut writer {
            Some(store) => bring_up_to_date(store, data, build, tell),
            None => Store::open(data)
                .map_err(IndexError::from)
                .and_then(|mut store| bring_up_to_date(&mut store, data, build, tell)),
        };
        match outcome {
            Ok(outcome) => {
                if outcome != Outcome::UpToDate {
                    let _ = tell(IndexNews::Mended(outcome));
                }
            }
            // Another process writes, and brings the index up to date when it has done.
            Err(IndexError::Store(StoreError::Locked { .. })) if waits > 0 => {
                waits -= 1;
                std::thread::sleep(WAIT);
            }
            Err(error) => {
                let why = format!("{behind}; {error}");
                let _ = tell(IndexNews::InMemory { why });
                return Ok(OpenBanks::in_memory(Store::open_read_only(data)?, alone)?);
            }
        }
    }
    let why = "the banks change all the time".to_owned();
    let _ = tell(IndexNews::InMemory { why });
    Ok(OpenBanks::in_memory(Store::open_read_only(data)?, alone)?)
}
