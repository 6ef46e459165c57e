"""Where photographs come from, and how they are parted: near-duplicates stay together, and a slice of the pool shares no picture with another slice."""

import glob
import hashlib
import os
import re
import subprocess

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from draw import Draw, font, words

PACKAGES = ["plasma-workspace-wallpapers", "mate-backgrounds", "lomiri-wallpapers-16.04", "lomiri-wallpapers-20.04", "ukui-wallpapers"]
# One mark on many grounds: a match between two of them would be a true one.
PACKAGES_LEAVE_OUT = ["backgrounds/mate/desktop"]
EXTENSIONS = (".jpg", ".jpeg", ".png", ".webp")
REFERENCE_SIDE = 640


def fetch_packages(into):
    """Downloads and unpacks the wallpaper packages with apt's own client; nothing is installed, no root is needed."""
    os.makedirs(into, exist_ok=True)
    for package in PACKAGES:
        if not glob.glob(os.path.join(into, f"{package}_*.deb")):
            if subprocess.run(["apt-get", "download", package], cwd=into).returncode:
                print(f"not available here: {package}")
    for file in sorted(glob.glob(os.path.join(into, "*.deb"))):
        subprocess.run(["dpkg", "-x", file, os.path.join(into, "root")], check=True)
    return os.path.join(into, "root")


def load(path, side=REFERENCE_SIDE):
    """Upright, RGB, the longer side at most `side`."""
    with Image.open(path) as opened:
        opened.draft("RGB", (2 * side, 2 * side))
        picture = ImageOps.exif_transpose(opened)
        if picture.mode in ("RGBA", "LA", "P"):
            picture = picture.convert("RGBA")
            ground = Image.new("RGBA", picture.size, (255, 255, 255, 255))
            picture = Image.alpha_composite(ground, picture)
        picture = picture.convert("RGB")
    picture.thumbnail((side, side), Image.LANCZOS)
    return picture


def name_of(path):
    """A short name from the file's own and its folders': wallpapers keep the name in the folder."""
    parts = [p for p in os.path.normpath(path).split(os.sep) if p not in ("contents", "images", "images_dark", "usr", "share")]
    stem = re.sub(r"\W+", "-", os.path.splitext(parts[-1])[0]).strip("-")
    if re.fullmatch(r"\d+x\d+", stem):
        stem = re.sub(r"\W+", "-", parts[-2]).strip("-") 
    return stem[:40]


def print_of(picture):
    """Sixteen by sixteen greys without mean and scale: near-duplicates have a correlation near 1."""
    grey = np.asarray(picture.convert("L").resize((16, 16), Image.BOX), np.float32).ravel()
    return (grey - grey.mean()) / (np.linalg.norm(grey - grey.mean()) + 1e-6)


def gather(folders, leave_out=(), least_side=200, least_deviation=20):
    """Usable pictures of the folders as (name, path, group, picture), in an order that depends on the pictures' bytes alone.

    Left out: names or paths holding one of `leave_out`, small or nearly flat pictures, previews. Near-duplicates share a group.
    """
    found = []
    for folder in folders:
        for path in sorted(glob.glob(os.path.join(folder, "**", "*"), recursive=True)):
            if not path.lower().endswith(EXTENSIONS) or os.path.basename(path).startswith("screenshot.") or any(part in path for part in leave_out):
                continue
            try:
                picture = load(path)
            except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
                continue
            if min(picture.size) < least_side or np.asarray(picture.convert("L")).std() < least_deviation:
                continue
            with open(path, "rb") as file:
                found.append((hashlib.sha256(file.read()).hexdigest(), path, picture))
    found.sort(key=lambda row: row[:2])
    taken, prints, out = {}, [], []
    for digest, path, picture in found:
        mark = print_of(picture)
        name = name_of(path)
        # A wallpaper's folder holds it in several shapes, which are crops of each other.
        group = next((g for g, p, n in prints if float(p @ mark) > 0.93 or (n == name and re.match(r"\d+x\d+", os.path.basename(path)))), digest)
        prints.append((group, mark, name))
        taken[name] = taken.get(name, 0) + 1
        out.append((name if taken[name] == 1 else f"{name}-{taken[name]}", path, group, picture))
    return out


def part(pool, low, high):
    """The groups whose place (a digest read as a number from 0 to 1) lies in [low, high): one picture of each."""
    seen, kept = set(), []
    for row in pool:
        place = int(row[2][:12], 16) / 16**12
        if low <= place < high and row[2] not in seen:
            seen.add(row[2])
            kept.append(row)
    return kept


def detail(picture):
    """How much there is to hold on to: the gradient sum of PDQ's quality measure on 64 x 64 greys, 0 to 100 (approximate)."""
    grey = np.asarray(picture.convert("L").resize((64, 64), Image.BOX), np.int32)
    return min(100, int(sum((np.abs(np.diff(grey, axis=axis)) * 100 // 255).sum() for axis in (0, 1)) // 90))


class World:
    """What all pictures of a set share: foreign pictures, marks, captions, the seed."""

    def __init__(self, seed, others):
        self.seed, self.others = seed, others
        draw = Draw(f"{seed}/captions")
        self.captions = [words(draw, draw.random.randint(6, 13)) for _ in range(12)]
        self.marks = [mark(Draw(f"{seed}/mark/{n}")) for n in range(6)]

    def other(self, draw):
        """A picture that is no reference."""
        return self.others[draw.random.randrange(len(self.others))]

    def several(self, draw, count):
        """That many different pictures, none of them a reference."""
        return draw.random.sample(self.others, count)


def mark(draw):
    """A made-up company mark: a sign and a word, RGBA."""
    page = Image.new("RGBA", (360, 150))
    pen, one, two = ImageDraw.Draw(page), (*draw.colour(90, 255), 255), (*draw.colour(0, 200), 255)
    kind = draw.random.choice(["ring", "bars", "diamond", "steps"])
    if kind == "ring":
        pen.ellipse((10, 20, 120, 130), fill=one)
        pen.ellipse((42, 52, 88, 98), fill=two)
    elif kind == "bars":
        for i in range(4):
            pen.rectangle((12 + i * 28, 120 - i * 26, 32 + i * 28, 130), fill=one if i % 2 else two)
    elif kind == "diamond":
        pen.polygon([(65, 10), (120, 75), (65, 140), (10, 75)], fill=one)
        pen.polygon([(65, 44), (92, 75), (65, 106), (38, 75)], fill=two)
    else:
        for i in range(3):
            pen.rounded_rectangle((10 + i * 24, 20 + i * 24, 80 + i * 24, 66 + i * 24), 8, fill=one if i % 2 else two)
    pen.text((134, 44), words(draw, 1)[:8].upper(), font=font(46), fill=(255, 255, 255, 255), stroke_width=3, stroke_fill=two)
    return page
