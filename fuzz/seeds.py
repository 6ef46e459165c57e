#!/usr/bin/env python3
"""Draws the fuzzers' first inputs: small charts in every format that Pillow writes, archives of them, lists of made-up
hashes. Usage: python3 seeds.py (writes to corpus/TARGET/). Needs Pillow. The same files each time."""

import gzip
import io
import pathlib
import tarfile
import zipfile

from PIL import Image

HERE = pathlib.Path(__file__).parent / "corpus"


def put(targets, name, data):
    for target in targets:
        folder = HERE / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def chart(width, height, step=3):
    image = Image.new("RGB", (width, height))
    image.putdata([((x * step) % 256, (y * 5) % 256, (x * y) % 256) for y in range(height) for x in range(width)])
    return image


def saved(image, kind, **options):
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


rgb, other = chart(37, 29), chart(37, 29, 11)
pictures = {}
for name, mode in {"rgb": "RGB", "grey": "L", "cmyk": "CMYK"}.items():
    pictures[f"{name}.jpg"] = saved(rgb.convert(mode), "JPEG")
    pictures[f"{name}-p.jpg"] = saved(rgb.convert(mode), "JPEG", progressive=True)
for sub in range(3):
    pictures[f"sub{sub}.jpg"] = saved(rgb, "JPEG", subsampling=sub, restart_marker_blocks=2)
exif = Image.Exif()
exif[0x010F], exif[0x0110], exif[0x0112], exif[0x0131] = "Maker", "Model", 6, "Editor 1.0"
exif.get_ifd(0x8769).update({0x9003: "2020:01:02 03:04:05", 0x829A: 0.01})
pictures["exif.jpg"] = saved(rgb, "JPEG", exif=exif)
for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
    image = rgb.convert("L").convert("I;16") if mode == "I;16" else rgb.convert(mode)
    pictures[f"{mode.replace(';', '')}.png"] = saved(image, "PNG")
pictures["anim.png"] = saved(rgb, "PNG", save_all=True, append_images=[other])
pictures["anim.gif"] = saved(rgb, "GIF", save_all=True, append_images=[other], duration=500)
pictures["still.gif"] = saved(rgb.convert("L"), "GIF")
pictures["lossy.webp"] = saved(rgb, "WEBP")
pictures["lossless.webp"] = saved(rgb.convert("RGBA"), "WEBP", lossless=True)
pictures["anim.webp"] = saved(rgb, "WEBP", save_all=True, append_images=[other], duration=500)
for mode in ("1", "L", "P", "RGB", "RGBA"):
    pictures[f"{mode}.bmp"] = saved(rgb.convert(mode), "BMP")
for pack in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "group3", "group4", "jpeg"):
    image = rgb.convert("1") if pack.startswith("group") else rgb
    pictures[f"{pack}.tif"] = saved(image, "TIFF", compression=pack)
for name, data in pictures.items():
    put(["decode", "metadata"], name, data)
    if name.endswith(".jpg"):
        put(["jpeg", "jpeg_luma"], name, data)

members = {"a.png": pictures["RGB.png"], "b/c.txt": b"words", "é.jpg": pictures["grey.jpg"]}
for pack, name in ((zipfile.ZIP_STORED, "stored.zip"), (zipfile.ZIP_DEFLATED, "deflated.zip")):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", pack) as archive:
        for member, data in members.items():
            archive.writestr(zipfile.ZipInfo(member), data, pack)
    put(["archive"], name, out.getvalue())
for form, name in ((tarfile.USTAR_FORMAT, "u.tar"), (tarfile.GNU_FORMAT, "g.tar"), (tarfile.PAX_FORMAT, "p.tar")):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for member, data in members.items():
            info = tarfile.TarInfo(member * (40 if form != tarfile.USTAR_FORMAT else 1))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    put(["archive"], name, out.getvalue())
    put(["archive"], name + ".gz", gzip.compress(out.getvalue(), mtime=0))

