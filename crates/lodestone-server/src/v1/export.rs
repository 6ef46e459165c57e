//! `GET /v1/banks/B/export`: a bank as a list, streamed, of one state.

use std::io::{self, BufWriter, Write};
use std::time::{Duration, Instant};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use lodestone_exchange::format::gate::{self, GatedWriter, HeldFormat, HeldWriter};
use lodestone_exchange::format::{ListFormat, ListWriter, WriteOptions};
use lodestone_store::{Store, StoreError};
use lodestone_types::SignalType;
use serde_json::json;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use crate::App;
use crate::audit;
use crate::auth::{Caller, Role};
use crate::error::ApiError;
use crate::export_gate;
use crate::http::params::Params;
use crate::route::{About, For, Routes};
use crate::v1::import::named_format;
use crate::v1::{cut, query};

/// Bytes that are sent together.
const PIECE: usize = 64 << 10;
/// Pieces that wait for the client.
const WAITING: usize = 8;
/// Time in which a client has to take the next piece: it holds a state of the database.
const PATIENCE: Duration = Duration::from_secs(60);
/// Time for a whole export. The database's log cannot shrink meanwhile.
const WHOLE: Duration = Duration::from_secs(3600);

pub(super) fn routes(routes: Routes) -> Routes {
    routes.get(
        "/v1/banks/{name}/export",
        For::Role(Role::Curate),
        About {
            summary: "A bank as a list, all of one generation, which the header `Lodestone-Generation` names. CSV, NDJSON \
                      and VICS carry unknown fields along; notes, suspensions and opinions are not part of a list. A list \
                      that breaks off ends the connection without its end. Of a bank of known material nothing goes out \
                      that nobody vouches for, or that is suspected of the other kind: `held` lists that instead",
            takes: const { &[
                query("format", "string", "csv (default), ndjson, vics, pdq, plain, hma"),
                query("type", "string", "Of a plain list: which values"),
                query("vics_version", "string", "Of VICS: the version of its data model, 1.2, 1.3 or 2.0 (default)"),
                query("held", "boolean", "In place of the list, what is held back from it, with its evidence (NDJSON)"),
                query("release_held", "boolean", "Sends what is held back too; the log of audit says who decided so"),
            ] },
            answers: &[
                (200, "The list"),
                (400, "A format that is not written"),
                (404, "No such bank"),
                (429, "Eight exports run already"),
            ],
        },
        export,
    )
}

/// A piece of the list, or its end. A list whose end does not come is broken.
enum Piece {
    Data(Bytes),
    End,
}

