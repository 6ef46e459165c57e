//! `POST /v1/banks/B/import`: a list of any size into a bank, all or nothing; `GET /v1/imports`: how far they are.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use lodestone_exchange::format::{self, ListFormat, Mapping, ReadOptions};
use lodestone_store::{ImportOptions, ImportReport, ListSource, StoreError};
use lodestone_types::{BankKind, SignalType};
use serde_json::{Value, json};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::http::params::Params;
use crate::route::{About, For, Place, Routes, Takes};
use crate::v1::imported;
use crate::v1::spool::{self, Limits, Spooled};
use crate::v1::transfers::{Phase, Running};
use crate::v1::{cut, ok, query};
use crate::writer::Owned;

pub(super) fn routes(routes: Routes) -> Routes {
    let allowed = For::Role(Role::Curate);
    routes
        .post(
            "/v1/banks/{name}/import",
            allowed,
            About {
                summary: "Imports a list into a bank, whole or not at all. The same list again changes nothing; an entry \
                          that comes again with other fields replaces the old one; entries that no longer come stay. \
                          Look-ups go on meanwhile; other changes wait",
                takes: const { &[
                    Takes {
                        name: "list",
                        place: Place::Body,
                        kind: "file",
                        required: true,
                        about: "The list itself, up to 4 GiB",
                    },
                    query(
                        "format",
                        "string",
                        "auto (default), csv, ndjson, vics, pdq, plain, hma, hashdeep, md5sum, nsrl-rds2",
                    ),
                    query("type", "string", "Type of values that the list does not name: pdq, md5, sha1, sha256 …"),
                    query("map", "string", "Columns of a CSV: pdq=COLUMN,id=COLUMN"),
                    query("max_rejects", "integer", "Rows that may be wrong; with one more nothing is imported. 0"),
                    query("source", "string", "Name of the list; without one, it is named after its content"),
                ] },
                answers: &[
                    (200, "What was added, updated, unchanged, rejected with its line, and the generation"),
                    (400, "Nothing was imported: what is wrong with the list, and where"),
                    (404, "No such bank"),
                    (408, "The list did not arrive in time"),
                    (413, "Too large"),
                    (429, "Four imports run already"),
                    (503, "The disk is full"),
                ],
            },
            import,
        )
        .get(
            "/v1/imports",
            allowed,
            About {
                summary: "Imports that run, with how far each is",
                takes: &[],
                answers: &[(200, "imports: bank, phase, bytes received, rows read")],
            },
            imports,
        )
}

async fn imports(State(app): State<App>) -> Response {
    ok(json!({ "imports": app.transfers.told() }))
}

/// What the caller says of a list.
#[derive(Debug)]
struct Said {
    options: ReadOptions,
    max_rejects: u64,
    source: Option<String>,
}

/// Longest name of a list.
const MAX_SOURCE: usize = 200;

impl Said {
    fn of(params: &Params) -> Result<Self, ApiError> {
        let declared = params.filled("type").map(str::parse::<SignalType>).transpose();
        let declared = declared.map_err(|error| ApiError::bad(cut(&error.to_string())))?;
        let mapping = params.filled("map").map(str::parse::<Mapping>).transpose();
        let mapping = mapping.map_err(|error| ApiError::bad(cut(&error)))?;
        let max_rejects = match params.filled("max_rejects") {
            None => 0,
            Some(text) => text.parse().map_err(|_| ApiError::bad("max_rejects must be a whole number"))?,
        };
        let source = params.filled("source").map(str::to_owned);
        if source.as_ref().is_some_and(|name| name.chars().count() > MAX_SOURCE) {
            return Err(ApiError::bad(format!("source must have at most {MAX_SOURCE} characters")));
        }
        let format = named_format(params.filled("format"))?;
        let declared = declared.or((format == Some(ListFormat::PdqText)).then_some(SignalType::Pdq));
        Ok(Self { options: ReadOptions { declared, format, mapping }, max_rejects, source })
    }
}

/// A format by its name; `None`: told by content.
pub(super) fn named_format(name: Option<&str>) -> Result<Option<ListFormat>, ApiError> {
    match name {
        None | Some("auto") => Ok(None),
        Some("pdq") => Ok(Some(ListFormat::PdqText)),
        Some("hma") => Ok(Some(ListFormat::HmaLocalFile)),
        Some(name) => name.parse().map(Some).map_err(|error: String| ApiError::bad(cut(&error))),
    }
}

