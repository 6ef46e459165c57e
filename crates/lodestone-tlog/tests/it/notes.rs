//! Keys and notes, against the vectors of golang.org/x/mod/sumdb/note and of the specifications.

use lodestone_tlog::note::{MAX_SIGNATURES, Note};
use lodestone_tlog::{Checkpoint, SigningKey, VerifierKey, key_file};
use proptest::prelude::*;

// golang.org/x/mod/sumdb/note, note_test.go.
const PETER_PRIVATE: &str = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH: &str = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const TEXT: &str =
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const PETER_LINE: &str = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const ENOCH_LINE: &str = "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

fn verify(note: &str, keys: &[&str]) -> Result<Vec<String>, String> {
    let keys: Vec<VerifierKey> = keys.iter().map(|key| VerifierKey::parse(key).unwrap()).collect();
    let note = Note::parse(note.as_bytes()).map_err(|error| error.to_string())?;
    let verified = note.verify(&keys).map_err(|error| error.to_string())?;
    Ok(verified.into_iter().map(|key| key.name().to_owned()).collect())
}

#[test]
fn keys_and_signatures_are_those_of_the_go_implementation() {
    let peter = SigningKey::parse(PETER_PRIVATE).unwrap();
    assert_eq!(peter.to_private_text(), PETER_PRIVATE);
    assert_eq!(peter.verifier().to_string(), PETER);
    assert_eq!(Note::sign(TEXT, &[&peter]).unwrap().to_string(), format!("{TEXT}\n{PETER_LINE}"));
    assert!(!format!("{peter:?}").contains("AYEKFALV"));
}

#[test]
fn every_part_of_a_key_and_every_change_to_it_is_refused() {
    for from in 0..=PETER.len() {
        for to in from..=PETER.len() {
            assert!((from, to) == (0, PETER.len()) || VerifierKey::parse(&PETER[from..to]).is_err());
        }
    }
    for from in 0..=PETER_PRIVATE.len() {
        for to in from..=PETER_PRIVATE.len() {
            let whole = (from, to) == (0, PETER_PRIVATE.len());
            assert!(whole || SigningKey::parse(&PETER_PRIVATE[from..to]).is_err());
        }
    }
    for at in 0..PETER.len() {
        let mut bytes = PETER.as_bytes().to_vec();
        bytes[at] += 1;
        assert!(VerifierKey::parse(std::str::from_utf8(&bytes).unwrap()).is_err(), "{at}");
    }
    for at in 0..PETER_PRIVATE.len() {
        let mut bytes = PETER_PRIVATE.as_bytes().to_vec();
        bytes[at] += 1;
        assert!(SigningKey::parse(std::str::from_utf8(&bytes).unwrap()).is_err(), "{at}");
    }
    // The right id, the wrong length; the right id, another type.
    for key in [
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ] {
        assert!(VerifierKey::parse(key).is_err());
    }
    let error = VerifierKey::parse(PETER_PRIVATE).unwrap_err().to_string();
    assert_eq!(error, "this is a private key; a verifier key is wanted");
}

#[test]
fn names_have_no_spaces_and_no_plus() {
    for name in ["", "a b", "a+b", "a\u{a0}b", "a\nb", "a\0b"] {
        assert!(SigningKey::from_seed(name, [1; 32]).is_err(), "{name:?}");
    }
    let (a, b) =
        (SigningKey::generate("example.org/a").unwrap(), SigningKey::generate("example.org/a").unwrap());
    assert_ne!(a.to_private_text(), b.to_private_text());
}

#[test]
fn signatures_of_other_keys_are_let_be_and_wrong_ones_of_known_keys_are_not() {
    let both = format!("{TEXT}\n{PETER_LINE}{ENOCH_LINE}");
    assert_eq!(verify(&both, &[PETER]).unwrap(), ["PeterNeumann"]);
    assert_eq!(verify(&both, &[PETER, ENOCH]).unwrap(), ["PeterNeumann", "EnochRoot"]);
    assert_eq!(verify(&both, &[]).unwrap_err(), "the note is not signed by any of the keys given");
    // Peter's good signature does not help where Enoch's is wrong.
    let wrong = both.replace("rwz+eBzm", "rwz+eBzn");
    assert_eq!(verify(&wrong, &[PETER]).unwrap(), ["PeterNeumann"]);
    assert_eq!(verify(&wrong, &[PETER, ENOCH]).unwrap_err(), "the signature of EnochRoot is wrong");
    let twice = format!("{TEXT}\n{PETER_LINE}{PETER_LINE}");
    assert_eq!(verify(&twice, &[PETER]).unwrap(), ["PeterNeumann"]);
    let witness = format!("{TEXT}\n— witness.example/w AAAAAAQAAAAAAAAAAAAAAAAAAAAAAAAA\n{PETER_LINE}");
    assert_eq!(verify(&witness, &[PETER]).unwrap(), ["PeterNeumann"]);
}

#[test]
fn the_example_of_the_note_specification_is_parsed_with_its_empty_line() {
    let note = "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n\
                — quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0mMcXxj99ihAQwaqP3ZekRwNtIc=\n";
    let parsed = Note::parse(note.as_bytes()).unwrap();
    assert!(parsed.text.ends_with("\n\ned è subito sera.\n"));
    assert_eq!(parsed.signatures.len(), 1);
    assert_eq!(parsed.to_string(), note);
}

