//! Lists and banks named on the command line, as one snapshot.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use lodestone_engine::lists::{ListRequest, describe, load_list};
use lodestone_engine::{Snapshot, SnapshotBuilder, add_banks};
use lodestone_store::Store;
use lodestone_types::BankKind;

use crate::args::Lists;
use crate::settings::Settings;

/// Builds the snapshot of a command: the banks of the data folder, then the lists given.
pub(crate) fn snapshot(lists: &Lists, settings: &Settings, store: Option<&Store>) -> Result<Snapshot> {
    let mut builder = SnapshotBuilder::default();
    let mut names = BTreeSet::new();
    let mut generation = 0;
    if let Some(store) = store {
        generation = add_banks(&mut builder, store).context("banks of the data folder")?;
        names.extend(builder.banks().iter().map(|bank| bank.name.clone()));
    }
    let mapping = lists.map.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let given = [
        (BankKind::KnownReal, &lists.known),
        (BankKind::KnownGenerated, &lists.known_generated),
        (BankKind::KnownGood, &lists.known_good),
        (BankKind::Negative, &lists.negative),
    ];
    let mut any = false;
    for (kind, texts) in given {
        for text in texts {
            let Ok(spec) = text.parse();
            let request = ListRequest { spec, kind, format: None, mapping: mapping.clone() };
            let loaded =
                load_list(&mut builder, &mut names, &request, settings.radius_bits, lists.max_rejects)?;
            any = true;
            eprintln!("list {}: {} entries ({}, {kind})", loaded.bank, loaded.entries, loaded.format);
            if loaded.ignored > 0 {
                eprintln!("  {} rows hold only hashes of empty files and are left out", loaded.ignored);
            }
            for reject in &loaded.rejected {
                eprintln!("  not taken: {}", describe(reject));
            }
        }
    }
    // Lists given by file are a change of their own: their state is one after the data folder's.
    Ok(builder.build(generation + u64::from(any)))
}
