//! The thread that appends what was noted to the log: every second, as much as waits.

use std::time::Duration;

use super::keeper::{AuditError, Keeper};
use crate::actions::Context;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(1);
/// Entries of one append at most.
const BATCH: usize = 4096;

/// Runs until the server stops; what was noted until then is appended first.
pub(crate) fn sequence(context: &Context, mut keeper: Keeper) {
    let mut quiet = false;
    loop {
        let stopping = context.shared.wait_for_the_last(EVERY);
        loop {
            match step(context, &mut keeper) {
                Ok(BATCH) => {}
                Ok(_) => {
                    quiet = false;
                    break;
                }
                Err(error) => {
                    // A full disk lasts: told once, tried again every second.
                    if !quiet {
                        tracing::error!(%error, "the audit log cannot be written; entries wait in the store");
                    }
                    quiet = true;
                    keeper.close();
                    break;
                }
            }
        }
        if stopping {
            return;
        }
    }
}

/// Appends what waits; returns how many entries that were.
fn step(context: &Context, keeper: &mut Keeper) -> Result<usize, AuditError> {
    let told = |error: crate::error::ApiError| AuditError::NotNoted(error.message().to_owned());
    let mut noting = |first_no: i64, first_index: i64, count: usize| {
        let write = move |batch: &mut lodestone_store::Batch<'_>| Ok(batch.audit_logged(first_no, first_index, count)?);
        context.writer.write_now(write).map_err(told)
    };
    if keeper.is_closed() {
        keeper.reopen(&lodestone_store::Store::open_read_only(&context.data)?, &mut noting)?;
    }
    let rows = context.readers.read_now(|store| Ok(store.audit_pending(BATCH)?)).map_err(told)?;
    context.shared.audit_waiting.store(rows.len() as u64, std::sync::atomic::Ordering::Relaxed);
    let Some(first) = rows.first() else { return Ok(0) };
    let index = keeper.append(&rows)?;
    noting(first.no, i64::try_from(index).unwrap_or(i64::MAX), rows.len())?;
    context.shared.audit_waiting.store(0, std::sync::atomic::Ordering::Relaxed);
    Ok(rows.len())
}
