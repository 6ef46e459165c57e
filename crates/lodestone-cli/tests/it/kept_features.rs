//! Features of known pictures kept in banks: what they find when the pictures are gone, and who can use them.

use serde_json::Value;

use crate::drawn::Drawn;
use crate::files::png_header;
use crate::program::{Place, Ran};

const KNOWN: u64 = 7;

/// Three known scenes, a crop of one, and a scene that has nothing to do with them.
fn place() -> Place {
    let place = Place::new();
    for seed in [KNOWN, 8, 9] {
        place.put(&format!("known/in/scene{seed}.png"), Drawn::scene(seed, 480, 360).png());
    }
    place.put("crop.jpg", Drawn::scene(KNOWN, 480, 360).crop(90, 70, 300, 220).jpeg());
    place.put("unrelated.jpg", Drawn::scene(51, 480, 360).jpeg());
    place
}

/// The same, banked, with the pictures deleted.
fn banked() -> Place {
    let place = place();
    let ran = add(&place, &["known", "--data", "state"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    std::fs::remove_dir_all(place.path("known")).unwrap();
    place
}

fn add(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["bank", "add", "case"], arguments, &["--format", "ndjson"]].concat())
}

fn asked(place: &Place, arguments: &[&str]) -> Ran {
    let given = ["match", "crop.jpg", "unrelated.jpg", "--format", "ndjson"];
    place.run(&[&given[..], arguments].concat())
}

fn entries(ran: &Ran, path: &str) -> Vec<String> {
    let matches = ran.file(path)["matches"].clone();
    matches.as_array().unwrap().iter().map(|one| one["entry"].as_str().unwrap().to_owned()).collect()
}

/// That the crop is found, by its features, and the other is not.
fn finds(place: &Place, arguments: &[&str]) {
    let ran = asked(place, arguments);
    assert_eq!(entries(&ran, "crop.jpg"), ["in/scene7.png"], "{}", ran.err);
    assert_eq!(entries(&ran, "unrelated.jpg"), [""; 0]);
    assert_eq!(ran.code, Some(1), "{}", ran.err);
}

/// That nothing is matched, and why is said.
fn refuses(place: &Place, arguments: &[&str], why: &[&str]) {
    let ran = asked(place, arguments);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
    for word in why {
        assert!(ran.err.contains(word), "{word}: {}", ran.err);
    }
}

fn held(place: &Place, data: &str) -> u64 {
    let shown = place.run(&["bank", "show", "case", "--data", data, "--format", "ndjson"]);
    shown.objects()[0]["with_features"].as_u64().unwrap()
}

const ALL: [&str; 4] = ["--data", "state", "--layers", "1,2,3"];

