"""The generator on small drawn pictures. Skipped, with a line that says so, where Pillow or numpy is missing."""

import csv
import json
import os
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
    from PIL import Image

    import catalogue
    import geometry
    import pictures
    from draw import Draw, smooth_noise, to_picture
    from drawings import DRAWINGS

    MISSING = None
except ImportError as error:
    MISSING = f"the generator needs Pillow and numpy: {error}"
    print(f"skipped: {MISSING}", file=sys.stderr)

HERE = os.path.dirname(os.path.abspath(__file__))


def scene(number, width=240, height=180):
    """A smooth drawn scene, unlike those of other numbers."""
    draw = Draw(f"test/{number}")
    rng = draw.arrays()
    fields = [smooth_noise(rng, width, height, 7) for _ in range(3)]
    return to_picture(128 + 55 * np.stack(fields, -1))


@unittest.skipIf(MISSING, MISSING)
class Made(unittest.TestCase):
    def world(self):
        return pictures.World(3, [scene(n) for n in range(100, 114)])

    def test_there_are_more_than_sixty_three_transforms_and_each_draws_a_picture(self):
        self.assertGreaterEqual(len(catalogue.TRANSFORMS), 63)
        world, source = self.world(), scene(1)
        for name, (_, function, _) in catalogue.TRANSFORMS.items():
            with self.subTest(name):
                made = function(source.copy(), Draw(f"t/{name}"), world)
                self.assertGreaterEqual(min(made.size), 16)

    def test_a_picture_depends_on_its_key_alone(self):
        world, source = self.world(), scene(1)
        for name in ("img2img_mid", "collage3x3", "chat", "sticker20", "screen_photo"):
            function = catalogue.TRANSFORMS[name][1]
            one, same, other = (function(source.copy(), Draw(key), world) for key in ("k", "k", "l"))
            self.assertEqual(one.tobytes(), same.tobytes(), name)
            self.assertNotEqual(one.tobytes(), other.tobytes(), name)

    def test_every_drawing_draws(self):
        world = self.world()
        for kind, functions in DRAWINGS.items():
            for function in functions:
                for number in range(3):
                    self.assertGreaterEqual(min(function(Draw(f"{kind}/{number}"), world).size), 16)

    def test_crops_keep_what_their_name_says(self):
        world, source = self.world(), scene(1, 600, 400)
        for cut in (10, 20, 30, 40, 50, 60, 70):
            for number in range(20):
                made = catalogue.TRANSFORMS[f"crop{cut}"][1](source, Draw(f"{cut}/{number}"), world)
                kept = made.width * made.height / (600 * 400)
                self.assertAlmostEqual(kept, 1 - cut / 100, delta=0.04)

    def test_the_reference_is_seen_in_every_layout(self):
        """A reference of one colour that nothing else has covers its share of every layout, whatever its shape."""
        world = pictures.World(3, [scene(n).convert("L").convert("RGB") for n in range(100, 114)])
        least = {"collage3x3": 0.05, "pip_small": 0.02, "pip_large": 0.06, "film_strip": 0.15, "shot_of_shot": 0.025, "chat": 0.08, "phone_light": 0.08, "phone_dark": 0.08, "desktop": 0.08, "collage_mixed": 0.04, "mirror_phone": 0.08}
        layouts = [name for name, (kind, _, _) in catalogue.TRANSFORMS.items() if kind in ("bars", "frame", "blurred background", "collage", "screen", "picture in picture", "caption")]
        for name in layouts + ["shot_of_shot", "mirror_phone"]:
            for number, shape in enumerate(((640, 427), (427, 640), (640, 300), (300, 640), (500, 500))):
                made = catalogue.TRANSFORMS[name][1](Image.new("RGB", shape, (255, 0, 255)), Draw(f"{name}/{number}"), world)
                red, green, blue = np.moveaxis(np.asarray(made, np.int32), 2, 0)
                seen = ((red - green > 90) & (blue - green > 90)).mean()
                self.assertGreater(seen, least.get(name, 0.12), f"{name} {shape}")

    def test_inpainting_changes_the_share_it_says(self):
        import edits

        for share in (0.1, 0.25, 0.4):
            mask = np.asarray(edits.blob(Draw(f"m/{share}"), 400, 300, share))
            self.assertAlmostEqual((mask > 0).mean(), share, delta=0.01)

    def test_the_largest_box_in_a_turned_one_touches_no_corner(self):
        white = Image.new("L", (300, 200), 255)
        for degrees in (3, 8, 15):
            turned = white.rotate(degrees, expand=True, resample=Image.BICUBIC)
            width, height = geometry.largest_box(300, 200, np.deg2rad(degrees))
            left, top = (turned.width - width) / 2, (turned.height - height) / 2
            inside = turned.crop((int(left) + 2, int(top) + 2, int(left + width) - 2, int(top + height) - 2))
            self.assertEqual(inside.getextrema(), (255, 255))

    def test_a_set_is_whole_and_the_same_twice_and_slices_share_no_picture(self):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "photos")
            os.makedirs(source)
            for number in range(60):
                scene(number).resize((480, 360)).save(os.path.join(source, f"scene{number}.png"))
            scene(7).resize((470, 352)).save(os.path.join(source, "again.jpg"))
            made = {}
            for name, part in (("one", "0:0.5"), ("two", "0:0.5"), ("rest", "0.5:1")):
                out = os.path.join(folder, name)
                command = [sys.executable, os.path.join(HERE, "make_set.py"), "--pictures", source, "--out", out, "--references", "4", "--distractors", "60", "--seed", "5", "--slice", part, "--transforms", "jpeg_low,crop30,chat,negative", "--workers", "2"]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                with open(os.path.join(out, "truth.csv")) as file:
                    rows = list(csv.DictReader(file))
                self.assertEqual(len([r for r in rows if r["kind"] == "query"]), 16)
                self.assertEqual(len([r for r in rows if r["kind"] == "distractor"]), 60)
                made[name] = {}
                for row in rows:
                    with open(os.path.join(out, row["path"]), "rb") as file:
                        made[name][row["path"]] = file.read()
                with open(os.path.join(out, "sources.csv")) as file:
                    made[name + " sources"] = {r["path"] for r in csv.DictReader(file)}
                with open(os.path.join(out, "parameters.ndjson")) as file:
                    self.assertEqual(len([json.loads(line) for line in file]), 76)
            self.assertEqual(made["one"], made["two"])
            both = made["one sources"] | made["rest sources"]
            self.assertFalse(made["one sources"] & made["rest sources"])
            # The near-duplicate is in neither slice beside its twin.
            self.assertEqual(len([p for p in both if p.endswith(("scene7.png", "again.jpg"))]), 1)


if __name__ == "__main__":
    unittest.main()
