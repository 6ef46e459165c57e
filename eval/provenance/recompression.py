#!/usr/bin/env python3
"""How often an earlier compression is found, and how often one is said that is not there.

    cargo build --release -p lodestone-provenance --no-default-features --example recompression
    python3 recompression.py CORPUS TARGET/release/examples/recompression [WORK]

Needs Pillow. Takes the camera pictures of CORPUS (a labelled folder with manifest.csv) that are above 700 pixels, halves
them, which removes their own grid and steps, and saves them once, twice on the same grid, and cropped between, at several
qualities. Prints, for each pair, the rates of both findings and quantiles of both scores.
"""
import csv
import os
import subprocess
import sys
import tempfile

from PIL import Image

QUALITIES = (60, 75, 85, 90, 95)
CROPS = ((3, 5), (1, 4), (6, 2))


def sources(corpus, work):
    with open(os.path.join(corpus, "manifest.csv")) as manifest:
        rows = [r for r in csv.DictReader(manifest) if r["label"] == "camera" and r["format"] == "JPEG"]
    made = []
    for row in rows:
        if min(int(row["width"]), int(row["height"])) < 700:
            continue
        image = Image.open(os.path.join(corpus, row["path"])).convert("RGB")
        # A fraction, so that no grid survives; sides no multiples of 8, as pictures are.
        long = min(1100, int(max(image.size) * 0.53))
        scale = long / max(image.size)
        image = image.resize((int(image.width * scale), int(image.height * scale)), Image.Resampling.LANCZOS)
        made.append((row["path"].replace("/", "_"), image))
    return made


def main():
    corpus, program = sys.argv[1:3]
    work = sys.argv[3] if len(sys.argv) > 3 else tempfile.mkdtemp()
    groups = {}

    def put(group, name, image, quality, fmt="jpg", **more):
        path = os.path.join(work, f"{group}-{name}.{fmt}".replace(" ", "_"))
        image.save(path, **({"quality": quality, **more} if fmt == "jpg" else {}))
        groups[path] = group
        return path

    pictures = sources(corpus, work)
    for name, image in pictures:
        for q1 in QUALITIES:
            once = put(f"once {q1}", name, image, q1)
            first = Image.open(once).convert("RGB")
            for q2 in (75, 85, 90, 95, 98):
                put(f"twice {q1} {q2}", name, first, q2)
                if q1 in (60, 75, 90):
                    x, y = CROPS[q1 % 3]
                    put(f"crop {q1} {q2}", name, first.crop((x, y, first.width, first.height)), q2)
            x, y = CROPS[q1 % 3]
            put(f"png aligned {q1}", name, first, 0, "png")
            put(f"png crop {q1}", name, first.crop((x, y, first.width, first.height)), 0, "png")
        put("once 444 92", name, image, 92, subsampling=0)
        put("once progressive 80", name, image, 80, progressive=True, optimize=True)
        put("once 98", name, image, 98)
        put("png never", name, image, 0, "png")
    with open(os.path.join(corpus, "manifest.csv")) as manifest:
        for row in csv.DictReader(manifest):
            if row["label"] == "camera" and row["format"] == "JPEG" and row["make"] and "EXIF" not in row["note"]:
                groups[os.path.join(corpus, row["path"])] = f"original {row['source_repo']}"
            if row["label"] == "ai" and row["format"] == "PNG":
                groups[os.path.join(corpus, row["path"])] = "generated png"
    listed = os.path.join(work, "list.txt")
    with open(listed, "w") as out:
        out.write("\n".join(groups))
    lines = subprocess.run([program, "--list", listed], capture_output=True, text=True, check=True).stdout
    found = {}
    for line in lines.splitlines():
        path, double, grid, fact, what, where, _ = line.split("\t")
        found.setdefault(groups[path], []).append((double, grid, what != "-", where != "-", fact))
    print(f"{len(pictures)} pictures")
    for group, rows in sorted(found.items()):
        count = len(rows)

        def quantiles(index):
            values = sorted(float(r[index]) for r in rows if r[index] != "-")
            at = (0.05, 0.5, 0.95, 1)
            return " ".join(f"{values[min(len(values) - 1, int(a * len(values)))]:8.3f}" for a in at) if values else "-"

        print(f"{group:28} {count:4} double {sum(r[2] for r in rows) / count:6.1%} grid {sum(r[3] for r in rows) / count:6.1%}"
              f" told {sum(r[4] != '-' for r in rows) / count:5.0%} | double {quantiles(0)} | grid {quantiles(1)}")


main()
