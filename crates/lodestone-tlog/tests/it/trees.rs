//! The tree against the vectors of the reference implementations and against the definition of RFC 6962.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lodestone_tlog::tile::{self, Tile};
use lodestone_tlog::tree::{self, Frontier, Hash, leaf_hash, node_hash};
use lodestone_tlog::{Log, SigningKey};
use proptest::prelude::*;

use crate::disk::Disk;

/// Leaves, roots of the first 0 … 8 of them, and subtrees. Source: certificate-transparency `merkletree` tests, as in
/// transparency-dev/merkle `testonly/constants.go`.
const LEAVES: [&str; 8] =
    ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const LEAF_0: &str = ROOTS[1];
const LEAF_1: &str = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const LEAF_4: &str = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const PAIR_1: &str = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const PAIR_2: &str = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
const PAIR_3: &str = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const FOUR_0: &str = ROOTS[4];
const FOUR_1: &str = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";

fn bytes(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn hash(hex: &str) -> Hash {
    bytes(hex).try_into().unwrap()
}

fn hashes(hex: &[&str]) -> Vec<Hash> {
    hex.iter().map(|hex| hash(hex)).collect()
}

fn reference_leaves() -> Vec<Hash> {
    LEAVES.iter().map(|leaf| leaf_hash(&bytes(leaf))).collect()
}

/// MTH of RFC 6962 section 2.1, over leaf hashes.
fn naive_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => tree::empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&naive_root(left), &naive_root(right))
        }
    }
}

/// PATH of RFC 6962 section 2.1.1.
fn naive_path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, other) = if index < k {
        (naive_path(index, left), naive_root(right))
    } else {
        (naive_path(index - k, right), naive_root(left))
    };
    path.push(other);
    path
}

/// SUBPROOF of RFC 6962 section 2.1.2.
fn naive_subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![naive_root(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, other) = if old <= k {
        (naive_subproof(old, left, whole), naive_root(right))
    } else {
        (naive_subproof(old - k, right, false), naive_root(left))
    };
    proof.push(other);
    proof
}

fn split(length: usize) -> usize {
    let mut k = 1;
    while k * 2 < length {
        k *= 2;
    }
    k
}

/// Subtrees straight from the leaves.
fn subtrees(leaves: &[Hash]) -> impl FnMut(u32, u64) -> Result<Hash, String> {
    move |level, index| {
        let (from, length) = ((index as usize) << level, 1_usize << level);
        leaves.get(from..from + length).map(naive_root).ok_or_else(|| format!("no subtree {level} {index}"))
    }
}

#[test]
fn hashes_and_roots_are_those_of_the_reference_implementation() {
    assert_eq!(
        leaf_hash(b"L123456"),
        hash("395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56")
    );
    let leaves = reference_leaves();
    assert_eq!((leaves[0], leaves[1], leaves[4]), (hash(LEAF_0), hash(LEAF_1), hash(LEAF_4)));
    let mut frontier = Frontier::default();
    assert_eq!(frontier.root(), hash(ROOTS[0]));
    for (size, expected) in ROOTS.iter().enumerate() {
        assert_eq!(naive_root(&leaves[..size]), hash(expected), "naive, {size}");
        assert_eq!(tree::root(size as u64, &mut subtrees(&leaves)), Ok(hash(expected)), "{size}");
        if size > 0 {
            frontier.push(leaves[size - 1]);
            assert_eq!(frontier.root(), hash(expected), "frontier, {size}");
        }
    }
}

#[test]
fn roots_of_larger_trees_are_those_of_the_reference_implementation() {
    // transparency-dev/merkle compact/range_test.go, TestGetRootHashGolden: leaf i is i as two bytes, the lower first.
    let golden = [
        (10, "VjWMPSYNtCuCNlF/RLnQy6HcwSk6CIipfxm+hettA+4="),
        (15, "j4SulYmocFuxdeyp12xXCIgK6PekBcxzAIj4zbQzNEI="),
        (16, "c+4Uc6BCMOZf/v3NZK1kqTUJe+bBoFtOhP+P3SayKRE="),
        (100, "dUh9hYH88p0CMoHkdr1wC2szbhcLAXOejWpINIooKUY="),
        (255, "SmdsuKUqiod3RX2jyF2M6JnbdE4QuTwwipfAowI4/i0="),
        (256, "qFI0t/tZ1MdOYgyPpPzHFiZVw86koScXy9q3FU5casA="),
        (1000, "RXrgb8xHd55Y48FbfotJwCbV82Kx22LZfEbmBGAvwlQ="),
        (4095, "cWRFdQhPcjn9WyBXE/r1f04ejxIm5lvg40DEpRBVS0w="),
        (4096, "6uU/phfHg1n/GksYT6TO9aN8EauMCCJRl3dIK0HDs2M="),
        (10000, "VZcav65F9haHVRk3wre2axFoBXRNeUh/1d9d5FQfxIg="),
        (65535, "iPuVYJhP6SEE4gUFp8qbafd2rYv9YTCDYqAxCj8HdLM="),
    ];
    let mut frontier = Frontier::default();
    let mut log = Log::create(Disk::default(), SigningKey::from_seed("t", [1; 32]).unwrap()).unwrap();
    let mut size = 0;
    for (until, expected) in golden {
        let entries: Vec<[u8; 2]> = (size..until).map(|i: u32| [i as u8, (i >> 8) as u8]).collect();
        entries.iter().for_each(|entry| frontier.push(leaf_hash(entry)));
        log.append(&entries).unwrap();
        size = until;
        assert_eq!(STANDARD.encode(frontier.root()), expected, "{until} leaves");
        assert_eq!(STANDARD.encode(log.checkpoint().root), expected, "a log of {until} entries");
    }
}

