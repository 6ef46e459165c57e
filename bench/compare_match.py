#!/usr/bin/env python3
"""Matching, side by side: this program's exact search against FAISS (flat, and the MultiHash index that HMA uses).

  compare_match.py --ours target/release/lodestone [--codes 1000000] [--queries 1000] [--rounds 5] [--index flat|multi16] [--batch]

Makes synthetic 256-bit codes (uniform; half the queries are codes with 0 to 31 bits flipped), then both search radius 31 in
turn, one thread each. Match sets must be equal: exit 1 if not. CPU seconds of the search alone, without load and build.
"""
import argparse, os, re, statistics as st, subprocess, sys, tempfile, time

try:
    import faiss, numpy as np
except ImportError as missing:
    sys.exit(f"skipped: {missing.name} is not installed; see bench/requirements.txt")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--ours", required=True)
    args.add_argument("--codes", type=int, default=1_000_000)
    args.add_argument("--queries", type=int, default=1_000)
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--index", choices=["flat", "multi16"], default="flat")
    args.add_argument("--batch", action="store_true", help="all queries in one call of ours")
    args = args.parse_args()
    faiss.omp_set_num_threads(1)
    random = np.random.default_rng(20261122)
    codes = random.integers(0, 256, (args.codes, 32), dtype=np.uint8)
    queries = random.integers(0, 256, (args.queries, 32), dtype=np.uint8)
    for i in range(0, args.queries, 2):
        bits = np.unpackbits(codes[random.integers(args.codes)])
        bits[random.choice(256, random.integers(32), replace=False)] ^= 1
        queries[i] = np.packbits(bits)
    index = faiss.IndexBinaryFlat(256) if args.index == "flat" else faiss.IndexBinaryMultiHash(256, 16, 16)
    index.add(codes)
    if args.index == "multi16":
        index.nflip = 1
    with tempfile.TemporaryDirectory() as folder:
        db, q = os.path.join(folder, "db"), os.path.join(folder, "q")
        codes.tofile(db)
        queries.tofile(q)
        a, b, equal, matches = [], [], True, 0
        for _ in range(args.rounds):
            run = subprocess.run([args.ours, "bench", "match", db, q, str(args.queries), *(["--batch"] if args.batch else [])], capture_output=True, text=True, check=True)
            a.append(float(re.search(r"search_cpu_s=(\S+)", run.stderr).group(1)))
            mine = {tuple(map(int, line.split()[:2])) for line in run.stdout.splitlines()}
            before = time.process_time()
            limits, _, ids = index.range_search(queries, 32)
            b.append(time.process_time() - before)
            theirs = {(i, int(ids[k])) for i in range(args.queries) for k in range(limits[i], limits[i + 1])}
            equal &= mine == theirs
            matches = len(theirs)
    ratios = [y / x for x, y in zip(a, b)]
    print(f"codes {args.codes}, queries {args.queries}, matches {matches}, sets equal {equal}: ours {args.queries / st.median(a):.0f} q/s, "
          f"FAISS {args.index} {args.queries / st.median(b):.0f} q/s, ratio {st.median(ratios):.1f} ({min(ratios):.1f}-{max(ratios):.1f})")
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
