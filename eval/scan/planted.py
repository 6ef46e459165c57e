#!/usr/bin/env python3
"""planted.py PROGRAM FOLDER: hashes every second file of FOLDER, makes lists of them (PDQ text and MD5), scans the whole
folder against each, and checks that all planted files are found at 0 bits and that every other match is a true one.

FOLDER holds derivatives of its own pictures. A match between files whose names do not begin alike is printed as a pair
of paths, for a person to judge.
"""
import collections
import json
import pathlib
import re
import subprocess
import sys
import tempfile

program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
if not folder.is_dir():
    print(f"skipped: there is no folder {folder}")
    sys.exit(0)


def lines(*arguments):
    out = subprocess.run([program, *map(str, arguments), "--format", "ndjson"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    return [json.loads(line) for line in out.stdout.splitlines()]


def files(records):
    return {record["path"]: record for record in records if record["kind"] == "file"}


def family(path):
    """What names in ../shared/corpus share when one picture was made from the other: eight digits of the origin's SHA-256;
    all fixtures were made from one photo."""
    path = pathlib.PurePath(path)
    origin = re.match(r"[0-9a-f]{8}", path.name)
    return origin.group() if origin else path.parent.name


everything = files(lines("scan", folder))
paths = sorted(path for path in everything if "!/" not in path)
half = paths[::2]
hashed = {record["path"]: record for record in lines("hash", *half)}
failed = False
with tempfile.TemporaryDirectory() as work:
    work = pathlib.Path(work)
    entries = {}
    with open(work / "half.pdq", "w") as out:
        for path in half:
            signals = hashed[path]["signals"]
            if signals["pdq"] and signals["pdq_quality"] >= 50:
                out.write(f"{signals['pdq']},{signals['pdq_quality']},{path}\n")
                entries[path] = signals["pdq"]
    (work / "half.md5").write_text("".join(f"{hashed[p]['signals']['md5']}\n" for p in half if hashed[p]["signals"]["md5"]))
    for name, planted in (("half.md5", [p for p in half if hashed[p]["signals"]["md5"]]), ("half.pdq", list(entries))):
        kind = name.split(".")[1]
        first, second = (lines("scan", folder, "--known", f"{kind}:{work / name}") for _ in range(2))
        same = first == second
        records = files(first)
        found = [p for p in planted if records[p]["state"] == "known"
                 and min(m["distance_bits"] for m in records[p]["matches"]) == 0]
        missing = sorted(set(planted) - set(found))
        near, strange = collections.Counter(), 0
        for path, record in sorted(records.items()):
            if path in planted:
                continue
            for match in record["matches"]:
                near[match["distance_bits"], match["transform"]["kind"]] += 1
                other = planted[int(match["entry"]) - 1]
                if family(path) != family(other):
                    strange += 1
                    print(f"  {match['distance_bits']:2} bits, {match['transform']['kind']}: {path}  {other}")
        print(f"{name}: {len(found)} of {len(planted)} planted found at 0 bits; {len(records)} files and members, "
              f"{len(set(everything) - set(records))} not accounted for; {sum(near.values())} further matches, {strange} of them between names of different origin; "
              f"two runs {'the same' if same else 'DIFFER'}")
        failed |= bool(missing) or not same or set(everything) != set(records)
        for path in missing:
            print("  not found:", path)
sys.exit(failed)
