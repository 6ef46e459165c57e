//! The audit log: who did what to what, in a way that cannot be changed unseen.
//!
//! ```text
//! change ─note─▶ row in the same commit ─sequencer─▶ DATA/audit (RFC 6962 tree in tiles, signed checkpoints)
//!                 │ body and salt stay here and can be erased
//!                 └ leaf: {v, at_us, actor, action, object_kind, commit}, these bytes are the entry in the log
//! ```
//!
//! The log is append-only and can be handed out; what may have to be erased one day is not in it, only a salted
//! commitment to it. Leaves are made once, when the change is made, and kept as they are: what the sequencer appends after
//! a kill is the same to the byte, which is how it knows what is in the log already. `docs/formats/audit.md` draws both.

mod check;
mod keeper;
mod sequencer;

use lodestone_store::{AuditEntry, Batch};
use lodestone_types::hex;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};

use crate::auth::Caller;
use crate::error::ApiError;
use crate::hma_json;

pub use check::{BodyState, Checked, Shown, check, opens, show};
pub use keeper::{AuditError, FOLDER, KEY_FILE, Keeper};
pub(crate) use sequencer::sequence;

/// The actor of what the server does on its own.
pub const SERVER: &str = "server";

/// Notes an action in the same commit as the action itself. `object` is kept beside the log, sealed into it by a
/// commitment; `action` is `kind.verb` and stands in the log, as does the id of the caller's key.
///
/// # Errors
/// The store's; then the action is undone too.
pub fn note(
    batch: &mut Batch<'_>,
    caller: &Caller,
    action: &'static str,
    object: &Value,
) -> Result<(), ApiError> {
    let mut salt = [0; 32];
    SystemRandom::new()
        .fill(&mut salt)
        .map_err(|_| ApiError::unavailable("the system gives no random bytes: nothing was changed"))?;
    let (leaf, body) = entry(batch.now_us(), &caller.key, action, object, &salt);
    batch.add_audit(leaf.as_bytes(), &salt, &body)?;
    Ok(())
}

/// Erases the words and the salt of an entry, and notes that and why; the log stays whole.
///
/// # Errors
/// 400 without a reason; the store's.
pub fn erase(batch: &mut Batch<'_>, caller: &Caller, row: &AuditEntry, reason: &str) -> Result<(), ApiError> {
    let reason = reason.trim();
    if reason.is_empty() || reason.chars().count() > 2000 {
        return Err(ApiError::bad("a reason of 1 to 2000 characters is needed"));
    }
    batch.audit_erase_body(row.no)?;
    note(batch, caller, "audit.erase", &json!({ "index": row.log_index, "reason": reason }))
}

/// Bytes of a leaf, and the body that it commits to.
fn entry(at_us: i64, actor: &str, action: &str, object: &Value, salt: &[u8; 32]) -> (String, String) {
    let body = canonical(object);
    let kind = action.split('.').next().unwrap_or_default();
    let leaf = canonical(&json!({
        "v": 1,
        "at_us": at_us,
        "actor": actor,
        "action": action,
        "object_kind": kind,
        "commit": hex::encode(&lodestone_tlog::commit(salt, body.as_bytes())),
    }));
    (leaf, body)
}

/// JSON in one form only: keys sorted, no spaces, ASCII.
fn canonical(value: &Value) -> String {
    let mut text = hma_json::to_text(value);
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leaf_is_one_canonical_line_and_holds_nothing_of_the_object() {
        let object = json!({ "name": "É", "bank": "B" });
        let (leaf, body) = entry(5, "k1", "bank.create", &object, &[7; 32]);
        assert_eq!(body, r#"{"bank":"B","name":"\u00c9"}"#);
        let commit = hex::encode(&lodestone_tlog::commit(&[7; 32], body.as_bytes()));
        assert_eq!(
            leaf,
            format!(
                r#"{{"action":"bank.create","actor":"k1","at_us":5,"commit":"{commit}","object_kind":"bank","v":1}}"#
            )
        );
        assert!(opens(leaf.as_bytes(), &[7; 32], &body));
        assert!(!opens(leaf.as_bytes(), &[8; 32], &body));
        assert!(!opens(leaf.as_bytes(), &[7; 31], &body));
        assert!(!opens(leaf.as_bytes(), &[7; 32], "{}"));
        assert!(!opens(b"[]", &[7; 32], &body));
    }

    #[test]
    fn the_same_object_never_gives_the_same_leaf_twice() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = lodestone_store::Store::open(dir.path()).unwrap();
        let caller = Caller { key: "k1".into() };
        let noted = store.batch(1, |batch| -> Result<(), lodestone_store::StoreError> {
            for _ in 0..2 {
                assert!(note(batch, &caller, "bank.create", &json!({ "bank": "B" })).is_ok());
            }
            Ok(())
        });
        noted.unwrap();
        let rows = store.audit_pending(9).unwrap();
        assert_eq!(rows.len(), 2);
        assert_ne!(rows[0].leaf, rows[1].leaf);
        assert_eq!(rows[0].body, rows[1].body);
    }
}
