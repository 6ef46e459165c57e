"""Distractors that are no photographs: documents, screens of text, charts, maps, lattices, gradients, noise."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from draw import Draw, font, smooth_noise, text_block, to_picture, words
from overlays import logo, outlined


def size(draw, shapes=((640, 480), (480, 640), (600, 600), (640, 360), (450, 800))):
    return draw.random.choice(shapes)


def sheet(draw):
    """White or slightly toned paper, upright."""
    width = draw.random.choice([480, 540, 620])
    return Image.new("RGB", (width, round(width * 1.414)), draw.random.choice([(255, 255, 255), (252, 250, 244), (246, 246, 246)]))


def paragraphs(draw, world):
    page, ink = sheet(draw), (20, 20, 24)
    left, y, text = page.width * draw.random.uniform(0.06, 0.14), page.height * 0.06, draw.random.randint(10, 17)
    if draw.random.random() < 0.7:
        y = text_block(page, (left, y, page.width - left, page.height), words(draw, 5), text * 1.7, ink, bold=1) + text
    columns = draw.random.choice([1, 1, 2])
    wide = (page.width - 2 * left - (columns - 1) * 20) / columns
    for column in range(columns):
        at = y
        while at < page.height * 0.9:
            at = text_block(page, (left + column * (wide + 20), at, left + column * (wide + 20) + wide, page.height * 0.94), words(draw, draw.random.randint(25, 80)), text, ink) + text
    return page


def form(draw, world):
    page = sheet(draw)
    pen, y = ImageDraw.Draw(page), page.height * 0.05
    y = text_block(page, (40, y, page.width - 40, page.height), words(draw, 3), 26, (20, 20, 60), bold=1) + 20
    while y < page.height - 60:
        kind = draw.random.choice(["line", "line", "boxes", "ticks"])
        pen.text((40, y), words(draw, draw.random.randint(1, 3)), font=font(14), fill=(40, 40, 40))
        if kind == "line":
            pen.rectangle((200, y - 3, page.width - 40, y + 22), outline=(120, 120, 120))
            if draw.random.random() < 0.6:
                pen.text((208, y), words(draw, 2), font=font(15), fill=(20, 30, 140))
        elif kind == "boxes":
            for i in range(10):
                pen.rectangle((200 + i * 24, y - 3, 222 + i * 24, y + 22), outline=(120, 120, 120))
        else:
            for i in range(3):
                pen.rectangle((200 + i * 90, y, 216 + i * 90, y + 16), outline=(90, 90, 90), fill=(60, 60, 60) if draw.random.random() < 0.3 else None)
                pen.text((222 + i * 90, y), words(draw, 1), font=font(13), fill=(40, 40, 40))
        y += draw.random.choice([34, 40, 48])
    return page


def table(draw, world):
    page = sheet(draw) if draw.random.random() < 0.5 else Image.new("RGB", (720, 460), "white")
    pen, columns, row = ImageDraw.Draw(page), draw.random.randint(3, 7), draw.random.randint(20, 34)
    head, stripe = draw.colour(40, 230), draw.colour(235, 250)
    wide = (page.width - 60) / columns
    for number, y in enumerate(range(50, page.height - 40, row)):
        pen.rectangle((30, y, page.width - 30, y + row), fill=head if number == 0 else stripe if number % 2 else None, outline=(190, 190, 190))
        for column in range(columns):
            entry = words(draw, 1) if column == 0 or number == 0 else f"{draw.random.uniform(0, 9999):,.2f}"
            pen.text((36 + column * wide, y + row / 2 - 7), entry[: max(3, int(wide / 8))], font=font(13), fill=(20, 20, 20), stroke_width=int(number == 0))
    return page


def receipt(draw, world):
    page = Image.new("RGB", (380, draw.random.randint(560, 860)), (250, 249, 245))
    pen, y = ImageDraw.Draw(page), 30
    pen.text((110, y), words(draw, 2).upper(), font=font(22), fill=(30, 30, 30))
    y, total = y + 50, 0.0
    while y < page.height - 170:
        price = draw.random.uniform(0.5, 60)
        total += price
        pen.text((26, y), f"{draw.random.randint(1, 4)} x {words(draw, 2)}", font=font(16), fill=(40, 40, 40))
        pen.text((300, y), f"{price:6.2f}", font=font(16), fill=(40, 40, 40))
        y += 25
    pen.line((26, y + 4, 354, y + 4), fill=(60, 60, 60))
    pen.text((26, y + 12), f"TOTAL  {total:.2f}", font=font(24), fill=(20, 20, 20))
    x = 40
    while x < 340:
        wide = draw.random.randint(1, 4)
        pen.rectangle((x, y + 60, x + wide, y + 120), fill=(10, 10, 10))
        x += wide + draw.random.randint(1, 5)
    return page


def code(draw, world):
    dark = draw.random.random() < 0.7
    page = Image.new("RGB", (820, 560), (28, 30, 36) if dark else (252, 252, 250))
    pen, inks = ImageDraw.Draw(page), [draw.colour(130, 255) if dark else draw.colour(0, 130) for _ in range(4)]
    text, depth = draw.random.randint(12, 17), 0
    for number, y in enumerate(range(12, 550, round(text * 1.4))):
        pen.text((8, y), f"{number + 1:3}", font=font(text), fill=(120, 120, 120))
        if draw.random.random() < 0.1:
            continue
        x = 50 + depth * 28
        for _ in range(draw.random.randint(1, 7)):
            token = draw.random.choice([words(draw, 1).lower(), words(draw, 1).lower() + "()", "=", "->", "{", "return", "let", "if", str(draw.random.randint(0, 99))])
            pen.text((x, y), token, font=font(text), fill=draw.random.choice(inks))
            x += font(text).getlength(token + " ")
        depth = min(6, max(0, depth + draw.random.choice([-1, 0, 0, 1])))
    return page


def messages(draw, world):
    """A conversation without any picture."""
    width, height = draw.random.choice([(480, 960), (540, 1100)])
    look = Draw(f"{world.seed}/skin/chat/{draw.random.randint(0, 3)}")
    head, wall = look.colour(0, 130), look.colour(190, 245)
    page = Image.new("RGB", (width, height), wall)
    pen, y = ImageDraw.Draw(page), 100
    pen.rectangle((0, 0, width, 86), fill=head)
    pen.text((70, 46), words(look, 2), font=font(21), fill="white")
    while y < height - 120:
        lines, own = draw.random.randint(1, 5), draw.random.random() < 0.5
        left, right = (width * 0.3, width - 16) if own else (16, width * 0.72)
        pen.rounded_rectangle((left, y, right, y + 18 + 24 * lines), 12, fill=(220, 246, 205) if own else "white")
        text_block(page, (left + 12, y + 8, right - 8, y + 18 + 24 * lines), words(draw, lines * 6), 18, (25, 25, 25))
        y += 28 + 24 * lines
    return page


def settings(draw, world):
    """A list of settings on a phone."""
    dark = draw.random.random() < 0.5
    page = Image.new("RGB", (480, 980), (16, 16, 18) if dark else (242, 242, 247))
    pen, ink = ImageDraw.Draw(page), (240, 240, 240) if dark else (20, 20, 20)
    pen.text((24, 50), words(draw, 1), font=font(34), fill=ink, stroke_width=1)
    for y in range(120, 940, 64):
        pen.rounded_rectangle((16, y, 464, y + 56), 10, fill=(36, 36, 40) if dark else "white")
        pen.rounded_rectangle((28, y + 12, 60, y + 44), 7, fill=draw.colour(60, 255))
        pen.text((74, y + 18), words(draw, 2), font=font(19), fill=ink)
        if draw.random.random() < 0.5:
            on = draw.random.random() < 0.5
            pen.rounded_rectangle((396, y + 14, 448, y + 42), 14, fill=(52, 199, 89) if on else (120, 120, 125))
            pen.ellipse((422 if on else 398, y + 16, 446 if on else 422, y + 40), fill="white")
    return page


def chart(draw, world):
    width, height = size(draw, ((640, 420), (600, 500), (720, 400)))
    page = Image.new("RGB", (width, height), draw.random.choice([(255, 255, 255), (245, 245, 240), (34, 36, 44)]))
    dark = page.getpixel((0, 0))[0] < 100
    pen, ink = ImageDraw.Draw(page), (225, 225, 225) if dark else (40, 40, 40)
    pen.text((60, 12), words(draw, 4), font=font(20), fill=ink)
    left, top, right, bottom = 60, 50, width - 30, height - 50
    kind = draw.random.choice(["bars", "grouped", "lines", "pie", "scatter", "area"])
    if kind != "pie":
        for i in range(6):
            y = bottom - (bottom - top) * i / 5
            pen.line((left, y, right, y), fill=(90, 92, 100) if dark else (220, 220, 220))
            pen.text((14, y - 7), str(i * draw.random.choice([10, 20])), font=font(12), fill=ink)
        pen.line((left, top, left, bottom), fill=ink, width=2)
        pen.line((left, bottom, right, bottom), fill=ink, width=2)
    if kind in ("bars", "grouped"):
        count, groups = draw.random.randint(4, 16), 1 if kind == "bars" else draw.random.randint(2, 3)
        paints, step = [draw.colour(30, 230) for _ in range(groups)], (right - left) / count
        for i in range(count):
            for g in range(groups):
                x = left + i * step + step * 0.12 + g * step * 0.76 / groups
                pen.rectangle((x, bottom - (bottom - top) * draw.random.uniform(0.05, 0.98), x + step * 0.72 / groups, bottom), fill=paints[g])
    elif kind in ("lines", "area"):
        for _ in range(draw.random.randint(1, 5)):
            count, level, points = draw.random.randint(8, 60), draw.random.random(), []
            for i in range(count):
                level = min(1, max(0, level + draw.random.uniform(-0.15, 0.15)))
                points.append((left + (right - left) * i / (count - 1), bottom - (bottom - top) * level))
            if kind == "area":
                pen.polygon(points + [(right, bottom), (left, bottom)], fill=draw.colour(60, 230))
            pen.line(points, fill=draw.colour(30, 230), width=3)
    elif kind == "scatter":
        for _ in range(draw.random.randint(2, 4)):
            paint, mx, my = draw.colour(30, 230), draw.random.uniform(left, right), draw.random.uniform(top, bottom)
            for _ in range(draw.random.randint(15, 90)):
                x, y = draw.random.gauss(mx, 50), draw.random.gauss(my, 40)
                pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill=paint)
    else:
        start, radius, middle = draw.random.uniform(0, 360), (bottom - top) / 2, (left + (bottom - top) / 2, (top + bottom) / 2)
        shares = [draw.random.uniform(0.3, 2) for _ in range(draw.random.randint(3, 8))]
        for number, share in enumerate(shares):
            sweep, paint = 360 * share / sum(shares), draw.colour(40, 240)
            pen.pieslice((middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius), start, start + sweep, fill=paint, outline=page.getpixel((0, 0)), width=2)
            pen.rectangle((right - 140, top + number * 26, right - 124, top + 16 + number * 26), fill=paint)
            pen.text((right - 116, top + number * 26), words(draw, 1), font=font(15), fill=ink)
            start += sweep
    return page


def street_map(draw, world):
    """Line art like a map: blocks, streets, a river, labels."""
    page = Image.new("RGB", (640, 560), (242, 239, 233))
    pen = ImageDraw.Draw(page)
    for _ in range(draw.random.randint(4, 10)):
        x, y = draw.random.uniform(0, 640), draw.random.uniform(0, 560)
        pen.polygon([(x + draw.random.uniform(20, 110) * math.cos(a), y + draw.random.uniform(20, 110) * math.sin(a)) for a in np.linspace(0, 2 * math.pi, 8)], fill=draw.random.choice([(205, 230, 190), (225, 220, 210), (215, 232, 200)]))
    y = draw.random.uniform(60, 500)
    river = [(x, y := y + draw.random.uniform(-30, 30)) for x in range(-20, 700, 40)]
    pen.line(river, fill=(170, 211, 223), width=draw.random.randint(12, 34), joint="curve")
    tilt_of_grid = draw.random.uniform(0, math.pi / 2)
    for number in range(draw.random.randint(14, 34)):
        angle, off = tilt_of_grid + (number % 2) * math.pi / 2 + draw.random.gauss(0, 0.07), draw.random.uniform(-380, 380)
        cx, cy = 320 - off * math.sin(angle), 280 + off * math.cos(angle)
        ends = (cx - 600 * math.cos(angle), cy - 600 * math.sin(angle), cx + 600 * math.cos(angle), cy + 600 * math.sin(angle))
        wide = draw.random.choice([3, 4, 6, 10])
        pen.line(ends, fill=(200, 195, 188), width=wide + 2)
        pen.line(ends, fill=draw.random.choice([(255, 255, 255), (255, 255, 255), (252, 214, 164)]) if wide > 3 else (255, 255, 255), width=wide)
    for _ in range(draw.random.randint(5, 14)):
        pen.text((draw.random.uniform(0, 560), draw.random.uniform(0, 540)), words(draw, 1) + " St", font=font(13), fill=(90, 90, 90), stroke_width=2, stroke_fill="white")
    return page


def plan(draw, world):
    """Line art like a technical drawing: boxes, circles, arrows and measures on white."""
    page = Image.new("RGB", size(draw), "white")
    pen = ImageDraw.Draw(page)
    for _ in range(draw.random.randint(8, 26)):
        x, y, w, h = draw.random.uniform(0, page.width * 0.8), draw.random.uniform(0, page.height * 0.8), draw.random.uniform(30, 190), draw.random.uniform(30, 150)
        kind, wide = draw.random.choice(["box", "box", "circle", "line", "label"]), draw.random.randint(1, 3)
        if kind == "box":
            pen.rectangle((x, y, x + w, y + h), outline=(20, 20, 20), width=wide)
        elif kind == "circle":
            pen.ellipse((x, y, x + w, y + w), outline=(20, 20, 20), width=wide)
        elif kind == "line":
            pen.line((x, y, x + w, y + draw.random.choice([0, h])), fill=(20, 20, 20), width=wide)
        else:
            pen.text((x, y), words(draw, 2), font=font(15), fill=(20, 20, 20))
    return page


def lattice(draw, world):
    """A pattern that repeats: what makes local features agree by accident."""
    width, height = size(draw)
    page = Image.new("RGB", (width, height), draw.colour())
    pen, step = ImageDraw.Draw(page), draw.random.randint(14, 90)
    one, two = draw.colour(), draw.colour()
    kind = draw.random.choice(["checks", "bricks", "dots", "stripes", "net", "motif", "blocks", "hexagons", "cloth"])
    if kind == "motif":
        tile = world.other(draw)
        tile = tile.resize((step + 40, round((step + 40) * tile.height / tile.width)))
        for y in range(0, height, tile.height):
            for x in range(0, width, tile.width):
                page.paste(tile, (x, y))
    elif kind == "blocks":
        cells = draw.random.randint(21, 45)
        bits = draw.arrays().integers(0, 2, (cells, cells)).astype(np.uint8) * 255
        page.paste(Image.fromarray(bits).resize((min(width, height) - 40,) * 2, Image.NEAREST).convert("RGB"), (20, 20))
    elif kind == "cloth":
        y, x = np.mgrid[0:height, 0:width]
        wave = np.sin(x * 2 * math.pi / step) * np.sin(y * 2 * math.pi / (step * draw.random.uniform(0.6, 1.4)))
        page = to_picture(np.array(one)[None, None] + (np.array(two) - np.array(one))[None, None] * ((wave + 1) / 2)[..., None])
    else:
        for row, y in enumerate(range(-step, height + step, step)):
            for column, x in enumerate(range(-step, width + step, step)):
                paint = one if (row + column) % 2 else two
                if kind == "checks":
                    pen.rectangle((x, y, x + step, y + step), fill=paint)
                elif kind == "bricks":
                    at = x * 2 + (row % 2) * step
                    pen.rectangle((at + 2, y + 2, at + 2 * step - 2, y + step - 2), fill=tuple(min(255, c + draw.random.randint(0, 18)) for c in one))
                elif kind == "dots":
                    at = x + (row % 2) * step / 2
                    pen.ellipse((at, y, at + step * 0.6, y + step * 0.6), fill=one)
                elif kind == "stripes":
                    pen.rectangle((x, 0, x + step / 2, height), fill=one)
                elif kind == "net":
                    pen.rectangle((x, y, x + step, y + step), outline=one, width=max(1, step // 12))
                else:
                    cx, cy = x * 1.5, y * 1.732 + (column % 2) * step * 0.866
                    pen.polygon([(cx + step * 0.92 * math.cos(a * math.pi / 3), cy + step * 0.92 * math.sin(a * math.pi / 3)) for a in range(6)], fill=paint, outline=two)
    if draw.random.random() < 0.4:
        page = page.rotate(draw.random.uniform(0, 45), resample=Image.BICUBIC, expand=False, fillcolor=one)
    return page


def gradient(draw, world):
    width, height = size(draw)
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    kind = draw.random.choice(["line", "circle", "corners", "sky"])
    one, two = np.array(draw.colour(), float), np.array(draw.colour(), float)
    if kind == "line":
        angle = draw.random.uniform(0, 2 * math.pi)
        t = x * math.cos(angle) + y * math.sin(angle)
    elif kind == "circle":
        t = np.hypot(x - draw.random.random(), y - draw.random.random())
    elif kind == "corners":
        t = x * y + (1 - x) * draw.random.random()
    else:
        t = y + 0.05 * smooth_noise(draw.arrays(), width, height, 5)
    t = (t - t.min()) / (np.ptp(t) + 1e-9)
    return to_picture(one + (two - one) * t[..., None])


def static(draw, world):
    width, height = size(draw)
    rng, kind = draw.arrays(), draw.random.choice(["white", "grey", "clouds", "fine clouds"])
    if kind == "white":
        return to_picture(rng.uniform(0, 255, (height, width, 3)))
    if kind == "grey":
        return to_picture(np.repeat(rng.normal(128, 50, (height, width, 1)), 3, 2))
    field = sum(smooth_noise(rng, width, height, c) / (i + 1) for i, c in enumerate([4, 9, 20] if kind == "clouds" else [20, 50, 120]))
    paint = np.array(draw.colour(60, 255), float)
    return to_picture(paint * (0.5 + 0.2 * field[..., None]))


def flat_mark(draw, world):
    """A mark of the set alone on one colour, at times with a line of text."""
    page = Image.new("RGB", size(draw), draw.random.choice([(255, 255, 255), (0, 0, 0), draw.colour()]))
    mark = logo(world, draw.random.randint(0, 5), page.width * draw.random.uniform(0.2, 0.7))
    page.paste(mark, ((page.width - mark.width) // 2, (page.height - mark.height) // 2), mark)
    if draw.random.random() < 0.5:
        text_block(page, (40, page.height * 0.85, page.width - 20, page.height), words(draw, 4), 24, draw.random.choice([(128, 128, 128), (200, 30, 30)]))
    return page


def meme_flat(draw, world):
    """Big text on one colour: one of four templates with the captions that references carry too."""
    look = Draw(f"{world.seed}/flat/{draw.random.randint(0, 3)}")
    page = Image.new("RGB", look.random.choice([(640, 640), (600, 480), (540, 760)]), look.colour())
    big = page.width / look.random.uniform(9, 14)
    outlined(page, draw.random.choice(world.captions), big, (page.width / 2, page.height * 0.25))
    if look.random.random() < 0.7:
        outlined(page, draw.random.choice(world.captions), big, (page.width / 2, page.height * 0.75))
    return page


def meme_template(draw, world):
    """The same few pictures again and again, each time with other text."""
    look = Draw(f"{world.seed}/template/{draw.random.randint(0, 4)}")
    page = world.others[look.random.randrange(len(world.others))].copy()
    big = page.width / look.random.uniform(11, 16)
    outlined(page, words(draw, draw.random.randint(3, 6)), big, (page.width / 2, big * 1.3))
    outlined(page, words(draw, draw.random.randint(3, 6)), big, (page.width / 2, page.height - big * 1.4))
    return page


def shapes(draw, world):
    """Flat coloured shapes, like simple illustrations."""
    page = Image.new("RGB", size(draw), draw.colour())
    pen = ImageDraw.Draw(page)
    for _ in range(draw.random.randint(4, 30)):
        x, y, r = draw.random.uniform(0, page.width), draw.random.uniform(0, page.height), draw.random.uniform(10, 160)
        kind = draw.random.choice(["circle", "box", "triangle"])
        if kind == "circle":
            pen.ellipse((x - r, y - r, x + r, y + r), fill=draw.colour())
        elif kind == "box":
            pen.rectangle((x - r, y - r / 2, x + r, y + r / 2), fill=draw.colour())
        else:
            pen.polygon([(x + r * math.cos(a), y + r * math.sin(a)) for a in (draw.random.uniform(0, 6.28) for _ in range(3))], fill=draw.colour())
    return page.filter(ImageFilter.GaussianBlur(1)) if draw.random.random() < 0.3 else page


DRAWINGS = {
    "document": [paragraphs, paragraphs, form, table, receipt],
    "screen of text": [code, messages, settings],
    "chart": [chart],
    "line art": [street_map, plan, shapes],
    "lattice": [lattice],
    "gradient or noise": [gradient, static],
    "flat with mark": [flat_mark],
    "meme on flat": [meme_flat],
    "meme template": [meme_template],
}
