#!/usr/bin/env python3
"""End to end against Pillow and PyPI pdqhash: PDQ and quality of every picture that both read.

  compare_hashes.py PROGRAM FOLDER

Scans FOLDER, hashes each JPEG, PNG, WebP, TIFF, BMP and GIF with Pillow (first frame, converted to RGB) and pdqhash, and prints how
many are equal, and each that is not with its distance. Exit 1 if any of quality 50 or more is further than 10 bits.
"""
import json, os, subprocess, sys, warnings

try:
    import numpy as np, pdqhash
    from PIL import Image
except ImportError as missing:
    sys.exit(f"skipped: {missing.name} is not installed; see bench/requirements.txt")
if len(sys.argv) != 3:
    sys.exit(__doc__)
program, folder = sys.argv[1:]
if not os.path.isdir(folder):
    print(f"skipped: there is no folder {folder}")
    sys.exit(0)
warnings.filterwarnings("ignore")
Image.MAX_IMAGE_PIXELS = None
run = subprocess.run([program, "scan", folder, "--format", "ndjson", "--no-archives"], capture_output=True, text=True)
both = equal = far = 0
for line in run.stdout.splitlines():
    file = json.loads(line)
    if file["kind"] != "file" or file["format"] not in ("jpeg", "png", "webp", "tiff", "bmp", "gif"):
        continue
    try:
        pixels = np.asarray(Image.open(file["path"]).convert("RGB"))
    except Exception as error:
        print(f"Pillow cannot read {file['path']}: {error}")
        continue
    bits, quality = pdqhash.compute(pixels)
    if not file["signals"]["pdq"]:
        print(f"no hash of {file['path']}: {file['unreadable']}")
        continue
    both += 1
    off = bin(int("".join(map(str, bits)), 2) ^ int(file["signals"]["pdq"], 16)).count("1")
    if off == 0 and quality == file["signals"]["pdq_quality"]:
        equal += 1
        continue
    print(f"{off} bits, quality {file['signals']['pdq_quality']} for {quality}: {file['path']}")
    far += off > 10 and quality >= 50
print(f"{equal} of {both} equal to the bit, hash and quality; {far} further than 10 bits")
sys.exit(1 if far else 0)