async fn export(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(name): Path<String>,
    params: Params,
) -> Result<Response, ApiError> {
    let format = named_format(params.filled("format"))?.unwrap_or(ListFormat::Csv);
    let signal_type = params.filled("type").map(str::parse::<SignalType>).transpose();
    let signal_type = signal_type.map_err(|error| ApiError::bad(cut(&error.to_string())))?;
    let vics = params.filled("vics_version").map(str::parse).transpose();
    let vics = vics.map_err(|error: String| ApiError::bad(cut(&error)))?.unwrap_or_default();
    let options = WriteOptions { signal_type, vics };
    let flag = |name: &str| params.get(name).is_some_and(|text| text == "true" || text == "1");
    let wanted = match (flag("held"), flag("release_held")) {
        (true, true) => return Err(ApiError::bad("held and release_held exclude each other")),
        (true, false) => Wanted::Held,
        (false, true) => Wanted::Everything,
        (false, false) => Wanted::WhatGoesOut,
    };
    // What cannot be written is told before anything is.
    ListWriter::new(io::sink(), format, &options).map_err(|refusal| ApiError::bad(refusal.to_string()))?;
    let place = app.transfers.export()?;
    // A whole list leaves the house: who had it is written down before.
    let object = json!({
        "bank": name, "format": params.filled("format").unwrap_or("csv"), "what": wanted.as_str(),
    });
    app.writer.write(move |batch| audit::note(batch, &caller, "bank.export", &object)).await?;
    let (begun, begins) = oneshot::channel::<Result<u64, StoreError>>();
    let (pieces, sent) = mpsc::channel(WAITING);
    let (data, bank) = (app.config.data.clone(), name.clone());
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || {
        let _place = place;
        let store = match held(&data, &bank) {
            Ok((store, generation)) => {
                if begun.send(Ok(generation)).is_err() {
                    return;
                }
                store
            }
            Err(error) => {
                let _ = begun.send(Err(error));
                return;
            }
        };
        let out = Pieces { runtime: runtime.clone(), pieces, until: Instant::now() + WHOLE };
        let done = write(&store, &bank, (format, wanted), &options, out);
        if let Err(error) = done {
            tracing::warn!(%error, "an export broke off");
        }
    });
    let generation = begins.await.map_err(|_| ApiError::unavailable("the export failed"))??;
    let mut response = Response::new(Body::from_stream(stream(sent)));
    *response.status_mut() = StatusCode::OK;
    let headers = response.headers_mut();
    let format = if wanted == Wanted::Held { ListFormat::Ndjson } else { format };
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type(format)));
    headers.insert("lodestone-generation", generation.into());
    if let Ok(value) =
        HeaderValue::from_str(&format!("attachment; filename=\"{name}.{}\"", extension(format)))
    {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

/// A store that holds its present state, with the generation; its bank is there.
fn held(data: &std::path::Path, bank: &str) -> Result<(Store, u64), StoreError> {
    let store = Store::open_read_only(data)?;
    let generation = store.hold()?;
    store.bank(bank)?;
    Ok((store, generation))
}

fn stream(sent: mpsc::Receiver<Piece>) -> impl futures_util::Stream<Item = io::Result<Bytes>> {
    futures_util::stream::unfold(Some(sent), |sent| async move {
        let mut sent = sent?;
        match sent.recv().await {
            Some(Piece::Data(bytes)) => Some((Ok(bytes), Some(sent))),
            Some(Piece::End) => None,
            None => Some((Err(io::Error::other("the export broke off")), None)),
        }
    })
}

/// Why a list broke off.
#[derive(Debug, thiserror::Error)]
enum Broke {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Which entries are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    /// Those that the gate lets out.
    WhatGoesOut,
    /// What the gate holds back, with its evidence.
    Held,
    /// All of them: somebody decided so.
    Everything,
}

impl Wanted {
    fn as_str(self) -> &'static str {
        match self {
            Self::WhatGoesOut => "what goes out",
            Self::Held => "what is held back",
            Self::Everything => "everything, also what is held back",
        }
    }
}

fn write(
    store: &Store,
    bank: &str,
    (format, wanted): (ListFormat, Wanted),
    options: &WriteOptions,
    mut out: Pieces,
) -> Result<(), Broke> {
    let kind = store.bank(bank)?.kind;
    let mut buffered = BufWriter::with_capacity(PIECE, &mut out);
    let refused = |refusal: lodestone_exchange::format::Refusal| io::Error::other(refusal.to_string());
    if wanted == Wanted::Everything || (wanted == Wanted::WhatGoesOut && !gate::is_gated(kind)) {
        let mut list = ListWriter::new(buffered, format, options).map_err(refused)?;
        store.for_each_entry::<Broke>(bank, |entry| Ok(list.entry(&entry.row)?))?;
        list.finish()?;
    } else {
        let mut nowhere = io::sink();
        let (list, held): (&mut dyn Write, &mut dyn Write) = match wanted {
            Wanted::Held => (&mut nowhere, &mut buffered),
            _ => (&mut buffered, &mut nowhere),
        };
        let list = ListWriter::new(list, format, options).map_err(refused)?;
        let mut gated = GatedWriter::new(list, HeldWriter::new(held, HeldFormat::Ndjson), kind);
        store.for_each_entry::<Broke>(bank, |entry| {
            let facts = export_gate::facts(store, kind, &entry)?;
            gated.entry(&entry.row, &facts)?;
            Ok(())
        })?;
        let report = gated.finish()?;
        if report.held > 0 {
            tracing::warn!(
                bank,
                held = report.held,
                "entries are held back from an export; `held=true` lists them"
            );
        }
        buffered.flush()?;
        drop(buffered);
    }
    out.send(Piece::End)?;
    Ok(())
}

