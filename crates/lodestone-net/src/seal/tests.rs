use proptest::prelude::*;
use ring::rand::SystemRandom;

use super::*;

const ONE: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const PURPOSE: &str = "exchange-credentials:ncmec";

fn one() -> SealKey {
    SealKey::parse("test", ONE).expect("a key")
}

fn other() -> SealKey {
    SealKey::generate(&SystemRandom::new()).expect("random")
}

fn sealed(ring: &KeyRing) -> String {
    ring.seal(&SystemRandom::new(), PURPOSE, &Secret::new("user:pass")).expect("sealed")
}

#[test]
fn what_is_sealed_opens_for_the_same_purpose_only() {
    let ring = KeyRing::new(one(), []);
    let text = sealed(&ring);
    assert!(text.starts_with(&format!("v1.{}.", one().id())), "{text}");
    assert_eq!(ring.open(PURPOSE, &text), Ok(Secret::new("user:pass")));
    let damaged = Err(SealError::Damaged { sealed_by: one().id() });
    assert_eq!(ring.open("exchange-credentials:stop_ncii", &text), damaged);
    assert_ne!(sealed(&ring), text, "a nonce was used twice");
}

#[test]
fn a_line_of_an_earlier_release_still_opens() {
    // Made by a separate program from RFC 8439 (nonce 00 01 … 0b); it must open for ever.
    let kept = "v1.3bdae6669ff9ba60.AAECAwQFBgcICQoL_IhtchNnxDPESMV5YQgQ8O-_snEJZZkk_Q";
    assert_eq!(KeyRing::new(one(), []).open(PURPOSE, kept), Ok(Secret::new("user:pass")));
}

#[test]
fn a_lost_key_and_a_wrong_key_are_told_apart_and_named() {
    let text = sealed(&KeyRing::new(one(), []));
    let missing = KeyRing::empty().open(PURPOSE, &text);
    assert_eq!(missing, Err(SealError::KeyMissing { needed: one().id() }));
    let (a, b) = (other(), other());
    let have = vec![a.id(), b.id()];
    let wrong = KeyRing::new(a, [b]).open(PURPOSE, &text).expect_err("wrong key");
    assert_eq!(wrong, SealError::WrongKey { sealed_by: one().id(), have: have.clone() });
    assert!(wrong.to_string().contains(&have[1].to_string()), "{wrong}");
    assert_eq!(sealed_by(&text), Ok(one().id()));
    let none = KeyRing::empty().seal(&SystemRandom::new(), PURPOSE, &Secret::new("x"));
    assert_eq!(none, Err(SealError::NoKey));
}

#[test]
fn keys_are_changed_by_sealing_again() {
    let random = SystemRandom::new();
    let old = sealed(&KeyRing::new(one(), []));
    let new = other();
    let new_id = new.id();
    let both = KeyRing::new(new, [one()]);
    let again = both.reseal(&random, PURPOSE, &old).expect("resealed").expect("another key");
    assert_eq!(sealed_by(&again), Ok(new_id));
    assert_eq!(both.open(PURPOSE, &again), Ok(Secret::new("user:pass")));
    assert_eq!(both.reseal(&random, PURPOSE, &again), Ok(None));
    let wrong_purpose = both.reseal(&random, "x", &old);
    assert_eq!(wrong_purpose, Err(SealError::Damaged { sealed_by: one().id() }));
}

#[test]
fn every_changed_byte_is_noticed() {
    let ring = KeyRing::new(one(), []);
    let text = sealed(&ring);
    for at in 0..text.len() {
        let mut bytes = text.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).expect("ASCII");
        assert!(ring.open(PURPOSE, &changed).is_err(), "byte {at}");
    }
    for end in 0..text.len() {
        assert!(ring.open(PURPOSE, &text[..end]).is_err(), "cut at {end}");
    }
    let newer = text.replacen("v1", "v2", 1);
    assert!(matches!(ring.open(PURPOSE, &newer), Err(SealError::Malformed { .. })));
}

