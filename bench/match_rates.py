#!/usr/bin/env python3
"""Rates of the exact radius search: queries per CPU second one by one and in a batch, memory, build and opening.

  match_rates.py --ours target/release/lodestone [--codes 1000000] [--kind rand|clus] [--rounds 5] [--dir DIR] [--peer]
                 [--widths 16,16,…] [--threads 1] [--file]

Makes synthetic 256-bit codes in DIR (kept and used again; a temporary folder without it) and 10,000 distinct queries, half
of them a code with 0 to 31 bits flipped. `rand`: uniform. `clus`: clusters of Zipf-like sizes and one hot clump.
Single and batched runs alternate, each a process of its own that builds the index, then searches; CPU seconds of the search
alone. --file writes a segment file first and maps it in every run. --peer adds FAISS flat on 100 of the queries, in the
same rounds, and compares the match sets (exit 1 if they differ).
"""
import argparse, os, re, statistics as st, subprocess, sys, tempfile, time

try:
    import numpy as np
except ImportError as missing:
    sys.exit(f"skipped: {missing.name} is not installed; see bench/requirements.txt")

QUERIES = 10_000
CHUNK = 1_000_000


def make(kind, n, folder):
    """Files of codes and queries, made once."""
    db, q = (os.path.join(folder, f"{kind}-{n}.{end}") for end in ("codes", "queries"))
    if os.path.exists(q):
        return db, q
    random = np.random.default_rng([20261122, n, kind == "clus"])
    words = lambda count: random.integers(0, 2**64, (count, 4), dtype=np.uint64)
    centres = words(max(1, n // 8)) if kind == "clus" else None
    with open(db, "wb") as out:
        for start in range(0, n, CHUNK):
            count = min(CHUNK, n - start)
            if centres is None:
                words(count).tofile(out)
                continue
            # Squares crowd towards the first centres; members differ from theirs in a sixteenth of the bits or half that.
            codes = centres[(random.random(count) ** 2 * len(centres)).astype(np.int64)]
            noise = words(count) & words(count) & words(count) & words(count)
            finer = random.random(count) < 0.5
            noise[finer] &= words(int(finer.sum()))
            hot = random.random(count) < 0.001
            codes = codes ^ noise
            codes[hot] = centres[0] ^ noise[hot]
            codes.tofile(out)
    codes = np.memmap(db, dtype=np.uint8, mode="r", shape=(n, 32))
    queries = random.integers(0, 256, (QUERIES, 32), dtype=np.uint8)
    for i in range(0, QUERIES, 2):
        bits = np.unpackbits(codes[random.integers(n)])
        bits[random.choice(256, int(random.integers(32)), replace=False)] ^= 1
        queries[i] = np.packbits(bits)
    queries.tofile(q)
    return db, q


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--ours", required=True)
    args.add_argument("--codes", type=lambda text: int(float(text)), default=1_000_000)
    args.add_argument("--kind", choices=["rand", "clus"], default="rand")
    args.add_argument("--rounds", type=int, default=5)
    args.add_argument("--dir")
    args.add_argument("--widths")
    args.add_argument("--threads", type=int, default=1)
    args.add_argument("--file", action="store_true")
    args.add_argument("--peer", action="store_true")
    args = args.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.dir or temporary
        db, q = make(args.kind, args.codes, folder)
        more = ["--threads", str(args.threads)] + (["--widths", args.widths] if args.widths else [])
        if args.file:
            segment = os.path.join(folder, f"{args.kind}-{args.codes}.segment")
            before = time.perf_counter()
            subprocess.run([args.ours, "index", "build", "--raw", db, "--out", segment, "--threads", str(args.threads)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            print(f"file built in {time.perf_counter() - before:.2f} s ({args.threads} threads), {os.path.getsize(segment) / args.codes:.2f} bytes a code")
            more = ["--segment", segment]

        def ours(count, *flags):
            run = subprocess.run([args.ours, "bench", "match", db, q, str(count), *more, *flags], capture_output=True, text=True, check=True)
            figures = {key: float(value) for key, value in re.findall(r"(\w+)=([0-9.eE+-]+)", run.stderr)}
            matches = {tuple(map(int, line.split()[:2])) for line in run.stdout.splitlines()}
            return figures, matches

        rates, figures, sets = {"single": [], "batch": []}, [], set()
        for _ in range(args.rounds):
            for way, flags in (("single", []), ("batch", ["--batch"])):
                run, matches = ours(QUERIES, *flags)
                rates[way].append(QUERIES / run["search_cpu_s"])
                figures.append(run)
                sets.add(frozenset(matches))
        middle = lambda key: st.median(run[key] for run in figures)
        low_high = lambda values: f"{st.median(values):,.0f} ({min(values):,.0f}-{max(values):,.0f})"
        print(f"{args.kind} {args.codes:,} codes, {QUERIES:,} distinct queries, {len(next(iter(sets))):,} matches, the same in all runs: {len(sets) == 1}")
        print(f"queries a CPU second: one by one {low_high(rates['single'])}, batched {low_high(rates['batch'])}")
        print(f"a query: {middle('probes'):,.0f} buckets, {middle('entries'):,.0f} entries, {middle('verified'):,.1f} codes compared in full, {middle('scanned'):,.0f} scanned")
        what = "opening" if args.file else "build"
        print(f"{what}: {middle('build_cpu_s'):.3f} s of CPU, {1e6 * middle('build_cpu_s') / args.codes:.3f} µs a code, {1000 * middle('build_wall_s'):,.1f} ms; resident {middle('resident_bytes_per_code'):.1f} bytes a code")
        equal = len(sets) == 1
        if args.peer:
            equal &= peer(args, db, q, ours)
    return 0 if equal else 1


def peer(args, db, q, ours):
    """FAISS flat, in turn with ours."""
    try:
        import faiss
    except ImportError:
        print("peer skipped: faiss is not installed; see bench/requirements.txt")
        return True
    faiss.omp_set_num_threads(1)
    index = faiss.IndexBinaryFlat(256)
    index.add(np.fromfile(db, np.uint8).reshape(-1, 32))
    queries = np.fromfile(q, np.uint8).reshape(-1, 32)[:100]
    ratios, equal = [], True
    for _ in range(args.rounds):
        run, mine = ours(100)
        before = time.process_time()
        limits, _, ids = index.range_search(queries, 32)
        theirs_s = time.process_time() - before
        theirs = {(i, int(ids[k])) for i in range(100) for k in range(limits[i], limits[i + 1])}
        equal &= mine == theirs
        ratios.append(theirs_s / run["search_cpu_s"])
    print(f"FAISS flat, 100 queries, in turn: {st.median(ratios):,.0f} times ({min(ratios):,.0f}-{max(ratios):,.0f}), sets equal {equal}")
    return equal


if __name__ == "__main__":
    sys.exit(main())
