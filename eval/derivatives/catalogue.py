"""The transforms by name: class, function, strengths as ranges.

`crop10` takes 10 % of the area away and keeps 90 %. No strength is a fixed number: what a picture got is in `parameters.ndjson`.
"""

from functools import partial

from PIL import Image

import edits
import geometry
import layouts
import overlays
import tone


def chain(*steps):
    """One transform after the other."""

    def both(picture, draw, world):
        for step in steps:
            picture = step(picture, draw, world)
        return picture

    return both


crop40to80 = partial(geometry.crop, low=0.45, high=0.8)
small = partial(tone.resize, low=0.35, high=0.65)

# name: (class, function, how the file is saved: a JPEG quality range, or None for JPEG, PNG or WebP by chance)
TRANSFORMS = {
    "jpeg_high": ("recompress", tone.same, ("JPEG", 72, 92)),
    "jpeg_mid": ("recompress", tone.same, ("JPEG", 35, 60)),
    "jpeg_low": ("recompress", tone.same, ("JPEG", 8, 22)),
    "webp": ("recompress", tone.same, ("WEBP", 15, 70)),
    "png": ("recompress", tone.same, ("PNG", 0, 0)),
    "palette": ("recompress", tone.palette, ("PNG", 0, 0)),
    "sent_on": ("recompress", tone.twice, None),
    "resize_down": ("resize", partial(tone.resize, low=0.3, high=0.7), None),
    "resize_up": ("resize", partial(tone.resize, low=1.3, high=2.0), None),
    "thumbnail": ("resize", partial(tone.thumbnail, low=128, high=200), None),
    "thumbnail96": ("resize", partial(tone.thumbnail, low=96, high=112), None),
    "stretch": ("resize", tone.stretch, None),
    "gamma": ("tone", tone.gamma, None),
    "brighter": ("tone", partial(tone.brightness, low=1.25, high=1.7), None),
    "darker": ("tone", partial(tone.brightness, low=0.35, high=0.7), None),
    "contrast": ("tone", tone.contrast, None),
    "saturation": ("tone", tone.saturation, None),
    "sepia": ("tone", tone.sepia, None),
    "grey": ("tone", tone.grey, None),
    "hue": ("tone", tone.hue, None),
    "equalise": ("tone", tone.equalise, None),
    "posterise": ("tone", tone.posterise, None),
    "filter_look": ("tone", tone.filter_look, None),
    "negative": ("negative", tone.negative, None),
    "blur": ("blur", partial(tone.blur, low=1.0, high=2.6), None),
    "blur_heavy": ("blur", partial(tone.blur, low=3.0, high=6.0), None),
    "median": ("blur", tone.median, None),
    "noise": ("noise", tone.noise, None),
    "salt": ("noise", tone.salt, None),
    "sharpen": ("sharpen", tone.sharpen, None),
    **{f"crop{cut}": ("crop", partial(geometry.crop, low=0.98 - cut / 100 - 0.01, high=1.02 - cut / 100), None) for cut in (10, 20, 30, 40, 50, 60, 70)},
    "crop_square": ("crop", partial(geometry.crop_to_shape, shapes=[1.0, 0.8]), None),
    "crop_wide": ("crop", partial(geometry.crop_to_shape, shapes=[2.35, 1.91, 0.5625]), None),
    "tilt3": ("tilt", partial(geometry.tilt, low=2, high=4), None),
    "tilt7": ("tilt", partial(geometry.tilt, low=5, high=9), None),
    "tilt15": ("tilt", partial(geometry.tilt, low=11, high=15), None),
    "tilt_inside3": ("tilt", partial(geometry.tilt, low=2, high=5, inside=True), None),
    "tilt_inside10": ("tilt", partial(geometry.tilt, low=7, high=15, inside=True), None),
    "rot90": ("turn", partial(geometry.turn, how=Image.ROTATE_90), None),
    "rot180": ("turn", partial(geometry.turn, how=Image.ROTATE_180), None),
    "rot270": ("turn", partial(geometry.turn, how=Image.ROTATE_270), None),
    "mirror": ("turn", geometry.mirror, None),
    "mirror_upright": ("turn", partial(geometry.turn, how=Image.FLIP_TOP_BOTTOM), None),
    "mirror_crop": ("turn", chain(geometry.mirror, crop40to80), None),
    "perspective_weak": ("perspective", partial(geometry.perspective, low=0.03, high=0.08), None),
    "perspective_strong": ("perspective", partial(geometry.perspective, low=0.12, high=0.22), None),
    "letterbox_black": ("bars", partial(layouts.bars, across=False, colour=(0, 0, 0)), None),
    "letterbox_white": ("bars", partial(layouts.bars, across=False, colour=(255, 255, 255)), None),
    "letterbox_colour": ("bars", partial(layouts.bars, across=False, colour=None), None),
    "pillarbox_black": ("bars", partial(layouts.bars, across=True, colour=(0, 0, 0)), None),
    "pillarbox_colour": ("bars", partial(layouts.bars, across=True, colour=None), None),
    "frame_thin": ("frame", partial(layouts.frame, low=0.008, high=0.03), None),
    "frame_thick": ("frame", partial(layouts.frame, low=0.06, high=0.16), None),
    "frame_unequal": ("frame", partial(layouts.frame, low=0.01, high=0.22, equal=False), None),
    "card": ("frame", layouts.card, None),
    "blurred_background": ("blurred background", layouts.blurred_background, None),
    "collage1x2": ("collage", partial(layouts.grid, rows=1, columns=2), None),
    "collage2x1": ("collage", partial(layouts.grid, rows=2, columns=1), None),
    "collage2x2": ("collage", partial(layouts.grid, rows=2, columns=2), None),
    "collage2x2_seamless": ("collage", partial(layouts.grid, rows=2, columns=2, gutter=False), None),
    "collage3x3": ("collage", partial(layouts.grid, rows=3, columns=3), None),
    "collage_mixed": ("collage", layouts.mixed_collage, None),
    "film_strip": ("collage", layouts.film_strip, None),
    "phone_light": ("screen", partial(layouts.phone, dark=False), None),
    "phone_dark": ("screen", partial(layouts.phone, dark=True), None),
    "chat": ("screen", layouts.chat, None),
    "browser": ("screen", layouts.browser, None),
    "desktop": ("screen", layouts.desktop, None),
    "screen_photo": ("screen", layouts.screen_photo, None),
    "pip_small": ("picture in picture", partial(layouts.picture_in_picture, low=0.22, high=0.32), None),
    "pip_large": ("picture in picture", partial(layouts.picture_in_picture, low=0.4, high=0.6), None),
    "caption_above": ("caption", partial(overlays.caption, below=False), None),
    "caption_below": ("caption", partial(overlays.caption, below=True), None),
    "meme": ("text", overlays.meme, None),
    "text_over": ("text", overlays.text_over, None),
    "watermark": ("mark", overlays.watermark, None),
    "watermark_dense": ("mark", partial(overlays.watermark, dense=True), None),
    "corner_mark": ("mark", overlays.corner_mark, None),
    "sticker8": ("sticker", partial(overlays.stickers, low=0.06, high=0.10), None),
    "sticker20": ("sticker", partial(overlays.stickers, low=0.17, high=0.24), None),
    "censor": ("hidden part", overlays.censor, None),
    "mosaic": ("hidden part", overlays.mosaic, None),
    "inpaint10": ("inpainting", partial(edits.inpaint, low=0.07, high=0.13), None),
    "inpaint25": ("inpainting", partial(edits.inpaint, low=0.21, high=0.29), None),
    "inpaint40": ("inpainting", partial(edits.inpaint, low=0.36, high=0.44), None),
    "subject_replaced": ("inpainting", edits.subject_replaced, None),
    "background_replaced": ("inpainting", edits.background_replaced, None),
    "outpaint25": ("outpainting", partial(edits.outpaint, low=0.2, high=0.3), None),
    "outpaint55": ("outpainting", partial(edits.outpaint, low=0.5, high=0.6), None),
    "img2img_low": ("img2img", partial(edits.img2img, strength="low"), None),
    "img2img_mid": ("img2img", partial(edits.img2img, strength="mid"), None),
    "img2img_high": ("img2img", partial(edits.img2img, strength="high"), None),
    "collage_filter": ("combination", chain(layouts.grid_any, tone.filter_look), None),
    "mirror_phone": ("combination", chain(geometry.mirror, partial(layouts.phone, dark=False)), None),
    "crop_tilt": ("combination", chain(crop40to80, partial(geometry.tilt, low=3, high=12)), None),
    "grey_quad": ("combination", chain(tone.grey, layouts.grid_any), None),
    "caption_small": ("combination", chain(partial(overlays.caption, below=False), small), ("JPEG", 30, 60)),
    "shot_of_shot": ("combination", chain(layouts.chat, partial(layouts.phone, dark=True)), None),
    "rot90_frame": ("combination", chain(partial(geometry.turn, how=Image.ROTATE_90), partial(layouts.frame, low=0.04, high=0.12)), None),
    "sticker_crop": ("combination", chain(partial(overlays.stickers, low=0.06, high=0.10), crop40to80), None),
    "negative_letterbox": ("combination", chain(tone.negative, partial(layouts.bars, across=False, colour=(0, 0, 0))), None),
}

# Layouts in which unrelated pictures are shown as distractors, by kind.
FRAMINGS = {
    "framed collage": ["collage1x2", "collage2x1", "collage2x2", "collage2x2_seamless", "collage3x3", "collage_mixed", "film_strip"],
    "framed screen": ["phone_light", "phone_dark", "chat", "browser", "desktop", "screen_photo"],
    "framed border": ["letterbox_black", "letterbox_white", "pillarbox_colour", "frame_thick", "frame_unequal", "card", "blurred_background"],
    "framed inset": ["pip_small", "pip_large"],
    "marked": ["watermark", "watermark_dense", "corner_mark", "sticker20", "text_over"],
    "meme on picture": ["meme", "caption_above", "caption_below"],
}
