"""The reference as a part of something larger: bars and frames, collages, screenshots, picture in picture.

The chrome of a screenshot comes from a few *skins* fixed by the set's seed. A skin is the same to the pixel on derivatives of references and on distractors, so a match that rests on the chrome alone shows up as a false one.
"""

import math

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from draw import Draw, contain, cover, font, rounded_mask, text_block, words
from geometry import onto_quad
from tone import blur, noise, uneven_light

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def bars(picture, draw, world, across, colour):
    """Equal bars above and below (`across` False) or left and right (True); one bar is 8 to 35 % of the side."""
    share = draw.number("bar", 0.08, 0.35)
    paint = draw.colour(20, 235) if colour is None else colour
    by_x, by_y = (round(picture.width * share), 0) if across else (0, round(picture.height * share))
    page = Image.new("RGB", (picture.width + 2 * by_x, picture.height + 2 * by_y), paint)
    page.paste(picture, (by_x, by_y))
    return page


def frame(picture, draw, world, low, high, equal=True):
    """A border whose sides are shares of the longer side between low and high."""
    longer = max(picture.size)
    sides = [draw.random.uniform(low, high)] * 4 if equal else [draw.random.uniform(low, high) for _ in range(4)]
    draw.values["sides"] = [round(s, 3) for s in sides]
    left, top, right, bottom = (max(1, round(s * longer)) for s in sides)
    paint = draw.random.choice([BLACK, WHITE, draw.colour(), (240, 236, 224)])
    page = Image.new("RGB", (picture.width + left + right, picture.height + top + bottom), paint)
    page.paste(picture, (left, top))
    return page


