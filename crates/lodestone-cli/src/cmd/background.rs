//! `lodestone eval background`.

use std::io;
use std::path::Path;

use anyhow::{Context, Result, bail};
use lodestone_engine::derive::{Background, BackgroundLearner, Layers, Learned};
use lodestone_engine::examine::{ExamineContext, examine};
use lodestone_engine::scan::ScanOptions;
use lodestone_engine::{AppraiseOptions, Parts, Progress, Snapshot, WalkOptions};
use lodestone_types::Record;

use super::{loads_kit, worker_start};
use crate::Ended;
use crate::args::{EvalBackground, Lists};
use crate::settings::Settings;
use crate::show::Show;
use crate::words::{count, visible};

/// Pictures below which a score alone is never for review.
const FEW: usize = 1000;

/// What came of the pictures.
#[derive(Default)]
struct Told {
    none: u64,
    same: u64,
    full: u64,
    unreadable: u64,
}

/// Describes unrelated pictures as questioned ones are, and writes them.
pub(crate) fn run(args: &EvalBackground) -> Result<Ended> {
    may_write(&args.out)?;
    let mut settings = Settings::new(&Lists::default(), &args.reading)?;
    settings.describe_by(&args.descriptor)?;
    settings.observe.parts = Parts { regions: true, descriptor: true, ..Parts::default() };
    settings.observe.provenance = false;
    loads_kit(&settings.observe, settings.deadline)?;
    let file = settings.described_by.as_ref().context("no descriptor")?;
    let mut learner = BackgroundLearner::new(&file.model, file.dimension).context("no model")?;
    let options = ScanOptions {
        roots: args.files.clone(),
        walk: WalkOptions { follow_links: true, skip: Vec::new() },
        observe: settings.observe.clone(),
        appraise: AppraiseOptions { layers: Layers::WHOLE, ..settings.appraise },
        workers: settings.workers,
        deadline: settings.deadline,
        rehash: true,
    };
    let cancel = super::on_ctrl_c("stopping; nothing is written. Ctrl-C again to stop at once.")?;
    let (progress, mut show) = (Progress::default(), Show::new());
    let context = ExamineContext {
        snapshot: &Snapshot::default(),
        start: worker_start(&settings.observe)?,
        cancel: &cancel,
        progress: &progress,
        tick: &mut |progress| show.tick(progress),
    };
    let mut told = Told::default();
    let all = examine(&options, context, &mut |record| {
        take(&mut learner, &record, &mut told);
        io::Result::Ok(())
    })?;
    show.clear();
    if all.interrupted {
        bail!("interrupted; nothing was written");
    }
    let background = learner.finish().context("nothing was written")?;
    write(&args.out, &background.to_bytes())?;
    let pictures = background.pictures();
    eprintln!(
        "described {}; {} no pictures, {} the same as others, {} beyond what a background holds, {} that could not be \
         read or described",
        count(pictures as u64, "unrelated picture", "unrelated pictures"),
        told.none,
        told.same,
        told.full,
        told.unreadable
    );
    if pictures < FEW {
        eprintln!(
            "warning: {pictures} pictures vouch for no less than {:.1e} accidental hits of a picture: a score that local \
             features do not confirm is never for review. {FEW} and more are better",
            1.0 / pictures as f64
        );
    }
    Ok(Ended::of(told.unreadable > 0, false))
}

/// Takes a picture; one that should be described and is not is listed.
fn take(learner: &mut BackgroundLearner, record: &Record, told: &mut Told) {
    let seen = &record.observation;
    let none = |reason: &str| matches!(reason, "unsupported" | "empty");
    if seen.picture.is_none() && seen.unreadable.as_ref().is_none_or(|why| none(&why.reason)) {
        told.none += 1;
        return;
    }
    match learner.take(seen.descriptors.as_ref()) {
        Ok(Learned::Taken) => {}
        Ok(Learned::Same) => told.same += 1,
        Ok(Learned::Full) => told.full += 1,
        Err(why) => {
            told.unreadable += 1;
            let why = seen.unreadable.as_ref().map_or(visible(&why), crate::words::unreadable);
            eprintln!("  left out: {}: {why}", visible(&record.path));
        }
    }
}

/// A file that is something else, such as the model, is not written over.
fn may_write(out: &Path) -> Result<()> {
    match std::fs::read(out) {
        Ok(bytes) if !bytes.is_empty() && Background::from_bytes(&bytes).is_err() => {
            bail!("{} is another file: it is not written over", out.display())
        }
        _ => Ok(()),
    }
}

fn write(out: &Path, bytes: &[u8]) -> Result<()> {
    let folder = out.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
        io::Write::write_all(&mut file, bytes)?;
        file.persist(out).map_err(|error| error.error)
    });
    written.with_context(|| format!("cannot write {}", out.display())).map(drop)
}