#[test]
fn proofs_are_those_of_the_reference_implementation() {
    let leaves = reference_leaves();
    let inclusion: [(u64, u64, &[&str]); 7] = [
        (0, 1, &[]),
        (0, 2, &[LEAF_1]),
        (1, 2, &[LEAF_0]),
        (2, 3, &[ROOTS[2]]),
        (1, 5, &[LEAF_0, PAIR_1, LEAF_4]),
        (0, 8, &[LEAF_1, PAIR_1, FOUR_1]),
        (5, 8, &[LEAF_4, PAIR_3, FOUR_0]),
    ];
    for (index, size, expected) in inclusion {
        let proof = tree::inclusion_proof(index, size, &mut subtrees(&leaves)).unwrap();
        assert_eq!(proof, hashes(expected), "entry {index} of {size}");
    }
    let consistency: [(u64, u64, &[&str]); 4] = [
        (1, 1, &[]),
        (1, 8, &[LEAF_1, PAIR_1, FOUR_1]),
        (6, 8, &[PAIR_2, PAIR_3, FOUR_0]),
        (2, 5, &[PAIR_1, LEAF_4]),
    ];
    for (old, new, expected) in consistency {
        let proof = tree::consistency_proof(old, new, &mut subtrees(&leaves)).unwrap();
        assert_eq!(proof, hashes(expected), "{old} in {new}");
    }
}

#[test]
fn every_proof_of_small_trees_is_that_of_the_definition_and_no_other_is_accepted() {
    let leaves: Vec<Hash> = (0..34_u8).map(|i| leaf_hash(&[i])).collect();
    let roots: Vec<Hash> = (0..=leaves.len()).map(|size| naive_root(&leaves[..size])).collect();
    for size in 1..=leaves.len() {
        for index in 0..size {
            let proof =
                tree::inclusion_proof(index as u64, size as u64, &mut subtrees(&leaves[..size])).unwrap();
            assert_eq!(proof, naive_path(index, &leaves[..size]));
            let accepts = |index: usize, size: usize, leaf: &Hash, proof: &[Hash], root: &Hash| {
                tree::verify_inclusion(index as u64, size as u64, leaf, proof, root)
            };
            assert!(accepts(index, size, &leaves[index], &proof, &roots[size]));
            for other in 0..=size {
                assert!(other == index || !accepts(other, size, &leaves[index], &proof, &roots[size]));
            }
            assert!(!accepts(index, size, &leaves[(index + 1) % 34], &proof, &roots[size]));
            assert!(!accepts(index, size, &leaves[index], &proof, &roots[size - 1]));
            for broken in broken(&proof) {
                assert!(!accepts(index, size, &leaves[index], &broken, &roots[size]));
            }
        }
    }
    for new in 0..=leaves.len() {
        for old in 0..=new {
            let proof =
                tree::consistency_proof(old as u64, new as u64, &mut subtrees(&leaves[..new])).unwrap();
            if old > 0 {
                assert_eq!(proof, naive_subproof(old, &leaves[..new], true));
            }
            let accepts = |old: usize, new: usize, old_root: &Hash, new_root: &Hash, proof: &[Hash]| {
                tree::verify_consistency(old as u64, new as u64, old_root, new_root, proof)
            };
            assert!(accepts(old, new, &roots[old], &roots[new], &proof));
            assert!(!accepts(old, new, &[7; 32], &roots[new], &proof));
            // Every tree goes on from the empty one; no proof speaks of its root.
            assert!(old == 0 && new > 0 || !accepts(old, new, &roots[old], &[7; 32], &proof));
            assert!(old == new || !accepts(new, old, &roots[new], &roots[old], &proof));
            for broken in broken(&proof) {
                assert!(!accepts(old, new, &roots[old], &roots[new], &broken));
            }
        }
    }
}

