#!/usr/bin/env python3
"""Hashing, side by side: this program against Pillow + pdqhash (what python-threatexchange and HMA run).

  compare_hash.py --ours target/release/lodestone [--rounds 5] [--sizes 0.3,1,4,12] PHOTO.jpg...

Makes 0.3, 1, 4 and 12 megapixel JPEG copies (quality 90, 4:2:0) of each photo in a temporary folder (benign photos of your
own), then, for each size, runs both in turn and compares whole-process CPU of ours (user and system, start included) with
the CPU of Pillow's decode and pdqhash.compute in this process. Every hash and quality must be equal: exit 1 if not.
Last, a mixed folder of all copies, with imagehash.phash beside. One thread everywhere. CPU seconds, because machines are
shared; quote ratios from one run.
"""
import argparse, os, resource, statistics as st, subprocess, sys, tempfile, time

try:
    import numpy as np, pdqhash
    from PIL import Image
except ImportError as missing:
    sys.exit(f"skipped: {missing.name} is not installed; see bench/requirements.txt")

Image.MAX_IMAGE_PIXELS = None


def children():
    r = resource.getrusage(resource.RUSAGE_CHILDREN)
    return r.ru_utime + r.ru_stime


def ours(program, files, *flags):
    before = children()
    run = subprocess.run([program, "bench", "hash", *flags, *files], capture_output=True, text=True, check=True)
    lines = (line.split(None, 2) for line in run.stdout.splitlines())
    return children() - before, {path: (hash_, int(quality)) for hash_, quality, path in lines}, run.stderr


def peer(files):
    before, found = time.process_time(), {}
    for file in files:
        bits, quality = pdqhash.compute(np.asarray(Image.open(file).convert("RGB")))
        found[file] = ("%064x" % int("".join(map(str, bits)), 2), quality)
    return time.process_time() - before, found


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--ours", required=True)
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--sizes", default="0.3,1,4,12")
    args.add_argument("photos", nargs="+")
    args = args.parse_args()
    sizes, bad, everything = [float(s) for s in args.sizes.split(",")], 0, []
    with tempfile.TemporaryDirectory() as folder:
        print(f"{'size':>6} {'files':>5} {'ours img/s':>10} {'peer img/s':>10} {'ratio (min-max)':>20} differ")
        for size in sizes:
            files = []
            for number, photo in enumerate(args.photos):
                image = Image.open(photo).convert("RGB")
                scale = (size * 1e6 / (image.width * image.height)) ** 0.5
                file = os.path.join(folder, f"p{number}-{size:g}mp.jpg")
                image.resize((round(image.width * scale), round(image.height * scale)), Image.LANCZOS).save(file, quality=90)
                files.append(file)
            everything += files
            a, b, differ = [], [], 0
            for _ in range(args.rounds):
                cpu, mine, _ = ours(args.ours, files)
                theirs_cpu, theirs = peer(files)
                a.append(cpu)
                b.append(theirs_cpu)
                differ = sum(mine.get(f) != theirs[f] for f in files)
            bad += differ
            ratios = [y / x for x, y in zip(a, b)]
            n = len(files)
            print(f"{size:>4g}MP {n:>5} {n / st.median(a):>10.1f} {n / st.median(b):>10.1f} "
                  f"{st.median(ratios):>8.2f} ({min(ratios):.2f}-{max(ratios):.2f}) {differ:>6}", flush=True)
        a, b = [], []
        for _ in range(args.rounds):
            a.append(ours(args.ours, everything)[0])
            b.append(peer(everything)[0])
        n = len(everything)
        print(f"{'folder':>6} {n:>5} {n / st.median(a):>10.1f} {n / st.median(b):>10.1f} "
              f"{st.median(y / x for x, y in zip(a, b)):>8.2f}")
        try:
            import imagehash
            before = time.process_time()
            for file in everything:
                imagehash.phash(Image.open(file))
            print(f"imagehash.phash (another hash, from a reduced decode): {n / (time.process_time() - before):.1f} img/s")
        except ImportError:
            print("imagehash: not installed")
        folded_cpu, folded, _ = ours(args.ours, everything, "--folded")
        _, exact, _ = ours(args.ours, everything)
        off = sorted(bin(int(folded[f][0], 16) ^ int(exact[f][0], 16)).count("1") for f in everything)
        print(f"ours --folded: {n / folded_cpu:.1f} img/s, bits off: median {off[n // 2]}, worst {off[-1]}")
        print("where the time goes:", ours(args.ours, everything, "--timing")[2].strip().splitlines()[-1])
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
