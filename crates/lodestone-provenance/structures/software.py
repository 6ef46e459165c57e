#!/usr/bin/env python3
"""Writes software.ndjson: quantisation tables of programs, as far as public sources give them.

    python3 software.py [CORPUS] > software.ndjson        (needs Pillow, whose presets are one source)

Scaled example tables (libjpeg, quality 1 to 100) are computed by the program itself and are not listed. With CORPUS, a
labelled folder with `manifest.csv`, also the tables of OBSERVED, each looked up by the digest of its luma table.
"""
import json
import sys

from PIL import JpegPresets

DATE = "2026-11-22"
SOURCES = {
    "pillow": "Pillow, JpegPresets.py (HPND): tables equivalent to Photoshop's settings of the same names",
    "mozjpeg": "mozjpeg, jcparam.c (BSD), default table of cjpeg, by N. Robidoux; scaled as libjpeg scales, 8 bits",
    "opensfm": "observed in mapillary/OpenSfM sample data (BSD-2-Clause), files in the segment order of Apple's framework",
    "c2pa-rs": "observed in contentauth/c2pa-rs test files (MIT OR Apache-2.0); the quality is stated in their Photoshop resource 0x0406",
}
ROBIDOUX = [
    16, 16, 16, 18, 25, 37, 56, 85, 16, 17, 20, 27, 34, 40, 53, 75,
    16, 20, 24, 31, 43, 62, 91, 135, 18, 27, 31, 40, 53, 74, 106, 156,
    25, 34, 43, 53, 69, 94, 131, 189, 37, 40, 62, 74, 94, 124, 169, 238,
    56, 53, 91, 106, 131, 169, 226, 311, 85, 75, 135, 156, 189, 238, 311, 418,
]
ZIGZAG = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
    35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55,
    62, 63,
]
NAMES = {
    "web_low": "Save for Web, Low", "web_medium": "Save for Web, Medium", "web_high": "Save for Web, High",
    "web_very_high": "Save for Web, Very High", "web_maximum": "Save for Web, Maximum",
    "low": "Save As, Low", "medium": "Save As, Medium", "high": "Save As, High", "maximum": "Save As, Maximum",
}
# Path in the development corpus, who, setting, class, source.
OBSERVED = [
    ("mapillary/OpenSfM", "577b480f", "Apple ImageIO", [], "library", "opensfm"),
    ("mapillary/OpenSfM", "4bc92902", "Apple ImageIO", [], "library", "opensfm"),
    ("contentauth/c2pa-rs", "5760ae7d", "Adobe Photoshop", ["Save As, quality 0"], "editor", "c2pa-rs"),
    ("contentauth/c2pa-rs", "8d0b4831", "Adobe Photoshop", ["Save As, quality 8"], "editor", "c2pa-rs"),
    ("contentauth/c2pa-rs", "0f14d34d", "Adobe Photoshop", ["Save As, quality 12"], "editor", "c2pa-rs"),
]


def scaled(base, quality):
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return [min(255, max(1, (step * percent + 50) // 100)) for step in base]


def entries(corpus):
    for key, name in NAMES.items():
        rows = [list(t) for t in JpegPresets.presets[key]["quantization"][:2]]
        yield {"level": "tables", "rows": rows, "class": "editor", "who": "Adobe Photoshop", "models": [name],
               "sources": ["pillow"], "note": "Pillow writes them too, when asked for by name"}
    seen = set()
    for quality in range(100, 0, -1):
        table = scaled(ROBIDOUX, quality)
        # At 100 all steps are 1, as everybody's.
        if max(table) > 1 and tuple(table) not in seen:
            seen.add(tuple(table))
            yield {"level": "tables", "rows": [table, table], "class": "library", "who": "mozjpeg",
                   "models": [f"quality {quality}"], "sources": ["mozjpeg"]}
    if corpus:
        yield from observed(corpus)


def observed(corpus):
    import csv, hashlib, os
    wanted = {(o[0], o[1]): o for o in OBSERVED}
    with open(os.path.join(corpus, "manifest.csv")) as manifest:
        for row in csv.DictReader(manifest):
            if row["format"] != "JPEG" or not any(r == row["source_repo"] for r, _ in wanted):
                continue
            data = open(os.path.join(corpus, row["path"]), "rb").read()
            tables = dqt(data)
            if not tables:
                continue
            name = hashlib.sha256(repr(tuple(tables[0])).encode()).hexdigest()[:8]
            found = wanted.pop((row["source_repo"], name), None)
            if found:
                rows = []
                for table in tables:
                    natural = [0] * 64
                    for step, at in zip(table, ZIGZAG):
                        natural[at] = step
                    rows.append(natural)
                entry = {"level": "tables", "rows": rows, "class": found[4], "who": found[2], "sources": [found[5]]}
                if found[3]:
                    entry["models"] = found[3]
                yield entry


def dqt(data):
    at, tables = 2, []
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2:at + 4], "big")
        body = data[at + 4:at + 2 + length] if data[at + 1] == 0xDB else b""
        while len(body) >= 65 and body[0] >> 4 == 0:
            tables.append(list(body[1:65]))
            body = body[65:]
        at += 2 + length
    return tables


def main():
    corpus = sys.argv[1] if len(sys.argv) > 1 else None
    head = {"format": "lodestone-structures", "version": 1, "name": "software", "date": DATE,
            "licence": "CC0-1.0 (facts)", "sources": SOURCES}
    compact = {"separators": (",", ":")}
    print(json.dumps(head, **compact))
    for entry in entries(corpus):
        print(json.dumps(entry, **compact))


main()
