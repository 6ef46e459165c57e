//! Lists and banks named on the command line, as one snapshot.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use anyhow::{Context, Result, bail};
use lodestone_engine::bank_index::open_banks;
use lodestone_engine::derive::{Background, Layers, load_folder};
use lodestone_engine::examine::ExamineContext;
use lodestone_engine::join::JoinStep;
use lodestone_engine::lists::{ListRequest, Within, describe, load_list};
use lodestone_engine::scan::ScanOptions;
use lodestone_engine::{
    AppraiseOptions, Keep, LookUps, ObserveOptions, Parts, Progress, Snapshot, SnapshotBuilder, WalkOptions,
    Wish,
};
use lodestone_index::BuildOptions;
use lodestone_store::Store;
use lodestone_types::{BankKind, Stage};

use crate::args::{Lists, SecretKeys};
use crate::settings::Settings;
use crate::show::{IndexShow, Show, Steps};
use crate::words::{count, unreadable, visible};

/// How indexes are built: with all cores, and 2 GiB.
pub(crate) fn build_options() -> BuildOptions {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    BuildOptions { threads, ..BuildOptions::default() }
}

/// Says that look-ups failed: what they concern is not "no match".
pub(crate) fn say_failures(look_ups: &LookUps) {
    if let Some(why) = &look_ups.first_failure {
        let failed = count(look_ups.failed, "look-up", "look-ups");
        eprintln!("lodestone: {failed} failed, which is not \"no match\": {why}");
    }
}

/// As [`build_options`], with another limit of memory in MiB.
pub(crate) fn build_options_within(memory_mib: Option<u64>) -> BuildOptions {
    let mut options = build_options();
    if let Some(mib) = memory_mib {
        options.memory_bytes = mib.saturating_mul(1 << 20);
    }
    options
}

/// Says what look-ups read, when asked to, and always when a list makes them read far more than it should.
pub(crate) fn say_look_ups(look_ups: &LookUps, snapshot: &Snapshot, ask: bool) {
    let stats = &look_ups.stats;
    let a_query = |n: u64| n as f64 / stats.queries.max(1) as f64;
    if ask {
        eprintln!(
            "look-ups: {} queries, {:.0} probes a query, {:.1} entries a query, {:.2} verified a query, \
             {:.0} scanned a query, {} hits",
            stats.queries,
            a_query(stats.probes),
            a_query(stats.entries),
            a_query(stats.verified),
            a_query(stats.scanned),
            stats.hits
        );
    }
    if let Some(factor) = look_ups.skew(snapshot) {
        eprintln!(
            "warning: look-ups read {factor:.1} times the entries ({:.0} a query) that evenly spread hashes would make \
             them read: a list or bank holds many hashes that are alike in part. Answers are complete, only slower; look \
             at the lists' skew",
            a_query(stats.entries)
        );
    }
}

/// Shows how far a list is read.
pub(crate) struct ListShow(Steps);

impl ListShow {
    pub(crate) fn new(what: &'static str) -> Self {
        Self(Steps::new(what))
    }

