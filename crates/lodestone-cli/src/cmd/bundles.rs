//! `lodestone bank export-features` and `import-features`: features of known pictures from one holder to another.

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use lodestone_net::seal::SealKey;
use lodestone_server::bundle::{BundleReader, BundleWriter};
use lodestone_server::features::{read_bundle, write_bundle};
use lodestone_server::secrets::write_key;
use ring::rand::SystemRandom;
use serde_json::{Value, json};

use super::Objects;
use super::bank::{index, now_us, open_existing, settings};
use super::bank_files::say_key;
use super::key::{in_use, note, secrets_at};
use crate::Ended;
use crate::args::{Data, Format, SecretKeys};
use crate::words::{count, visible};

/// Ids that are named of entries that a bank does not know.
const MOST_NAMED: usize = 20;

/// Writes the features of a bank into a bundle; the audit log is told.
pub(super) fn export(
    bank: &str,
    (out, bundle_key): (&Path, &Path),
    keys: &SecretKeys,
    format: Format,
    data: &Data,
) -> Result<Ended> {
    let settings = settings(data)?;
    let folder = settings.need_data()?;
    let mut store = open_existing(folder).map_err(in_use)?;
    store.bank(bank)?;
    let secrets = secrets_at(folder, keys, &store)?;
    if !bundle_key.exists() {
        write_key(bundle_key, &SealKey::generate(&SystemRandom::new())?)?;
        eprintln!("made the key file {}", bundle_key.display());
    }
    let key = SealKey::from_file(bundle_key)?;
    let id = key.id();
    if secrets.key()? == Some(id) {
        bail!(
            "--bundle-key is the key of this folder: whoever gets it opens all that is sealed here; name another"
        );
    }
    let beside = out.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(beside).with_context(|| out.display().to_string())?;
    let writer = BundleWriter::new(BufWriter::new(file.as_file_mut()), key)?;
    let (_, given) = write_bundle(&store, bank, &secrets, writer)?;
    if given.entries == 0 {
        bail!("bank {bank} holds no local features that could be given; nothing was written");
    }
    file.as_file().sync_all().with_context(|| out.display().to_string())?;
    let object = json!({
        "bank": bank, "entries": given.entries, "outdated": given.outdated, "bundle_key": id.to_string(),
    });
    // Noted before it can be taken away.
    store.batch(now_us(), |batch| note(batch, "features.export", &object))?;
    file.persist(out).with_context(|| out.display().to_string())?;
    say(&object, format)?;
    let entries = count(given.entries, "known picture", "known pictures");
    eprintln!(
        "local features of {entries} written, sealed with key {id}; send the key another way than the file"
    );
    if given.outdated > 0 {
        eprintln!("  {} left out: of another version of the extractor", given.outdated);
    }
    Ok(Ended::Clean)
}

/// Takes the features of a bundle for the entries of a bank; the audit log is told.
pub(super) fn import(
    bank: &str,
    (bundle, bundle_key): (&Path, &Path),
    keys: &SecretKeys,
    format: Format,
    data: &Data,
) -> Result<Ended> {
    let settings = settings(data)?;
    let folder = settings.need_data()?;
    let mut store = open_existing(folder).map_err(in_use)?;
    let kind = store.bank(bank)?.kind;
    if !kind.makes_known() {
        bail!("bank {bank} is {kind} and speaks by exact digest only: it takes no local features");
    }
    let secrets = secrets_at(folder, keys, &store)?;
    let had_key = secrets.key()?.is_some();
    let named = || format!("bundle {}", bundle.display());
    let file = File::open(bundle).with_context(named)?;
    let mut reader =
        BundleReader::new(BufReader::new(file), SealKey::from_file(bundle_key)?).with_context(named)?;
    let taken = read_bundle(&mut store, bank, &secrets, &mut reader, now_us());
    if !had_key {
        say_key(&secrets, folder);
    }
    let taken = taken.map_err(|error| anyhow!("{}: {error}", named()))?;
    let object = json!({
        "bank": bank, "entries": taken.entries, "taken": taken.taken, "unchanged": taken.unchanged,
        "unknown": taken.unknown.len(),
    });
    store.batch(now_us(), |batch| note(batch, "features.import", &object))?;
    let mut told = object;
    told["unknown_entries"] = json!(taken.unknown);
    told["generation"] = json!(store.generation()?);
    say(&told, format)?;
    eprintln!(
        "{bank}: local features of {} taken, {} had some already, {} not in the bank",
        count(taken.taken, "entry", "entries"),
        taken.unchanged,
        taken.unknown.len()
    );
    for id in taken.unknown.iter().take(MOST_NAMED) {
        eprintln!("  not in the bank by digest or id: {}", visible(id));
    }
    let ended = index(&mut store, folder);
    if taken.taken + taken.unchanged == 0 && taken.entries > 0 {
        bail!("bank {bank} knows none of the entries of this bundle: nothing was taken");
    }
    Ok(ended)
}

fn say(object: &Value, format: Format) -> Result<()> {
    if matches!(format, Format::Ndjson | Format::Json) {
        let mut objects = Objects::new(Format::Ndjson);
        objects.push(object)?;
        objects.finish()?;
    }
    Ok(())
}
