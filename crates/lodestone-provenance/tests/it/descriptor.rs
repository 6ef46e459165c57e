//! A user's descriptor: loaded as strictly as a model, and named by what it is and how pictures are prepared for it.

use std::path::{Path, PathBuf};

use lodestone_provenance::descriptor::{Area, Descriptor, DescriptorFile, NoVector};
use lodestone_provenance::{Kit, KitSources, Pixels};

use crate::onnx::{node, thumbnail, thumbnail_toml};

/// A folder that goes away with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lodestone-descriptor-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    fn write(&self, onnx: &[u8], toml: &str) -> PathBuf {
        std::fs::write(self.0.join("thumb.onnx"), onnx).expect("written");
        std::fs::write(self.0.join("thumb.toml"), toml).expect("written");
        self.0.join("thumb.toml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load(path: &Path) -> Result<Descriptor, String> {
    Descriptor::load(path).map_err(|error| error.to_string())
}

/// Squares of many colours, `side` pixels each.
fn squares(width: u32, height: u32, side: u32) -> Vec<u8> {
    let colour = |x: u32, y: u32, c: u32| ((x / side * 71 + y / side * 113 + c * 59) * 37 % 251) as u8;
    (0..height).flat_map(|y| (0..width).flat_map(move |x| [0, 1, 2].map(|c| colour(x, y, c)))).collect()
}

fn pixels(width: u32, height: u32, rgb: &[u8]) -> Pixels<'_> {
    Pixels { width, height, rgb, alpha: None }
}

#[test]
fn a_picture_an_area_and_a_mirrored_picture_give_the_vectors_that_they_should() {
    let folder = Folder::new("vectors");
    let descriptor = load(&folder.write(&thumbnail(&[], 192), &thumbnail_toml("thumb"))).expect("loads");
    let rgb = squares(64, 64, 8);
    let whole = descriptor.vector(&pixels(64, 64, &rgb), 1, None, false).expect("a vector");
    let mean = (0..192).map(|i| f32::from(rgb[at(i)]) / 255.0).sum::<f32>() / 192.0;
    for (i, value) in whole.iter().enumerate() {
        assert!((value - (f32::from(rgb[at(i)]) / 255.0 - mean)).abs() < 1e-4, "{i}");
    }
    let mirrored = descriptor.vector(&pixels(64, 64, &rgb), 1, None, true).expect("a vector");
    for (i, value) in mirrored.iter().enumerate() {
        let (row, column) = (i / 8 * 8, i % 8);
        assert!((value - whole[row + 7 - column]).abs() < 1e-4, "{i}");
    }
    // The same picture as an area of a larger one, of which the rest is black.
    let mut large = vec![0; 100 * 90 * 3];
    for y in 0..64 {
        large[((y + 9) * 100 + 21) * 3..][..64 * 3].copy_from_slice(&rgb[y * 64 * 3..][..64 * 3]);
    }
    let area = Area { x: 21, y: 9, width: 64, height: 64 };
    let within = descriptor.vector(&pixels(100, 90, &large), 1, Some(area), false).expect("a vector");
    assert_eq!(within, whole);
    for outside in [Area { x: 40, ..area }, Area { height: 82, ..area }, Area { x: u32::MAX, ..area }] {
        let refused = descriptor.vector(&pixels(100, 90, &large), 1, Some(outside), false);
        assert!(matches!(refused, Err(NoVector::NotAssessed(_))), "{outside:?}");
    }
    // Smaller than min_side.
    let small = squares(15, 40, 3);
    let refused = descriptor.vector(&pixels(15, 40, &small), 1, None, false);
    assert!(matches!(refused, Err(NoVector::NotAssessed(why)) if why.contains("needs 16")));
}

/// Where in rows of pixels value `i` of the vector comes from: channel, row and column of squares.
fn at(i: usize) -> usize {
    let (channel, row, column) = (i / 64, i % 64 / 8, i % 8);
    (row * 8 * 64 + column * 8) * 3 + channel
}

#[test]
fn a_model_is_named_by_its_bytes_and_by_how_pictures_are_prepared_and_by_nothing_else() {
    let folder = Folder::new("named");
    let onnx = thumbnail(&[], 192);
    let named = |onnx: &[u8], toml: &str| {
        let path = folder.write(onnx, toml);
        let file = DescriptorFile::read(&path).expect("reads");
        assert_eq!(load(&path).expect("loads").file(), &file, "the worker names it as the command does");
        file.model
    };
    let toml = thumbnail_toml("thumb");
    let first = named(&onnx, &toml);
    assert_eq!(first.len(), 64);
    for same in [
        toml.replace("made by hand", "elsewhere"),
        toml.replace("\"MIT\"", "\"CC-BY-NC-4.0\"\nnotes = \"bought\""),
        format!("{toml}\n[questioned]\nmirrored = false\nregions = 2\n"),
        toml.replace("name = \"thumb\"", "name = \"other\""),
    ] {
        assert_eq!(named(&onnx, &same), first, "{same}");
    }
    for other in [
        toml.replace("mean = [0.0", "mean = [0.1"),
        toml.replace("\"RGB\"", "\"BGR\""),
        toml.replace("\"bilinear\"", "\"bicubic\""),
        toml.replace("exif_orientation = false", "exif_orientation = true"),
    ] {
        assert_ne!(named(&onnx, &other), first, "{other}");
    }
    let longer = [onnx.clone(), crate::onnx::bytes(6, b"a doc string")].concat();
    assert_ne!(named(&longer, &toml), first);
}

