//! `lodestone key`: API keys and the key of secrets, in the data folder of a server that is stopped.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use lodestone_net::Secret;
use lodestone_net::seal::SealKey;
use lodestone_server::auth::{Caller, Role};
use lodestone_server::secrets::{self, KeySources, Rewritten, Secrets};
use lodestone_server::{api_keys, audit};
use lodestone_store::{ApiKey, Batch, Store, StoreError};
use ring::rand::SystemRandom;
use serde_json::json;

use super::bank::{now_us, open_existing, settings};
use super::{Objects, closed};
use crate::Ended;
use crate::args::{Data, Format, Key, SecretKeys};
use crate::words::count;

/// Runs a command on keys.
pub(crate) fn run(args: &Key) -> Result<Ended> {
    match args {
        Key::Add { name, role, expires, data } => add(name, role, expires.as_deref(), data),
        Key::List { format, data } => list(*format, data),
        Key::Revoke { id, data } => revoke(id, data),
        Key::RotateSecrets { new_key_file, keys, data } => {
            let mut store = open_existing(settings(data)?.need_data()?).map_err(in_use)?;
            let secrets = secrets_of(keys, data, &store)?;
            if !new_key_file.exists() {
                let key = SealKey::generate(&SystemRandom::new())?;
                secrets::write_key(new_key_file, &key)?;
                eprintln!("made the key file {}", new_key_file.display());
            }
            let key = SealKey::from_file(new_key_file)?;
            let id = key.id();
            let sealed = secrets.rotate(&mut store, now_us(), key)?;
            let object = json!({
                "key": id.to_string(), "secrets": sealed.secrets, "features": sealed.features,
                "descriptors": sealed.descriptors,
            });
            store.batch(now_us(), |batch| note(batch, "secrets.rotate", &object))?;
            eprintln!(
                "{} sealed with key {id}; start the server with --key-file {}",
                secrets_and_features(sealed),
                new_key_file.display()
            );
            Ok(Ended::Clean)
        }
        Key::ForgetSecrets { yes, features, keys, data } => {
            let mut store = open_existing(settings(data)?.need_data()?).map_err(in_use)?;
            let secrets = secrets_of(keys, data, &store)?;
            let lost = secrets.lost_features(&mut store, now_us())?;
            let kept = features_and_descriptors(lost).join(" and ");
            let words = format!("{kept} are sealed with a key that is not at hand");
            let lost = lost.features + lost.descriptors;
            match (secrets.key(), yes) {
                (Ok(_), _) if lost == 0 => bail!("no secret is lost: the key at hand opens what is stored"),
                (Ok(_), _) if !features => bail!("{words}; say --features --yes to give them up"),
                (Ok(_), false) => bail!("{words}; say --yes to give them up"),
                (Err(lost), false) => bail!("{lost}; say --yes to give it up"),
                (_, true) => {}
            }
            let gone = secrets.forget_lost(&mut store, now_us(), *features)?;
            let object = json!({
                "secrets": gone.secrets, "features": gone.features, "descriptors": gone.descriptors,
            });
            store.batch(now_us(), |batch| note(batch, "secrets.forget", &object))?;
            eprintln!("{} given up: set credentials and webhooks anew", secrets_and_features(gone));
            if gone.features + gone.descriptors > 0 {
                eprintln!(
                    "  what has lost its local features is found by hashes only, and what has lost its descriptor not by \
                     layer 4, until the pictures are banked again"
                );
            }
            if lost > 0 && !features {
                eprintln!(
                    "  {words}, and stay: give that key as --old-key-file, or give them up with --features"
                );
            }
            Ok(Ended::Clean)
        }
    }
}

fn secrets_and_features(what: Rewritten) -> String {
    let secrets = count(what.secrets as u64, "secret", "secrets");
    [vec![secrets], features_and_descriptors(what)].concat().join(", and ")
}

fn features_and_descriptors(what: Rewritten) -> Vec<String> {
    let named = [(what.features, "local features"), (what.descriptors, "descriptors")];
    let some = named.into_iter().filter(|(number, _)| *number > 0);
    some.map(|(number, name)| {
        format!("{name} of {}", count(number as u64, "known picture", "known pictures"))
    })
    .collect()
}

/// A folder in use, in the words of what can be done.
pub(super) fn in_use(error: anyhow::Error) -> anyhow::Error {
    match error.downcast_ref::<StoreError>() {
        Some(StoreError::Locked { .. }) => {
            error.context("a server runs on this folder: stop it first, or use its routes under /v1/keys")
        }
        _ => error,
    }
}

/// The key in `LODESTONE_KEY`, if there is one.
pub(crate) fn variable() -> Option<Secret> {
    std::env::var("LODESTONE_KEY").ok().filter(|text| !text.is_empty()).map(Secret::from)
}

pub(crate) fn secrets_of(keys: &SecretKeys, data: &Data, store: &Store) -> Result<Secrets> {
    secrets_at(settings(data)?.need_data()?, keys, store)
}

