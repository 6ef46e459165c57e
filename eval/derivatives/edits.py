"""Stand-ins for edits by generators. They are simulated with other photographs, warps and re-texturing: nothing here is the output of a diffusion model."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from draw import cover, smooth_noise, to_picture


def matched(foreign, target, amount):
    """The foreign picture with its colours' mean and deviation moved towards the target's."""
    f, t = np.asarray(foreign, np.float32), np.asarray(target, np.float32)
    fm, tm, fs, ts = f.mean((0, 1)), t.mean((0, 1)), f.std((0, 1)) + 1, t.std((0, 1)) + 1
    moved = (f - fm) * (ts / fs) + tm
    return to_picture(f + (moved - f) * amount)


def foreign(picture, draw, world, amount=0.8):
    return matched(cover(world.other(draw), *picture.size), picture, amount)


def feather(mask, picture, draw, low=0.008, high=0.025):
    return mask.filter(ImageFilter.GaussianBlur(max(picture.size) * draw.number("feather", low, high)))


def blob(draw, width, height, share):
    """A mask of one or a few soft-edged blobs over exactly `share` of the area."""
    field = smooth_noise(draw.arrays(), width, height, draw.number("bumps", 2.0, 4.5))
    return Image.fromarray(((field >= np.quantile(field, 1 - share)) * 255).astype(np.uint8))


def inpaint(picture, draw, world, low, high):
    """Blobs of another picture, colours matched, blended in over a share of the area."""
    share = draw.number("share", low, high)
    mask = feather(blob(draw, *picture.size, share), picture, draw)
    return Image.composite(foreign(picture, draw, world), picture, mask)


def ellipse(picture, draw, share):
    """A mask of an ellipse near the centre over `share` of the area."""
    w, h = picture.size
    tall = math.exp(draw.number("log_tall", -0.25, 0.25))
    a, b = min(0.47, math.sqrt(share / math.pi) / tall), 0
    b = min(0.47, share / math.pi / a)
    x, y = 0.5 + draw.random.uniform(-0.04, 0.04), 0.5 + draw.random.uniform(-0.04, 0.04)
    mask = Image.new("L", picture.size, 0)
    ImageDraw.Draw(mask).ellipse(((x - a) * w, (y - b) * h, (x + a) * w, (y + b) * h), fill=255)
    return feather(mask, picture, draw, 0.01, 0.03)


def subject_replaced(picture, draw, world):
    """The middle comes from another picture."""
    return Image.composite(foreign(picture, draw, world, 0.5), picture, ellipse(picture, draw, draw.number("share", 0.25, 0.45)))


def background_replaced(picture, draw, world):
    """Only the middle is kept."""
    return Image.composite(picture, foreign(picture, draw, world, 0.5), ellipse(picture, draw, draw.number("kept", 0.35, 0.55)))


def outpaint(picture, draw, world, low, high):
    """The picture continued on all or some sides; low..high of the new area is invented."""
    share = draw.number("new_share", low, high)
    grow = math.sqrt(1 / (1 - share))
    w, h = round(picture.width * grow), round(picture.height * grow)
    x, y = round((w - picture.width) * draw.number("left", 0, 1)), round((h - picture.height) * draw.number("top", 0, 1))
    around = cover(world.other(draw), w, h)
    edge = np.pad(np.asarray(picture), ((y, h - picture.height - y), (x, w - picture.width - x), (0, 0)), mode="edge")
    edge = np.asarray(Image.fromarray(edge).filter(ImageFilter.GaussianBlur(max(picture.size) / 14)), np.float32)
    texture = np.asarray(around, np.float32)
    texture = texture - np.asarray(around.filter(ImageFilter.GaussianBlur(max(w, h) / 8)), np.float32)
    page = to_picture(edge + texture * draw.number("texture", 0.7, 1.1))
    soft = max(2, round(max(picture.size) * 0.012))
    mask = Image.new("L", (w, h), 0)
    mask.paste(255, (x + (soft if x else 0), y + (soft if y else 0), x + picture.width - (soft if x + picture.width < w else 0), y + picture.height - (soft if y + picture.height < h else 0)))
    mask = mask.filter(ImageFilter.GaussianBlur(soft / 1.5))
    whole = page.copy()
    whole.paste(picture, (x, y))
    return Image.composite(whole, page, mask)


def warp(picture, rng, amount_px, cells):
    """Every point moved by a smooth field of deviation `amount_px`; bilinear."""
    pixels = np.asarray(picture, np.float32)
    h, w = pixels.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    x = np.clip(x + amount_px * smooth_noise(rng, w, h, cells), 0, w - 1.001)
    y = np.clip(y + amount_px * smooth_noise(rng, w, h, cells), 0, h - 1.001)
    x0, y0 = x.astype(np.int32), y.astype(np.int32)
    fx, fy = (x - x0)[..., None], (y - y0)[..., None]
    top = pixels[y0, x0] * (1 - fx) + pixels[y0, x0 + 1] * fx
    low = pixels[y0 + 1, x0] * (1 - fx) + pixels[y0 + 1, x0 + 1] * fx
    return top * (1 - fy) + low * fy


STRENGTHS = {  # points moved in px of a longer side of 640, side of the median, own texture kept, foreign texture, drift of light and colour
    "low": ((0.8, 1.8), 3, (0.5, 0.75), (0.1, 0.2), (0.05, 0.11)),
    "mid": ((2.2, 4.0), 5, (0.25, 0.5), (0.2, 0.45), (0.10, 0.17)),
    "high": ((4.0, 7.0), 9, (0.05, 0.25), (0.4, 0.7), (0.16, 0.26)),
}


def img2img(picture, draw, world, strength):
    """Drawn anew over the same composition: points moved, own texture lost, invented texture in, light and colours drifted."""
    moved, side, kept, invented, drift = STRENGTHS[strength]
    rng = draw.arrays()
    w, h = picture.size
    pixels = warp(picture, rng, draw.number("moved_px", *moved) * max(w, h) / 640, draw.number("cells", 5, 11))
    base = to_picture(pixels).filter(ImageFilter.MedianFilter(side)).filter(ImageFilter.GaussianBlur(side / 4))
    smooth = np.asarray(base, np.float32)
    detail = (pixels - smooth) * draw.number("kept", *kept)
    other = cover(world.other(draw), w, h)
    texture = np.asarray(other.convert("L"), np.float32) - np.asarray(other.convert("L").filter(ImageFilter.GaussianBlur(3)), np.float32)
    texture = texture / (texture.std() + 1) * 14 * draw.number("invented", *invented)
    drift = draw.number("drift", *drift)
    light = 1 + drift * smooth_noise(rng, w, h, 3)
    colour = np.stack([drift * 60 * smooth_noise(rng, w, h, 2) for _ in range(3)], -1) * 0.5
    page = to_picture((smooth + detail + texture[..., None]) * light[..., None] + colour)
    return page.filter(ImageFilter.UnsharpMask(1.2, 60, 2))
