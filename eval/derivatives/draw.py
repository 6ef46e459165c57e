"""Parameters drawn from ranges and remembered, and the small drawing helpers all pictures share.

Every query and distractor has a `Draw` of its own, seeded by a text key, so that a picture depends on its key alone and not on how many others were made before it.
"""

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WORDS = (
    "river stone morning the of a market window train paper garden under slow bright meeting Tuesday report "
    "north harbour lamp and with from total number list order delivery between winter bread train seven blue letter "
    "account please station small large open closed ticket note field copper valley bridge eleven reading kitchen "
    "weather forecast bicycle engine table chair oak maple birch figure result section general further within"
).split()


class Draw:
    """A seeded source of parameters that keeps what it gave, for `parameters.ndjson`."""

    def __init__(self, key):
        self.random = random.Random(key)
        self.values = {}

    def _keep(self, name, value):
        kept, n = name, 2
        while kept in self.values:
            kept, n = f"{name}_{n}", n + 1
        self.values[kept] = value
        return value

    def number(self, name, low, high):
        return self._keep(name, round(self.random.uniform(low, high), 4))

    def whole(self, name, low, high):
        return self._keep(name, self.random.randint(low, high))

    def pick(self, name, options):
        return self._keep(name, self.random.choice(options))

    def colour(self, low=0, high=255):
        """A colour; not kept, for it seldom explains a miss."""
        return tuple(self.random.randint(low, high) for _ in range(3))

    def arrays(self):
        """A numpy generator that continues this one."""
        return np.random.default_rng(self.random.getrandbits(64))


def font(size):
    """Pillow's own font: the same outlines on every machine."""
    return ImageFont.load_default(max(7, int(size)))


def words(draw, count):
    return " ".join(draw.random.choice(WORDS) for _ in range(count)).capitalize()


def wrap(text, face, width):
    """The text in lines no wider than `width` pixels (a longer word stands alone)."""
    lines, line = [], ""
    for word in text.split():
        longer = f"{line} {word}".strip()
        if line and face.getlength(longer) > width:
            lines.append(line)
            line = word
        else:
            line = longer
    return lines + [line] if line else lines


def text_block(canvas, box, text, size, fill, bold=0, spacing=1.25):
    """Writes wrapped text from the top of `box` down; returns the y below the last line that fitted."""
    left, top, right, bottom = box
    face, pen, y = font(size), ImageDraw.Draw(canvas), top
    for line in wrap(text, face, right - left):
        if y + size > bottom:
            break
        pen.text((left, y), line, font=face, fill=fill, stroke_width=bold, stroke_fill=fill)
        y += size * spacing
    return y


def cover(picture, width, height, where=(0.5, 0.5)):
    """Scaled to fill width x height, the overhang cut off."""
    width, height = max(1, int(width)), max(1, int(height))
    scale = max(width / picture.width, height / picture.height)
    big = picture.resize((max(width, round(picture.width * scale)), max(height, round(picture.height * scale))), Image.LANCZOS)
    left, top = int((big.width - width) * where[0]), int((big.height - height) * where[1])
    return big.crop((left, top, left + width, top + height))


def contain(picture, width, height):
    """Scaled to lie inside width x height, whole."""
    scale = min(width / picture.width, height / picture.height)
    return picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))), Image.LANCZOS)


def rounded_mask(size, radius):
    mask = Image.new("L", size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, size[0] - 1, size[1] - 1), radius, fill=255)
    return mask


def smooth_noise(rng, width, height, cells):
    """A smooth random field of mean 0 and deviation 1, height x width, with about `cells` bumps along the longer side."""
    longer = max(width, height)
    small = rng.normal(size=(max(2, round(cells * height / longer)) + 2, max(2, round(cells * width / longer)) + 2)).astype(np.float32)
    field = np.asarray(Image.fromarray(small).resize((width, height), Image.BICUBIC))
    return (field - field.mean()) / (field.std() + 1e-6)


def to_picture(array):
    return Image.fromarray(np.clip(array, 0, 255).astype(np.uint8))
