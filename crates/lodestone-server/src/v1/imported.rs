//! What came of an import, as JSON: never a value of the list, only lines.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use lodestone_exchange::format::Refusal;
use lodestone_store::ImportReport;
use serde_json::{Value, json};

use crate::v1::import::Outcome;
use crate::v1::{Compact, ok};

/// 200 with what was done, 400 with what is wrong.
pub(super) fn answer(outcome: Outcome) -> Response {
    match outcome {
        Outcome::Refused(why) => Compact(StatusCode::BAD_REQUEST, why).into_response(),
        Outcome::Imported { bank, format, report } => {
            let mut told = json!({ "bank": bank, "format": format.as_str() });
            super::content::extend(&mut told, counts(&report));
            ok(told)
        }
    }
}

fn counts(report: &ImportReport) -> Value {
    let rejects: Vec<Value> =
        report.rejected.iter().map(|one| json!({ "line": one.line, "reason": one.reason })).collect();
    json!({
        "added": report.added,
        "updated": report.updated,
        "unchanged": report.unchanged,
        "renamed": report.renamed,
        "rejected": report.rejected_total,
        "rejects": rejects,
        "ignored_empty_file_hashes": report.ignored_empty_file_hashes,
        "generation": report.generation,
    })
}

/// A list that is none, or does not say what its values are.
pub(super) fn refused(refusal: &Refusal) -> Value {
    // Hints of the command line are turned into this route's words.
    let hint = match refusal.hint.contains("--") {
        _ if refusal.reason.contains("database") => "import it with `lodestone bank import`",
        true => {
            "say which type its values are (type=pdq, md5, sha1, sha256) or which column holds what (map=pdq=COLUMN)"
        }
        false => refusal.hint.as_str(),
    };
    let hint = if hint.is_empty() { String::new() } else { format!("; {hint}") };
    json!({ "message": format!("{}{hint}; nothing was imported", refusal.reason) })
}

/// A list with more wrong rows than allowed.
pub(super) fn rejected(report: &ImportReport, allowed: u64) -> Value {
    let message = format!(
        "{} rows cannot be read, {allowed} may be (max_rejects); nothing was imported",
        report.rejected_total
    );
    let counts = counts(report);
    json!({ "message": message, "rejected": report.rejected_total, "rejects": counts["rejects"] })
}

/// A list that breaks off.
pub(super) fn broken(line: u64, reason: &str) -> Value {
    let place = if line == 0 { String::new() } else { format!("line {line}: ") };
    let message = format!("{place}{reason}; nothing was imported");
    json!({ "message": message, "rejects": [{ "line": line, "reason": reason }] })
}

#[cfg(test)]
mod tests {
    use lodestone_types::{Reject, RejectKind};

    use super::*;

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let reject = Reject { line: 3, reason: "no value".into(), kind: RejectKind::Row };
        let report = ImportReport { rejected: vec![reject], rejected_total: 1, ..ImportReport::default() };
        let told = rejected(&report, 0);
        assert_eq!(told["rejects"], json!([{ "line": 3, "reason": "no value" }]));
        assert!(told["message"].as_str().unwrap().contains("nothing was imported"));
        assert!(broken(9, "the list is cut short")["message"].as_str().unwrap().starts_with("line 9: "));
        assert!(broken(0, "no entries")["message"].as_str().unwrap().starts_with("no entries; "));
    }

    #[test]
    fn hints_are_in_the_words_of_the_route() {
        let told = refused(&Refusal::new("64 digits", "say --known pdq:FILE")).to_string();
        assert!(told.contains("type=pdq") && !told.contains("--known"), "{told}");
        let told = refused(&Refusal::new("a zip archive", "unpack it first")).to_string();
        assert!(told.contains("unpack it first"), "{told}");
    }
}