md5, sha1, pdq = "0123456789abcdef" * 2, "0123456789" * 4, "0123456789abcdef" * 4
lists = {
    "plain": f"{md5}\n{md5}\n",
    "pdq": f"{pdq},98,a.jpg\n{pdq}\n",
    "hma": f"pdq {pdq}\nmd5 {md5}\n",
    "csv": f'id,md5,note\n1,{md5},"a\nb"\n2,{md5},x\n',
    "hashdeep": f"%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n1,{md5},{pdq},/a\n",
    "md5sum": f"{md5}  a.jpg\n\\{md5} *b\\n.jpg\nMD5 (c) = {md5}\n",
    "rds2": f'"SHA-1","MD5","CRC32","FileName"\n"{sha1}","{md5}","0","x"\n',
    "vics": '{"@odata.context":"x#Media","value":[{"MediaID":1,"MD5":"%s","Category":1,"Exifs":[{}]},'
    '{"Media":[{"MD5":"%s","SHA1":"%s"}]}]}' % (md5, md5, sha1),
}
lists |= {
    "icse": "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;Series name;"
    f"Number of submissions;File Available;Media Type;Baseline\r\n{md5};{sha1};;7;true;;;\"a;b\";;;;1\r\n",
    "hashkeeper": f'"file_id","hashset_id","file_name","directory","hash"\n\n7,5,"a,b","C:\\","{md5}"\n',
    "spreadsheet": f"sep=;\r\nid;sha1\r\n1;{sha1}\r\n",
    "photodna": "photodna,id\n\"" + ",".join(str(n) for n in range(144)) + '",1\n',
    "nist": '{"odata.metadata":"http://github.com/ICMEC/ProjectVic/DataModels/1.2.xml#Media",'
    '"value":[{"MD5":"%s","MediaSize":"12"}]}' % md5,
    "ndjson": '{"entry":"a","signals":{"md5":["%s"]},"W":1.50,"extra":{"n":[1e3,{"generativeAi":"true"}]}}\n' % md5,
}
binary = {
    "encase": b"HASH\r\n\xff\0\x02\0\0\0\x01\0\0\0\x02\0\0\0" + bytes(0x46C) + (bytes(range(1, 17)) + bytes(2)) * 2,
    "utf16": ("\ufeff" + lists["csv"]).encode("utf-16-le"),
}
for name, data in [*((name, text.encode()) for name, text in lists.items()), *binary.items()]:
    put(["sniff"], name, data)
    # The first byte says which format, of fifteen or by content, and which type.
    for choice in range(0, 48, 16):
        put(["lists"], f"{name}-{choice}", bytes([choice + 15]) + data)
for name in ("vics", "nist", "ndjson"):
    put(["rewrite"], name, lists[name].encode())
put(["gate"], "ndjson", lists["ndjson"].encode())
put(["vics"], "vics", lists["vics"].encode())
put(["search"], "codes", bytes(range(256)) * 2)
codes = bytes(x * 37 % 256 for x in range(1200))
for layout in range(8):
    put(["segment_search"], f"layout{layout}", bytes([31, layout, layout, 40, 1, 2, 3, layout]) + codes)
for which in range(4):
    for section in range(0, 12, 3):
        put(["segment_open"], f"seed{which}-{section}", bytes([which, 99, 31, 9, section + 2, 5, 0, 1, 7, 0, 0, 0]))
changes = b"".join(bytes([step * 5, 12]) + codes[step * 40 : step * 40 + 36] for step in range(20))
for hostile in range(0, 17, 2):
    put(["live"], f"hostile{hostile}", bytes([15, hostile + hostile // 16, hostile, 3]) + changes)
    put(["live"], f"hostile{hostile}-kept", bytes([15, hostile + 1, hostile * 3, hostile]) + changes)
put(["pdq"], "small", bytes([70, 65, 3, 1]) + bytes(range(256)))
form = "multipart/form-data; boundary=fuzz"
part = '--fuzz\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
parts = part % ("photo", '; filename="a.jpg"', "bytes") + part % ("note", "", "words") + "--fuzz--\r\n"
put(["form"], "multipart", bytes([len(form)]) + form.encode() + parts.encode())
plain = "application/x-www-form-urlencoded"
put(["form"], "urlencoded", bytes([len(plain)]) + plain.encode() + b"signal=a+b%20c&limit=5&on=yes&%FF=1")
put(["form"], "json", bytes([16]) + b"application/json" + b'{"a":"1_0.5","b":{},"c":"off"}')
texts = {
    0: "A chart of rainfall, over the years\na chart of rain fall over the year",
    1: "https://example.org/a\nhttps://example.org/a",
    2: '{"and":[{"or":["tide","regex-(high|low)"]}],"not":["ebb"]}',
    3: "T1" + "0123456789ABCDEF" * 4 + "012345",
}
for kind, text in texts.items():
    put(["texts"], f"kind{kind}", bytes([kind]) + text.encode())