#[test]
fn banked_pictures_are_found_in_crops_of_them_when_they_are_gone() {
    let place = place();
    let first = add(&place, &["known", "--data", "state"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    let said = first.objects().remove(0);
    for (name, wanted) in
        [("entries", 3), ("added", 3), ("hashed", 3), ("with_features", 3), ("features_sealed", 3)]
    {
        assert_eq!(said[name], wanted, "{name}: {said}");
    }
    assert!(first.err.contains("made the key ") && first.err.contains("secret.key"), "{}", first.err);
    let again = add(&place, &["known", "--data", "state"]).objects().remove(0);
    assert_eq!((&again["unchanged"], &again["features_sealed"]), (&Value::from(3), &Value::from(0)));
    assert_eq!(again["generation"], said["generation"], "nothing changed");
    std::fs::remove_dir_all(place.path("known")).unwrap();

    finds(&place, &ALL);
    let crop = asked(&place, &ALL).file("crop.jpg")["matches"][0].clone();
    assert_eq!(
        (&crop["layer"], &crop["bank"], &crop["relation"]),
        (&3.into(), &"case".into(), &"crop_of".into())
    );
    let listed = place.run(&["bank", "list", "--data", "state"]);
    assert!(listed.out.contains("3 with local features"), "{}", listed.out);
    let verbose = asked(&place, &[&ALL[..], &["--verbose"]].concat());
    assert!(verbose.err.contains("local features: 3 known pictures"), "{}", verbose.err);

    let scan = place.scan(&["crop.jpg", "--data", "state", "--layers", "1,2,3"]);
    assert_eq!(entries(&scan, "crop.jpg"), ["in/scene7.png"], "{}", scan.err);
    let examined =
        place.run(&["examine", "crop.jpg", "--data", "state", "--layers", "1,2,3", "--format", "ndjson"]);
    assert!(examined.out.contains("in/scene7.png"), "{} {}", examined.out, examined.err);
}

#[test]
fn without_layer_3_that_there_are_features_is_said() {
    let place = banked();
    let whole = asked(&place, &["--data", "state"]);
    assert_eq!((whole.code, entries(&whole, "crop.jpg").len()), (Some(0), 0));
    assert!(whole.err.contains("--layers 1,2,3"), "{}", whole.err);
}

#[test]
fn the_data_folder_holds_no_features_that_are_not_sealed() {
    let place = banked();
    let mut files = 0;
    for name in crate::program::names(&place.path("state")) {
        let path = place.path("state").join(&name);
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            assert!(!bytes.windows(4).any(|four| four == b"LdF1"), "{name}");
            files += 1;
        }
    }
    assert!(files >= 3);
}

#[test]
fn without_the_key_or_with_another_nothing_is_matched_and_the_entry_is_named() {
    let place = banked();
    let key = place.path("state/secret.key");
    std::fs::copy(&key, place.path("kept.key")).unwrap();
    std::fs::remove_file(&key).unwrap();
    refuses(
        &place,
        &ALL,
        &["in/scene7.png", "case", "sealed with key ", "no key is configured", "--key-file"],
    );
    // The program makes no other key in the place of the lost one.
    assert!(!key.exists());
    let known = Drawn::scene(10, 480, 360).png();
    place.put("more/scene10.png", known);
    let refused = add(&place, &["more", "--data", "state"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("--no-features") && !key.exists(), "{}", refused.err);
    let without = add(&place, &["more", "--data", "state", "--no-features"]);
    assert_eq!(without.code, Some(0), "{}", without.err);
    assert_eq!(held(&place, "state"), 3);

    std::fs::write(place.path("other.key"), format!("{}\n", "0123456789abcdef".repeat(4))).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(place.path("other.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    let with = |key: &'static str| [&ALL[..], &["--key-file", key]].concat();
    refuses(&place, &with("other.key"), &["in/scene7.png", "sealed with key ", "the keys configured are"]);
    // Hashes need no key.
    let hashes = asked(&place, &["--data", "state", "--layers", "1,2"]);
    assert_eq!(hashes.code, Some(0), "{}", hashes.err);
    finds(&place, &with("kept.key"));
    let text = std::fs::read_to_string(place.path("kept.key")).unwrap();
    let given = [&["match", "crop.jpg", "--format", "ndjson"][..], &ALL].concat();
    let variable = Ran::from(place.command(&given).env("LODESTONE_KEY", text.trim()).output().unwrap());
    assert_eq!(entries(&variable, "crop.jpg"), ["in/scene7.png"], "{}", variable.err);
}

#[test]
fn features_move_to_another_key_with_the_other_secrets() {
    let place = banked();
    let rotated = place.run(&["key", "rotate-secrets", "--new-key-file", "new.key", "--data", "state"]);
    assert_eq!(rotated.code, Some(0), "{}", rotated.err);
    assert!(rotated.err.contains("local features of 3 known pictures"), "{}", rotated.err);
    let new = [&ALL[..], &["--key-file", "new.key"]].concat();
    finds(&place, &new);
    // The old key beside the data opens nothing any more.
    refuses(&place, &ALL, &["in/scene7.png", "sealed with key "]);
}

#[test]
fn giving_up_lost_secrets_leaves_features_until_it_is_said_that_they_go_too() {
    let place = banked();
    std::fs::remove_file(place.path("state/secret.key")).unwrap();
    let forget = |more: &[&str]| place.run(&[&["key", "forget-secrets", "--data", "state"], more].concat());
    let first = forget(&["--yes"]);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!(first.err.contains("3 known pictures") && first.err.contains("and stay"), "{}", first.err);
    assert_eq!(held(&place, "state"), 3);
    refuses(&place, &ALL, &["in/scene7.png", "sealed with key "]);
    let unsaid = forget(&["--yes"]);
    assert!(unsaid.code == Some(2) && unsaid.err.contains("--features"), "{}", unsaid.err);
    let gone = forget(&["--yes", "--features"]);
    assert_eq!((gone.code, held(&place, "state")), (Some(0), 0), "{}", gone.err);
    assert_eq!(asked(&place, &ALL).code, Some(0));
    assert_eq!(forget(&["--yes", "--features"]).code, Some(2), "nothing is lost any more");
}

#[test]
fn an_entry_that_is_removed_stops_matching_and_a_bank_goes_with_its_features() {
    let place = banked();
    let removed = place.run(&["bank", "remove", "case", "in/scene7.png", "--yes", "--data", "state"]);
    assert_eq!(removed.code, Some(0), "{}", removed.err);
    let after = asked(&place, &ALL);
    assert_eq!((after.code, entries(&after, "crop.jpg").len(), held(&place, "state")), (Some(0), 0, 2));
    assert_eq!(place.run(&["bank", "delete", "case", "--yes", "--data", "state"]).code, Some(0));
    assert_eq!(asked(&place, &ALL).code, Some(0));
}

#[test]
fn a_picture_that_cannot_be_read_refuses_all_or_is_banked_by_its_bytes() {
    let place = place();
    place.put("known/broken.png", png_header(300, 200));
    place.put("known/notes.txt", "no picture");
    let refused = add(&place, &["known", "--data", "state"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("broken.png") && refused.err.contains("--max-rejects"), "{}", refused.err);
    let listed = place.run(&["bank", "list", "--data", "state", "--format", "ndjson"]);
    assert_eq!(listed.out, "", "nothing was banked");
    let allowed = add(&place, &["known", "--data", "state", "--max-rejects", "1"]);
    assert_eq!(allowed.code, Some(0), "{}", allowed.err);
    let said = allowed.objects().remove(0);
    assert_eq!(
        (&said["entries"], &said["with_features"], &said["no_pictures"]),
        (&5.into(), &3.into(), &1.into())
    );
    assert_eq!(said["unreadable"][0]["entry"], "broken.png");
    assert_eq!(said["unreadable"][0]["banked"], true);
    // Its bytes are known all the same.
    std::fs::copy(place.path("known/broken.png"), place.path("copy.png")).unwrap();
    let copy = place.run(&["match", "copy.png", "--data", "state", "--format", "ndjson"]);
    let mut found = entries(&copy, "copy.png");
    found.dedup();
    assert_eq!(found, ["broken.png"], "{}", copy.err);
}

#[test]
fn single_files_are_named_by_their_name_and_another_of_that_name_takes_no_ones_place() {
    let place = place();
    assert_eq!(add(&place, &["known/in/scene7.png", "known/in/scene8.png", "--data", "state"]).code, Some(0));
    place.put("known/in/scene7.png", Drawn::scene(20, 480, 360).png());
    let changed = add(&place, &["known/in/scene7.png", "--data", "state"]).objects().remove(0);
    assert_eq!((&changed["added"], &changed["features_sealed"]), (&1.into(), &1.into()), "{changed}");
    let after = asked(&place, &ALL);
    assert_eq!((after.code, entries(&after, "crop.jpg").len(), held(&place, "state")), (Some(1), 1, 3));
    let again = add(&place, &["known/in/scene7.png", "--data", "state"]).objects().remove(0);
    assert_eq!((&again["added"], &again["unchanged"]), (&0.into(), &1.into()), "{again}");
    place.put("a/one.png", Drawn::scene(21, 480, 360).png());
    place.put("b/one.png", Drawn::scene(22, 480, 360).png());
    let both = add(&place, &["a", "b", "--data", "state"]);
    assert_eq!(both.code, Some(0), "{}", both.err);
    let named = place.run(&["match", "a/one.png", "b/one.png", "--data", "state", "--format", "ndjson"]);
    let (mut first, mut second) = (entries(&named, "a/one.png"), entries(&named, "b/one.png"));
    first.dedup();
    second.dedup();
    assert_eq!(first, ["one.png"], "{}", named.err);
    assert!(second[0].starts_with("one.png@") && second[0].len() == "one.png@".len() + 12, "{second:?}");
    let exact = place.run(&["bank", "add", "exact", "a", "--kind", "known-good", "--data", "state"]);
    assert_eq!(exact.code, Some(0), "{}", exact.err);
    assert!(exact.err.contains("by exact digest only"), "{}", exact.err);
}

#[test]
fn features_travel_in_a_sealed_bundle_to_a_holder_of_the_same_entries() {
    let place = place();
    assert_eq!(add(&place, &["known", "--data", "state"]).code, Some(0));
    // The other holder has the same files under other names, but one, and no features.
    for (name, seed) in [("first.png", KNOWN), ("second.png", 8)] {
        place.put(&format!("theirs/{name}"), Drawn::scene(seed, 480, 360).png());
    }
    assert_eq!(add(&place, &["theirs", "--no-features", "--data", "there"]).code, Some(0));
    std::fs::remove_dir_all(place.path("known")).unwrap();
    std::fs::remove_dir_all(place.path("theirs")).unwrap();
    let export = |key: &str| {
        let out = ["--out", "case.ldfb", "--bundle-key", key, "--data", "state", "--format", "ndjson"];
        place.run(&[&["bank", "export-features", "case"], &out[..]].concat())
    };
    let own = export("state/secret.key");
    assert!(own.code == Some(2) && own.err.contains("key of this folder"), "{}", own.err);
    let exported = export("case.key");
    assert_eq!((exported.code, &exported.objects()[0]["entries"]), (Some(0), &3.into()), "{}", exported.err);
    let bundle = std::fs::read(place.path("case.ldfb")).unwrap();
    assert!(!bundle.windows(4).any(|four| four == b"LdF1"));

    let import = |file: &str, key: &str| {
        let from = [file, "--bundle-key", key, "--data", "there", "--format", "ndjson"];
        place.run(&[&["bank", "import-features", "case"], &from[..]].concat())
    };
    let middle = bundle.len() / 2;
    let mut altered = bundle.clone();
    altered[middle] ^= 1;
    place.put("altered.ldfb", &altered);
    place.put("cut.ldfb", &bundle[..middle]);
    // Without its last part: every entry opens, and still it is not whole.
    place.put("no-end.ldfb", &bundle[..bundle.len() - 50]);
    for wrong in ["altered.ldfb", "cut.ldfb", "no-end.ldfb"] {
        let refused = import(wrong, "case.key");
        assert_eq!((refused.code, refused.out.as_str(), held(&place, "there")), (Some(2), "", 0), "{wrong}");
        assert!(refused.err.contains("nothing of it was taken"), "{}", refused.err);
    }
    let wrong_key = import("case.ldfb", "state/secret.key");
    assert!(wrong_key.code == Some(2) && wrong_key.err.contains("sealed with key "), "{}", wrong_key.err);

    let imported = import("case.ldfb", "case.key");
    assert_eq!(imported.code, Some(0), "{}", imported.err);
    let said = imported.objects().remove(0);
    assert_eq!((&said["taken"], &said["unknown"]), (&2.into(), &1.into()), "{said}");
    assert_eq!(said["unknown_entries"][0], "in/scene9.png");
    assert_eq!(held(&place, "there"), 2);
    let found = asked(&place, &["--data", "there", "--layers", "1,2,3"]);
    assert_eq!(entries(&found, "crop.jpg"), ["first.png"], "{}", found.err);
    let again = import("case.ldfb", "case.key").objects().remove(0);
    assert_eq!((&again["taken"], &again["unchanged"]), (&0.into(), &2.into()), "{again}");
}

#[test]
fn features_are_not_sealed_with_another_key_than_those_that_are_there() {
    let place = place();
    assert_eq!(add(&place, &["known/in/scene7.png", "--data", "state"]).code, Some(0));
    // The key of another folder.
    assert_eq!(add(&place, &["known/in/scene8.png", "--data", "other"]).code, Some(0));
    let refused = add(&place, &["known/in/scene8.png", "--data", "state", "--key-file", "other/secret.key"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.err.contains("another key"), "{}", refused.err);
    assert_eq!((asked(&place, &ALL).code, held(&place, "state")), (Some(1), 1));
}

#[test]
fn an_empty_copy_that_is_named_like_a_picture_is_told_and_an_empty_text_is_no_picture() {
    let place = place();
    place.put("kept/scene7.png", Drawn::scene(KNOWN, 480, 360).png());
    place.put("kept/notes.txt", "");
    assert_eq!(place.run(&["match", "crop.jpg", "--known", "kept"]).code, Some(1));
    place.put("kept/lost.jpg", "");
    let refused = place.run(&["match", "crop.jpg", "--known", "kept"]);
    assert_eq!((refused.code, refused.out.as_str()), (Some(2), ""));
    assert!(refused.err.contains("lost.jpg"), "{}", refused.err);
    let banked = add(&place, &["kept", "--data", "there"]);
    assert!(banked.code == Some(2) && banked.err.contains("lost.jpg"), "{}", banked.err);
}