/// A proof with each of its hashes changed, one taken away at either end, and one added at either end.
fn broken(proof: &[Hash]) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..proof.len() {
        let mut one = proof.to_vec();
        one[at][0] ^= 8;
        all.push(one);
    }
    if !proof.is_empty() {
        all.push(proof[1..].to_vec());
        all.push(proof[..proof.len() - 1].to_vec());
    }
    all.push([proof, &[[9; 32]]].concat());
    all.push([&[[9; 32]], proof].concat());
    all
}

#[test]
fn sizes_and_indexes_at_the_end_of_what_a_number_holds_do_no_harm() {
    for size in [0, 1, tree::MAX_SIZE, u64::MAX] {
        for index in [0, 1, tree::MAX_SIZE, u64::MAX] {
            let proof = vec![[1; 32]; 70];
            assert!(!tree::verify_inclusion(index, size, &[0; 32], &proof, &[0; 32]));
            assert!(!tree::verify_consistency(index, size, &[0; 32], &[1; 32], &proof));
            for level in [0, 1, 7, 8, 63, 64, u32::MAX / 8] {
                let _ = Tile::of_size(size, level, index);
                let read = &mut |tile: Tile| Ok(vec![[0; 32]; tile.width as usize]);
                let _ = tile::subtree(size, level, index, read, || "outside");
            }
        }
    }
    let mut nodes = |_, _| Ok::<_, String>([3; 32]);
    assert!(tree::inclusion_proof(tree::MAX_SIZE - 1, tree::MAX_SIZE, &mut nodes).unwrap().len() >= 62);
    tree::consistency_proof(tree::MAX_SIZE - 1, tree::MAX_SIZE, &mut nodes).unwrap();
}

#[test]
fn tiles_have_the_names_and_widths_of_the_specification() {
    let path = |size, level, number| Tile::of_size(size, level, number).map(|tile| tile.path());
    // The example of tlog-tiles: 273 full tiles and one of 112; one full and one of 17; one of 1.
    assert_eq!(path(70_000, 0, 272).as_deref(), Some("tile/0/272"));
    assert_eq!(path(70_000, 0, 273).as_deref(), Some("tile/0/273.p/112"));
    assert_eq!(path(70_000, 0, 274), None);
    assert_eq!(path(70_000, 1, 0).as_deref(), Some("tile/1/000"));
    assert_eq!(path(70_000, 1, 1).as_deref(), Some("tile/1/001.p/17"));
    assert_eq!(path(70_000, 2, 0).as_deref(), Some("tile/2/000.p/1"));
    assert_eq!(path(70_000, 3, 0), None);
    assert_eq!(path(256, 1, 0).as_deref(), Some("tile/1/000.p/1"));
    let far = Tile { level: 0, number: 1_234_067, width: 256 };
    assert_eq!(far.entries_path(), "tile/entries/x001/x234/067");
    assert_eq!(Tile { width: 8, ..far }.entries_path(), "tile/entries/x001/x234/067.p/8");
    assert_eq!(Tile { number: 1000, ..far }.path(), "tile/0/x001/000");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn proofs_from_the_tiles_of_a_log_are_those_of_the_definition(
        sizes in prop::collection::vec(1_usize..700, 1..4),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 8),
    ) {
        let mut log = Log::create(Disk::default(), SigningKey::from_seed("t", [1; 32]).unwrap()).unwrap();
        let mut leaves: Vec<Hash> = Vec::new();
        for size in sizes {
            let entries: Vec<Vec<u8>> =
                (0..size).map(|i| format!("{}", leaves.len() + i).into_bytes()).collect();
            leaves.extend(entries.iter().map(|entry| leaf_hash(entry)));
            log.append(&entries).unwrap();
        }
        let (size, root) = (leaves.len() as u64, naive_root(&leaves));
        prop_assert_eq!((log.checkpoint().size, log.checkpoint().root), (size, root));
        let reader = log.reader();
        for pick in picks {
            let index = pick.index(leaves.len());
            let (leaf, proof) = reader.inclusion_proof(index as u64).unwrap();
            prop_assert_eq!(leaf, leaves[index]);
            prop_assert_eq!(proof, naive_path(index, &leaves));
            prop_assert_eq!(reader.entry(index as u64).unwrap(), format!("{index}").into_bytes());
            let old = index + 1;
            let (old_root, proof) = reader.consistency_proof(old as u64).unwrap();
            prop_assert_eq!(old_root, naive_root(&leaves[..old]));
            prop_assert_eq!(proof, naive_subproof(old, &leaves, true));
        }
    }
}
