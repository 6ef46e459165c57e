//! Models are loaded strictly: what is not exactly as the sidecar says is refused in words, and nothing panics.

use std::path::{Path, PathBuf};

use lodestone_provenance::{Calibrations, Item, Kit, KitSources, Pixels, Wish, examine, weigh};
use lodestone_types::{Assessment, CheckState, Finding, Proposition};
use sha2::{Digest, Sha256};

use crate::onnx::{FLOAT, INT64, bytes, floats, node, number, tensor, value};

/// Mean of each channel, then one linear layer: `w · mean + b`, times `factor`.
struct Linear {
    side: u64,
    weights: [f32; 3],
    bias: f32,
    /// More nodes, initializers and bytes in the weight tensor.
    nodes: Vec<Vec<u8>>,
    initializers: Vec<Vec<u8>>,
    in_weights: Vec<u8>,
    output: &'static str,
}

impl Default for Linear {
    fn default() -> Self {
        Self {
            side: 16,
            weights: [2.0, -1.0, 0.5],
            bias: -0.25,
            nodes: vec![],
            initializers: vec![],
            in_weights: vec![],
            output: "logits",
        }
    }
}

impl Linear {
    fn onnx(&self) -> Vec<u8> {
        let mut graph = Vec::new();
        graph.extend(bytes(1, &node("GlobalAveragePool", &["pixels"], "pooled")));
        graph.extend(bytes(1, &node("Flatten", &["pooled"], "flat")));
        graph.extend(bytes(1, &node("MatMul", &["flat", "w"], "product")));
        graph.extend(bytes(1, &node("Add", &["product", "b"], "logits")));
        for node in &self.nodes {
            graph.extend(bytes(1, node));
        }
        graph.extend(bytes(2, b"linear"));
        graph.extend(bytes(5, &tensor("w", FLOAT, &[3, 1], &floats(&self.weights), &self.in_weights)));
        graph.extend(bytes(5, &tensor("b", FLOAT, &[1], &floats(&[self.bias]), &[])));
        for tensor in &self.initializers {
            graph.extend(bytes(5, tensor));
        }
        graph.extend(bytes(11, &value("pixels", FLOAT, &[1, 3, self.side, self.side])));
        graph.extend(bytes(12, &value(self.output, FLOAT, &[1, 1])));
        [number(1, 8), bytes(7, &graph), bytes(8, &number(2, 13))].concat()
    }

    /// What it gives for a picture of one colour.
    fn logit(&self, rgb: [u8; 3]) -> f64 {
        let sum: f64 = rgb.iter().zip(self.weights).map(|(v, w)| f64::from(*v) / 255.0 * f64::from(w)).sum();
        sum + f64::from(self.bias)
    }
}

/// A BMP file of one colour.
fn bmp(width: u32, height: u32, [r, g, b]: [u8; 3]) -> Vec<u8> {
    let row: Vec<u8> = std::iter::repeat_n([b, g, r], width as usize).flatten().collect();
    let padded = [row, vec![0; (4 - width as usize * 3 % 4) % 4]].concat();
    let size = 54 + padded.len() as u32 * height;
    let mut file = b"BM".to_vec();
    file.extend(size.to_le_bytes());
    file.extend([0; 4]);
    file.extend(54u32.to_le_bytes());
    file.extend(40u32.to_le_bytes());
    file.extend(width.to_le_bytes());
    file.extend(height.to_le_bytes());
    file.extend([1, 0, 24, 0]);
    file.extend([0; 24]);
    file.extend((0..height).flat_map(|_| padded.clone()));
    file
}

const GOLDEN: [u8; 3] = [200, 100, 40];

