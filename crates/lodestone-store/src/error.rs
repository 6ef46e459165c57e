//! What can go wrong, split by what the caller can do.

use crate::ImportReport;

/// One error for the crate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another process writes to the folder, or holds the database.
    #[error(
        "the data folder {path} is in use by another lodestone process; wait for it to end, or give another --data folder"
    )]
    Locked {
        /// The folder, or the file in it.
        path: String,
    },
    /// Written by a newer program.
    #[error(
        "the data folder was written by a newer version (schema {found}, this program knows {known}); use that version"
    )]
    NewerSchema {
        /// Schema number in the file.
        found: i64,
        /// Schema number of this program.
        known: i64,
    },
    /// The file is none of ours; nothing was changed.
    #[error("{path} is not a Lodestone store")]
    NotAStore {
        /// The file.
        path: String,
    },
    /// A name or id is taken.
    #[error("{reason}")]
    Taken {
        /// Which, and by what.
        reason: String,
    },
    /// The database undid a group of steps on its own, as it does when the disk fails; none of them was kept.
    #[error("the database undid this group of steps; none of them was kept")]
    Undone,
    /// The disk is full; the transaction was undone.
    #[error("the disk is full; nothing of the last step was kept")]
    Full,
    /// Reading or writing failed.
    #[error("{path}: {reason}")]
    Io {
        /// The file or folder.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// The database is damaged.
    #[error("the store is damaged ({reason}); restore a copy, or import the lists again into a new folder")]
    Corrupt {
        /// What was found.
        reason: String,
    },
    /// No bank of this name.
    #[error("there is no bank {bank:?}")]
    NotFound {
        /// The name asked for.
        bank: String,
    },
    /// The request itself is wrong.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
    /// More rows of a list were rejected than allowed; nothing was imported. The report counts the whole list.
    #[error("{}", rejected(report, *allowed))]
    Rejected {
        /// What importing would have done, and the rejects with their lines.
        report: Box<ImportReport>,
        /// Rejects allowed.
        allowed: u64,
    },
    /// The list breaks off; nothing was imported.
    #[error("{}{reason}; nothing was imported", at_line(*line))]
    BadList {
        /// Where: line or record, 0 for the list as a whole.
        line: u64,
        /// Why.
        reason: String,
    },
}

fn at_line(line: u64) -> String {
    if line == 0 { String::new() } else { format!("line {line}: ") }
}

fn rejected(report: &ImportReport, allowed: u64) -> String {
    let first = report
        .rejected
        .first()
        .map(|reject| format!("; the first is line {}: {}", reject.line, reject.reason))
        .unwrap_or_default();
    format!(
        "{} rows were rejected, {allowed} allowed (--max-rejects); nothing was imported{first}",
        report.rejected_total
    )
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let path = || "lodestone.db".to_owned();
        let Some(code) = error.sqlite_error_code() else {
            return Self::Corrupt { reason: error.to_string() };
        };
        match code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked { path: path() },
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::NotADatabase => Self::NotAStore { path: path() },
            ErrorCode::ReadOnly => Self::Refused { reason: "the store is open for reading only".to_owned() },
            ErrorCode::CannotOpen | ErrorCode::SystemIoFailure | ErrorCode::PermissionDenied => {
                Self::Io { path: path(), reason: error.to_string() }
            }
            _ => Self::Corrupt { reason: error.to_string() },
        }
    }
}
