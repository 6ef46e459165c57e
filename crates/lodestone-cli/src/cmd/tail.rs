//! `lodestone eval tail`.

use std::io;

use anyhow::{Context, Result, bail};
use lodestone_engine::derive::TailLearner;
use lodestone_engine::examine::{ExamineContext, examine};
use lodestone_engine::scan::ScanOptions;
use lodestone_engine::{AppraiseOptions, Parts, Progress, SnapshotBuilder, WalkOptions};
use lodestone_types::Record;

use super::worker_start;
use crate::Ended;
use crate::args::{AskedLayers, EvalTail, Lists};
use crate::settings::Settings;
use crate::show::Show;
use crate::words::count;

/// Pairs below which a tail says little.
const FEW_PAIRS: u64 = 1_000_000;
/// Distances that are printed.
const SHOWN: [u32; 4] = [31, 40, 56, 72];

/// Observes traffic, learns from what matches nothing, and writes the table.
pub(crate) fn run(args: &EvalTail) -> Result<Ended> {
    let layers = "1,2".parse::<AskedLayers>().map_err(anyhow::Error::msg)?;
    let lists = Lists { layers: Some(layers), descriptor: None, ..args.lists.clone() };
    let mut settings = Settings::new(&lists, &args.reading)?;
    settings.observe.parts = Parts { regions: true, ..Parts::default() };
    settings.observe.provenance = false;
    let builder = SnapshotBuilder::new(crate::lists::build_options());
    let snapshot =
        crate::lists::snapshot_with(builder, settings.radius_bits.into(), &lists, &settings, None)?;
    let Some(mut learner) = TailLearner::new(&snapshot) else {
        bail!("no PDQ value to compare with: give a list by --known");
    };
    let options = ScanOptions {
        roots: args.files.clone(),
        walk: WalkOptions { follow_links: true, skip: Vec::new() },
        observe: settings.observe.clone(),
        appraise: AppraiseOptions { ..settings.appraise },
        workers: settings.workers,
        deadline: settings.deadline,
        rehash: true,
    };
    let cancel = super::on_ctrl_c("stopping; nothing is written. Ctrl-C again to stop at once.")?;
    let (progress, mut show) = (Progress::default(), Show::new());
    let context = ExamineContext {
        snapshot: &snapshot,
        start: worker_start(&settings.observe)?,
        cancel: &cancel,
        progress: &progress,
        tick: &mut |progress| show.tick(progress),
    };
    let mut unreadable = 0u64;
    let all = examine(&options, context, &mut |record: Record| {
        unreadable += u64::from(record.observation.unreadable.is_some());
        learner.take(&record);
        io::Result::Ok(())
    })?;
    show.clear();
    if all.interrupted {
        bail!("interrupted; nothing was written");
    }
    let (pictures, matched) = learner.pictures();
    if pictures == 0 {
        bail!("no picture that matches nothing, and has regions, was found; nothing was written");
    }
    let pairs = learner.pairs();
    if pairs < FEW_PAIRS {
        eprintln!(
            "warning: {pairs} pairs only: the tail is continued from far away; thousands of pictures against thousands of \
             values say more"
        );
    }
    let folder = args.out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(std::path::Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        io::Write::write_all(&mut file, learner.to_json().as_bytes())?;
        file.persist(&args.out).map_err(|error| error.error)
    });
    written.with_context(|| format!("cannot write {}", args.out.display()))?;
    eprintln!(
        "learned from {}; {matched} left out because they match, {unreadable} could not be read",
        count(pictures, "picture", "pictures")
    );
    for bits in SHOWN {
        eprintln!("  within {bits} bits: {:.1e} of all pairs, estimated upwards", learner.part_within(bits));
    }
    Ok(Ended::of(unreadable > 0, false))
}