/// A folder that goes away with its test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("lodestone-models-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    /// Writes model, golden picture and sidecar; the sidecar as `change` leaves it.
    fn write(&self, model: &[u8], score: f64, change: impl Fn(String) -> String) -> PathBuf {
        let sha: String = Sha256::digest(model).iter().map(|b| format!("{b:02x}")).collect();
        let text = format!(
            r##"name = "linear"
file = "model.onnx"
sha256 = "{sha}"
license = "MIT"
source = "made by hand"
opset = 13

[input]
name = "pixels"
layout = "NCHW"
dtype = "f32"
color = "RGB"
exif_orientation = true
alpha = "white"
steps = [{{ resize_shortest = 20, filter = "bilinear", antialias = true }}, {{ center_crop = [16, 16] }}]
scale = 0.00392156862745098
mean = [0.0, 0.0, 0.0]
std = [1.0, 1.0, 1.0]
min_side = 16
never_upscale = true

[output]
name = "logits"
kind = "logit"
positive = "ai"
index = 0

[calibration]
file = ""

[golden]
files = ["golden.bmp"]
scores = [{score:?}]
tolerance = 1e-4
"##
        );
        let put = |name: &str, data: &[u8]| std::fs::write(self.0.join(name), data).expect("written");
        put("model.onnx", model);
        put("golden.bmp", &bmp(40, 30, GOLDEN));
        put("model.toml", change(text).as_bytes());
        self.0.join("model.toml")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn load(path: &Path) -> Result<Kit, String> {
    let sources = KitSources { models: vec![path.to_owned()], ..KitSources::default() };
    Kit::load(&sources).map_err(|e| e.to_string())
}

fn one_colour(width: u32, height: u32, rgb: [u8; 3]) -> Vec<u8> {
    std::iter::repeat_n(rgb, (width * height) as usize).flatten().collect()
}

fn examined(kit: &Kit, pixels: Option<Pixels<'_>>) -> (Vec<Finding>, Assessment) {
    let segments = lodestone_media::segments::scan(&[]);
    let item = Item { bytes: &[], segments: &segments, width: 0, height: 0, pixels, sidecar: None };
    let examined = examine(&item, kit, &Wish { models: true, ..Wish::default() });
    (examined.findings, examined.assessment)
}

fn same(text: String) -> String {
    text
}

#[test]
fn a_model_that_is_as_its_sidecar_says_gives_a_score_that_bears_on_nothing() {
    let folder = Folder::new("good");
    let linear = Linear::default();
    let kit = load(&folder.write(&linear.onnx(), linear.logit(GOLDEN), same)).expect("loads");
    assert!(kit.describe().iter().any(|l| l.contains("linear") && l.contains("licence MIT")));
    let rgb = one_colour(50, 40, [10, 250, 90]);
    let pixels = Pixels { width: 50, height: 40, rgb: &rgb, alpha: None };
    let (findings, assessment) = examined(&kit, Some(pixels));
    let finding = findings.iter().find(|f| f.code == "model.score").expect("a score");
    assert_eq!(finding.examiner, "model:linear");
    assert!(finding.bearings.is_empty() && finding.what.contains("not calibrated"), "{}", finding.what);
    assert_eq!(finding.gives, ["model:linear"]);
    assert!((assessment.scores["model:linear"] - linear.logit([10, 250, 90])).abs() < 1e-4);
    assert!(assessment.supported.is_empty());
    let (_, again) = examined(&kit, Some(pixels));
    assert_eq!(again.scores, assessment.scores);
}

#[test]
fn pictures_outside_of_what_a_model_takes_are_not_assessed() {
    let folder = Folder::new("outside");
    let linear = Linear::default();
    let kit = load(&folder.write(&linear.onnx(), linear.logit(GOLDEN), same)).expect("loads");
    for (width, height, why) in [(15, 400, "needs 16"), (18, 18, "enlarged"), (0, 0, "needs 16")] {
        let rgb = one_colour(width, height, [9; 3]);
        let (findings, assessment) = examined(&kit, Some(Pixels { width, height, rgb: &rgb, alpha: None }));
        assert!(findings.iter().all(|f| f.code != "model.score") && assessment.scores.is_empty());
        let check = assessment.checks.iter().find(|c| c.examiner == "model:linear").expect("told");
        assert_eq!(check.state, CheckState::NotApplicable);
        assert!(check.why.as_ref().is_some_and(|w| w.contains(why)), "{check:?}");
    }
    let (_, assessment) = examined(&kit, None);
    assert!(assessment.checks.iter().any(|c| c.examiner == "model:linear"));
}

#[test]
fn alpha_is_laid_over_the_colour_that_the_sidecar_names() {
    let folder = Folder::new("alpha");
    let linear = Linear::default();
    let rgb = one_colour(32, 32, [255; 3]);
    let alpha = vec![0u8; 32 * 32];
    for (name, under) in
        [("white", [255; 3]), ("black", [0; 3]), ("gray", [128; 3]), ("#102030", [16, 32, 48])]
    {
        let change = |t: String| t.replace("\"white\"", &format!("\"{name}\""));
        let kit = load(&folder.write(&linear.onnx(), linear.logit(GOLDEN), change)).expect("loads");
        let pixels = Pixels { width: 32, height: 32, rgb: &rgb, alpha: Some(&alpha) };
        let (_, assessment) = examined(&kit, Some(pixels));
        assert!((assessment.scores["model:linear"] - linear.logit(under)).abs() < 1e-4, "{name}");
    }
}

#[test]
fn tiles_are_pooled_as_the_sidecar_says() {
    let folder = Folder::new("tiles");
    let linear = Linear::default();
    // Left half one colour, right half another: three columns of tiles, the middle one half of each.
    let (left, right) = ([250, 10, 10], [10, 250, 10]);
    let rgb: Vec<u8> = (0..16 * 32).flat_map(|i| if i % 32 < 16 { left } else { right }).collect();
    let (high, low) = (linear.logit(left), linear.logit(right));
    let middle = (high + low) / 2.0;
    let golden = linear.logit(GOLDEN);
    for (pool, k, expected) in
        [("mean", 0, (high + middle + low) / 3.0), ("max", 0, high), ("topk", 2, (high + middle) / 2.0)]
    {
        let steps = format!(
            "steps = [{{ tiles = {{ size = [16, 16], stride = [8, 8], pool = \"{pool}\", k = {k} }} }}]"
        );
        let change = |t: String| {
            t.lines()
                .map(|l| if l.starts_with("steps") { steps.as_str() } else { l })
                .collect::<Vec<_>>()
                .join("\n")
        };
        let kit = load(&folder.write(&linear.onnx(), golden, change)).expect("loads");
        let (findings, assessment) =
            examined(&kit, Some(Pixels { width: 32, height: 16, rgb: &rgb, alpha: None }));
        assert!((assessment.scores["model:linear"] - expected).abs() < 1e-4, "{pool}");
        assert!(findings.iter().any(|f| f.what.contains("over 3 tiles")));
    }
}

#[test]
fn colour_order_normalisation_and_the_kind_of_output_are_as_declared() {
    let folder = Folder::new("declared");
    let linear = Linear::default();
    let [r, g, b] = GOLDEN;
    let golden = linear.logit([b, g, r]);
    let kit = load(&folder.write(&linear.onnx(), golden, |t| t.replace("\"RGB\"", "\"BGR\"")));
    assert!(kit.is_ok(), "{:?}", kit.err());
    // (x - mean) / std of the middle channel only.
    let golden = linear.logit(GOLDEN)
        + (f64::from(g) / 255.0)
        + (f64::from(g) / 255.0 - 0.5) / 0.25 * f64::from(linear.weights[1]);
    let change = |t: String| {
        t.replace("mean = [0.0, 0.0, 0.0]", "mean = [0.0, 0.5, 0.0]")
            .replace("std = [1.0, 1.0", "std = [1.0, 0.25")
    };
    let kit = load(&folder.write(&linear.onnx(), golden, change));
    assert!(kit.is_ok(), "{:?}", kit.err());
    // Positive "camera" turns the sign of the score, not of the golden scores.
    let change = |t: String| t.replace("positive = \"ai\"", "positive = \"camera\"");
    let kit = load(&folder.write(&linear.onnx(), linear.logit(GOLDEN), change)).expect("loads");
    let rgb = one_colour(20, 20, GOLDEN);
    let (_, assessment) = examined(&kit, Some(Pixels { width: 20, height: 20, rgb: &rgb, alpha: None }));
    assert!((assessment.scores["model:linear"] + linear.logit(GOLDEN)).abs() < 1e-4);
    // A probability comes back as a logit.
    let sigmoid = Linear { nodes: vec![node("Sigmoid", &["logits"], "p")], output: "p", ..Linear::default() };
    let p = 1.0 / (1.0 + (-linear.logit(GOLDEN)).exp());
    let change = |t: String| t.replace("kind = \"logit\"", "kind = \"prob\"").replace("\"logits\"", "\"p\"");
    let kit = load(&folder.write(&sigmoid.onnx(), p, change)).expect("loads");
    let (_, assessment) = examined(&kit, Some(Pixels { width: 20, height: 20, rgb: &rgb, alpha: None }));
    assert!((assessment.scores["model:linear"] - linear.logit(GOLDEN)).abs() < 1e-3);
}

#[test]
fn every_field_of_the_sidecar_is_required_and_no_other_is_known() {
    let folder = Folder::new("fields");
    let linear = Linear::default();
    let (onnx, golden) = (linear.onnx(), linear.logit(GOLDEN));
    let mut text = String::new();
    let path = folder.write(&onnx, golden, same);
    text.push_str(&std::fs::read_to_string(&path).expect("there"));
    let lines: Vec<&str> = text.lines().collect();
    for (i, line) in lines.iter().enumerate().filter(|(_, l)| l.contains(" = ")) {
        let less: Vec<&str> = lines.iter().enumerate().filter(|(j, _)| *j != i).map(|(_, l)| *l).collect();
        std::fs::write(&path, less.join("\n")).expect("written");
        assert!(load(&path).is_err(), "without {line}");
        let more = lines
            .iter()
            .enumerate()
            .map(|(j, l)| if j == i { format!("{l}\nextra = 1") } else { (*l).to_owned() });
        std::fs::write(&path, more.collect::<Vec<_>>().join("\n")).expect("written");
        let error = load(&path).err().expect("an unknown field is refused");
        assert!(error.contains("extra"), "{error}");
    }
    for (from, to) in [
        ("opset = 13", "opset = 17"),
        ("name = \"pixels\"", "name = \"image\""),
        ("name = \"logits\"", "name = \"scores\""),
        ("name = \"linear\"", "name = \"../x\""),
        ("\"model.onnx\"", "\"../model.onnx\""),
        ("center_crop = [16, 16]", "center_crop = [8, 8]"),
        ("center_crop = [16, 16]", "center_crop = [16, 16], more = 1"),
        (", { center_crop = [16, 16] }", ""),
        ("\"f32\"", "\"u8\""),
        ("\"NCHW\"", "\"NHWC\""),
        ("\"bilinear\"", "\"box\""),
        ("\"bilinear\", antialias = true", "\"nearest\", antialias = true"),
        ("std = [1.0, 1.0, 1.0]", "std = [1.0, 0.0, 1.0]"),
        ("scale = 0.00392156862745098", "scale = nan"),
        ("index = 0", "index = 1"),
        ("kind = \"logit\"", "kind = \"softmax2\""),
        ("tolerance = 1e-4", "tolerance = inf"),
        ("files = [\"golden.bmp\"]", "files = []"),
        ("alpha = \"white\"", "alpha = \"#12345\""),
    ] {
        assert!(text.contains(from), "{from}");
        std::fs::write(&path, text.replacen(from, to, 1)).expect("written");
        assert!(load(&path).is_err(), "{to}");
    }
}

#[test]
fn models_that_are_not_what_was_pinned_or_cannot_be_trusted_are_refused_in_words() {
    let folder = Folder::new("refused");
    let good = Linear::default();
    let golden = good.logit(GOLDEN);
    let refused = |model: &[u8], score: f64, change: fn(String) -> String, word: &str| {
        let error =
            load(&folder.write(model, score, change)).err().unwrap_or_else(|| panic!("{word}: loaded"));
        assert!(error.contains(word), "{word}: {error}");
    };
    refused(
        &good.onnx(),
        golden,
        |t| {
            let at = t.find("sha256 = \"").expect("there") + 10;
            let digit = if &t[at..=at] == "0" { "1" } else { "0" };
            format!("{}{digit}{}", &t[..at], &t[at + 1..])
        },
        "sha256",
    );
    refused(&good.onnx(), golden + 0.01, same, "golden");
    let external = bytes(13, &[bytes(1, b"location"), bytes(2, b"/etc/hostname")].concat());
    let external = [external, number(14, 1)].concat();
    refused(&Linear { in_weights: external, ..Linear::default() }.onnx(), golden, same, "external data");
    refused(&Linear { side: 32, ..Linear::default() }.onnx(), golden, same, "shape");
    let huge = tensor("huge", FLOAT, &[1 << 20, 1 << 20], &[], &[]);
    refused(&Linear { initializers: vec![huge], ..Linear::default() }.onnx(), golden, same, "values");
    let sizes: Vec<u8> = [1i64 << 20, 1 << 20].iter().flat_map(|n| n.to_le_bytes()).collect();
    let filled = Linear {
        initializers: vec![tensor("sizes", INT64, &[2], &sizes, &[])],
        nodes: vec![node("ConstantOfShape", &["sizes"], "filled")],
        ..Linear::default()
    };
    refused(&filled.onnx(), golden, same, "values");
    let random =
        Linear { nodes: vec![node("RandomNormalLike", &["logits"], "r")], output: "r", ..Linear::default() };
    refused(&random.onnx(), golden, |t| t.replace("\"logits\"", "\"r\""), "RandomNormalLike");
    let unknown =
        Linear { nodes: vec![node("NoSuchThing", &["logits"], "r")], output: "r", ..Linear::default() };
    refused(&unknown.onnx(), golden, |t| t.replace("\"logits\"", "\"r\""), "cannot be run");
    let nan = Linear { bias: f32::NAN, ..Linear::default() };
    refused(&nan.onnx(), golden, same, "no number");
    let onnx = good.onnx();
    refused(&onnx[..onnx.len() - 7], golden, same, "cut short");
    refused(b"", golden, same, "");
}

/// A calibration table of one score, as `lodestone calibrate` writes it.
fn table(score: &str) -> String {
    format!(
        r#"[{{"schema": 1, "id": "{score}/1", "date": "2026-11-29", "basis": "examiners/2", "h1": "camera_original",
        "h2": "ai_generated", "corpus": {{"name": "made by hand", "digest": "00", "files": [80, 80], "sources": [4, 4]}},
        "cap_log10_lr": 1.9, "map": {{"kind": "score", "score": "{score}", "curve": {{"logistic": {{"slope": -0.5, "intercept": 0.1}}}},
        "seen": [-3.0, 3.0], "band": [[-3.0, 1.2, 1.9], [3.0, -1.9, -1.2]], "within": {{"format": ["unknown"]}}}}, "judged": null,
        "not_for": ["anything"]}}]"#
    )
}