#[test]
fn a_key_is_read_in_every_usual_spelling() {
    let bytes = crate::hex::decode(ONE).expect("hex");
    let standard = base64::engine::general_purpose::STANDARD.encode(&bytes);
    let bare = URL_SAFE_NO_PAD.encode(&bytes);
    for text in [ONE.to_uppercase(), format!(" {ONE}\r\n"), standard, bare] {
        assert_eq!(SealKey::parse("test", &text).map(|key| key.id()), Ok(one().id()), "{text}");
    }
    assert_eq!(one().reveal().expose_str(), Some(ONE));
    for (text, reason) in [
        ("", "it is empty"),
        (" \n", "it is empty"),
        ("hunter2!", "it is neither hexadecimal nor base64"),
        ("AAECAw==", "it is neither hexadecimal nor base64"),
        ("AAECAwQF", "it is not 32 bytes long"),
        (&"0".repeat(64), "it is one byte repeated, a placeholder"),
        (&"z".repeat(64), "it has 64 characters that are not all hexadecimal digits"),
    ] {
        let error = SealKey::parse("LODESTONE_KEY", text).expect_err(text);
        assert_eq!(error, SealError::BadKey { source_name: "LODESTONE_KEY".to_owned(), reason }, "{text}");
        assert!(!error.to_string().contains("hunter2"));
    }
    assert_eq!(format!("{:?}", one()), format!("SealKey({})", one().id()));
    assert!(!format!("{:?}", KeyRing::new(one(), [])).contains("0001"));
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_refused() {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("key");
    fs::write(&path, format!("{ONE}\n")).expect("written");
    for (mode, is_good) in
        [(0o600, true), (0o400, true), (0o440, true), (0o644, false), (0o660, false), (0o604, false)]
    {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
        let read = SealKey::from_file(&path).map(|key| key.id());
        let shown = path.display().to_string();
        let expected =
            if is_good { Ok(one().id()) } else { Err(SealError::KeyFileMode { path: shown, mode }) };
        assert_eq!(read, expected, "{mode:o}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("mode");
    fs::write(&path, vec![b' '; 5000]).expect("written");
    for bad in [path.as_path(), dir.path(), &dir.path().join("absent")] {
        assert!(matches!(SealKey::from_file(bad), Err(SealError::KeyFile { .. })), "{}", bad.display());
    }
}

#[test]
fn a_secret_that_is_too_long_is_refused() {
    let ring = KeyRing::new(one(), []);
    let random = SystemRandom::new();
    let longest = Secret::new(vec![7; MAX_SECRET_BYTES]);
    let text = ring.seal(&random, PURPOSE, &longest).expect("sealed");
    assert_eq!(ring.open(PURPOSE, &text), Ok(longest));
    let longer = Secret::new(vec![7; MAX_SECRET_BYTES + 1]);
    assert_eq!(ring.seal(&random, PURPOSE, &longer), Err(SealError::TooLong));
}

proptest! {
    #[test]
    fn any_secret_comes_back(secret: Vec<u8>, purpose in "\\PC{0,20}") {
        let ring = KeyRing::new(one(), []);
        let secret = Secret::new(secret);
        let text = ring.seal(&SystemRandom::new(), &purpose, &secret).expect("sealed");
        prop_assert_eq!(ring.open(&purpose, &text), Ok(secret));
    }

    #[test]
    fn no_text_makes_opening_panic(text in "(v1\\.)?([0-9a-f]{16}\\.)?\\PC{0,60}", key in "\\PC{0,70}") {
        prop_assert!(KeyRing::new(one(), []).open(PURPOSE, &text).is_err());
        let _ = SealKey::parse("test", &key);
    }
}

#[test]
fn bytes_open_for_the_same_purpose_with_the_same_key_and_only_whole() {
    let ring = KeyRing::new(one(), []);
    let secret = Secret::new([7; 300]);
    let sealed = ring.seal_bytes(&SystemRandom::new(), PURPOSE, &secret).expect("sealed");
    assert_eq!(sealed.len(), 300 + SEALED_OVERHEAD);
    assert_eq!(bytes_sealed_by(&sealed), Ok(one().id()));
    assert_eq!(ring.open_bytes(PURPOSE, &sealed), Ok(secret));
    assert_eq!(ring.open_bytes("another", &sealed), Err(SealError::Damaged { sealed_by: one().id() }));
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(ring.open_bytes(PURPOSE, &changed).is_err(), "byte {at}");
        assert!(ring.open_bytes(PURPOSE, &sealed[..at]).is_err(), "cut at {at}");
    }
    let (new, none) = (KeyRing::new(other(), [one()]), KeyRing::empty());
    assert!(new.open_bytes(PURPOSE, &sealed).is_ok());
    assert!(matches!(
        KeyRing::new(other(), []).open_bytes(PURPOSE, &sealed),
        Err(SealError::WrongKey { .. })
    ));
    assert_eq!(none.open_bytes(PURPOSE, &sealed), Err(SealError::KeyMissing { needed: one().id() }));
}