#[test]
fn malformed_notes_are_refused() {
    let many = format!("{TEXT}\n{}", PETER_LINE.repeat(MAX_SIGNATURES + 1));
    let large = format!("{}\n{PETER_LINE}", "x\n".repeat(1 << 20));
    for note in [
        TEXT.to_owned(),
        format!("{TEXT}\n"),
        format!("{TEXT}\n{}", PETER_LINE.trim_end()),
        format!("\u{1}{TEXT}\n{PETER_LINE}"),
        format!("{TEXT}\n{PETER_LINE}Unexpected line.\n"),
        format!("{TEXT}\n{}", PETER_LINE.replace("PeterNeumann", "Bad Name")),
        format!("{TEXT}\n{}", PETER_LINE.replace("nAM=", "nAN=")),
        format!("{TEXT}\n— PeterNeumann x08gow==\n"),
        many,
        large,
    ] {
        assert!(verify(&note, &[PETER]).is_err(), "{:?}", note.get(..200));
    }
    assert!(Note::parse(b"\xfftext\n\n").is_err());
    let most = format!("{TEXT}\n{}", PETER_LINE.repeat(MAX_SIGNATURES));
    assert!(verify(&most, &[PETER]).is_ok());
    assert!(Note::sign("no newline", &[]).is_err());
    assert!(Note::sign("tab\there\n", &[]).is_err());
}

#[test]
fn checkpoints_have_three_lines_in_one_spelling() {
    let good = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    let checkpoint = Checkpoint::parse(good).unwrap();
    assert_eq!(checkpoint.size, 20_852_163);
    assert_eq!(checkpoint.to_string(), good);
    let extended = format!("{good}more\n");
    assert_eq!(Checkpoint::parse(&extended).unwrap().to_string(), extended);
    for bad in [
        "",
        "\n",
        "a\n1\n",
        &good.replace("20852163", "020852163"),
        &good.replace("20852163", "+20852163"),
        &good.replace("20852163", "-1"),
        &good.replace("20852163", "9223372036854775808"),
        &good.replace("jxq2I=", "jxq2J="),
        &good.replace("jxq2I=", "jxq2I"),
        &good.replace("CsUY", ""),
        &good.replace("example.com/behind-the-sofa", ""),
        &format!("{good}\n"),
        good.trim_end(),
    ] {
        assert!(Checkpoint::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn a_checkpoint_is_the_logs_own_only_when_the_key_of_its_name_signed() {
    let (log, witness) =
        (SigningKey::from_seed("log", [1; 32]).unwrap(), SigningKey::from_seed("witness", [2; 32]).unwrap());
    let keys = [log.verifier().clone(), witness.verifier().clone()];
    let text =
        Checkpoint { origin: "log".to_owned(), size: 0, root: [0; 32], extensions: Vec::new() }.to_string();
    let open = |signers: &[&SigningKey]| {
        Checkpoint::open(Note::sign(&text, signers).unwrap().to_string().as_bytes(), &keys)
    };
    assert_eq!(open(&[&log, &witness]).unwrap().1, ["log", "witness"]);
    let error = open(&[&witness]).unwrap_err().to_string();
    assert!(error.contains("none of the keys that signed it has that name"), "{error}");
}

#[test]
fn a_key_file_is_private_whole_and_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audit.key");
    let key = SigningKey::generate("example.org/log").unwrap();
    key_file::create(&path, &key).unwrap();
    assert_eq!(key_file::load(&path).unwrap().to_private_text(), key.to_private_text());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    let again = key_file::create(&path, &SigningKey::generate("example.org/log").unwrap()).unwrap_err();
    assert!(again.to_string().ends_with("a key is never overwritten"), "{again}");
    assert_eq!(key_file::load(&path).unwrap().to_private_text(), key.to_private_text());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let open = key_file::load(&path).unwrap_err().to_string();
        assert!(open.contains("may be read or written by others (mode 0640)"), "{open}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let secret = key.to_private_text();
    std::fs::write(&path, &secret[..secret.len() - 4]).unwrap();
    let cut = key_file::load(&path).unwrap_err().to_string();
    assert!(cut.contains("audit.key") && !cut.contains(&secret[40..60]), "{cut}");
    let missing = key_file::load(&folder.path().join("none")).unwrap_err();
    assert!(matches!(missing, lodestone_tlog::TlogError::Missing { .. }));
    // What a killed program left beside is in nobody's way.
    std::fs::write(folder.path().join("next.key.new"), "half").unwrap();
    key_file::create(&folder.path().join("next.key"), &key).unwrap();
    key_file::load(&folder.path().join("next.key")).unwrap();
}

proptest! {
    #[test]
    fn no_bytes_make_the_parsers_fall_over(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Note::parse(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        let _ = Checkpoint::parse(&text);
        let _ = VerifierKey::parse(&text);
        let _ = SigningKey::parse(&text);
        lodestone_tlog::bundle::entries(&bytes).for_each(drop);
        let _ = lodestone_tlog::tile::parse(&bytes);
    }

    #[test]
    fn a_note_is_read_back_as_it_was_signed(text in "[a-z \n]{0,60}", seed: [u8; 32]) {
        let key = SigningKey::from_seed("example.org/k", seed).unwrap();
        let note = Note::sign(&format!("{text}\n"), &[&key]).unwrap();
        let read = Note::parse(note.to_string().as_bytes()).unwrap();
        prop_assert_eq!(&read, &note);
        prop_assert!(read.verify(&[key.verifier().clone()]).is_ok());
    }
}
