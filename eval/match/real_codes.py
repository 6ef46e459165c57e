#!/usr/bin/env python3
"""The radius search on PDQ hashes of real pictures against comparing everything with everything.

  real_codes.py PROGRAM FOLDER [PICTURES]

Hashes up to PICTURES (300) JPEG and PNG files below FOLDER in their eight symmetries, then searches all codes for all, at radii
31, 48 and 64, in two layouts, one by one and batched. Exit 1 if any set of matches differs. Needs numpy.
"""
import json, os, subprocess, sys, tempfile

try:
    import numpy as np
except ImportError:
    sys.exit("skipped: numpy is not installed; see bench/requirements.txt")
if len(sys.argv) < 3:
    sys.exit(__doc__)
program, folder = os.path.abspath(sys.argv[1]), sys.argv[2]
if not os.path.isdir(folder):
    sys.exit(f"skipped: {folder} is not there")
files = sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names if name.lower().endswith((".jpg", ".png")))
files = files[: int(sys.argv[3]) if len(sys.argv) > 3 else 300]
codes = set()
for line in subprocess.run([program, "hash", "--dihedral", "--format", "ndjson", *files], capture_output=True, text=True).stdout.splitlines():
    forms = json.loads(line)["signals"].get("pdq_dihedral") or []
    codes |= {bytes.fromhex(form) for form in (forms.values() if isinstance(forms, dict) else forms)}
codes = np.frombuffer(b"".join(sorted(codes)), np.uint8).reshape(-1, 32)
if not len(codes):
    sys.exit("skipped: no picture below the folder has a hash")
bits = np.unpackbits(codes, axis=1).astype(np.int32)
distances = bits.sum(1)[:, None] + bits.sum(1)[None, :] - 2 * bits @ bits.T
differ = False
with tempfile.TemporaryDirectory() as temporary:
    raw = os.path.join(temporary, "codes")
    codes.tofile(raw)
    for radius in (31, 48, 64):
        expected = {(i, j, int(distances[i, j])) for i, j in zip(*np.where(distances <= radius))}
        for widths in (",".join(["16"] * 16), "21,18,21,19,21,18,21,19,21,19,21,18,19"):
            for way in ([], ["--batch"]):
                run = subprocess.run([program, "bench", "match", raw, raw, str(len(codes)), "--radius", str(radius), "--widths", widths, *way], capture_output=True, text=True, check=True)
                found = {tuple(map(int, line.split())) for line in run.stdout.splitlines()}
                differ |= found != expected
                print(f"{len(codes)} codes, radius {radius}, {widths.count(',') + 1} tables, {'batched' if way else 'one by one'}: {len(expected)} matches, equal {found == expected}")
sys.exit(differ)
