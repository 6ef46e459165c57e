//! Databases that stand at the generation of an index that is not theirs: a number alone does not tell them apart.

use std::fs;

use crate::hashes::{hashes, hex, list};
use crate::program::Place;

/// The entries that a hash given by value matches, as `bank entry` each.
fn matched(place: &Place, hash: &[u8; 32], data: &str) -> Vec<String> {
    let signal = format!("pdq:{}", hex(hash));
    let ran = place.run(&["match", "--signal", &signal, "--data", data, "--format", "ndjson"]);
    let mut found = Vec::new();
    for object in ran.objects() {
        for one in object["matches"].as_array().into_iter().flatten() {
            found.push(format!("{} {}", one["bank"].as_str().unwrap(), one["entry"].as_str().unwrap()));
        }
    }
    assert_eq!(ran.code, Some(i32::from(!found.is_empty())), "{}", ran.err);
    found
}

fn import(place: &Place, list: &str, data: &str) {
    let ran = place.run(&["bank", "import", "x", &format!("pdq:{list}"), "--data", data]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

fn add(place: &Place, id: &str, hash: &[u8; 32], data: &str) {
    let signal = format!("pdq:{}", hex(hash));
    let ran = place.run(&["bank", "add", "x", "--id", id, "--signal", &signal, "--data", data]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}

#[test]
fn an_index_left_from_a_database_that_is_gone_is_made_again() {
    let place = Place::new();
    let (a, b) = (hashes(1, 40), hashes(2, 40));
    place.put("a.txt", list(&a));
    place.put("b.txt", list(&b));
    import(&place, "b.txt", "data");
    for name in ["lodestone.db", "lodestone.db-wal", "lodestone.db-shm"] {
        let _ = fs::remove_file(place.path("data").join(name));
    }
    import(&place, "a.txt", "data");
    assert_eq!(matched(&place, &a[3], "data").len(), 1);
    assert!(matched(&place, &b[3], "data").is_empty());
}

#[test]
fn a_database_restored_from_a_copy_is_not_answered_for_by_the_index_of_its_lost_future() {
    let place = Place::new();
    let (a, n) = (hashes(1, 40), hashes(3, 2));
    place.put("a.txt", list(&a));
    import(&place, "a.txt", "data");
    let database = place.path("data").join("lodestone.db");
    fs::copy(&database, place.path("copy.db")).unwrap();
    add(&place, "n1", &n[0], "data");
    for name in ["lodestone.db-wal", "lodestone.db-shm"] {
        let _ = fs::remove_file(place.path("data").join(name));
    }
    fs::copy(place.path("copy.db"), &database).unwrap();
    add(&place, "n2", &n[1], "data");
    assert_eq!(matched(&place, &n[1], "data"), ["x n2"]);
    assert!(matched(&place, &n[0], "data").is_empty());
    assert_eq!(matched(&place, &a[9], "data").len(), 1);
}

#[test]
fn the_index_of_another_data_folder_is_not_believed() {
    let place = Place::new();
    let (a, b) = (hashes(1, 40), hashes(2, 40));
    place.put("a.txt", list(&a));
    place.put("b.txt", list(&b));
    import(&place, "a.txt", "one");
    import(&place, "b.txt", "two");
    let index = place.path("one").join("index");
    fs::remove_dir_all(&index).unwrap();
    fs::rename(place.path("two").join("index"), &index).unwrap();
    assert_eq!(matched(&place, &a[3], "one").len(), 1);
    assert!(matched(&place, &b[3], "one").is_empty());
    assert_eq!(matched(&place, &b[3], "two").len(), 1);
}
