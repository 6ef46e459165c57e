#!/usr/bin/env python3
"""Compares our JPEG decoder with Pillow (libjpeg-turbo), pixel for pixel.

  compare_jpeg_pixels.py [--example PATH] FOLDER_OR_FILE...

Every file that starts with a JPEG marker is decoded by both; CMYK by Pillow's convert("RGB"). Prints the files that differ
and a summary. Exit 1 if any file that Pillow decodes without complaint differs. Without --example the program is built:
cargo build --release -p lodestone-media --example jpeg_raw
"""
import argparse, os, subprocess, sys, warnings, zlib
from pathlib import Path
try:
    import numpy as np
    from PIL import Image, ImageFile, __version__, features
except ImportError:
    print("skipped: needs Python with numpy and Pillow")
    sys.exit(0)
warnings.simplefilter("ignore")
Image.MAX_IMAGE_PIXELS = None
ap = argparse.ArgumentParser()
ap.add_argument("--example"); ap.add_argument("--show", type=int, default=20)
ap.add_argument("paths", nargs="+")
a = ap.parse_args()
root = Path(__file__).resolve().parents[2]
if not a.example:
    subprocess.run(["cargo", "build", "-q", "--release", "-p", "lodestone-media", "--example", "jpeg_raw"], check=True, cwd=root)
    a.example = str(Path(os.environ.get("CARGO_TARGET_DIR", root / "target")) / "release/examples/jpeg_raw")
files = []
for p in map(Path, a.paths):
    files += sorted(f for f in p.rglob("*") if f.is_file()) if p.is_dir() else [p]
files = [str(f) for f in files if open(f, "rb").read(3) == b"\xff\xd8\xff"]
ours = {}
for i in range(0, len(files), 200):
    out = subprocess.run([a.example, *files[i:i + 200]], capture_output=True, text=True)
    for l in out.stdout.splitlines():
        f = l.split("\t"); ours[f[0]] = f[1:]
count = dict(identical=0, truncated_identical=0, different=0, only_pillow=0, only_ours=0, neither=0, truncated_different=0)
def pillow(f, truncated):
    ImageFile.LOAD_TRUNCATED_IMAGES = truncated
    with Image.open(f) as im:
        if im.format not in ("JPEG", "MPO"): raise OSError("not JPEG")
        return np.asarray(im.convert("RGB") if im.mode not in ("L", "RGB") else im)
shown = 0
for f in files:
    o = ours.get(f, ["crash"]); why = None; cut = False
    try:
        x = pillow(f, False)
    except Exception as e:
        why = e
        try: x, cut = pillow(f, True), True
        except Exception: x = None
    if x is None:
        kind = "only_ours" if o[0] == "ok" else "neither"
    elif o[0] != "ok":
        kind = "neither" if cut else "only_pillow"
    else:
        same = f"{zlib.crc32(x.tobytes()):08x}" == o[4] and (x.shape[1], x.shape[0]) == (int(o[1]), int(o[2]))
        kind = ("truncated_" if cut else "") + ("identical" if same else "different")
    count[kind] += 1
    if kind not in ("identical", "truncated_identical", "neither") and shown < a.show or (kind == "identical" and o[5]):
        shown += 1; print(f"{kind}: {f} ours={' '.join(o)} pillow={why or ''}")
print(f"Pillow {__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}: files={len(files)} " + " ".join(f"{k}={v}" for k, v in count.items()))
sys.exit(1 if count["different"] or count["only_pillow"] else 0)