    pub(crate) fn tick(&mut self, step: JoinStep) {
        match step.total_bytes {
            0 => self.0.tick(step.rows, 0, "entries"),
            total => {
                // Rows are what people count, and bytes what is known of the whole.
                let rows = step.rows as f64 * total as f64 / step.bytes.max(1) as f64;
                self.0.tick(step.rows, rows as u64, "entries, about");
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

/// Builds the snapshot of a command that reads files: the banks of the data folder, then the lists given.
pub(crate) fn snapshot(lists: &Lists, settings: &Settings, keep: Option<&mut Keep>) -> Result<Snapshot> {
    let builder = SnapshotBuilder::new(build_options());
    snapshot_with(builder, settings.radius_bits.into(), lists, settings, keep)
}

/// As [`snapshot`], into a builder, with lists that match within other distances.
pub(crate) fn snapshot_with(
    builder: SnapshotBuilder,
    within: Within,
    lists: &Lists,
    settings: &Settings,
    keep: Option<&mut Keep>,
) -> Result<Snapshot> {
    let mut builder = builder.weighing_by(settings.tables()?);
    if let Some(file) = &settings.described_by {
        let load = |path: &PathBuf| {
            Background::load(path, &file.model).with_context(|| format!("background {}", path.display()))
        };
        let background = settings.background.as_ref().map(load).transpose()?;
        // Before anything is read: a model that cannot be used would fail on each picture.
        crate::cmd::loads_kit(&settings.observe, settings.deadline)?;
        builder = builder.with_descriptor(&file.model, file.dimension, background);
    }
    if settings.appraise.layers.beyond_whole() {
        builder = builder.with_parts();
    }
    if let Some(tail) = &lists.tail {
        builder = builder.with_tail(tail)?;
    }
    let mut names = BTreeSet::new();
    let mut generation = 0;
    if settings.data.is_some() {
        generation = banks(&mut builder, &mut names, settings, keep)?;
        bank_features(&mut builder, lists, settings)?;
        bank_descriptors(&mut builder, lists, settings)?;
    }
    let mapping = lists.map.as_deref().map(str::parse).transpose().map_err(anyhow::Error::msg)?;
    let given = [
        (BankKind::KnownReal, &lists.known),
        (BankKind::KnownGenerated, &lists.known_generated),
        (BankKind::KnownGood, &lists.known_good),
        (BankKind::Negative, &lists.negative),
    ];
    let never = AtomicBool::new(false);
    let mut any = false;
    for (kind, texts) in given {
        for text in texts {
            if matches!(kind, BankKind::KnownReal | BankKind::KnownGenerated) && Path::new(text).is_dir() {
                folder(
                    &mut builder,
                    &mut names,
                    (Path::new(text), kind, within),
                    lists.max_rejects,
                    settings,
                )?;
                any = true;
                continue;
            }
            let Ok(spec) = text.parse();
            let request = ListRequest { spec, kind, format: None, mapping: mapping.clone() };
            load(&mut builder, &mut names, &request, within, lists.max_rejects, &never)?;
            any = true;
        }
    }
    // Lists given by file are a change of their own: their state is one after the data folder's.
    let snapshot = build(builder, generation + u64::from(any), &never)?;
    if settings.appraise.layers.has(3) && snapshot.pictures_with_features() == 0 {
        let why = "nothing given has local features, which layer 3 needs: they are made of a folder of known pictures";
        if !settings.appraise.layers.has(1) && !settings.appraise.layers.has(2) {
            bail!("{why}");
        }
        eprintln!("warning: {why}; it finds nothing here");
    }
    if let Some((known, told)) = snapshot.described() {
        match known {
            0 => {
                eprintln!("warning: nothing given is described by the descriptor; layer 4 finds nothing here")
            }
            _ => eprintln!("layer 4: {told}"),
        }
    }
    let (pictures, bytes) = snapshot.features_in_memory();
    if lists.verbose && pictures > 0 {
        eprintln!(
            "local features: {}, {bytes} bytes in memory, {} a picture",
            count(pictures, "known picture", "known pictures"),
            bytes / pictures
        );
    }
    Ok(snapshot)
}

/// How known pictures are read: for their digests, their hash, and these parts.
pub(crate) fn known_options(settings: &Settings, roots: Vec<PathBuf>, parts: Parts) -> ScanOptions {
    let observe = ObserveOptions {
        provenance: false,
        thumbnail: None,
        wish: Wish::WITHOUT_PIXELS,
        parts,
        ..settings.observe.clone()
    };
    ScanOptions {
        roots,
        // A data folder that lies among the pictures is not one of them.
        walk: WalkOptions {
            follow_links: true,
            skip: settings.data.iter().filter_map(|path| std::fs::canonicalize(path).ok()).collect(),
        },
        observe,
        appraise: AppraiseOptions { layers: Layers::WHOLE, ..settings.appraise },
        workers: settings.workers,
        deadline: settings.deadline,
        rehash: true,
    }
}

/// Takes the local features that the banks of the data folder hold, where they are to be looked for.
fn bank_features(builder: &mut SnapshotBuilder, lists: &Lists, settings: &Settings) -> Result<()> {
    let folder = settings.need_data()?;
    let store = Store::open_read_only(folder)?;
    if !store.has_features()? {
        return Ok(());
    }
    if !settings.appraise.layers.has(3) && !settings.appraise.layers.has(4) {
        eprintln!("banks hold local features of known pictures, which layer 3 looks for: --layers 1,2,3");
        return Ok(());
    }
    let keys = SecretKeys { key_file: lists.key_file.clone(), old_key_file: lists.old_key_file.clone() };
    let secrets = crate::cmd::key::secrets_at(folder, &keys, &store)?;
    let loaded = builder.stored_features(&secrets).map_err(|error| {
        anyhow::anyhow!("{error}. Nothing was matched; --layers 1,2 leaves local features out")
    })?;
    if loaded.outdated > 0 {
        eprintln!(
            "warning: the local features of {} are of another version of the extractor and are not looked for: bank the \
             pictures again",
            count(loaded.outdated, "known picture", "known pictures")
        );
    }
    Ok(())
}

/// Takes the descriptors that the banks of the data folder hold, where they are to be looked for.
fn bank_descriptors(builder: &mut SnapshotBuilder, lists: &Lists, settings: &Settings) -> Result<()> {
    if settings.described_by.is_none() {
        return Ok(());
    }
    let folder = settings.need_data()?;
    let store = Store::open_read_only(folder)?;
    if store.descriptor_models()?.is_empty() {
        return Ok(());
    }
    let keys = SecretKeys { key_file: lists.key_file.clone(), old_key_file: lists.old_key_file.clone() };
    let secrets = crate::cmd::key::secrets_at(folder, &keys, &store)?;
    let loaded = builder.stored_descriptors(&secrets).map_err(|error| {
        anyhow::anyhow!("{error}. Nothing was matched; --layers 1,2,3 leaves descriptors out")
    })?;
    for (model, entries) in loaded.others {
        eprintln!(
            "warning: the banks hold descriptors of {} by another model or preparation ({model}), which compare with \
             nothing of this one and are not looked for: bank the pictures again with this --descriptor",
            count(entries, "known picture", "known pictures")
        );
    }
    Ok(())
}

/// Loads a folder of known pictures, and says what came of it.
fn folder(
    builder: &mut SnapshotBuilder,
    names: &mut BTreeSet<String>,
    (path, kind, within): (&Path, BankKind, Within),
    max_rejects: u64,
    settings: &Settings,
) -> Result<()> {
    let descriptor = settings.described_by.is_some();
    let features = settings.appraise.layers.has(3) || descriptor;
    let parts = Parts { features, known: true, detail: features, descriptor, ..Parts::default() };
    let options = known_options(settings, vec![path.to_owned()], parts);
    let cancel = crate::cmd::on_ctrl_c("stopping; nothing was matched yet. Ctrl-C again to stop at once.")?;
    let (progress, mut show) = (Progress::default(), Show::new());
    let context = ExamineContext {
        snapshot: &Snapshot::default(),
        start: crate::cmd::worker_start(&options.observe)?,
        cancel: &cancel,
        progress: &progress,
        tick: &mut |progress| show.tick(progress),
    };
    let loaded = load_folder(builder, names, (path, kind, within), &options, context)?;
    show.clear();
    if loaded.interrupted {
        bail!("interrupted while reading {}; nothing was matched", path.display());
    }
    let features =
        if features { format!(", {} with local features", loaded.with_features) } else { String::new() };
    let described = if descriptor { format!(", {} described", loaded.described) } else { String::new() };
    eprintln!(
        "folder {}: {} ({} hashed{features}{described}; {kind})",
        visible(&loaded.bank),
        count(loaded.entries, "entry", "entries"),
        loaded.hashed
    );
    if loaded.no_pictures > 0 {
        eprintln!(
            "  {} known by their bytes only",
            count(loaded.no_pictures, "file that is no picture is", "files that are no pictures are")
        );
    }
    for (name, why) in &loaded.unreadable {
        let read = !matches!(why.stage, Stage::Walk | Stage::Read);
        let known = if read { "known by its bytes only" } else { "NOT known" };
        eprintln!("  cannot be read, {known}: {}: {}", visible(name), unreadable(why));
    }
    for (name, why) in &loaded.partial {
        eprintln!("  breaks off, known by what is there: {}: {}", visible(name), visible(why));
    }
    for (name, why) in &loaded.undescribed {
        eprintln!("  not described, layer 4 cannot find it: {}: {}", visible(name), visible(why));
    }
    // A known picture that a layer passes over would read as "no match".
    let cannot = (loaded.unreadable.len() + loaded.undescribed.len()) as u64;
    if cannot > max_rejects {
        bail!(
            "folder {}: {} cannot be read or described ({max_rejects} may be; --max-rejects allows more); nothing was matched",
            path.display(),
            count(cannot, "picture", "pictures")
        );
    }
    if loaded.entries == 0 {
        bail!("folder {}: holds no file; nothing was matched", path.display());
    }
    Ok(())
}

/// Builds the snapshot of `match --against`: the banks of the data folder if asked for, then the lists.
pub(crate) fn against(
    mut builder: SnapshotBuilder,
    settings: &Settings,
    with_banks: bool,
    lists: &[ListRequest],
    within: Within,
    max_rejects: u64,
    stop: &AtomicBool,
) -> Result<Snapshot> {
    let mut names = BTreeSet::new();
    let mut generation = 0;
    if with_banks {
        settings.need_data()?;
        generation = banks(&mut builder, &mut names, settings, None)?;
    }
    for request in lists {
        load(&mut builder, &mut names, request, within, max_rejects, stop)?;
    }
    build(builder, generation + u64::from(!lists.is_empty()), stop)
}

/// Adds the banks of the data folder; returns their generation.
fn banks(
    builder: &mut SnapshotBuilder,
    names: &mut BTreeSet<String>,
    settings: &Settings,
    keep: Option<&mut Keep>,
) -> Result<u64> {
    let mut news = IndexShow::new();
    let store = keep.map(Keep::store_mut);
    let open = open_banks(settings.need_data()?, store, &build_options(), &mut |one| news.tell(&one));
    news.clear();
    let open = open.context("banks of the data folder")?;
    let generation = open.generation();
    names.extend(open.names().map(str::to_owned));
    builder.stored(open).context("banks of the data folder")?;
    Ok(generation)
}

/// Loads one list, and says what came of it.
pub(crate) fn load(
    builder: &mut SnapshotBuilder,
    names: &mut BTreeSet<String>,
    request: &ListRequest,
    within: Within,
    max_rejects: u64,
    stop: &AtomicBool,
) -> Result<()> {
    let mut show = ListShow::new("reading the list");
    let loaded = load_list(builder, names, request, within, max_rejects, &mut |step| {
        show.tick(step);
        flow(stop)
    });
    show.clear();
    let loaded = loaded?;
    eprintln!("list {}: {} entries ({}, {})", loaded.bank, loaded.entries, loaded.format, request.kind);
    if loaded.ignored > 0 {
        eprintln!("  {} rows hold only hashes of empty files and are left out", loaded.ignored);
    }
    for reject in &loaded.rejected {
        eprintln!("  not taken: {}", describe(reject));
    }
    Ok(())
}

/// Builds what was gathered, showing how far it is.
pub(crate) fn build(builder: SnapshotBuilder, generation: u64, stop: &AtomicBool) -> Result<Snapshot> {
    let mut show = IndexShow::new();
    let snapshot = builder.build_telling(generation, &mut |step| {
        show.build(step);
        flow(stop)
    });
    show.clear();
    Ok(snapshot?)
}

fn flow(stop: &AtomicBool) -> ControlFlow<()> {
    if stop.load(Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
