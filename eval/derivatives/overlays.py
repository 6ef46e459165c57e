"""Things put upon the reference: captions, text, marks, stickers, bars."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from draw import font, text_block, words, wrap


def caption(picture, draw, world, below):
    """A bar above or below with the text in it, as in a reposted joke; captions recur on distractors."""
    text = draw.pick("caption", world.captions)
    size = picture.width / draw.number("letters", 16, 26)
    lines = wrap(text, font(size), picture.width * 0.92)
    bar = round(len(lines) * size * 1.3 + size * 0.9)
    dark = draw.pick("dark", [False, True])
    paper, ink = ((0, 0, 0), (255, 255, 255)) if dark else ((255, 255, 255), (0, 0, 0))
    page = Image.new("RGB", (picture.width, picture.height + bar), paper)
    page.paste(picture, (0, 0 if below else bar))
    top = (picture.height if below else 0) + size * 0.45
    text_block(page, (picture.width * 0.04, top, picture.width * 0.96, page.height + size), text, size, ink, bold=1, spacing=1.3)
    return page


def outlined(page, text, size, middle, fill="white"):
    """Lines of capital letters with a dark outline, centred upon (x, y)."""
    pen, face = ImageDraw.Draw(page), font(size)
    lines = wrap(text.upper(), face, page.width * 0.94)
    y = middle[1] - len(lines) * size * 0.55
    for line in lines:
        pen.text((middle[0] - face.getlength(line) / 2, y), line, font=face, fill=fill, stroke_width=max(1, int(size / 11)), stroke_fill="black")
        y += size * 1.1


def meme(picture, draw, world):
    """Big letters over the top and the bottom of the picture."""
    page, size = picture.copy(), picture.width / draw.number("letters", 11, 17)
    first, second = draw.pick("top", world.captions), draw.pick("bottom", world.captions)
    outlined(page, " ".join(first.split()[:5]), size, (page.width / 2, size * 1.2))
    outlined(page, " ".join(second.split()[:5]), size, (page.width / 2, page.height - size * 1.3))
    return page


def text_over(picture, draw, world):
    page = picture.convert("RGBA")
    for _ in range(draw.whole("lines", 3, 7)):
        size = page.width / draw.random.uniform(10, 22)
        layer = Image.new("RGBA", page.size)
        ImageDraw.Draw(layer).text(
            (draw.random.uniform(-0.05, 0.4) * page.width, draw.random.uniform(0, 0.92) * page.height),
            words(draw, 4), font=font(size), fill=(*draw.random.choice([(255, 255, 255), (255, 40, 40), (255, 235, 0), (0, 0, 0)]), draw.random.randint(150, 255)),
            stroke_width=draw.random.randint(0, 2),
        )
        page = Image.alpha_composite(page, layer)
    return page.convert("RGB")


def logo(world, number, size):
    """One of the set's marks at `size` pixels, RGBA."""
    mark = world.marks[number % len(world.marks)]
    return mark.resize((max(8, round(size)), max(8, round(size * mark.height / mark.width))), Image.LANCZOS)


def faded(mark, opacity):
    mark = mark.copy()
    mark.putalpha(mark.getchannel("A").point([round(v * opacity) for v in range(256)]))
    return mark


def tile(draw, world, width, dense):
    """What is repeated: one of the set's marks, or where marks lie dense at times a word in white or grey."""
    if not dense or draw.pick("tile", ["mark", "word"]) == "mark":
        return logo(world, draw.whole("mark", 0, 5), width)
    face, text = font(width / 4), draw.random.choice(world.captions).split()[0].upper()
    page = Image.new("RGBA", (round(face.getlength(text)) + 8, round(width / 3)))
    shade = draw.random.choice([255, 255, 200, 60])
    ImageDraw.Draw(page).text((4, 2), text, font=face, fill=(shade, shade, shade, 255), stroke_width=max(1, round(width / 90)), stroke_fill=(shade, shade, shade, 255))
    return page


def watermark(picture, draw, world, dense=False):
    """A mark repeated over the whole picture, slanted, half transparent; the same marks lie on distractors."""
    opacity = draw.number("opacity", 0.5, 0.9) if dense else draw.number("opacity", 0.35, 0.75)
    width = picture.width / (draw.number("across", 1.5, 4.0) if dense else draw.number("across", 2.5, 4.5))
    mark = faded(tile(draw, world, width, dense), opacity).rotate(draw.number("degrees", 15, 40), expand=True, resample=Image.BICUBIC)
    close = 0.62 if dense else 0.9
    step_x, step_y = mark.width * draw.number("gap_x", close, close + 0.4), mark.height * draw.number("gap_y", close - 0.2, close + 0.3)
    # Drawn with room for a whole mark on every side, for marks hang over the edges.
    layer = Image.new("RGBA", (picture.width + 4 * mark.width, picture.height + 4 * mark.height))
    row, y = 0, mark.height * 1.5
    while y < picture.height + 2 * mark.height:
        x = mark.width * 1.5 - row % 2 * step_x / 2
        while x < picture.width + 2 * mark.width:
            layer.alpha_composite(mark, (round(x), round(y)))
            x += step_x
        y, row = y + step_y, row + 1
    layer = layer.crop((2 * mark.width, 2 * mark.height, 2 * mark.width + picture.width, 2 * mark.height + picture.height))
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB")


