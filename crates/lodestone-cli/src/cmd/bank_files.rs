//! `lodestone bank add BANK PATH…`: known pictures into a bank, after which they are not needed any more.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use lodestone_engine::derive::{Describing, FeatureSeal, KeptFiles, keep_files};
use lodestone_engine::examine::ExamineContext;
use lodestone_engine::{Parts, Progress, Snapshot};
use lodestone_server::secrets::Secrets;
use lodestone_store::Store;
use lodestone_types::BankKind;
use serde_json::json;

use super::bank::{existing, index, now_us};
use super::key::{in_use, secrets_at};
use super::{Objects, worker_start};
use crate::Ended;
use crate::args::{Data, Format, Lists, Reading, SecretKeys};
use crate::settings::Settings;
use crate::show::Show;
use crate::words::{count, unreadable, visible};

/// What is to be banked.
pub(super) struct Files<'a> {
    pub(super) bank: &'a str,
    pub(super) paths: &'a [PathBuf],
    /// What the bank's members are, when it is made here.
    pub(super) kind: Option<BankKind>,
    /// Whether local features are kept.
    pub(super) features: bool,
    /// The model whose vectors are kept.
    pub(super) descriptor: Option<&'a Path>,
    pub(super) max_rejects: u64,
}

/// Banks files: all or nothing.
pub(super) fn add(
    files: &Files<'_>,
    keys: &SecretKeys,
    reading: &Reading,
    format: Format,
    data: &Data,
) -> Result<Ended> {
    let mut settings = Settings::new(&Lists { data: data.data.clone(), ..Lists::default() }, reading)?;
    if let Some(path) = files.descriptor {
        settings.describe_by(path)?;
        super::loads_kit(&settings.observe, settings.deadline)?;
    }
    let folder = settings.need_data()?;
    for path in files.paths {
        std::fs::metadata(path).with_context(|| format!("cannot bank {}", path.display()))?;
    }
    let mut store = Store::open(folder).map_err(|error| in_use(error.into()))?;
    let bank = existing(&store, files.bank, files.kind)?;
    let kind = bank.as_ref().map_or(files.kind.unwrap_or_default(), |bank| bank.kind);
    let features = files.features && kind.makes_known();
    let described_by = settings.described_by.as_ref().filter(|_| kind.makes_known());
    let secrets = secrets_at(folder, keys, &store)?;
    let sealing = features || described_by.is_some();
    let key = match (sealing, secrets.key()) {
        (false, _) => None,
        (true, Ok(key)) => key,
        (true, Err(lost)) => {
            bail!("{lost}; or bank without local features and descriptors: --no-features, no --descriptor")
        }
    };
    if features {
        same_key(&store, &secrets)?;
    }
    if files.features && !features {
        eprintln!("  a {kind} bank speaks by exact digest only: no local features are kept");
    }
    if settings.described_by.is_some() && described_by.is_none() {
        eprintln!("  a {kind} bank speaks by exact digest only: no descriptors are kept");
    }
    let parts = Parts { features, known: true, descriptor: described_by.is_some(), ..Parts::default() };
    let options = crate::lists::known_options(&settings, files.paths.to_vec(), parts);
    let cancel = super::on_ctrl_c("stopping; nothing was banked yet. Ctrl-C again to stop at once.")?;
    let (progress, mut show) = (Progress::default(), Show::new());
    let context = ExamineContext {
        snapshot: &Snapshot::default(),
        start: worker_start(&options.observe)?,
        cancel: &cancel,
        progress: &progress,
        tick: &mut |progress| show.tick(progress),
    };
    let seal: Option<&dyn FeatureSeal> = if features { Some(&secrets) } else { None };
    let describing =
        described_by.map(|file| Describing { seal: &secrets, model: &file.model, dimension: file.dimension });
    let kept = store.batch(now_us(), |batch| {
        if bank.is_none() {
            batch.create_bank(files.bank, kind, settings.radius_bits, "")?;
        }
        let kept = keep_files(batch, files.bank, seal, describing, &options, context)?;
        check(&kept, files)?;
        Ok::<_, anyhow::Error>(kept)
    });
    show.clear();
    if sealing && key.is_none() {
        say_key(&secrets, folder);
    }
    let kept = kept.map_err(|error| anyhow!("{error:#}; nothing was banked"))?;
    say(files.bank, &kept, features, store.generation()?, format)?;
    Ok(index(&mut store, folder))
}