#[test]
fn what_is_not_as_the_file_says_is_refused_in_words() {
    let folder = Folder::new("refused");
    let (onnx, toml) = (thumbnail(&[], 192), thumbnail_toml("thumb"));
    let lines: Vec<&str> = toml.lines().collect();
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| line.contains(" = ")) {
        let rest: Vec<&str> =
            lines.iter().enumerate().filter(|(n, _)| *n != number).map(|(_, l)| *l).collect();
        assert!(load(&folder.write(&onnx, &rest.join("\n"))).is_err(), "without {line}");
        let more: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(n, l)| if n == number { format!("{l}\nextra = 1") } else { (*l).to_owned() })
            .collect();
        let error = load(&folder.write(&onnx, &more.join("\n"))).err().expect("an unknown field is refused");
        assert!(error.contains("extra"), "{error}");
    }
    for (from, to, why) in [
        ("dimension = 192", "dimension = 191", "192 values"),
        ("dimension = 192", "dimension = 4097", "1 to 4096"),
        ("dimension = 192", "dimension = 0", "1 to 4096"),
        ("name = \"vector\"", "name = \"scores\"", "output"),
        ("name = \"pixels\"", "name = \"image\"", "input"),
        ("opset = 13", "opset = 17", "opset"),
        ("[64, 64]", "[32, 32]", "shape"),
        (
            "steps = [{ resize_exact = [64, 64], filter = \"bilinear\", antialias = true }]",
            "steps = [{ tiles = { size = [64, 64], stride = [64, 64], pool = \"max\", k = 0 } }]",
            "tiles",
        ),
        ("license = \"MIT\"", "license = \" \"", "license"),
        ("\"thumb.onnx\"", "\"../thumb.onnx\"", "folders"),
        ("\"thumb.onnx\"", "\"none.onnx\"", "none.onnx"),
        ("license", "sha256 = \"12\"\nlicense", "64 hexadecimal"),
        ("license", &format!("sha256 = \"{}\"\nlicense", "0".repeat(64)), "pins"),
        ("[output]", "[questioned]\nmirrored = true\nregions = 7\n\n[output]", "0 to 6"),
    ] {
        assert!(toml.contains(from), "{from}");
        let path = folder.write(&onnx, &toml.replacen(from, to, 1));
        let error = load(&path).err().unwrap_or_else(|| panic!("{to}: loaded"));
        assert!(error.contains(why), "{to}: {error}");
    }
    for broken in [&onnx[..onnx.len() - 9], b"", b"no protobuf at all"] {
        let error = load(&folder.write(broken, &toml)).err().expect("refused");
        assert!(!error.is_empty());
    }
    // Through the kit, as workers load it.
    let sources = KitSources { descriptor: Some(folder.write(&onnx, &toml)), ..KitSources::default() };
    let kit = Kit::load(&sources).expect("loads");
    assert!(kit.describe().iter().any(|line| line.starts_with("descriptor thumb: ") && line.contains("MIT")));
    assert!(kit.descriptor().is_some() && Kit::built_in().descriptor().is_none());
}

#[test]
fn a_model_that_gives_no_numbers_gives_what_it_gives() {
    let folder = Folder::new("nan");
    // The root of what is below the mean is no number.
    let onnx = thumbnail(&[node("Sqrt", &["vector"], "out")], 192);
    let toml = thumbnail_toml("thumb").replace("name = \"vector\"", "name = \"out\"");
    let descriptor = load(&folder.write(&onnx, &toml)).expect("loads");
    let rgb = squares(64, 64, 8);
    let vector = descriptor.vector(&pixels(64, 64, &rgb), 1, None, false).expect("values");
    assert!(vector.iter().any(|value| value.is_nan()), "whoever takes it has to look");
    let flat = vec![90; 64 * 64 * 3];
    let plain = load(&folder.write(&thumbnail(&[], 192), &thumbnail_toml("thumb"))).expect("loads");
    let vector = plain.vector(&pixels(64, 64, &flat), 1, None, false).expect("values");
    assert!(vector.iter().all(|value| value.abs() < 1e-6), "{vector:?}");
}
