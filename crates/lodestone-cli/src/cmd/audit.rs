//! `lodestone audit`.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use lodestone_server::audit::{self, Checked};
use lodestone_server::auth::Caller;
use lodestone_server::error::ApiError;
use lodestone_store::Store;
use lodestone_tlog::{Expected, Folder, Report, VerifierKey, key_file, verify};
use serde_json::{Value, json};

use super::bank::{now_us, settings};
use crate::Ended;
use crate::args::{Audit, Format, Verify};

/// Actor of what is done on the command line.
const CLI: &str = "cli";

/// Runs a command on the log of audit.
pub(crate) fn run(args: &Audit) -> Result<Ended> {
    match args {
        Audit::Verify(args) => return verified(args),
        Audit::Checkpoint { data } => {
            let path = settings(data)?.need_data()?.join(audit::FOLDER).join("checkpoint");
            let note = fs::read(&path).with_context(|| path.display().to_string())?;
            io::stdout().lock().write_all(&note)?;
        }
        Audit::Key { data } => {
            let key = key_file::load(&settings(data)?.need_data()?.join(audit::KEY_FILE))?;
            println!("{}", key.verifier());
        }
        Audit::Show { index, data } => {
            let shown = audit::show(&settings(data)?.need_data()?, *index)?;
            let shown = shown.with_context(|| format!("the store knows of no entry {index}"))?;
            let entry: Value = serde_json::from_str(&shown.leaf).unwrap_or(Value::String(shown.leaf));
            let told = json!({ "index": index, "entry": entry, "state": shown.body_state.as_str(), "body": shown.body });
            println!("{}", serde_json::to_string_pretty(&told)?);
        }
        Audit::Erase { index, reason, data } => erase(&settings(data)?.need_data()?, *index, reason)?,
    }
    Ok(Ended::Clean)
}

fn verified(args: &Verify) -> Result<Ended> {
    let older = args.checkpoint.as_deref().map(|path| fs::read(path).with_context(|| path.display().to_string()));
    let older = older.transpose()?;
    let checked = match &args.log {
        Some(log) => {
            let keys = keys(&args.key)?;
            let expected = Expected { keys: &keys, older: older.as_deref() };
            let log = verify(&Folder::for_reading(log), &expected, |_, _| {});
            Checked { log, ..Checked::default() }
        }
        None => audit::check(&settings(&args.data)?.need_data()?, &keys(&args.key)?, older.as_deref())?,
    };
    match args.format {
        Format::Json | Format::Ndjson => println!("{}", as_json(&checked)),
        Format::Text | Format::Csv => println!("{}", as_text(&checked, args.log.is_none())),
    }
    Ok(if checked.is_whole() { Ended::Clean } else { Ended::Incomplete })
}

fn keys(texts: &[String]) -> Result<Vec<VerifierKey>> {
    texts.iter().map(|text| Ok(VerifierKey::parse(text)?)).collect()
}

fn as_text(checked: &Checked, with_store: bool) -> String {
    let mut text = checked.log.to_string();
    if with_store {
        text.push_str(&format!(
            "\nstore: {} entries open, {} erased, {} without a row; {} wait for the log",
            checked.opened, checked.erased, checked.without_row, checked.waiting
        ));
        for wrong in &checked.wrong_rows {
            text.push_str(&format!("\n- {wrong}"));
        }
        if checked.wrong_total > checked.wrong_rows.len() as u64 {
            text.push_str(&format!("\n{} in all", checked.wrong_total));
        }
    }
    text
}

fn as_json(checked: &Checked) -> Value {
    let Report { checkpoint, signed_by, entries, files, entries_match, tiles_match, older, problems, stopped } =
        &checked.log;
    json!({
        "whole": checked.is_whole(),
        "origin": checkpoint.as_ref().map(|c| &c.origin),
        "size": checkpoint.as_ref().map(|c| c.size),
        "signed_by": signed_by,
        "entries": entries,
        "files": files,
        "entries_match": entries_match,
        "tiles_match": tiles_match,
        "older": older.as_ref().map(|older| json!({ "size": older.size, "entries_intact": older.entries_intact })),
        "problems": problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "stopped": stopped,
        "store": {
            "opened": checked.opened,
            "erased": checked.erased,
            "without_row": checked.without_row,
            "waiting": checked.waiting,
            "wrong": checked.wrong_rows,
            "wrong_total": checked.wrong_total,
        },
    })
}

fn erase(data: &Path, index: u64, reason: &str) -> Result<()> {
    if !data.join("lodestone.db").is_file() {
        bail!("{}: there is no store", data.display());
    }
    let mut store = Store::open(data)?;
    let row = store.audit_at(i64::try_from(index)?)?;
    let row = row.with_context(|| format!("the store knows of no entry {index}"))?;
    store
        .batch(now_us(), |batch| {
            audit::erase(batch, &Caller { key: CLI.into() }, &row, reason).map_err(Failed)
        })
        .map_err(|Failed(error)| anyhow!("{}", error.message()))?;
    eprintln!("the words of entry {index} are erased; the log gets an entry that says so at the server's next start");
    Ok(())
}

/// An error of the server's, in a batch of the store's.
struct Failed(ApiError);

impl From<lodestone_store::StoreError> for Failed {
    fn from(error: lodestone_store::StoreError) -> Self {
        Self(error.into())
    }
}
