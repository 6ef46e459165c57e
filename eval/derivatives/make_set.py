#!/usr/bin/env python3
"""Makes a labelled set for derivative detection: references, one query per reference and transform, distractors.

    make_set.py --pictures FOLDER --out DIR --references 60 --seed 1
    make_set.py --packages --out DIR --references 40 --seed 2

Output: refs/, queries/TRANSFORM/, distractors/KIND/, truth.csv (path,kind,transform,ref), parameters.ndjson, sources.csv.
The same pictures, seed and Pillow release give the same set.
"""

import argparse
import csv
import json
import multiprocessing
import os

from PIL import Image

import pictures
from catalogue import FRAMINGS, TRANSFORMS
from draw import Draw
from drawings import DRAWINGS

# Shares of the distractors that are not plain photographs, by kind.
SHARES = {
    "framed collage": 14, "framed screen": 14, "framed border": 10, "framed inset": 6, "marked": 10, "meme on picture": 8, "meme template": 6, "meme on flat": 5,
    "document": 12, "screen of text": 9, "chart": 8, "line art": 7, "lattice": 12, "gradient or noise": 6, "flat with mark": 4,
}
STATE = {}


def save(picture, path, draw, how=None):
    """Writes as asked, or by chance as JPEG (most), WebP or PNG; returns the path with its extension."""
    if how is None:
        form = draw.random.choices(["JPEG", "WEBP", "PNG"], [80, 12, 8])[0]
        how = (form, 45, 95)
    form, low, high = how
    quality = draw.whole("quality", low, high) if form != "PNG" else None
    path = f"{path}.{ {'JPEG': 'jpg', 'WEBP': 'webp', 'PNG': 'png'}[form] }"
    target = os.path.join(STATE["out"], path)
    options = {} if quality is None else {"quality": quality}
    if form == "JPEG":
        options["subsampling"] = draw.random.choice([0, 2, 2])
    picture.convert("RGB").save(target, form, **options)
    return path


def make_query(task):
    name, transform = task
    _, function, how = TRANSFORMS[transform]
    draw = Draw(f"{STATE['seed']}/query/{transform}/{name}")
    picture = function(STATE["references"][name].copy(), draw, STATE["world"])
    path = save(picture, f"queries/{transform}/{name}", draw, how)
    return (path, "query", transform, name), draw.values, picture.size