def corner_mark(picture, draw, world):
    page = picture.convert("RGB")
    mark = logo(world, draw.whole("mark", 0, 5), page.width * draw.number("width", 0.18, 0.34))
    x = draw.pick("side", [0.03, 0.97]) * page.width - (0 if draw.values["side"] < 0.5 else mark.width)
    y = draw.pick("end", [0.03, 0.97]) * page.height - (0 if draw.values["end"] < 0.5 else mark.height)
    page.paste(mark, (round(x), round(y)), mark)
    return page


def sticker(draw, size):
    """A round face, star, heart or flower of `size` pixels, RGBA."""
    big = 4 * max(8, round(size))
    page, pen = Image.new("RGBA", (big, big)), None
    pen = ImageDraw.Draw(page)
    fill, edge, kind = (*draw.colour(60), 255), (*draw.colour(0, 90), 255), draw.random.choice(["face", "star", "heart", "flower", "badge"])
    if kind == "face":
        pen.ellipse((4, 4, big - 4, big - 4), fill=(255, 205, 40, 255), outline=edge, width=big // 40)
        for x in (0.33, 0.67):
            pen.ellipse((big * (x - 0.07), big * 0.28, big * (x + 0.07), big * 0.48), fill=(70, 40, 10, 255))
        pen.chord((big * 0.25, big * 0.4, big * 0.75, big * 0.82), 0, 180, fill=(120, 40, 20, 255))
    elif kind in ("star", "badge"):
        spikes, inner = (5, 0.42) if kind == "star" else (14, 0.8)
        points = [(big / 2 + big * 0.49 * (1 if i % 2 == 0 else inner) * math.sin(i * math.pi / spikes), big / 2 - big * 0.49 * (1 if i % 2 == 0 else inner) * math.cos(i * math.pi / spikes)) for i in range(2 * spikes)]
        pen.polygon(points, fill=fill, outline=edge, width=big // 40)
    elif kind == "heart":
        points = [(big / 2 + big * 0.029 * 16 * math.sin(t) ** 3, big * 0.47 - big * 0.029 * (13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t))) for t in np.linspace(0, 2 * math.pi, 60)]
        pen.polygon(points, fill=fill, outline=edge, width=big // 40)
    else:
        for i in range(6):
            x, y = big * (0.5 + 0.3 * math.cos(i * math.pi / 3)), big * (0.5 + 0.3 * math.sin(i * math.pi / 3))
            pen.ellipse((x - big * 0.18, y - big * 0.18, x + big * 0.18, y + big * 0.18), fill=fill, outline=edge, width=big // 60)
        pen.ellipse((big * 0.32, big * 0.32, big * 0.68, big * 0.68), fill=(250, 220, 60, 255))
    return page.resize((big // 4, big // 4), Image.LANCZOS)


def stickers(picture, draw, world, low, high):
    """Stickers until a share of the picture between low and high is covered."""
    goal = draw.number("covered", low, high)
    page, covered = picture.copy(), Image.new("L", picture.size, 0)
    for _ in range(60):
        shape = sticker(draw, min(page.size) * draw.random.uniform(0.14, 0.34)).rotate(draw.random.uniform(-30, 30), expand=True)
        at = (round(draw.random.uniform(-0.1, 0.95) * page.width), round(draw.random.uniform(-0.1, 0.95) * page.height))
        page.paste(shape, at, shape)
        covered.paste(255, at, shape.getchannel("A").point([0] * 128 + [255] * 128))
        if np.asarray(covered).mean() / 255 >= goal:
            break
    return page


def censor(picture, draw, world):
    """Two to four black bars (or one wide one) across."""
    page = picture.copy()
    for _ in range(draw.whole("bars", 2, 4)):
        bar = Image.new("RGBA", (round(page.width * draw.random.uniform(0.3, 0.7)), round(page.height * draw.random.uniform(0.06, 0.13))), (0, 0, 0, 255))
        bar = bar.rotate(draw.random.uniform(-20, 20), expand=True)
        page.paste(bar, (round(draw.random.uniform(0, 0.6) * page.width), round(draw.random.uniform(0.05, 0.85) * page.height)), bar)
    return page


def mosaic(picture, draw, world):
    """A box or ellipse made unreadable by large pixels or heavy blur: 10 to 25 % of the area."""
    share, aspect = draw.number("share", 0.10, 0.25), math.exp(draw.number("log_aspect", -0.4, 0.4))
    width, height = min(0.9, math.sqrt(share * aspect)), min(0.9, math.sqrt(share / aspect))
    left, top = draw.number("left", 0.05, 0.95 - width), draw.number("top", 0.05, 0.95 - height)
    box = tuple(round(v) for v in (left * picture.width, top * picture.height, (left + width) * picture.width, (top + height) * picture.height))
    part, page = picture.crop(box), picture.copy()
    if draw.pick("how", ["pixels", "blur"]) == "pixels":
        block = max(6, min(picture.size) // draw.whole("blocks", 16, 36))
        hidden = part.resize((max(1, part.width // block), max(1, part.height // block)), Image.BOX).resize(part.size, Image.NEAREST)
    else:
        hidden = part.filter(ImageFilter.GaussianBlur(min(picture.size) / 22))
    mask = Image.new("L", part.size, 255)
    if draw.pick("shape", ["box", "ellipse"]) == "ellipse":
        mask = Image.new("L", part.size, 0)
        ImageDraw.Draw(mask).ellipse((0, 0, part.width - 1, part.height - 1), fill=255)
    page.paste(hidden, box[:2], mask)
    return page
