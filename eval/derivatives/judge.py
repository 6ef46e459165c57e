#!/usr/bin/env python3
"""Judges what a program found in a set: recall per transform, false positives per kind of distractor, layer by layer.

    judge.py TRUTH RESULTS [--json FILE] [--at-most-bits 31] [--at-least-inliers 8]

TRUTH is the set's truth.csv. RESULTS is NDJSON, one object a picture with `path`, `matches` (`entry`, `layer`, `distance_bits`, `inliers`, ...) and `state`;
or CSV with path, ref and, if known, distance and layer, several rows a path allowed. Needs nothing but Python.

A query counts as found when any match names its reference. A picture that could not be read, or that the results do not mention (NDJSON), is no miss and no
success: it is counted in a column of its own, and recall is over the others; `recall of all` counts it as not found.
"""

import argparse
import collections
import csv
import json
import math
import os
import random
import sys

LAYER_WORDS = {"exact": 0, "whole": 1, "region": 2, "regions": 2, "feature": 3, "features": 3, "learned": 4}


def layer_rank(layer):
    """Cheaper layers first; a layer without a name comes last."""
    text = str(layer).lower().lstrip("l")
    return int(text) if text.isdigit() else LAYER_WORDS.get(text, 9)


def wilson(hits, total, z=1.96):
    """The 95 % interval of a share (Wilson 1927): holds at 0 and at all of few."""
    if not total:
        return (0.0, 1.0)
    share, spread = hits / total, z * z / total
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / total + spread / (4 * total)) / (1 + spread)
    return (max(0.0, middle - half), min(1.0, middle + half))


def stem(entry):
    """The reference a match names: an object's name, a path or a plain name, without folder and extension."""
    if isinstance(entry, dict):
        entry = next((entry[key] for key in ("name", "file", "path", "entry", "id") if entry.get(key)), "")
    name = str(entry or "").replace("\\", "/").rsplit("/", 1)[-1]
    base, extension = os.path.splitext(name)
    return base if extension.lower() in (".jpg", ".jpeg", ".png", ".webp") else name


def place(path, base, known):
    """The path as the truth writes it: relative to the set, with forward slashes; None if it is no path of the set."""
    path = path.replace("\\", "/")
    for tried in (path, os.path.relpath(path, base).replace(os.sep, "/") if os.path.isabs(path) else path.removeprefix("./")):
        if tried in known:
            return tried
    parts = path.split("/")
    return next(("/".join(parts[i:]) for i in range(len(parts)) if "/".join(parts[i:]) in known), None)


def unreadable_reason(record):
    """Why a picture has no answer, or None: the state is a word or an object of one key."""
    state = record.get("state")
    if isinstance(state, dict) and "unreadable" in state:
        return json.dumps(state["unreadable"])
    if state == "unreadable" or record.get("unreadable"):
        return str(record.get("reason") or record.get("unreadable") or "unreadable")
    return None


def read_results(path, base, known, bits=None, inliers=None):
    """(matches by path, reasons by path, paths mentioned, lines that fit nothing); a match is (ref, layer, distance, inliers)."""
    matches, reasons, mentioned, strange = collections.defaultdict(list), {}, set(), 0

    def add(where, ref, layer, distance, count):
        close = bits is None or distance is None or distance <= bits
        firm = inliers is None or count is None or count >= inliers
        if ref and close and firm:
            matches[where].append((ref, str(layer if layer is not None else ""), distance, count))

    with open(path, newline="") as file:
        if path.endswith(".csv"):
            for row in csv.DictReader(file):
                where = place(row["path"], base, known)
                if where is None:
                    strange += 1
                    continue
                mentioned.add(where)
                distance = row.get("distance")
                add(where, stem(row.get("ref")), row.get("layer"), float(distance) if distance else None, None)
            return matches, reasons, known, strange
        for line in file:
            if not line.strip():
                continue
            record = json.loads(line)
            where = place(record["path"], base, known) if isinstance(record.get("path"), str) else None
            if where is None:
                strange += 1
                continue
            mentioned.add(where)
            reason = unreadable_reason(record)
            if reason:
                reasons[where] = reason
            for match in record.get("matches") or []:
                add(where, stem(match.get("entry")), match.get("layer"), match.get("distance_bits"), match.get("inliers"))
    return matches, reasons, mentioned, strange