#[test]
fn a_table_that_a_sidecar_names_is_loaded_by_itself_and_gives_its_score_a_weight() {
    let folder = Folder::new("calibrated");
    let linear = Linear::default();
    let path = folder.write(&linear.onnx(), linear.logit(GOLDEN), |text| {
        text.replace("[calibration]\nfile = \"\"", "[calibration]\nfile = \"calib.json\"")
    });
    std::fs::write(folder.0.join("calib.json"), table("model:linear")).expect("written");
    let kit = load(&path).expect("loads");
    let rgb = one_colour(50, 40, [10, 250, 90]);
    let (mut findings, mut assessment) =
        examined(&kit, Some(Pixels { width: 50, height: 40, rgb: &rgb, alpha: None }));
    let tables = Calibrations::built_in().and_of_models(&[path]).expect("loads");
    assert!(tables.describe().iter().any(|line| line.contains("model:linear/1")));
    weigh(&tables, &mut findings, &mut assessment);
    let score = assessment.scores["model:linear"];
    let finding = findings.iter().find(|f| f.code == "model.score").expect("a score");
    assert!((finding.log10_lr.expect("weighed") - (0.1 - 0.5 * score)).abs() < 1e-9);
    let weight = finding.weight.as_ref().expect("a weight");
    assert_eq!((weight.h1, weight.h2), (Proposition::CameraOriginal, Proposition::AiGenerated));
    assert!(weight.calibration.starts_with("model:linear/1 (2026-11-29, "), "{}", weight.calibration);
    assert_eq!(assessment.pairs[0].log10_lr, finding.log10_lr);
    assert!(finding.what.contains("for its calibration to say"));
}