def make_distractor(task):
    kind, number = task
    world, draw = STATE["world"], Draw(f"{STATE['seed']}/distractor/{kind}/{number}")
    photos = world.others
    if kind == "photo":
        picture = photos[number]
    elif kind in ("half", "quarter"):
        source, which = photos[number // 4], number % 4
        w, h = source.size
        halves = [(0, 0, w // 2, h), (w // 2, 0, w, h), (0, 0, w, h // 2), (0, h // 2, w, h)]
        quarters = [(0, 0, w // 2, h // 2), (w // 2, 0, w, h // 2), (0, h // 2, w // 2, h), (w // 2, h // 2, w, h)]
        picture = source.crop((halves if kind == "half" else quarters)[which])
    elif kind == "given":
        picture = pictures.load(STATE["given"][number])
    elif kind in FRAMINGS:
        transform = draw.pick("framing", FRAMINGS[kind])
        picture = TRANSFORMS[transform][1](world.other(draw).copy(), draw, world)
    else:
        function = draw.random.choice(DRAWINGS[kind])
        draw.values["drawing"] = function.__name__
        picture = function(draw, world)
    path = save(picture, f"distractors/{kind.replace(' ', '_')}/{number:04}", draw)
    return (path, "distractor", kind, ""), draw.values, picture.size


def distractor_tasks(count, photos, given):
    """About a third plain photographs with their parts (fewer where the pool is small), given pictures, the rest by share."""
    tasks = [("given", n) for n in range(min(given, count // 8))]
    plain = [("photo", n) for n in range(photos)] + [("half", n) for n in range(4 * photos)] + [("quarter", n) for n in range(4 * photos)]
    room = max(0, round(count * 0.36))
    if len(plain) > room:
        step = len(plain) / room if room else 1
        plain = [plain[int(i * step)] for i in range(room)]
    tasks += plain
    rest, total = max(0, count - len(tasks)), sum(SHARES.values())
    reached = 0
    for kind, share in SHARES.items():
        before, reached = reached, reached + share
        tasks += [(kind, n) for n in range(round(rest * reached / total) - round(rest * before / total))]
    return tasks[:count]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", action="append", default=[], metavar="FOLDER", help="folder of photographs, searched with its subfolders; may be given several times")
    parser.add_argument("--packages", action="store_true", help="fetch Debian's free wallpaper packages with apt-get download and use them")
    parser.add_argument("--distractor-pictures", action="append", default=[], metavar="FOLDER", help="pictures that serve as distractors only")
    parser.add_argument("--leave-out", metavar="FILE", help="file with one part of a path per line; pictures whose path holds one are not used")
    parser.add_argument("--slice", default="0:1", metavar="LOW:HIGH", help="use only this part of the pool, by digest; sets of slices that do not overlap share no photograph")
    parser.add_argument("--out", required=True)
    parser.add_argument("--references", type=int, default=60)
    parser.add_argument("--distractors", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--transforms", help="only these, comma-separated")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    return parser.parse_args()


def main():
    asked = arguments()
    folders = list(asked.pictures)
    if asked.packages:
        folders.append(pictures.fetch_packages(os.path.join(asked.out, "packages")))
    if not folders:
        raise SystemExit("give --pictures FOLDER or --packages")
    leave_out = [line.strip() for line in open(asked.leave_out) if line.strip()] if asked.leave_out else []
    leave_out += pictures.PACKAGES_LEAVE_OUT if asked.packages else []
    low, high = (float(v) for v in asked.slice.split(":"))
    pool = pictures.part(pictures.gather(folders, leave_out), low, high)
    order = Draw(f"{asked.seed}/references").random
    order.shuffle(pool)
    # A nearly flat picture has no fingerprint worth the name; it may be a distractor, never a reference.
    chosen = [row for row in pool if pictures.detail(row[3]) >= 60][: asked.references]
    names = {row[0] for row in chosen}
    others = [row for row in pool if row[0] not in names]
    if len(others) < 12:
        raise SystemExit(f"{len(pool)} usable pictures: {asked.references} references leave {len(others)} for distractors, and 12 are the least")
    given = sorted(os.path.join(root, file) for folder in asked.distractor_pictures for root, _, files in os.walk(folder) for file in files if file.lower().endswith(pictures.EXTENSIONS))
    Draw(f"{asked.seed}/given").random.shuffle(given)
    STATE.update(out=asked.out, seed=asked.seed, given=given, references={row[0]: row[3] for row in chosen}, world=pictures.World(asked.seed, [row[3] for row in others]))
    transforms = asked.transforms.split(",") if asked.transforms else list(TRANSFORMS)
    tasks = distractor_tasks(asked.distractors, len(others), len(given))
    for folder in ["refs"] + [f"queries/{t}" for t in transforms] + [f"distractors/{k.replace(' ', '_')}" for k in {kind for kind, _ in tasks}]:
        os.makedirs(os.path.join(asked.out, folder), exist_ok=True)
    rows, notes = [], []
    for name, picture in STATE["references"].items():
        picture.save(os.path.join(asked.out, f"refs/{name}.jpg"), quality=95)
        with Image.open(os.path.join(asked.out, f"refs/{name}.jpg")) as stored:
            STATE["references"][name] = stored.convert("RGB")
        rows.append((f"refs/{name}.jpg", "ref", "", name))
    with multiprocessing.get_context("fork").Pool(asked.workers) as pool_of_workers:
        for function, work in ((make_query, [(n, t) for t in transforms for n in STATE["references"]]), (make_distractor, tasks)):
            for row, values, size in pool_of_workers.imap(function, work, chunksize=8):
                rows.append(row)
                notes.append({"path": row[0], "width": size[0], "height": size[1], **values})
    with open(os.path.join(asked.out, "parameters.ndjson"), "w") as file:
        file.writelines(json.dumps(note) + "\n" for note in notes)
    with open(os.path.join(asked.out, "sources.csv"), "w", newline="") as file:
        csv.writer(file).writerows([("name", "role", "path")] + [(r[0], "reference", r[1]) for r in chosen] + [(r[0], "other", r[1]) for r in others])
    with open(os.path.join(asked.out, "classes.json"), "w") as file:
        json.dump({name: TRANSFORMS[name][0] for name in transforms}, file, indent=1)
    # Last, so that a folder with a truth is a whole set.
    with open(os.path.join(asked.out, "truth.csv"), "w", newline="") as file:
        csv.writer(file).writerows([("path", "kind", "transform", "ref")] + rows)
    print(f"{len(chosen)} references, {len(transforms)} transforms, {len(chosen) * len(transforms)} queries, {len(tasks)} distractors from {len(others)} other pictures")


if __name__ == "__main__":
    main()
