"""The judge's arithmetic on made-up results, and the runner on a made-up program. Needs nothing but Python."""

import contextlib
import csv
import io
import json
import os
import stat
import sys
import tempfile
import unittest
from unittest import mock

import judge
import run

ROWS = [
    ("refs/a.jpg", "ref", "", "a"), ("refs/b.jpg", "ref", "", "b"),
    ("queries/crop/a.jpg", "query", "crop", "a"), ("queries/crop/b.jpg", "query", "crop", "b"),
    ("queries/grey/a.jpg", "query", "grey", "a"), ("queries/grey/b.png", "query", "grey", "b"),
    ("distractors/photo/0000.jpg", "distractor", "photo", ""), ("distractors/photo/0001.jpg", "distractor", "photo", ""),
    ("distractors/chart/0000.jpg", "distractor", "chart", ""),
]


def match(entry, layer, bits=None, inliers=None):
    return {"entry": entry, "layer": layer, "distance_bits": bits, "inliers": inliers}


RECORDS = [
    {"path": "queries/crop/a.jpg", "matches": [match("a.jpg", 3, None, 20), match("b.jpg", 2, 30)]},
    {"path": "queries/crop/b.jpg", "matches": []},
    {"path": "./queries/grey/a.jpg", "matches": [match("refs/a.jpg", 2, 12), match("a", 1, 4)]},
    {"path": "queries/grey/b.png", "state": "unreadable", "reason": "decode/truncated", "matches": []},
    {"path": "distractors/photo/0000.jpg", "matches": [match("b.jpg", 3, None, 8)]},
    {"path": "distractors/photo/0001.jpg", "matches": []},
    {"path": "elsewhere/x.jpg", "matches": []},
]