async fn import(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    params: Params,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let said = Said::of(&params)?;
    crate::hma::banks::bank(&app, &name)?;
    let import = app.transfers.import(app.new_id(), &name, &caller.key, app.clock.now_us())?;
    let limits = Limits { max_bytes: app.config.max_import_bytes, pause: app.config.body_timeout };
    let list = spool::spool(&app.config.data, &import.id, &limits, &headers, body, &import.running).await?;
    import.running.is(Phase::Waiting);
    let now_us = app.clock.now_us();
    app.writer
        .alone(move |owned| {
            // The place is kept until it is done, whether somebody waits for the answer or not.
            import.running.is(Phase::Writing);
            let list = List { bank: name, list, said, caller };
            list.go_into(owned, now_us, &import.running)
        })
        .await
        .map(imported::answer)
}

/// A list that is to go into a bank.
struct List {
    bank: String,
    list: Spooled,
    said: Said,
    caller: Caller,
}

/// What came of it.
pub(super) enum Outcome {
    Imported {
        bank: String,
        format: ListFormat,
        report: ImportReport,
    },
    /// Nothing was imported: why not.
    Refused(Value),
}

/// Why a transaction is undone.
enum Undone {
    Store(StoreError),
    Api(ApiError),
}

impl From<StoreError> for Undone {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl List {
    fn go_into(self, owned: &mut Owned, now_us: i64, running: &Running) -> Result<Outcome, ApiError> {
        // The bank may have been deleted or turned meanwhile: its kind now counts.
        let kind = owned.store.bank(&self.bank)?.kind;
        let open = match format::open(self.list.open()?, &self.said.options) {
            Ok(open) => open,
            Err(refusal) => return Ok(Outcome::Refused(imported::refused(&refusal))),
        };
        if let Err(refusal) = open.format.check_kind(kind) {
            return Ok(Outcome::Refused(imported::refused(&refusal)));
        }
        let format = open.format;
        let name = source_name(self.said.source.as_deref(), &self.list.sha256);
        let source = ListSource { name: &name, sha256: &self.list.sha256 };
        let mut progress = |rows| running.read(rows);
        let options =
            ImportOptions { max_rejects: self.said.max_rejects, now_us, on_progress: Some(&mut progress) };
        let done = owned.store.batch(now_us, |batch| {
            let report = batch.import(&self.bank, source, open.entries, options)?;
            let object = noted(&self, kind, format, &name, &report);
            audit::note(batch, &self.caller, "bank.import", &object).map_err(Undone::Api)?;
            Ok::<_, Undone>(report)
        });
        match done {
            Ok(report) => Ok(Outcome::Imported { bank: self.bank, format, report }),
            Err(Undone::Api(error)) => Err(error),
            Err(Undone::Store(StoreError::Rejected { report, allowed })) => {
                Ok(Outcome::Refused(imported::rejected(&report, allowed)))
            }
            Err(Undone::Store(StoreError::BadList { line, reason })) => {
                Ok(Outcome::Refused(imported::broken(line, &reason)))
            }
            Err(Undone::Store(error)) => Err(error.into()),
        }
    }
}

/// Entries without ids are named by line: two lists must not take each other's, and the same list must be known again.
fn source_name(given: Option<&str>, sha256: &str) -> String {
    match given {
        Some(name) => name.to_owned(),
        None => format!("upload-{}", sha256.get(..16).unwrap_or(sha256)),
    }
}

fn noted(list: &List, kind: BankKind, format: ListFormat, source: &str, report: &ImportReport) -> Value {
    json!({
        "bank": list.bank, "kind": kind, "format": format.as_str(), "source": source, "sha256": list.list.sha256,
        "size_bytes": list.list.size_bytes, "added": report.added, "updated": report.updated,
        "unchanged": report.unchanged, "rejected": report.rejected_total,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_have_their_names_and_the_short_ones() {
        assert_eq!(named_format(None).unwrap(), None);
        assert_eq!(named_format(Some("auto")).unwrap(), None);
        assert_eq!(named_format(Some("pdq")).unwrap(), Some(ListFormat::PdqText));
        assert_eq!(named_format(Some("ndjson")).unwrap(), Some(ListFormat::Ndjson));
        assert_eq!(named_format(Some("nope")).unwrap_err().status().as_u16(), 400);
    }

    #[test]
    fn what_is_said_of_a_list_is_checked() {
        let said = Said::of(&Params::parse("format=pdq&max_rejects=3")).unwrap();
        assert_eq!((said.options.declared, said.max_rejects), (Some(SignalType::Pdq), 3));
        for bad in ["type=vpdq", "map=x", "max_rejects=-1", "format=xml"] {
            assert_eq!(Said::of(&Params::parse(bad)).unwrap_err().status().as_u16(), 400, "{bad}");
        }
        assert!(Said::of(&Params::parse(&format!("source={}", "x".repeat(201)))).is_err());
    }

    #[test]
    fn lists_without_a_name_are_named_after_their_content() {
        assert_eq!(source_name(Some("ncmec"), "00"), "ncmec");
        assert_ne!(source_name(None, &"ab".repeat(32)), source_name(None, &"cd".repeat(32)));
    }
}
