#!/usr/bin/env python3
"""Runs a program over a set, judges what it found and says what each layer cost.

    run.py PROGRAM --set DIR --layers 1 1,2 1,2,3 [--every 4] [--out DIR] [-- MORE ARGUMENTS]
    run.py PROGRAM --set DIR --layers 1,2,3 1,2,3,4 --descriptor FILE.toml [--background FILE]

For each choice of layers: PROGRAM match FILES --known DIR/refs --layers L --format ndjson, in the set's folder. CPU time is the user and system time of the
process and of the children it waited for, as the kernel counts it (wait4); that of a run over one picture, mostly the reading of the references, is taken off.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import time
import zlib

from judge import judge, markdown, percent

# Well below the kernel's limit on the length of a command line.
COMMAND_BYTES = 1_000_000


def batches(paths):
    batch, size = [], 0
    for path in paths:
        if size + len(path) + 9 > COMMAND_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(path)
        size += len(path) + 9
    if batch:
        yield batch


def run_once(program, folder, paths, layers, more, target):
    """Appends the program's output to `target`; returns (CPU seconds, wall seconds, peak resident bytes)."""
    cpu = wall = peak = 0.0
    for batch in batches(paths):
        command = [program, "match", *batch, "--known", "refs", "--layers", layers, "--format", "ndjson", *more]
        started = time.monotonic()
        child = subprocess.Popen(command, cwd=folder, stdout=target)
        _, status, used = os.wait4(child.pid, 0)
        wall += time.monotonic() - started
        # Exit status 1 says that something matched.
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode not in (0, 1):
            raise SystemExit(f"{' '.join(command[:2])} ... --layers {layers} ended with {child.returncode}")
        cpu += used.ru_utime + used.ru_stime
        peak = max(peak, used.ru_maxrss * 1024)
    return cpu, wall, peak


def main():
    arguments, more = sys.argv[1:], []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, more = arguments[:cut], arguments[cut + 1 :]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--set", required=True, metavar="DIR", help="folder with truth.csv")
    parser.add_argument("--layers", nargs="+", default=["1", "1,2", "1,2,3"])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only one of N queries and distractors, chosen by a digest of the path")
    parser.add_argument("--out", help="where results and reports are kept; the set's folder by default")
    parser.add_argument("--descriptor", metavar="FILE.toml", help="your own model, for layer 4")
    parser.add_argument("--background", metavar="FILE", help="unrelated pictures by that model (lodestone eval background)")
    asked = parser.parse_args(arguments)
    # Runs are in the set's folder; runs without layer 4 are run as they would be without a model.
    fourth = [word for name in ("descriptor", "background") if getattr(asked, name) for word in (f"--{name}", os.path.abspath(getattr(asked, name)))]
    if any("4" in layers.split(",") for layers in asked.layers) and not asked.descriptor:
        parser.error("layer 4 needs --descriptor")
    program = os.path.abspath(asked.program) if os.path.exists(asked.program) else asked.program
    out = os.path.abspath(asked.out or asked.set)
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(asked.set, "truth.csv"), newline="") as file:
        rows = list(csv.reader(file))
    # By a digest of the path, for every Nth row would be the same few references in each transform.
    kept = [row for row in rows[1:] if row[1] == "ref" or zlib.crc32(row[0].encode()) % asked.every == 0]
    truth = os.path.join(asked.set, "truth.csv")
    if asked.every > 1:
        truth = os.path.join(asked.set, f"truth.every{asked.every}.csv")
        with open(truth, "w", newline="") as file:
            csv.writer(file).writerows([rows[0]] + kept)
    paths = [row[0] for row in kept if row[1] != "ref"]
    lines, before = [], 0.0
    for layers in asked.layers:
        name = layers.replace(",", "")
        with_model = [*more, *fourth] if "4" in layers.split(",") else more
        with open(os.devnull, "wb") as nowhere:
            fixed, _, _ = run_once(program, asked.set, paths[:1], layers, with_model, nowhere)
        results = os.path.join(out, f"results.{name}.ndjson")
        with open(results, "wb") as target:
            cpu, wall, peak = run_once(program, asked.set, paths, layers, with_model, target)
        each = 1000 * (cpu - fixed) / max(1, len(paths) - 1)
        result = judge(truth, results)
        with open(os.path.join(out, f"report.{name}.json"), "w") as file:
            json.dump(result, file, indent=1)
        with open(os.path.join(out, f"report.{name}.md"), "w") as file:
            file.write(markdown(result) + "\n")
        low, high = result["macro_interval"]
        lines.append(
            f"| {layers} | {percent(result['macro_recall'])} ({percent(low)} to {percent(high)}) | {len(result['false_positives'])} of {result['distractors']} | "
            f"{len(result['wrong_references'])} | {len(result['unreadable'])} | {len(result['absent'])} | {each:.2f} | {each - before:+.2f} | {fixed:.2f} | {wall:.1f} | {peak / 2**20:.0f} |"
        )
        before = each
    print(f"{len(paths)} pictures, {sum(1 for row in kept if row[1] == 'ref')} references; reports in {out}\n")
    print("| layers | macro recall % (95 %) | distractors matched | wrong reference | unreadable | absent | CPU ms a picture | more than the row above | CPU s before the first | wall s | peak MiB of one process |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    print("\n".join(lines))


if __name__ == "__main__":
    if not hasattr(os, "wait4"):
        raise SystemExit("needs a system with wait4 (Linux, macOS)")
    main()
