//! Which files the demo's pile holds.

use anyhow::Result;

use super::canvas::Canvas;
use super::files::{self, Jpeg, Png};
use super::said;
use super::scenes::Scene;

/// The pile, before it is written.
pub(super) struct Pile {
    /// Files by their path under the folder of pictures.
    pub(super) files: Vec<(String, Vec<u8>)>,
    /// What the synthetic list holds: id and file.
    pub(super) known: Vec<(&'static str, Vec<u8>)>,
    /// Files of the known-good list: name and bytes.
    pub(super) known_good: Vec<(&'static str, Vec<u8>)>,
    /// What is inside the archives.
    pub(super) members: usize,
    /// Files and members that are, or derive from, an entry of the list.
    pub(super) from_known: usize,
    /// Files that nothing can read as a picture or an archive.
    pub(super) unreadable: usize,
}

/// Draws everything. `unit` is a sixteenth of a normal picture's width: 32 for real, less in tests.
pub(super) fn pile(unit: u32) -> Result<Pile> {
    let (width, height) = (unit * 16, unit * 12);
    let draw = |scene: Scene, seed: u64| scene.draw(seed, width, height);
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |path: &str, bytes: Vec<u8>| files.push((path.to_owned(), bytes));

    // What the list knows: four originals. The pile holds one as it is, and what became of all of them.
    let originals =
        [draw(Scene::Hills, 11), draw(Scene::Town, 12), draw(Scene::StillLife, 13), draw(Scene::Fractal, 14)];
    let [hills, town, things, fractal] = &originals;
    let mut known = Vec::new();
    for (id, original) in ["LD-0001", "LD-0002", "LD-0003", "LD-0004"].into_iter().zip(&originals) {
        known.push((id, files::jpeg(original, Jpeg::Library(92))?));
    }
    let derived: [(&str, Vec<u8>); 13] = [
        ("seen/IMG_2210.jpg", files::jpeg(hills, Jpeg::Library(92))?),
        (
            "seen/forwarded/hills-small.jpg",
            files::jpeg(&hills.smaller(width / 2, height / 2), Jpeg::Library(75))?,
        ),
        ("seen/forwarded/hills-again.jpg", files::jpeg(hills, Jpeg::Library(28))?),
        ("seen/forwarded/hills-caption.jpg", files::jpeg(&hills.captioned(), Jpeg::Library(85))?),
        ("seen/mirror.jpg", files::jpeg(&town.mirrored(), Jpeg::Library(88))?),
        ("seen/turned.png", files::png(&town.turned(), Png::Rgb, &[])?),
        ("seen/town.png", files::png(town, Png::Rgb, &[])?),
        ("seen/inverted.jpg", files::jpeg(&things.negative(), Jpeg::Library(88))?),
        ("seen/things-progressive.jpg", files::jpeg(things, Jpeg::Progressive(80))?),
        ("seen/brighter.jpg", files::edited_jpeg(&things.brighter(24), Some("GIMP 2.10.34"), None)?),
        ("seen/cropped.jpg", files::jpeg(&fractal.cropped(8), Jpeg::Library(90))?),
        ("seen/palette.png", files::png(fractal, Png::Palette, &[])?),
        (
            "formats/show.gif",
            files::gif(&[draw(Scene::Checks, 21), fractal.clone(), draw(Scene::Clouds, 22)])?,
        ),
    ];
    let mut from_known = derived.len();
    for (path, bytes) in derived {
        add(path, bytes);
    }

    // A camera's card: originals that no list knows.
    let shots = [Scene::Hills, Scene::Town, Scene::Clouds, Scene::StillLife, Scene::Hills, Scene::Contours];
    let shots: Vec<Canvas> =
        (0u64..).zip(shots).map(|(at, scene)| scene.draw(31 + at, unit * 24, unit * 18)).collect();
    for (shot, canvas) in (1u32..).zip(&shots) {
        add(&format!("DCIM/100LODES/LD_{shot:04}.JPG"), files::camera_jpeg(canvas, shot)?);
    }

    // Edited, and generated-looking: the metadata says so; the pictures are drawn like all others.
    if let [first, second, third, ..] = shots.as_slice() {
        add(
            "edited/card-1-edit.jpg",
            files::edited_jpeg(&first.brighter(14), Some("Adobe Photoshop 25.0 (Windows)"), None)?,
        );
        add(
            "edited/card-2-web.jpg",
            files::edited_jpeg(&second.smaller(width, height), None, Some("Adobe Photoshop Lightroom 8.2"))?,
        );
        add(
            "edited/card-3-mirror.jpg",
            files::jpeg(&third.mirrored().smaller(width, height), Jpeg::Library(80))?,
        );
        add("copies/LD_0001.JPG", files::camera_jpeg(first, 1)?);
        add("copies/old/holiday.jpg", files::camera_jpeg(first, 1)?);
    }
    add("edited/poster.jpg", files::edited_jpeg(&draw(Scene::Rings, 41), Some("GIMP 2.10.34"), None)?);
    let square = |scene: Scene, seed: u64| scene.draw(seed, unit * 16, unit * 16);
    for (at, (scene, words)) in (0u32..).zip([
        (Scene::StillLife, "balls on a table"),
        (Scene::Clouds, "clouds"),
        (Scene::Rings, "rings"),
    ]) {
        let text = said::a1111(words, 1000 + at);
        add(
            &format!("generated/{:05}-{}.png", at, 1000 + at),
            files::png(&square(scene, 51 + u64::from(at)), Png::Rgb, &[("parameters", &text)])?,
        );
    }
    let (workflow, from_words, from_picture) =
        (said::comfy_workflow(), said::comfy_prompt_from_words(), said::comfy_prompt_from_a_picture());
    add(
        "generated/ComfyUI_00001_.png",
        files::png(&square(Scene::Hills, 61), Png::Rgb, &[("prompt", &from_words), ("workflow", &workflow)])?,
    );
    add(
        "generated/ComfyUI_00002_.png",
        files::png(&square(Scene::Hills, 62), Png::Rgb, &[("prompt", &from_picture)])?,
    );

    // Pictures of which nothing is known, in many formats.
    for (at, scene) in (0u64..).zip([
        Scene::Columns,
        Scene::Curves,
        Scene::Fractal,
        Scene::Contours,
        Scene::Checks,
        Scene::Rings,
    ]) {
        add(&format!("web/picture-{}.jpg", at + 1), files::jpeg(&draw(scene, 71 + at), Jpeg::Library(82))?);
    }
    let chart = draw(Scene::Columns, 81);
    add("web/chart.png", files::png(&chart, Png::Rgb, &[])?);
    add(
        "web/chart-small.jpg",
        files::jpeg(&chart.smaller(width * 3 / 4, height * 3 / 4), Jpeg::Library(85))?,
    );
    add("formats/grey.jpg", files::jpeg(&draw(Scene::Curves, 82), Jpeg::Grey(85))?);
    add("formats/sixteen-bits.png", files::png(&draw(Scene::Clouds, 83), Png::Grey16, &[])?);
    add("formats/one-bit.png", files::png(&draw(Scene::Columns, 84), Png::Bilevel, &[])?);
    add("formats/transparent.png", files::png(&draw(Scene::Town, 85), Png::Alpha, &[])?);
    let dot = Canvas::draw(1, 1, |_, _| [90, 120, 150]);
    add("formats/one-pixel.png", files::png(&dot, Png::Rgb, &[])?);

    // Broken and foreign.
    let mut cut = files::jpeg(&draw(Scene::Town, 91), Jpeg::Library(90))?;
    cut.truncate(cut.len() * 6 / 10);
    add("broken/cut-short.jpg", cut);
    let zip = files::zip(&[("inside.jpg", files::jpeg(&draw(Scene::Rings, 92), Jpeg::Library(80))?)])?;
    let unreadable: [(&str, Vec<u8>); 6] = [
        ("broken/thirty-thousand.png", files::png_that_claims_too_much()),
        ("broken/empty.jpg", Vec::new()),
        ("broken/really-text.jpg", b"This file is called .jpg and holds words.\n".to_vec()),
        ("broken/damaged.zip", zip.get(..zip.len() / 2).unwrap_or_default().to_vec()),
        ("foreign/notes.txt", b"Milk, bread, two lemons.\n".to_vec()),
        (
            "foreign/clip.mp4",
            [b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom".to_vec(), files::filler(93, 400)].concat(),
        ),
    ];
    let unreadable_count = unreadable.len();
    for (path, bytes) in unreadable {
        add(path, bytes);
    }

    // Archives: what is inside is scanned like everything else.
    let in_zip = [
        ("holiday/hills.jpg", files::jpeg(&hills.smaller(width * 3 / 4, height * 3 / 4), Jpeg::Library(70))?),
        ("holiday/clouds.jpg", files::jpeg(&draw(Scene::Clouds, 94), Jpeg::Library(80))?),
        ("holiday/list.csv", b"day,place\n1,harbour\n".to_vec()),
    ];
    let in_tar = [
        ("backup/town.jpg", files::jpeg(town, Jpeg::Library(60))?),
        ("backup/chart.png", files::png(&chart, Png::Rgb, &[])?),
    ];
    from_known += 2;
    add("archives/holiday.zip", files::zip(&in_zip)?);
    add("archives/backup.tar.gz", files::tar_gz(&in_tar)?);

    let wallpaper = files::png(&draw(Scene::Clouds, 95), Png::Rgb, &[])?;
    add("system/wallpaper.png", wallpaper.clone());
    files.sort();
    Ok(Pile {
        files,
        known,
        known_good: vec![("wallpaper.png", wallpaper)],
        members: in_zip.len() + in_tar.len(),
        from_known,
        unreadable: unreadable_count + 1,
    })
}
