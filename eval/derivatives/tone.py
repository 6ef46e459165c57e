"""Changes of light, colour, sharpness and file that leave every point of the reference where it was."""

import io

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter, ImageOps

from draw import smooth_noise, to_picture


def same(picture, draw, world):
    return picture


def palette(picture, draw, world):
    return picture.quantize(draw.whole("colours", 24, 128), dither=Image.Dither.FLOYDSTEINBERG).convert("RGB")


def twice(picture, draw, world):
    """Sent on several times: JPEG upon JPEG at slightly changing sizes."""
    for _ in range(draw.whole("times", 3, 6)):
        scale = draw.random.uniform(0.85, 1.0)
        small = picture.resize((max(64, round(picture.width * scale)), max(64, round(picture.height * scale))), Image.BICUBIC)
        held = io.BytesIO()
        small.save(held, "JPEG", quality=draw.random.randint(35, 80))
        picture = Image.open(held).convert("RGB")
    return picture


def resize(picture, draw, world, low, high):
    scale = draw.number("scale", low, high)
    how = draw.pick("filter", [Image.NEAREST, Image.BILINEAR, Image.BICUBIC, Image.LANCZOS])
    return picture.resize((max(16, round(picture.width * scale)), max(16, round(picture.height * scale))), how)


def thumbnail(picture, draw, world, low, high):
    longer = draw.whole("longer_side", low, high)
    scale = longer / max(picture.size)
    return picture.resize((max(16, round(picture.width * scale)), max(16, round(picture.height * scale))), Image.LANCZOS)


def stretch(picture, draw, world):
    """Wider or taller than it was: 12 to 30 % off its shape."""
    factor = draw.number("factor", 1.12, 1.3)
    if draw.pick("axis", ["wider", "taller"]) == "wider":
        return picture.resize((round(picture.width * factor), picture.height), Image.BICUBIC)
    return picture.resize((picture.width, round(picture.height * factor)), Image.BICUBIC)


def gamma(picture, draw, world):
    power = draw.number("gamma", 1.4, 2.2)
    power = power if draw.random.random() < 0.5 else 1 / power
    return picture.point([round(255 * (v / 255) ** power) for v in range(256)] * 3)


def brightness(picture, draw, world, low, high):
    return ImageEnhance.Brightness(picture).enhance(draw.number("factor", low, high))


def contrast(picture, draw, world):
    return ImageEnhance.Contrast(picture).enhance(draw.pick("sign", [0.55, 1.5]) + draw.number("off", -0.1, 0.2))


def saturation(picture, draw, world):
    return ImageEnhance.Color(picture).enhance(draw.number("factor", 1.6, 3.0))


def grey(picture, draw, world):
    return picture.convert("L").convert("RGB")


def sepia(picture, draw, world):
    return ImageOps.colorize(picture.convert("L"), (draw.whole("dark", 15, 45), 20, 10), (255, draw.whole("light", 225, 245), 200))


def hue(picture, draw, world):
    h, s, v = picture.convert("HSV").split()
    by = draw.whole("turn", 30, 220)
    return Image.merge("HSV", (h.point([(i + by) % 256 for i in range(256)]), s, v)).convert("RGB")


def equalise(picture, draw, world):
    return ImageOps.equalize(picture)


def posterise(picture, draw, world):
    return ImageOps.posterize(picture, draw.whole("bits", 2, 4))


def filter_look(picture, draw, world):
    """What a phone's filter does: curves per channel, warmth, faded blacks, vignette, grain."""
    rng = draw.arrays()
    pixels = np.asarray(picture, np.float32) / 255
    pixels = pixels ** rng.uniform(0.75, 1.3, 3) * rng.uniform(0.85, 1.15, 3)
    fade = draw.number("fade", 0, 0.18)
    pixels = fade + pixels * (1 - fade)
    y, x = np.mgrid[-1 : 1 : picture.height * 1j, -1 : 1 : picture.width * 1j]
    pixels *= (1 - draw.number("vignette", 0.1, 0.5) * np.clip((x * x + y * y) / 2, 0, 1))[..., None]
    pixels += rng.normal(0, draw.number("grain", 0, 0.03), pixels.shape[:2])[..., None]
    return ImageEnhance.Color(to_picture(pixels * 255)).enhance(draw.number("saturation", 0.5, 1.6))


def blur(picture, draw, world, low, high):
    return picture.filter(ImageFilter.GaussianBlur(draw.number("sigma_px", low, high)))


def median(picture, draw, world):
    return picture.filter(ImageFilter.MedianFilter(draw.pick("side_px", [3, 5, 7])))


def noise(picture, draw, world):
    rng = draw.arrays()
    pixels = np.asarray(picture, np.float32)
    return to_picture(pixels + rng.normal(0, draw.number("sigma", 12, 38), pixels.shape))


def salt(picture, draw, world):
    pixels, rng = np.array(picture), draw.arrays()
    chance = rng.random(pixels.shape[:2])
    share = draw.number("share", 0.02, 0.08)
    pixels[chance < share / 2] = 0
    pixels[chance > 1 - share / 2] = 255
    return Image.fromarray(pixels)


def sharpen(picture, draw, world):
    return picture.filter(ImageFilter.UnsharpMask(draw.number("radius_px", 1, 4), draw.whole("percent", 120, 300), 2))


def negative(picture, draw, world):
    return ImageOps.invert(picture)


def uneven_light(picture, draw, world):
    """A smooth shade over the picture, as from a lamp or a reflection."""
    shade = smooth_noise(draw.arrays(), picture.width, picture.height, 2)
    return to_picture(np.asarray(picture, np.float32) * (1 + draw.number("depth", 0.15, 0.3) * np.clip(shade, -2, 2))[..., None])