#[test]
fn a_table_that_is_not_the_one_a_sidecar_means_is_refused_in_words() {
    let refused = |name: &str, calibration: &str, prepare: &dyn Fn(&Path)| -> String {
        let folder = Folder::new(name);
        let linear = Linear::default();
        let path = folder.write(&linear.onnx(), linear.logit(GOLDEN), |text| {
            text.replace("[calibration]\nfile = \"\"", &format!("[calibration]\n{calibration}"))
        });
        prepare(&folder.0);
        match Calibrations::default().and_of_models(&[path]) {
            Ok(_) => "loaded".to_owned(),
            Err(error) => error.to_string(),
        }
    };
    let put = |text: String| {
        move |folder: &Path| std::fs::write(folder.join("calib.json"), &text).expect("written")
    };
    let good = table("model:linear");
    let digest: String = Sha256::digest(good.as_bytes()).iter().map(|b| format!("{b:02x}")).collect();
    let pinned = format!("file = \"calib.json\"\nsha256 = \"{digest}\"");
    assert_eq!(refused("pinned", &pinned, &put(good.clone())), "loaded");
    for (name, calibration, text, why) in [
        ("missing", "file = \"other.json\"", good.clone(), "other.json"),
        ("outside", "file = \"../calib.json\"", good.clone(), "without folders"),
        (
            "another",
            pinned.as_str(),
            table("model:linear").replace("0.1", "0.2"),
            "not the one that the sidecar pins",
        ),
        ("score", "file = \"calib.json\"", table("model:x"), "it weighs model:x, not the score model:linear"),
        (
            "no-table",
            "file = \"calib.json\"",
            "{}".to_owned(),
            "calibration calib.json: no calibration table",
        ),
        ("no-digest", "file = \"calib.json\"\nsha256 = \"12\"", good.clone(), "64 hexadecimal digits"),
        ("no-file", &format!("file = \"\"\nsha256 = \"{digest}\""), good.clone(), "sha256 without a file"),
    ] {
        let said = refused(name, calibration, &put(text));
        assert!(said.contains(why), "{name}: {said}");
    }
    #[cfg(unix)]
    {
        let elsewhere = Folder::new("elsewhere");
        std::fs::write(elsewhere.0.join("calib.json"), &good).expect("written");
        let target = elsewhere.0.join("calib.json");
        let link = move |folder: &Path| {
            std::os::unix::fs::symlink(&target, folder.join("calib.json")).expect("a link");
        };
        let said = refused("link", "file = \"calib.json\"", &link);
        assert!(said.contains("leads out of the sidecar's folder"), "{said}");
    }
}

#[test]
fn changed_model_files_are_refused_or_run_and_never_panic() {
    let folder = Folder::new("mutated");
    let linear = Linear::default();
    let onnx = linear.onnx();
    let mut state = 0x9e37_79b9u32;
    let mut next = |n: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % n
    };
    let mut refused = 0;
    for _ in 0..150 {
        let mut changed = onnx.clone();
        for _ in 0..=next(3) {
            let at = next(changed.len());
            changed[at] = next(256) as u8;
        }
        refused += u32::from(load(&folder.write(&changed, linear.logit(GOLDEN), same)).is_err());
    }
    assert!(refused > 50, "most changes break something: {refused}");
}