class Judged(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.truth = os.path.join(self.folder.name, "truth.csv")
        with open(self.truth, "w", newline="") as file:
            csv.writer(file).writerows([("path", "kind", "transform", "ref"), *ROWS])

    def results(self, records, name="results.ndjson"):
        path = os.path.join(self.folder.name, name)
        with open(path, "w") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)
        return path

    def test_a_query_is_found_by_any_match_that_names_its_reference(self):
        result = judge.judge(self.truth, self.results(RECORDS))
        self.assertEqual(result["transforms"]["crop"]["hits"], 1)
        self.assertEqual(result["transforms"]["crop"]["share"], 0.5)
        self.assertEqual(result["transforms"]["crop"]["wrong_reference"], 1)

    def test_the_cheapest_layer_counts_as_the_first_whatever_the_order(self):
        result = judge.judge(self.truth, self.results(RECORDS))
        self.assertEqual(result["transforms"]["grey"]["first_layer"], {"1": 1})
        self.assertEqual(result["macro_up_to_layer"], {"1": 0.5, "2": 0.5, "3": 0.75})

    def test_unreadable_and_absent_pictures_are_neither_found_nor_missed(self):
        result = judge.judge(self.truth, self.results(RECORDS))
        grey = result["transforms"]["grey"]
        self.assertEqual((grey["judged"], grey["unreadable"], grey["share"], grey["share_of_all"]), (1, 1, 1.0, 0.5))
        self.assertEqual(result["absent"], ["distractors/chart/0000.jpg"])
        self.assertIsNone(result["distractor_kinds"]["chart"]["share"])
        self.assertEqual(result["macro_recall"], 0.75)
        self.assertEqual(result["macro_recall_of_all"], 0.5)
        self.assertIn("1 pictures unreadable, 1 not in the results", judge.markdown(result))

    def test_unreadable_as_an_object_is_understood(self):
        self.assertIn("too_big", judge.unreadable_reason({"state": {"unreadable": {"stage": "decode", "reason": "too_big"}}}))
        self.assertIsNone(judge.unreadable_reason({"state": "known"}))

    def test_false_positives_are_counted_by_kind_with_what_made_them(self):
        result = judge.judge(self.truth, self.results(RECORDS))
        self.assertEqual(result["distractor_kinds"]["photo"]["hits"], 1)
        self.assertEqual(result["false_positives"], [{"path": "distractors/photo/0000.jpg", "named": "b", "layer": "3", "distance_bits": None, "inliers": 8}])

    def test_stricter_thresholds_take_matches_away(self):
        path = self.results(RECORDS)
        self.assertEqual(judge.judge(self.truth, path, inliers=9)["false_positives"], [])
        self.assertEqual(judge.judge(self.truth, path, bits=3)["transforms"]["grey"]["hits"], 0)

    def test_lines_of_no_picture_are_counted(self):
        self.assertEqual(judge.judge(self.truth, self.results(RECORDS))["lines_of_no_picture"], 1)

    def test_absolute_paths_are_those_of_the_set(self):
        records = [{"path": os.path.join(self.folder.name, "queries", "crop", "b.jpg"), "matches": [match("b.jpg", 1)]}]
        self.assertEqual(judge.judge(self.truth, self.results(records))["transforms"]["crop"]["hits"], 1)

    def test_a_csv_of_matches_alone_is_judged_with_the_rest_as_not_found(self):
        path = os.path.join(self.folder.name, "results.csv")
        with open(path, "w", newline="") as file:
            csv.writer(file).writerows([("path", "ref", "distance", "layer"), ("queries/crop/a.jpg", "a", "3", "1"), ("distractors/chart/0000.jpg", "a", "", "2")])
        result = judge.judge(self.truth, path)
        self.assertEqual((result["macro_recall"], result["absent"], len(result["false_positives"])), (0.25, [], 1))

    def test_the_intervals_are_those_of_the_books(self):
        low, high = judge.wilson(81, 263)
        self.assertAlmostEqual(low, 0.2553, places=3)  # Newcombe 1998, table I, method 3
        self.assertAlmostEqual(high, 0.3662, places=3)
        low, high = judge.wilson(0, 20)
        self.assertEqual(low, 0.0)
        self.assertAlmostEqual(high, 0.1611, places=3)

    def test_the_macro_interval_is_of_no_width_where_all_references_fare_alike(self):
        cells = {"x": {"a": 1, "b": 1}, "y": {"a": 0, "b": 0}}
        self.assertEqual(judge.macro_interval(cells, ["a", "b"]), (0.5, (0.5, 0.5)))

    def test_the_macro_interval_spans_references_that_fare_differently(self):
        cells = {"x": {"a": 1, "b": 0}, "y": {"a": 1, "b": 0}}
        self.assertEqual(judge.macro_interval(cells, ["a", "b"]), (0.5, (0.0, 1.0)))

    def test_the_runner_runs_judges_and_reports_each_choice_of_layers(self):
        program = os.path.join(self.folder.name, "program")
        with open(program, "w") as file:
            file.write(f"""#!{sys.executable}
import json, os, sys
layers = sys.argv[sys.argv.index("--layers") + 1]
for path in sys.argv[2:sys.argv.index("--known")]:
    name, layer = os.path.basename(path), "2" if "crop" in path else "1"
    found = path.startswith("queries") and layer in layers
    print(json.dumps({{"path": path, "matches": [{{"entry": name, "layer": layer}}] if found else []}}))
sys.exit(1)
""")
        os.chmod(program, os.stat(program).st_mode | stat.S_IXUSR)
        said, arguments = io.StringIO(), ["run.py", program, "--set", self.folder.name, "--layers", "1", "1,2"]
        with mock.patch.object(sys, "argv", arguments), contextlib.redirect_stdout(said):
            run.main()
        with open(os.path.join(self.folder.name, "report.1.json")) as file:
            self.assertEqual(json.load(file)["macro_recall"], 0.5)
        with open(os.path.join(self.folder.name, "report.12.json")) as file:
            self.assertEqual(json.load(file)["macro_recall"], 1.0)
        self.assertIn("| 1,2 | 100.0", said.getvalue())

    def test_a_program_that_fails_stops_the_run(self):
        arguments = ["run.py", "false", "--set", self.folder.name, "--layers", "1", "--out", self.folder.name]
        with mock.patch.object(sys, "argv", arguments), mock.patch.object(run, "run_once", side_effect=SystemExit("ended with 2")):
            with self.assertRaises(SystemExit):
                run.main()

    def test_long_lists_of_paths_are_run_in_batches(self):
        paths = [f"queries/{n:040}.jpg" for n in range(60000)]
        parts = list(run.batches(paths))
        self.assertGreater(len(parts), 1)
        self.assertEqual([path for part in parts for path in part], paths)


if __name__ == "__main__":
    unittest.main()