/// The keys that are named, and those of the environment and of the data folder.
pub(crate) fn secrets_at(folder: &Path, keys: &SecretKeys, store: &Store) -> Result<Secrets> {
    let sources = KeySources {
        key_file: keys.key_file.clone(),
        variable: variable(),
        old_key_files: keys.old_key_file.clone(),
    };
    Ok(Secrets::open(folder, &sources, store)?)
}

/// Notes what was done here for the audit log.
pub(super) fn note(batch: &mut Batch<'_>, action: &'static str, object: &serde_json::Value) -> Result<()> {
    let caller = Caller { key: Arc::from("command-line") };
    audit::note(batch, &caller, action, object).map_err(|error| anyhow::anyhow!(error.message().to_owned()))
}

fn add(name: &str, roles: &[String], expires: Option<&str>, data: &Data) -> Result<Ended> {
    let roles: Vec<Role> =
        roles.iter().map(|role| role.parse()).collect::<Result<_, _>>().map_err(anyhow::Error::msg)?;
    let good_for_us = expires.map(duration_us).transpose()?;
    // The first key may come before the first start: the folder is made.
    let mut store = Store::open(settings(data)?.need_data()?).map_err(|error| in_use(error.into()))?;
    let expires_us = good_for_us.map(|time| now_us().saturating_add(time));
    let (token, key) = store.batch(now_us(), |batch| {
        let made = api_keys::make(batch, &SystemRandom::new(), name, &roles, expires_us)?;
        let object = json!({ "key": made.1.id, "name": made.1.name, "roles": made.1.roles });
        note(batch, "key.create", &object)?;
        Ok::<_, anyhow::Error>(made)
    })?;
    eprintln!("key {} for {:?} ({}): its token is shown here only", key.id, key.name, key.roles.join(", "));
    let text = token.reveal().expose_str().unwrap_or_default();
    closed(writeln!(io::stdout(), "{text}"))?;
    Ok(Ended::Clean)
}

/// Microseconds of `90d`, `12h`, `30m`, `45s`, `2w`.
fn duration_us(text: &str) -> Result<i64> {
    let wrong = || format!("{text:?} is no time: write 90d, 12h or 30m");
    let unit = text.chars().last().with_context(wrong)?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 604_800,
        _ => bail!(wrong()),
    };
    let number: i64 =
        text.get(..text.len() - 1).and_then(|number| number.parse().ok()).with_context(wrong)?;
    if number <= 0 {
        bail!(wrong());
    }
    number.checked_mul(seconds).and_then(|seconds| seconds.checked_mul(1_000_000)).with_context(wrong)
}

fn list(format: Format, data: &Data) -> Result<Ended> {
    let store = Store::open_read_only(settings(data)?.need_data()?)?;
    let keys = api_keys::all(&store)?;
    if format == Format::Text || format == Format::Csv {
        let mut out = io::stdout().lock();
        let now_us = now_us();
        for key in &keys {
            let state = state(key, now_us);
            if closed(writeln!(out, "{}  {state:<8}  {:<24}  {}", key.id, key.roles.join(","), key.name))? {
                break;
            }
        }
        if keys.is_empty() {
            eprintln!("no API keys");
        }
        return Ok(Ended::Clean);
    }
    let mut objects = Objects::new(format);
    for key in &keys {
        let object = json!({
            "id": key.id, "name": key.name, "roles": key.roles, "created_us": key.created_us,
            "expires_us": key.expires_us, "revoked_us": key.revoked_us,
        });
        if closed(objects.push(&object))? {
            return Ok(Ended::Clean);
        }
    }
    closed(objects.finish())?;
    Ok(Ended::Clean)
}

fn state(key: &ApiKey, now_us: i64) -> &'static str {
    match (key.revoked_us, key.expires_us) {
        (Some(_), _) => "revoked",
        (None, Some(expires)) if expires <= now_us => "expired",
        _ => "good",
    }
}

fn revoke(id: &str, data: &Data) -> Result<Ended> {
    let mut store = open_existing(settings(data)?.need_data()?).map_err(in_use)?;
    if store.api_key(id)?.is_none() {
        bail!("there is no key {id:?}; `lodestone key list` names them");
    }
    store.batch(now_us(), |batch| match batch.revoke_api_key(id)? {
        true => note(batch, "key.revoke", &json!({ "key": id })),
        false => Ok(()),
    })?;
    eprintln!("key {id} is taken back");
    Ok(Ended::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_a_number_and_a_unit() {
        assert_eq!(duration_us("90d").unwrap(), 90 * 86_400 * 1_000_000);
        assert_eq!(duration_us("30m").unwrap(), 1_800_000_000);
        for text in ["", "d", "90", "-1d", "0h", "1.5h", "9999999999999w", "9 d", "1ä"] {
            assert!(duration_us(text).is_err(), "{text:?}");
        }
    }
}