def macro_interval(cells, references, rounds=1000):
    """The macro mean over transforms and its 95 % interval, references drawn anew with replacement `rounds` times.

    `cells` is {transform: {reference: 0 or 1}}; absent cells count nowhere.
    """

    def mean(weights):
        shares = []
        for row in cells.values():
            weight = sum(weights[r] for r in row)
            if weight:
                shares.append(sum(weights[r] * hit for r, hit in row.items()) / weight)
        return sum(shares) / len(shares) if shares else 0.0

    chance, drawn = random.Random(1), []
    for _ in range(rounds):
        drawn.append(mean(collections.Counter(chance.choices(references, k=len(references)))))
    drawn.sort()
    return mean(collections.Counter(references)), (drawn[int(0.025 * rounds)], drawn[min(rounds - 1, int(0.975 * rounds))]) if drawn else (0.0, 1.0)


def judge(truth_path, results_path, bits=None, inliers=None, rounds=1000):
    """All counts, as one object for --json; see `markdown` for what each means."""
    base = os.path.dirname(os.path.abspath(truth_path))
    with open(truth_path, newline="") as file:
        truth = [row for row in csv.DictReader(file) if row["kind"] in ("query", "distractor")]
    classes = {}
    if os.path.exists(os.path.join(base, "classes.json")):
        with open(os.path.join(base, "classes.json")) as file:
            classes = json.load(file)
    known = {row["path"] for row in truth}
    matches, reasons, mentioned, strange = read_results(results_path, base, known, bits, inliers)
    transforms, kinds = {}, {}
    cells, by_layer = collections.defaultdict(dict), collections.defaultdict(lambda: collections.defaultdict(dict))
    wrong, false = [], []
    layers = sorted({layer for found in matches.values() for _, layer, _, _ in found}, key=lambda name: (layer_rank(name), name))
    for row in truth:
        path, found = row["path"], matches.get(row["path"], [])
        table = transforms if row["kind"] == "query" else kinds
        entry = table.setdefault(row["transform"], {"files": 0, "hits": 0, "unreadable": 0, "absent": 0, "first_layer": collections.Counter(), "wrong_reference": 0})
        entry["files"] += 1
        if path not in mentioned:
            entry["absent"] += 1
            continue
        if path in reasons and not found:
            entry["unreadable"] += 1
            continue
        right = [m for m in found if m[0] == row["ref"]] if row["kind"] == "query" else found
        first = min(right, key=lambda m: layer_rank(m[1])) if right else None
        if first:
            entry["hits"] += 1
            entry["first_layer"][first[1]] += 1
        if row["kind"] == "query":
            cells[row["transform"]][row["ref"]] = int(bool(first))
            for layer in layers:
                by_layer[layer][row["transform"]][row["ref"]] = int(bool(first) and layer_rank(first[1]) <= layer_rank(layer))
            others = sorted({(m[0], m[1]) for m in found if m[0] != row["ref"]})
            if others:
                entry["wrong_reference"] += 1
                wrong.append({"path": path, "named": others[0][0], "layer": others[0][1]})
        elif first:
            false.append({"path": path, "named": first[0], "layer": first[1], "distance_bits": first[2], "inliers": first[3]})
    for entry in list(transforms.values()) + list(kinds.values()):
        judged = entry["files"] - entry["unreadable"] - entry["absent"]
        entry.update(judged=judged, share=entry["hits"] / judged if judged else None, interval=wilson(entry["hits"], judged), share_of_all=entry["hits"] / entry["files"])
        entry["first_layer"] = dict(sorted(entry["first_layer"].items(), key=lambda item: layer_rank(item[0])))
    for name, entry in transforms.items():
        entry["class"] = classes.get(name, "")
    references = sorted({row["ref"] for row in truth if row["kind"] == "query"})
    macro, interval = macro_interval(cells, references, rounds)
    return {
        "references": len(references), "queries": sum(t["files"] for t in transforms.values()), "distractors": sum(k["files"] for k in kinds.values()),
        "macro_recall": macro, "macro_interval": interval, "macro_recall_of_all": sum(t["share_of_all"] for t in transforms.values()) / max(1, len(transforms)),
        "macro_up_to_layer": {layer: macro_interval(by_layer[layer], references, 1)[0] for layer in layers},
        "transforms": transforms, "distractor_kinds": kinds, "false_positives": false, "wrong_references": wrong,
        "unreadable": dict(sorted(reasons.items())), "absent": sorted(known - mentioned), "lines_of_no_picture": strange,
    }


