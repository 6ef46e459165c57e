"""Crops, turns, tilts and perspective: the reference is moved, nothing is put into it."""

import math

from PIL import Image, ImageOps


def crop(picture, draw, world, low, high):
    """Keeps a share of the area between low and high, anywhere, at a shape near the picture's."""
    keep, stretch = draw.number("area_kept", low, high), math.exp(draw.number("log_aspect", -0.25, 0.25))
    width = min(1.0, math.sqrt(keep * stretch))
    height = min(1.0, keep / width)
    width = keep / height
    left, top = draw.number("left", 0, 1 - width), draw.number("top", 0, 1 - height)
    return picture.crop(tuple(round(v) for v in (left * picture.width, top * picture.height, (left + width) * picture.width, (top + height) * picture.height)))


def crop_to_shape(picture, draw, world, shapes):
    """The cut a network makes for its own format, off centre by chance."""
    shape = draw.pick("width_to_height", shapes)
    width, height = min(picture.width, picture.height * shape), min(picture.height, picture.width / shape)
    left, top = draw.number("left", 0.2, 0.8) * (picture.width - width), draw.number("top", 0.2, 0.8) * (picture.height - height)
    return picture.crop((round(left), round(top), round(left + width), round(top + height)))


def fill_colour(picture, draw):
    kind = draw.pick("fill", ["black", "white", "grey", "mean"])
    if kind == "mean":
        return picture.resize((1, 1), Image.BOX).getpixel((0, 0))
    return {"black": (0, 0, 0), "white": (255, 255, 255), "grey": (128, 128, 128)}[kind]


def tilt(picture, draw, world, low, high, inside=False):
    """Turned by low to high degrees; the corners filled, or cut away by the largest upright box inside."""
    angle = draw.number("degrees", low, high) * draw.random.choice([-1, 1])
    turned = picture.rotate(angle, resample=Image.BICUBIC, expand=True, fillcolor=fill_colour(picture, draw) if not inside else None)
    if not inside:
        return turned
    width, height = largest_box(picture.width, picture.height, math.radians(abs(angle)))
    left, top = (turned.width - width) / 2, (turned.height - height) / 2
    return turned.crop((math.ceil(left), math.ceil(top), math.floor(left + width), math.floor(top + height)))


def largest_box(width, height, angle):
    """The largest upright box inside a width x height box turned by angle (0 to 45 degrees, in radians)."""
    longer, shorter = max(width, height), min(width, height)
    sin, cos = math.sin(angle), math.cos(angle)
    if shorter <= 2 * sin * cos * longer:
        half = 0.5 * shorter
        return (half / sin, half / cos) if width >= height else (half / cos, half / sin)
    spread = cos * cos - sin * sin
    return (width * cos - height * sin) / spread, (height * cos - width * sin) / spread


def turn(picture, draw, world, how):
    return picture.transpose(how)


def mirror(picture, draw, world):
    return ImageOps.mirror(picture)


def onto_quad(picture, quad, size, fill):
    """The picture drawn so that its corners (top left, top right, bottom right, bottom left) lie on `quad`."""
    import numpy as np

    source = [(0, 0), (picture.width, 0), (picture.width, picture.height), (0, picture.height)]
    rows, right = [], []
    for (x, y), (u, v) in zip(quad, source):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    coefficients = np.linalg.solve(np.array(rows, float), np.array(right, float))
    return picture.transform(size, Image.PERSPECTIVE, tuple(coefficients), Image.BICUBIC, fillcolor=fill)


def perspective(picture, draw, world, low, high):
    """Each corner moved inwards by up to low..high of the side, at least one of them by the full amount."""
    strength = draw.number("strength", low, high)
    w, h = picture.size
    moves = [(draw.random.uniform(0, strength), draw.random.uniform(0, strength)) for _ in range(4)]
    moves[draw.random.randrange(4)] = (strength, strength)
    (a, b), (c, d), (e, f), (g, i) = moves
    quad = [(a * w, b * h), (w - c * w, d * h), (w - e * w, h - f * h), (g * w, h - i * h)]
    return onto_quad(picture, quad, picture.size, fill_colour(picture, draw))
