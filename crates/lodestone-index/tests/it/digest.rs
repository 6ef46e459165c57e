use std::collections::BTreeMap;

use lodestone_index::DigestIndex;
use proptest::prelude::*;

proptest! {
    #[test]
    fn a_look_up_gives_all_ids_of_a_digest_and_no_others(
        // Few values, so that digests repeat and share their leading bits; also uniform ones.
        few in prop::collection::vec((prop::array::uniform20(0u8..2), 0u32..50), 0..400),
        many in prop::collection::vec((any::<[u8; 20]>(), any::<u32>()), 0..400),
        strangers in prop::collection::vec(any::<[u8; 20]>(), 0..20),
    ) {
        let entries: Vec<_> = few.into_iter().chain(many).collect();
        let mut expected: BTreeMap<[u8; 20], Vec<u32>> = BTreeMap::new();
        for (digest, id) in &entries {
            expected.entry(*digest).or_default().push(*id);
        }
        let index = DigestIndex::from_entries(entries.clone());
        prop_assert_eq!(index.len(), entries.len());
        for (digest, ids) in &mut expected {
            ids.sort();
            prop_assert_eq!(index.ids(digest), &ids[..]);
        }
        for digest in strangers {
            prop_assert_eq!(index.contains(&digest), expected.contains_key(&digest));
        }
    }
}

#[test]
fn an_empty_index_knows_no_digest() {
    let index = DigestIndex::<16>::default();
    assert!(index.is_empty());
    assert!(!index.contains(&[0; 16]) && !index.contains(&[255; 16]));
}

#[test]
fn digests_that_share_their_leading_bits_are_told_apart() {
    let entries: Vec<([u8; 32], u32)> = (0..10_000u32)
        .map(|i| {
            let mut digest = [0xff; 32];
            digest[28..].copy_from_slice(&i.to_be_bytes());
            (digest, i)
        })
        .rev()
        .collect();
    let index = DigestIndex::from_entries(entries.clone());
    assert!(entries.iter().all(|(digest, id)| index.ids(digest) == [*id]));
}