/// Refuses a key that is not the one which the folder's features are sealed with: one slip would take layer 3 from all who
/// have the right one.
fn same_key(store: &Store, secrets: &Secrets) -> Result<()> {
    for bank in store.banks()? {
        let mut first = None;
        let ended = store.for_each_features(&bank.name, |_, sealed| {
            first = Some(sealed.to_vec());
            Err(anyhow!("one is enough"))
        });
        match (first, ended) {
            (Some(sealed), _) if secrets.is_sealed_as_now(&sealed)? => return Ok(()),
            (Some(_), _) => bail!(
                "the features that are kept here are sealed with another key: give that one, or bring all to this one \
                 first (`lodestone key rotate-secrets`)"
            ),
            (None, ended) => ended?,
        }
    }
    Ok(())
}

/// Lists what could not be read, and refuses when that is more than allowed.
fn check(kept: &KeptFiles, files: &Files<'_>) -> Result<()> {
    for file in &kept.unreadable {
        let how = if file.banked { "known by its bytes only" } else { "not banked" };
        eprintln!("  cannot be read, {how}: {}: {}", visible(&file.name), unreadable(&file.why));
    }
    for (name, why) in &kept.undescribed {
        eprintln!("  not described, layer 4 cannot find it: {}: {}", visible(name), visible(why));
    }
    let cannot = (kept.unreadable.len() + kept.undescribed.len()) as u64;
    if kept.interrupted {
        bail!("interrupted");
    }
    if cannot > files.max_rejects {
        bail!(
            "{} cannot be read or described ({} may be; --max-rejects allows more)",
            count(cannot, "picture", "pictures"),
            files.max_rejects
        );
    }
    if kept.entries == 0 {
        bail!("there is no file to bank");
    }
    Ok(())
}

fn say(bank: &str, kept: &KeptFiles, features: bool, generation: u64, format: Format) -> Result<()> {
    if matches!(format, Format::Ndjson | Format::Json) {
        let unreadable: Vec<_> = kept
            .unreadable
            .iter()
            .map(|file| {
                json!({ "entry": file.name, "stage": file.why.stage, "reason": file.why.reason, "banked": file.banked })
            })
            .collect();
        let mut objects = Objects::new(Format::Ndjson);
        objects.push(&json!({
            "bank": bank, "entries": kept.entries, "added": kept.added, "updated": kept.updated,
            "unchanged": kept.unchanged, "hashed": kept.hashed, "with_features": kept.with_features,
            "features_sealed": kept.features_sealed, "described": kept.described,
            "descriptors_sealed": kept.descriptors_sealed, "no_pictures": kept.no_pictures, "unreadable": unreadable,
            "generation": generation,
        }))?;
        return Ok(objects.finish()?);
    }
    let features =
        if features { format!(", {} with local features", kept.with_features) } else { String::new() };
    let described =
        if kept.described > 0 { format!(", {} described", kept.described) } else { String::new() };
    println!(
        "{bank}: {} added, {} updated, {} unchanged ({} hashed{features}{described}; generation {generation})",
        kept.added, kept.updated, kept.unchanged, kept.hashed
    );
    if kept.no_pictures > 0 {
        eprintln!(
            "  {} known by their bytes only",
            count(kept.no_pictures, "file that is no picture is", "files that are no pictures are")
        );
    }
    Ok(())
}

/// Says that a key was made, if one was: without it the features are lost.
pub(super) fn say_key(secrets: &Secrets, folder: &Path) {
    if let Ok(Some(id)) = secrets.key() {
        eprintln!(
            "made the key {id}, {}: without it the local features cannot be used. Keep a copy apart from the folder; \
             --key-file names another",
            folder.join("secret.key").display()
        );
    }
}
