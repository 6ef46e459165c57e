#!/usr/bin/env python3
"""mutate.py PROGRAM WORKDIR [COUNT [SEED [FOLDER…]]]: damages files in every way that costs nothing to think of, scans them,
and checks that every one is accounted for, that the run ends, and that no worker process died.

Sources: the pile that `PROGRAM demo` draws, a BMP and a tar made here, ../shared/corpus where it is there, and the
folders given (for formats that the others lack, such as JPEG XL). The same seed damages the same bytes. A program of the
dev profile also stops at every overflow. Prints one line a property; the exit status is 0 when all hold.
"""
import collections
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import sys
import tarfile
import time

TAKEN = {".jpg", ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".heic", ".heif", ".avif", ".jxl", ".dng",
         ".zip", ".tar", ".gz", ".tgz", ".cr2", ".nef", ".arw", ".apng"}
LARGEST = 3_000_000


def bmp(rng):
    """A BMP of noise, 24 bits."""
    width, height = 40, 30
    head = struct.pack("<2sIHHI", b"BM", 54 + width * height * 3, 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + rng.randbytes(width * height * 3)


def sources(program, work, more):
    pile = work / "demo"
    subprocess.run([program, "demo", pile, "--thumbnails", "none"], check=True, capture_output=True)
    made = work / "made"
    made.mkdir()
    rng = random.Random(0)
    (made / "noise.bmp").write_bytes(bmp(rng))
    with tarfile.open(made / "pile.tar", "w") as tar:
        for path in sorted((pile / "pictures/web").iterdir()):
            tar.add(path, path.name)
    roots = [pile / "pictures", made, *more]
    corpus = pathlib.Path(__file__).resolve().parents[3] / "shared/corpus"
    if corpus.is_dir():
        roots.append(corpus)
    else:
        print(f"{corpus} is not there: only the demo's files are damaged")
    kinds = collections.defaultdict(list)
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.is_file() and path.suffix.lower() in TAKEN and 0 < path.stat().st_size <= LARGEST:
                kinds[path.suffix.lower().replace("jpeg", "jpg").replace("tiff", "tif")].append(path)
    return kinds


def damage(rng, data, other):
    data = bytearray(data)
    how = rng.choice(["bits", "bits", "header", "header", "cut", "splice", "zeros", "ones", "swap", "grow"])
    size = len(data)
    if how == "bits":
        for _ in range(rng.choice([1, 3, 10, 100])):
            data[rng.randrange(size)] ^= 1 << rng.randrange(8)
    elif how == "header":
        for _ in range(rng.choice([1, 2, 4, 8])):
            data[rng.randrange(min(size, 1024))] = rng.choice([0, 1, 0x7F, 0x80, 0xFE, 0xFF, rng.randrange(256)])
    elif how == "cut":
        del data[rng.randrange(size):]
    elif how == "splice":
        data[rng.randrange(size):] = other[rng.randrange(len(other)):]
    elif how in ("zeros", "ones"):
        at, length = rng.randrange(size), rng.choice([1, 4, 64, 4096])
        end = min(size, at + length)
        data[at:end] = bytes([0 if how == "zeros" else 255]) * (end - at)
    elif how == "swap":
        a, b, length = rng.randrange(size), rng.randrange(size), rng.choice([2, 16, 256])
        data[a:a + length], data[b:b + length] = data[b:b + length], data[a:a + length]
    else:
        at = rng.randrange(size)
        data[at:at] = rng.randbytes(rng.choice([1, 7, 512]))
    return how, bytes(data)


def main():
    program, work = os.path.abspath(sys.argv[1]), pathlib.Path(sys.argv[2])
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)
    shutil.rmtree(work, ignore_errors=True)
    (work / "damaged").mkdir(parents=True)
    kinds = sources(program, work, [pathlib.Path(folder) for folder in sys.argv[5:]])
    print("sources:", ", ".join(f"{len(paths)} {kind}" for kind, paths in sorted(kinds.items())))
    names = sorted(kinds)
    for number in range(count):
        kind = names[number % len(names)]  # every format as often as the others
        path = rng.choice(kinds[kind])
        how, data = damage(rng, path.read_bytes(), rng.choice(kinds[rng.choice(names)]).read_bytes())
        (work / "damaged" / f"{number:05}-{how}{kind}").write_bytes(data)
    started = time.time()
    out = work / "out.ndjson"
    with open(out, "wb") as stdout, open(work / "err.txt", "wb") as stderr:
        ended = subprocess.run([program, "scan", work / "damaged", "--format", "ndjson", "--workers", "2"],
                               stdout=stdout, stderr=stderr, timeout=3600)
    seconds = time.time() - started
    seen, reasons, states, dead = set(), collections.Counter(), collections.Counter(), []
    with open(out) as lines:
        for line in lines:
            record = json.loads(line)
            if record["kind"] != "file":
                continue
            name = os.path.relpath(record["path"], work / "damaged")
            if "!/" not in name:
                assert name not in seen, f"doubled: {name}"
                seen.add(name)
            states[record["state"]] += 1
            why = record["unreadable"]
            if why:
                reasons[f"{why['stage']}/{why['reason']}"] += 1
                if why["stage"] == "worker":
                    dead.append((name, why))
    missing = set(os.listdir(work / "damaged")) - seen
    words = (work / "err.txt").read_text(errors="replace")
    print(f"{len(seen)} of {count} accounted for in {seconds:.0f} s, exit status {ended.returncode}")
    print("states:", dict(states))
    print("reasons:", dict(sorted(reasons.items())))
    print("panic in the parent:", "panicked" in words)
    print("workers that died:", len(dead))
    for name, why in dead:
        print("   ", name, why)
    sys.exit(bool(missing or dead or "panicked" in words or ended.returncode not in (0, 2)))


main()