/// The way to the client, for a thread that may wait.
struct Pieces {
    runtime: Handle,
    pieces: mpsc::Sender<Piece>,
    until: Instant,
}

impl Pieces {
    fn send(&self, piece: Piece) -> io::Result<()> {
        let patience = PATIENCE.min(self.until.saturating_duration_since(Instant::now()));
        let sent = async { tokio::time::timeout(patience, self.pieces.send(piece)).await };
        let sent = self.runtime.block_on(sent);
        match sent {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the client has gone")),
            Err(_) => Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read on")),
        }
    }
}

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(Piece::Data(Bytes::copy_from_slice(bytes)))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn media_type(format: ListFormat) -> &'static str {
    match format {
        ListFormat::Csv => "text/csv; charset=utf-8",
        ListFormat::Ndjson => "application/x-ndjson",
        ListFormat::Vics => "application/json",
        _ => "text/plain; charset=utf-8",
    }
}

fn extension(format: ListFormat) -> &'static str {
    match format {
        ListFormat::Csv => "csv",
        ListFormat::Ndjson => "ndjson",
        ListFormat::Vics => "json",
        _ => "txt",
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use http_body_util::BodyExt as _;
    use lodestone_store::{ImportOptions, ListSource};
    use lodestone_types::{BankKind, ListEntry};

    use super::*;

    fn store(dir: &std::path::Path, entries: u64) {
        let mut store = Store::open(dir).unwrap();
        store.create_bank("A", BankKind::Own, 31, "", 1).unwrap();
        let row = |n: u64| ListEntry {
            entry: format!("e{n}"),
            signals: vec![format!("md5:{n:032x}").parse().unwrap()],
            extra: Some(serde_json::json!({ "Z": n })),
            ..ListEntry::default()
        };
        let rows = (1..=entries).map(|n| Ok(row(n)));
        let source = ListSource { name: "l", sha256: "" };
        store.import("A", source, rows, ImportOptions::default()).unwrap();
    }

    #[test]
    fn a_bank_is_streamed_whole_with_its_unknown_fields() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path(), 3000);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let text = runtime.block_on(async {
            let (pieces, sent) = mpsc::channel(WAITING);
            let (data, runtime) = (dir.path().to_owned(), Handle::current());
            tokio::task::spawn_blocking(move || {
                let (store, _) = held(&data, "A").unwrap();
                let out = Pieces { runtime, pieces, until: Instant::now() + WHOLE };
                write(&store, "A", (ListFormat::Ndjson, Wanted::WhatGoesOut), &WriteOptions::default(), out)
                    .unwrap();
            });
            Body::from_stream(stream(sent)).collect().await.unwrap().to_bytes()
        });
        let lines: Vec<_> = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), 3000);
        let last: serde_json::Value = serde_json::from_slice(lines[2999]).unwrap();
        assert_eq!((&last["entry"], &last["extra"]["Z"]), (&"e3000".into(), &3000.into()));
    }

    #[test]
    fn a_list_whose_end_does_not_come_is_an_error_and_not_a_short_list() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (pieces, sent) = mpsc::channel(WAITING);
            pieces.send(Piece::Data(Bytes::from_static(b"x"))).await.ok().unwrap();
            drop(pieces);
            let told: Vec<_> = stream(sent).collect().await;
            assert!(told[0].is_ok() && told[1].is_err() && told.len() == 2);
        });
    }

    #[test]
    fn a_client_that_has_gone_ends_the_export() {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (pieces, sent) = mpsc::channel(1);
        drop(sent);
        let out = Pieces { runtime: runtime.handle().clone(), pieces, until: Instant::now() + WHOLE };
        assert_eq!(out.send(Piece::End).unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