def layer_text(counts):
    return ", ".join(f"{name or 'unnamed'} {count}" for name, count in counts.items()) or "-"


def percent(share):
    return "-" if share is None else f"{100 * share:.1f}"


def markdown(result, show=20):
    """The report as Markdown."""
    low, high = result["macro_interval"]
    unread, absent = len(result["unreadable"]), len(result["absent"])
    out = [
        f"{result['references']} references, {result['queries']} queries, {result['distractors']} distractors.", "",
        f"**Macro recall {percent(result['macro_recall'])} %** (95 % interval over references {percent(low)} to {percent(high)}); "
        f"{len(result['false_positives'])} of {result['distractors']} distractors matched; {len(result['wrong_references'])} queries named a wrong reference.", "",
    ]
    if unread or absent:
        out += [f"**{unread} pictures unreadable, {absent} not in the results**: in no recall below; counted as not found, macro recall is {percent(result['macro_recall_of_all'])} %.", ""]
    if len(result["macro_up_to_layer"]) > 1:
        out += ["| up to layer | macro recall % |", "|---|---|"] + [f"| {name or 'unnamed'} | {percent(share)} |" for name, share in result["macro_up_to_layer"].items()] + [""]
    out += ["| class | transform | judged | found | recall % | 95 % interval | found first by | wrong reference | unreadable | absent |", "|---|---|---|---|---|---|---|---|---|---|"]
    for name, t in result["transforms"].items():
        out.append(f"| {t['class']} | {name} | {t['judged']} | {t['hits']} | {percent(t['share'])} | {percent(t['interval'][0])} to {percent(t['interval'][1])} | {layer_text(t['first_layer'])} | {t['wrong_reference']} | {t['unreadable']} | {t['absent']} |")
    groups = collections.defaultdict(list)
    for t in result["transforms"].values():
        if t["share"] is not None:
            groups[t["class"]].append(t["share"])
    if set(groups) - {""}:
        out += ["", "| class | transforms | mean recall % |", "|---|---|---|"] + [f"| {name} | {len(shares)} | {percent(sum(shares) / len(shares))} |" for name, shares in groups.items()]
    out += ["", "| distractors | judged | matched | per 1000 | 95 % interval | first by | unreadable | absent |", "|---|---|---|---|---|---|---|---|"]
    for name, k in result["distractor_kinds"].items():
        out.append(f"| {name} | {k['judged']} | {k['hits']} | {1000 * (k['share'] or 0):.1f} | {1000 * k['interval'][0]:.1f} to {1000 * k['interval'][1]:.1f} | {layer_text(k['first_layer'])} | {k['unreadable']} | {k['absent']} |")
    for title, rows in (("False positives", result["false_positives"]), ("Wrong references", result["wrong_references"])):
        if rows:
            out += ["", f"{title}, {min(show, len(rows))} of {len(rows)}:", ""]
            out += [f"* {row['path']}: {row['named']}, layer {row['layer'] or '?'}" + "".join(f", {row[key]} {word}" for key, word in (("distance_bits", "bits"), ("inliers", "inliers")) if row.get(key) is not None) for row in rows[:show]]
    if unread:
        counts = collections.Counter(result["unreadable"].values())
        out += ["", "Unreadable, by reason:", ""] + [f"* {count}: {reason}" for reason, count in counts.most_common(show)]
    if result["lines_of_no_picture"]:
        out += ["", f"{result['lines_of_no_picture']} lines of the results name no picture of the set."]
    return "\n".join(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("truth")
    parser.add_argument("results")
    parser.add_argument("--json", metavar="FILE", help="write all counts here as well")
    parser.add_argument("--at-most-bits", type=float, metavar="N", help="judge as if matches farther than N bits had not been made")
    parser.add_argument("--at-least-inliers", type=int, metavar="N", help="judge as if matches on fewer than N inliers had not been made")
    parser.add_argument("--show", type=int, default=20, help="how many false positives to list")
    asked = parser.parse_args()
    result = judge(asked.truth, asked.results, asked.at_most_bits, asked.at_least_inliers)
    if asked.json:
        with open(asked.json, "w") as file:
            json.dump(result, file, indent=1)
    sys.stdout.write(markdown(result, asked.show) + "\n")


if __name__ == "__main__":
    main()
