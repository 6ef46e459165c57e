//! Keys that change, are lost, or are named and none.

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn store(&self) -> Store {
        Store::open(&self.0.path().join("data")).unwrap()
    }

    fn open(&self, store: &Store, sources: &KeySources) -> Result<Secrets, SecretsError> {
        Secrets::open(&self.0.path().join("data"), sources, store)
    }

    /// A key file of this name, made when it is not there.
    fn key(&self, name: &str) -> PathBuf {
        let path = self.0.path().join(name);
        if !path.exists() {
            write_key(&path, &SealKey::generate(&SystemRandom::new()).unwrap()).unwrap();
        }
        path
    }

    fn named(&self, name: &str) -> KeySources {
        KeySources { key_file: Some(self.key(name)), ..KeySources::default() }
    }
}

fn keep(secrets: &Secrets, store: &mut Store) -> Result<(), SecretsError> {
    store.batch(1, |batch| {
        secrets.put(batch, "hook", Some(&Secret::new(*b"one")))?;
        let sealed = secrets.seal(batch, &credentials_purpose("ncmec"), &Secret::new(*b"two"))?;
        Ok(batch.set_exchange_credentials("ncmec", Some(&sealed))?)
    })
}

fn both(secrets: &Secrets, store: &Store) -> Result<(Vec<u8>, Vec<u8>), SecretsError> {
    let sealed = store.exchange_credentials("ncmec")?.unwrap();
    let two = secrets.unseal(&credentials_purpose("ncmec"), &sealed)?;
    Ok((secrets.get(store, "hook")?.unwrap().expose().to_vec(), two.expose().to_vec()))
}

fn is_there(secrets: &Secrets, store: &Store) -> bool {
    matches!(both(secrets, store), Ok((one, two)) if one == b"one" && two == b"two")
}

#[test]
fn without_a_key_one_is_made_at_the_first_secret_and_found_again() {
    let (folder, none) = (Folder::new(), KeySources::default());
    let mut store = folder.store();
    let file = folder.0.path().join("data/secret.key");
    let secrets = folder.open(&store, &none).unwrap();
    assert!(secrets.key().unwrap().is_none() && !file.exists());
    keep(&secrets, &mut store).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = folder.open(&store, &none).unwrap();
    assert_eq!(again.key().unwrap(), secrets.key().unwrap());
    assert!(is_there(&again, &store));
    // Neither secret stands in the database as it is.
    for sealed in [store.setting("sealed.hook").unwrap(), store.exchange_credentials("ncmec").unwrap()] {
        assert!(sealed.unwrap().starts_with("v1."));
    }
}

#[test]
fn a_lost_key_is_named_and_no_other_is_made_in_its_place() {
    let (folder, none) = (Folder::new(), KeySources::default());
    let mut store = folder.store();
    let secrets = folder.open(&store, &none).unwrap();
    keep(&secrets, &mut store).unwrap();
    let id = secrets.key().unwrap().unwrap().to_string();
    let file = folder.0.path().join("data/secret.key");
    std::fs::remove_file(&file).unwrap();
    let lost = folder.open(&store, &none).unwrap();
    assert!(lost.key().unwrap_err().to_string().contains(&id));
    assert!(keep(&lost, &mut store).is_err() && !is_there(&lost, &store) && !file.exists());
    let other = folder.open(&store, &folder.named("other")).unwrap();
    assert!(other.key().unwrap_err().to_string().contains(&id));
    assert_eq!(other.reseal(&mut store, 2).unwrap(), Rewritten::default());
    // Forgetting needs no key.
    store.batch(2, |batch| other.put(batch, "none", None)).unwrap();
    assert_eq!(other.forget_lost(&mut store, 3, false).unwrap().secrets, 2);
    assert!(store.exchange_credentials("ncmec").unwrap().is_none());
    keep(&other, &mut store).unwrap();
    assert!(is_there(&folder.open(&store, &folder.named("other")).unwrap(), &store));
}

#[test]
fn a_restart_with_a_new_key_and_the_old_one_changes_keys() {
    let folder = Folder::new();
    let mut store = folder.store();
    keep(&folder.open(&store, &folder.named("a")).unwrap(), &mut store).unwrap();
    let change = KeySources { old_key_files: vec![folder.key("a")], ..folder.named("b") };
    let secrets = folder.open(&store, &change).unwrap();
    assert!(is_there(&secrets, &store));
    assert_eq!(secrets.reseal(&mut store, 2).unwrap().secrets, 2);
    assert_eq!(secrets.reseal(&mut store, 3).unwrap(), Rewritten::default());
    assert!(is_there(&folder.open(&store, &folder.named("b")).unwrap(), &store));
    assert!(folder.open(&store, &folder.named("a")).unwrap().key().is_err());
}

#[test]
fn the_key_of_the_data_folder_gives_way_to_one_that_is_named() {
    let folder = Folder::new();
    let mut store = folder.store();
    keep(&folder.open(&store, &KeySources::default()).unwrap(), &mut store).unwrap();
    let text = SealKey::generate(&SystemRandom::new()).unwrap().reveal();
    let sources = KeySources { variable: Some(text), ..KeySources::default() };
    assert_eq!(folder.open(&store, &sources).unwrap().reseal(&mut store, 2).unwrap().secrets, 2);
    std::fs::remove_file(folder.0.path().join("data/secret.key")).unwrap();
    assert!(is_there(&folder.open(&store, &sources).unwrap(), &store));
}

#[test]
fn everything_is_sealed_anew_under_a_given_key_or_nothing_is() {
    let folder = Folder::new();
    let mut store = folder.store();
    let secrets = folder.open(&store, &folder.named("a")).unwrap();
    keep(&secrets, &mut store).unwrap();
    secrets.rotate(&mut store, 2, SealKey::from_file(&folder.key("b")).unwrap()).unwrap();
    assert!(is_there(&secrets, &store));
    let secrets = folder.open(&store, &folder.named("b")).unwrap();
    assert!(is_there(&secrets, &store));
    store.batch(3, |batch| batch.set_setting("sealed.bad", Some("v1.0000000000000000.AAAA"))).unwrap();
    assert!(secrets.rotate(&mut store, 4, SealKey::from_file(&folder.key("c")).unwrap()).is_err());
    assert!(is_there(&folder.open(&store, &folder.named("b")).unwrap(), &store));
}

#[test]
fn a_key_that_was_named_and_is_none_is_an_error() {
    let folder = Folder::new();
    let store = folder.store();
    std::fs::write(folder.0.path().join("bad"), "not a key").unwrap();
    assert!(matches!(folder.open(&store, &folder.named("bad")), Err(SecretsError::Key(_))));
    let only_old = KeySources { old_key_files: vec![folder.key("a")], ..KeySources::default() };
    assert!(matches!(folder.open(&store, &only_old), Err(SecretsError::Key(SealError::NoKey))));
    let empty = KeySources { variable: Some(Secret::new(*b" ")), ..KeySources::default() };
    assert!(folder.open(&store, &empty).is_err());
}

#[test]
fn a_key_is_never_written_over_a_file() {
    let folder = Folder::new();
    let path = folder.key("a");
    let before = std::fs::read(&path).unwrap();
    assert!(write_key(&path, &SealKey::generate(&SystemRandom::new()).unwrap()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(std::fs::read_dir(folder.0.path()).unwrap().count(), 1);
}