def card(picture, draw, world):
    """Rounded corners and a shadow on a plain or shaded ground."""
    pad, radius = round(max(picture.size) * draw.number("pad", 0.06, 0.16)), round(min(picture.size) * draw.number("radius", 0.04, 0.12))
    one, two = draw.colour(90, 255), draw.colour(90, 255)
    page = Image.merge("RGB", [Image.linear_gradient("L").point([round(a + (b - a) * v / 255) for v in range(256)]) for a, b in zip(one, two)])
    page = page.resize((picture.width + 2 * pad, picture.height + 2 * pad))
    shadow = Image.new("L", page.size, 0)
    shadow.paste(130, (pad, pad + pad // 4), rounded_mask(picture.size, radius))
    page.paste(BLACK, (0, 0), shadow.filter(ImageFilter.GaussianBlur(max(2, pad / 5))))
    page.paste(picture, (pad, pad), rounded_mask(picture.size, radius))
    return page


def blurred_background(picture, draw, world):
    """Upright video format: the picture over a large blurred copy of itself."""
    width = draw.whole("width", 480, 640)
    height = round(width * (16 / 9 if picture.width >= picture.height * 0.8 else 1))
    if height == width:
        width = round(height * 16 / 9)
    page = cover(picture, width, height).filter(ImageFilter.GaussianBlur(width / draw.number("blur", 18, 40)))
    page = ImageEnhance.Brightness(page).enhance(draw.number("dim", 0.5, 1.0))
    front = contain(picture, width, height)
    page.paste(front, ((width - front.width) // 2, (height - front.height) // 2))
    return page


def grid(picture, draw, world, rows, columns, gutter=True):
    """A collage of equal cells, shaped within 15 % of the reference; the other cells hold other pictures."""
    long_side = {1: 520, 2: 380, 3: 240}[max(rows, columns)] * draw.number("scale", 0.75, 1.2)
    shape = picture.width / picture.height * math.exp(draw.number("log_shape", -0.14, 0.14))
    width, height = (long_side, long_side / shape) if shape >= 1 else (long_side * shape, long_side)
    width, height = round(width), round(height)
    gap = draw.whole("gutter_px", 3, 16) if gutter else 0
    margin = draw.pick("margin_px", [0, gap, 2 * gap, 24]) if gutter else 0
    paint = draw.random.choice([WHITE, BLACK, draw.colour()])
    page = Image.new("RGB", (columns * width + (columns - 1) * gap + 2 * margin, rows * height + (rows - 1) * gap + 2 * margin), paint)
    parts = world.several(draw, rows * columns)
    parts[draw.whole("cell", 0, rows * columns - 1)] = picture
    for cell, part in enumerate(parts):
        page.paste(cover(part, width, height), (margin + cell % columns * (width + gap), margin + cell // columns * (height + gap)))
    return page


def grid_any(picture, draw, world):
    """Two by two, with or without gutter and margin: the plain quad for combinations."""
    return grid(picture, draw, world, 2, 2, draw.pick("gutter", [True, False]))


def mixed_collage(picture, draw, world):
    """One large and two or three small cells; the reference in any of them."""
    width, height = draw.whole("width", 640, 800), draw.whole("height", 560, 720)
    gap, smalls, big = draw.whole("gutter_px", 0, 12), draw.whole("small_cells", 2, 3), draw.number("large", 0.5, 0.68)
    boxes = [(0, 0, round(width * big) - gap, height)]
    step = height / smalls
    boxes += [(round(width * big), round(i * step), width, round((i + 1) * step) - (gap if i < smalls - 1 else 0)) for i in range(smalls)]
    page, mine = Image.new("RGB", (width, height), draw.random.choice([WHITE, BLACK, draw.colour()])), draw.whole("cell", 0, smalls)
    others = world.several(draw, smalls + 1)
    for number, (left, top, right, bottom) in enumerate(boxes):
        if number == mine:
            part = cover(picture, right - left, bottom - top) if 0.6 < (right - left) / (bottom - top) / (picture.width / picture.height) < 1.6 else None
            if part is None:
                part = Image.new("RGB", (right - left, bottom - top), WHITE)
                whole = contain(picture, right - left, bottom - top)
                part.paste(whole, ((part.width - whole.width) // 2, (part.height - whole.height) // 2))
        else:
            part = cover(others[number], right - left, bottom - top)
        page.paste(part, (left, top))
    return page


def film_strip(picture, draw, world):
    """Three frames of film with perforations, across or down."""
    frame_width, count = draw.whole("frame_px", 320, 460), 3
    height = round(frame_width * min(1.4, max(0.55, picture.height / picture.width)))
    edge, gap, mine = round(height * 0.14), round(frame_width * 0.04), draw.whole("frame", 0, 2)
    page = Image.new("RGB", (count * (frame_width + gap) + gap, height + 2 * edge), (18, 16, 14))
    pen = ImageDraw.Draw(page)
    parts = world.several(draw, count)
    parts[mine] = picture
    for i, part in enumerate(parts):
        page.paste(cover(part, frame_width, height), (gap + i * (frame_width + gap), edge))
    for x in range(edge // 4, page.width, round(edge * 0.8)):
        for y in (edge * 0.25, page.height - edge * 0.75):
            pen.rounded_rectangle((x, y, x + edge * 0.4, y + edge * 0.5), 3, fill=(235, 232, 225))
    return page.transpose(Image.ROTATE_90) if draw.pick("upright", [False, True]) else page


def skin(draw, world, kind):
    """One of four fixed looks of a screen."""
    return Draw(f"{world.seed}/skin/{kind}/{draw.whole('skin', 0, 3)}")


def status_bar(pen, width, ink, look):
    pen.text((22, 8), f"{look.random.randint(7, 22)}:{look.random.randint(10, 59)}", font=font(17), fill=ink)
    pen.rectangle((width - 48, 11, width - 22, 24), outline=ink, width=2)
    pen.rectangle((width - 45, 14, width - 32, 21), fill=ink)
    for i in range(4):
        pen.rectangle((width - 84 + i * 7, 24 - 3 * (i + 1), width - 80 + i * 7, 24), fill=ink)


def phone(picture, draw, world, dark):
    """A feed on a phone: header, the picture over the full width, buttons, comments."""
    look = skin(draw, world, f"phone{dark}")
    width = look.random.choice([480, 540, 600])
    height = round(width * look.random.uniform(1.95, 2.2))
    paper, ink, soft = ((14, 14, 16), (240, 240, 240), (60, 60, 66)) if dark else ((255, 255, 255), (20, 20, 20), (226, 226, 230))
    accent = look.colour(40, 220)
    page = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(page)
    status_bar(pen, width, ink, look)
    pen.text((22, 44), words(look, 1) + "gram", font=font(30), fill=ink)
    pen.ellipse((18, 96, 58, 136), fill=accent)
    pen.text((70, 100), words(look, 2), font=font(18), fill=ink)
    pen.text((70, 120), words(look, 3), font=font(13), fill=soft)
    shown = contain(picture, width, height * 0.56)
    top = 148
    page.paste(shown, ((width - shown.width) // 2, top))
    y = top + shown.height + 14
    for i in range(3):
        pen.ellipse((20 + i * 46, y, 48 + i * 46, y + 28), outline=ink, width=3)
    pen.polygon([(width - 44, y), (width - 22, y), (width - 22, y + 28), (width - 33, y + 18), (width - 44, y + 28)], outline=ink, width=3)
    y += 42
    pen.text((20, y), f"{look.random.randint(20, 900)} likes", font=font(17), fill=ink)
    text_block(page, (20, y + 26, width - 20, height - 70), words(look, 40), 17, ink)
    pen.rectangle((0, height - 58, width, height), fill=paper)
    pen.line((0, height - 58, width, height - 58), fill=soft, width=2)
    for i in range(5):
        x = width * (i + 0.5) / 5
        pen.rounded_rectangle((x - 13, height - 44, x + 13, height - 18), 6, outline=accent if i == 0 else ink, width=3)
    return page


def chat(picture, draw, world):
    """A conversation on a phone with the picture in a bubble."""
    look = skin(draw, world, "chat")
    width = look.random.choice([480, 540, 600])
    height = round(width * look.random.uniform(1.85, 2.15))
    head, wall, mine, theirs = look.colour(0, 130), look.colour(190, 245), look.colour(190, 250), WHITE
    page = Image.new("RGB", (width, height), wall)
    pen = ImageDraw.Draw(page)
    for y in range(80, height, 46):
        for x in range((y // 46) % 2 * 23, width, 46):
            pen.arc((x, y, x + 16, y + 16), 20, 250, fill=tuple(c - 12 for c in wall), width=2)
    pen.rectangle((0, 0, width, 86), fill=head)
    status_bar(pen, width, WHITE, look)
    pen.ellipse((18, 38, 58, 78), fill=look.colour(90, 255))
    pen.text((70, 46), words(look, 2), font=font(21), fill=WHITE)

    def bubble(y, own, lines):
        tall = 18 + 24 * lines
        left = width * 0.3 if own else 16
        right = width - 16 if own else width * 0.72
        pen.rounded_rectangle((left, y, right, y + tall), 12, fill=mine if own else theirs)
        text_block(page, (left + 12, y + 8, right - 8, y + tall), words(look, lines * 6), 18, (25, 25, 25))
        return y + tall + 10

    y = bubble(bubble(100, False, 1), True, 2)
    shown = contain(picture, width * look.random.uniform(0.62, 0.78), height * 0.5)
    own, edge = look.random.random() < 0.5, look.random.choice([0, 5, 8])
    left = width - 16 - shown.width - edge if own else 16 + edge
    pen.rounded_rectangle((left - edge, y, left + shown.width + edge, y + shown.height + 2 * edge), 14, fill=mine if own else theirs)
    page.paste(shown, (left, y + edge), rounded_mask(shown.size, 12))
    pen.text((left + shown.width - 50, y + edge + shown.height - 22), "12:07", font=font(14), fill=WHITE, stroke_width=1, stroke_fill=(60, 60, 60))
    y += shown.height + 2 * edge + 10
    while y < height - 130:
        y = bubble(y, look.random.random() < 0.5, look.random.randint(1, 2))
    pen.rectangle((0, height - 62, width, height), fill=wall)
    pen.rounded_rectangle((14, height - 56, width - 76, height - 12), 22, fill=WHITE)
    pen.ellipse((width - 64, height - 58, width - 16, height - 10), fill=head)
    return page


def browser(picture, draw, world):
    """A page in a browser on a computer: tabs, address, article, side column with a foreign picture."""
    look = skin(draw, world, "browser")
    width, height = look.random.choice([(1024, 700), (1100, 760), (960, 720)])
    dark = look.random.random() < 0.35
    paper, ink, bar = ((30, 31, 34), (230, 230, 230), (55, 57, 62)) if dark else ((255, 255, 255), (25, 25, 25), (222, 225, 230))
    page = Image.new("RGB", (width, height), paper)
    pen = ImageDraw.Draw(page)
    pen.rectangle((0, 0, width, 74), fill=bar)
    for i in range(3):
        pen.rounded_rectangle((12 + i * 190, 8, 196 + i * 190, 40), 8, fill=paper if i == 1 else bar, outline=paper)
        pen.text((24 + i * 190, 14), words(look, 2), font=font(15), fill=ink)
    pen.rounded_rectangle((90, 43, width - 90, 69), 13, fill=paper)
    pen.text((106, 46), f"https://www.{words(look, 1).lower()}.example/{words(look, 1).lower()}", font=font(15), fill=ink)
    for i in range(3):
        pen.ellipse((12 + i * 24, 47, 30 + i * 24, 65), outline=ink, width=2)
    text_block(page, (40, 92, width * 0.68, 140), words(look, 6), 30, ink, bold=1)
    shown = contain(picture, width * 0.62, height * 0.62)
    page.paste(shown, (40, 142))
    text_block(page, (40, 154 + shown.height, width * 0.66, height - 4), words(look, 90), 16, ink)
    side = world.others[look.random.randrange(len(world.others))]
    advert = cover(side, width * 0.24, height * 0.26)
    page.paste(advert, (round(width * 0.72), 100))
    text_block(page, (width * 0.72, 118 + advert.height, width * 0.97, height - 10), words(look, 70), 15, ink)
    return page


def desktop(picture, draw, world):
    """A picture viewer's window on a desktop whose wallpaper is another picture."""
    look = skin(draw, world, "desktop")
    width, height = look.random.choice([(1024, 640), (1100, 690), (960, 720)])
    page = cover(world.others[look.random.randrange(len(world.others))], width, height)
    pen = ImageDraw.Draw(page)
    bar, title, glass = look.colour(20, 90), look.colour(50, 230), look.colour(10, 60)
    for i in range(6):
        pen.rounded_rectangle((18, 18 + i * 84, 62, 62 + i * 84), 8, fill=look.colour(60, 255))
        pen.text((14, 66 + i * 84), words(look, 1), font=font(13), fill=WHITE, stroke_width=1, stroke_fill=BLACK)
    shown = contain(picture, width * draw.number("width", 0.4, 0.62), height * 0.7)
    pad = look.random.choice([0, 0, 14])
    left = draw.whole("left", 90, max(91, width - shown.width - 2 * pad - 10))
    top = draw.whole("top", 40, max(41, height - shown.height - 2 * pad - 50))
    pen.rectangle((left - 1, top - 32, left + shown.width + 2 * pad, top + shown.height + 2 * pad), fill=glass)
    pen.rectangle((left - 1, top - 32, left + shown.width + 2 * pad, top - 1), fill=title)
    pen.text((left + 10, top - 26), f"{words(look, 1)}.jpg", font=font(16), fill=BLACK if sum(title) > 380 else WHITE)
    for i in range(3):
        pen.ellipse((left + shown.width + 2 * pad - 22 - i * 24, top - 24, left + shown.width + 2 * pad - 8 - i * 24, top - 10), fill=look.colour(60, 240))
    page.paste(shown, (left + pad, top + pad))
    pen.rectangle((0, height - 40, width, height), fill=bar)
    for i in range(8):
        pen.rounded_rectangle((12 + i * 42, height - 34, 42 + i * 42, height - 6), 5, fill=look.colour(60, 255))
    pen.text((width - 70, height - 30), "14:25", font=font(17), fill=WHITE)
    return page


def picture_in_picture(picture, draw, world, low, high):
    """The reference as an inset whose longer side is low..high of the other picture's."""
    width = draw.whole("width", 640, 800)
    page = cover(world.other(draw), width, width * draw.number("shape", 0.66, 1.2))
    longer = max(page.size) * draw.number("inset", low, high)
    inset = contain(picture, min(longer, page.width * 0.94), min(longer, page.height * 0.94))
    edge = draw.pick("border_px", [0, 0, 3, 6])
    x, y = draw.whole("left", 0, max(0, page.width - inset.width)), draw.whole("top", 0, max(0, page.height - inset.height))
    if edge:
        ImageDraw.Draw(page).rectangle((x - edge, y - edge, x + inset.width + edge - 1, y + inset.height + edge - 1), fill=draw.random.choice([WHITE, BLACK]))
    page.paste(inset, (x, y))
    return page


def screen_photo(picture, draw, world):
    """A screen photographed at a slant: edge of the monitor, stripes, uneven light, noise."""
    import numpy as np

    w, h = picture.size
    page = np.asarray(picture, np.float32)
    y, x = np.mgrid[0:h, 0:w]
    stripes = np.sin((x * draw.number("moire_x", 0.2, 0.9) + y * draw.number("moire_y", -0.5, 0.5)))
    page = page * (1 + draw.number("moire", 0.02, 0.07) * stripes)[..., None]
    shown = Image.fromarray(np.clip(page, 0, 255).astype(np.uint8))
    border = round(max(w, h) * draw.number("bezel", 0.02, 0.06))
    monitor = Image.new("RGB", (w + 2 * border, h + 2 * border), (22, 22, 24))
    monitor.paste(shown, (border, border))
    room = Image.new("RGB", (round(w * 1.3), round(h * 1.3)), draw.colour(60, 200))
    slant = draw.number("slant", 0.02, 0.08)
    base = [(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)]
    quad = [((u + draw.random.uniform(-slant, slant)) * room.width, (v + draw.random.uniform(-slant, slant)) * room.height) for u, v in base]
    laid = onto_quad(monitor, quad, room.size, None)
    mask = onto_quad(Image.new("L", monitor.size, 255), quad, room.size, 0)
    room.paste(laid, (0, 0), mask)
    return noise(blur(uneven_light(room, draw, world), draw, world, 0.4, 1.0), draw, world) if draw.pick("noisy", [False, True]) else blur(uneven_light(room, draw, world), draw, world, 0.4, 1.2)
