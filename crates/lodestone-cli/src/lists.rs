//! Lists and banks named on the command line, as one snapshot.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use lodestone_engine::lists::{ListRequest, describe, load_list};
use lodestone_engine::{Keep, LookUps, OpenBanks, Snapshot, SnapshotBuilder};
use lodestone_index::BuildOptions;
use lodestone_store::Store;
use lodestone_types::BankKind;

use crate::args::Lists;
use crate::settings::Settings;
use crate::words::count;

/// Says that look-ups failed: what they concern is not "no match".
pub(crate) fn say_failures(look_ups: &LookUps) {
    if let Some(why) = &look_ups.first_failure {
        let failed = count(look_ups.failed, "look-up", "look-ups");
        eprintln!("lodestone: {failed} failed, which is not \"no match\": {why}");
    }
}

/// Builds the snapshot of a command: the banks of the data folder, then the lists given.
pub(crate) fn snapshot(lists: &Lists, settings: &Settings, keep: Option<&mut Keep>) -> Result<Snapshot> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut builder = SnapshotBuilder::new(BuildOptions { threads, ..BuildOptions::default() });
    let mut names = BTreeSet::new();
    let mut generation = 0;
    if let Some(folder) = &settings.data {
        let open = OpenBanks::in_memory(Store::open_read_only(folder)?, keep.is_some())?;
        generation = open.generation();
        names.extend(open.names().map(str::to_owned));
        builder.stored(open).context("banks of the data folder")?;
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
    Ok(builder.build(generation + u64::from(any))?)
}
