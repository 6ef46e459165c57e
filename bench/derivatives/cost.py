#!/usr/bin/env python3
"""CPU time a picture of layers 1 and 2 against a long list of hashes: python3 cost.py PROGRAM PICTURES [--list N] [--rounds R]

PICTURES is a folder of pictures (of 640 pixels, for comparable figures). The list is N random hashes (1,000,000 by default), made by
a fixed seed. Each round runs `match` once with one picture and once with all, for each choice of layers, in turn; the difference,
divided by the pictures between, is what one costs: user and system time of the program and its workers, decoding included.
Prints medians and the least and most over the rounds.
"""
import argparse
import os
import pathlib
import random
import resource
import statistics
import subprocess
import tempfile


def cpu(command):
    """User and system seconds of a command and of the children it waited for."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{command[0]} ended with {done.returncode}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("pictures", type=pathlib.Path)
    parser.add_argument("--list", type=int, default=1_000_000, dest="size")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--most", type=int, default=200, help="pictures taken of the folder")
    args = parser.parse_args()
    files = sorted(str(p) for p in args.pictures.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp"))
    files = files[: args.most]
    if len(files) < 2:
        raise SystemExit("cost.py: needs two pictures at least")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "list.txt")
        draw = random.Random(7)
        with open(path, "w", encoding="ascii") as out:
            for _ in range(args.size):
                out.write(f"{draw.getrandbits(256):064x}\n")
        index = os.path.join(folder, "data")
        subprocess.run([args.program, "bank", "import", "list", f"pdq:{path}", "--data", index], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        figures = {"1": [], "1,2": []}
        for _ in range(args.rounds):
            for layers, measured in figures.items():
                base = [args.program, "match", "--data", index, "--layers", layers, "--workers", "1", "--format", "ndjson"]
                one, all_of_them = cpu(base + files[:1]), cpu(base + files)
                measured.append(1000 * (all_of_them - one) / (len(files) - 1))
    print(f"{len(files)} pictures, {args.size:,} hashes, {args.rounds} rounds; milliseconds of CPU a picture, decoding included")
    for layers, measured in figures.items():
        print(f"  layers {layers:<4} median {statistics.median(measured):6.2f}   {min(measured):.2f} to {max(measured):.2f}")
    beyond = [b - a for a, b in zip(figures["1"], figures["1,2"])]
    print(f"  layer 2 alone  {statistics.median(beyond):6.2f}   {min(beyond):.2f} to {max(beyond):.2f}")


if __name__ == "__main__":
    main()
