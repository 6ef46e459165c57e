//! Metadata segments: places, decoding, structure, limits.

use lodestone_media::segments::tiff::{Ifd, Tiff, tag};
use lodestone_media::segments::{
    Huffman, IjgRole, MAX_DECODED, MAX_DECODED_TOTAL, MAX_ITEMS, SegmentKind, orientation, scan,
};

fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).expect("small");
    [&length.to_be_bytes(), name.as_slice(), data, &[0; 4]].concat()
}

fn png(chunks: &[Vec<u8>]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    file.extend(chunk(b"IHDR", &[0; 13]));
    file.extend(chunks.concat());
    file.extend(chunk(b"IEND", b""));
    file
}

fn segment(code: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).expect("small");
    [&[0xff, code], length.to_be_bytes().as_slice(), data].concat()
}

fn jpeg(segments: &[Vec<u8>]) -> Vec<u8> {
    let scan = segment(0xda, &[1, 1, 0, 0, 63, 0]);
    [vec![0xff, 0xd8], segments.concat(), scan, vec![1, 0xff, 0, 2, 0xff, 0xd0, 3, 0xff, 0xd9]].concat()
}

/// A blob with an orientation, in either byte order.
fn blob(big_endian: bool, value: u16) -> Vec<u8> {
    let mut out = if big_endian { b"MM\0*".to_vec() } else { b"II*\0".to_vec() };
    let u16s = |v: u16| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    let u32s = |v: u32| if big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
    out.extend(u32s(8));
    out.extend(u16s(1));
    out.extend(u16s(tag::ORIENTATION));
    out.extend(u16s(3));
    out.extend(u32s(1));
    out.extend(u16s(value));
    out.extend([0, 0]);
    out.extend(u32s(0));
    out
}

fn exif(tiff: &[u8]) -> Vec<u8> {
    segment(0xe1, &[b"Exif\0\0", tiff].concat())
}

fn zlib(data: &[u8]) -> Vec<u8> {
    miniz_oxide::deflate::compress_to_vec_zlib(data, 6)
}

#[test]
fn every_borrowed_payload_stands_where_it_says() {
    let files = [
        jpeg(&[
            segment(0xe0, b"JFIF\0rest"),
            exif(&blob(true, 6)),
            segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
            segment(0xe2, b"MPF\0index"),
            segment(0xeb, b"JP\0\x01\0\0\0\x01\0\0\0\x10jumbdata"),
            segment(0xed, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x02ab"),
            segment(0xee, b"Adobe\0rest"),
            segment(0xfe, b"a comment"),
            segment(0xec, b"Ducky\0rest"),
        ]),
        png(&[
            chunk(b"tEXt", b"key\0value"),
            chunk(b"iTXt", b"key\0\0\0en\0key\0value"),
            chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x/>"),
            chunk(b"eXIf", &blob(false, 3)),
            chunk(b"caBX", b"\0\0\0\x10jumb"),
        ]),
    ];
    for file in files {
        let segments = scan(&file);
        assert!(segments.items.len() >= 5);
        assert_eq!(segments.damage, Vec::<String>::new());
        for s in &segments.items {
            assert!(s.is_verbatim(), "{:?}", s.kind);
            let at = usize::try_from(s.payload_offset).expect("small");
            assert_eq!(&file[at..at + s.data.len()], &*s.data, "{:?}", s.kind);
            assert!(s.offset < s.payload_offset && s.length > 0);
        }
    }
}

#[test]
fn each_kind_of_jpeg_segment_is_told_apart() {
    let file = jpeg(&[
        exif(&blob(true, 6)),
        segment(0xe1, b"http://ns.adobe.com/xap/1.0/\0<x/>"),
        segment(0xeb, b"JP\0\x01\0\0\0\x01\0\0\0\x10jumbdata"),
        segment(0xeb, b"JP\0\x01\0\0\0\x02\0\0\0\x10jumbmore"),
        segment(0xed, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x02ab"),
        segment(0xec, b"Ducky\0rest"),
    ]);
    let kinds: Vec<_> = scan(&file).items.iter().map(|s| s.kind).collect();
    assert_eq!(
        kinds,
        [
            SegmentKind::Exif,
            SegmentKind::Xmp,
            SegmentKind::C2pa,
            SegmentKind::Photoshop,
            SegmentKind::IptcIim,
            SegmentKind::OtherApp,
        ]
    );
}

#[test]
fn orientation_is_read_in_both_byte_orders_and_from_every_container() {
    for big_endian in [true, false] {
        for value in 0..=9u16 {
            let tiff = blob(big_endian, value);
            let expected = (1..=8).contains(&value).then(|| u8::try_from(value).expect("small"));
            let webp = [b"RIFF\x30\0\0\0WEBPEXIF\x1a\0\0\0".as_slice(), &tiff].concat();
            for file in [jpeg(&[exif(&tiff)]), png(&[chunk(b"eXIf", &tiff)]), webp, tiff.clone()] {
                assert_eq!(orientation(&scan(&file)), expected);
            }
        }
    }
}

#[test]
fn png_text_is_inflated_and_kept_where_the_stream_breaks() {
    let packed = zlib(b"value of some length, value of some length");
    let ztxt = |data: &[u8]| chunk(b"zTXt", &[b"key\0\0", data].concat());
    let file = png(&[ztxt(&packed)]);
    let segments = scan(&file);
    assert_eq!(segments.items[0].text(), "value of some length, value of some length");
    assert_eq!(segments.items[0].keyword.as_deref(), Some("key"));
    let cut = png(&[ztxt(&packed[..packed.len() - 8])]);
    let segments = scan(&cut);
    assert!(segments.items[0].text().starts_with("value"));
    assert_eq!(segments.damage, ["png: zTXt: compressed data ends early"]);
}

#[test]
fn inflated_text_is_bounded_for_each_and_for_all() {
    let bomb = zlib(&vec![b'a'; 4 * MAX_DECODED]);
    let ztxt = chunk(b"zTXt", &[b"key\0\0", bomb.as_slice()].concat());
    let file = png(&vec![ztxt; 8]);
    let segments = scan(&file);
    assert!(segments.items.iter().all(|s| s.data.len() <= MAX_DECODED));
    let all: usize = segments.items.iter().map(|s| s.data.len()).sum();
    assert!(all <= MAX_DECODED_TOTAL, "{all}");
    assert!(segments.damage.iter().any(|d| d.contains("more than the limit")));
}

#[test]
fn a_file_of_empty_chunks_keeps_a_bounded_number() {
    let file = png(&vec![chunk(b"tEXt", b"k\0v"); MAX_ITEMS + 50]);
    assert_eq!(scan(&file).items.len(), MAX_ITEMS);
}

#[test]
fn text_behind_a_patched_chunk_is_still_found() {
    let mut file = png(&[chunk(b"IDAT", b"pixels"), chunk(b"tEXt", b"key\0value")]);
    // The chunk's length and name are overwritten.
    file[33..41].copy_from_slice(&[0, 0, 0, 1, 1, 2, 3, 4]);
    let segments = scan(&file);
    assert_eq!(segments.of(SegmentKind::PngText).count(), 1);
    assert!(!segments.damage.is_empty());
}

#[test]
fn extended_xmp_is_put_together_in_order_of_its_places() {
    let piece = |full: u32, place: u32, text: &[u8]| {
        let head = b"http://ns.adobe.com/xmp/extension/\0".as_slice();
        let guid = [b'A'; 32];
        segment(0xe1, &[head, &guid, &full.to_be_bytes(), &place.to_be_bytes(), text].concat())
    };
    let file = jpeg(&[piece(10, 5, b"World"), piece(10, 0, b"Hello")]);
    let segments = scan(&file);
    let xmp = segments.of(SegmentKind::XmpExtended).next().expect("found");
    assert_eq!(&*xmp.data, b"HelloWorld");
    let huge = jpeg(&[piece(u32::MAX, 0, b"Hello"), piece(u32::MAX, u32::MAX, b"x")]);
    let segments = scan(&huge);
    let xmp = segments.of(SegmentKind::XmpExtended).next().expect("found");
    assert!(xmp.data.len() <= 6, "stated sizes allocate nothing");
}

#[test]
fn the_structure_of_a_jpeg_is_described() {
    // T.81's luma table scaled for quality 50 is the table itself; the first step in zigzag order is 16.
    #[rustfmt::skip]
    let luma = [
        16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40,
        26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51, 61, 60, 57, 51,
        56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87,
        95, 98, 103, 104, 103, 62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
    ];
    let own: Vec<u8> = (0..64).map(|i| 2 + i % 5).collect();
    let dc =
        [&[0u8, 0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0][..], &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]]
            .concat();
    let file = jpeg(&[
        segment(0xe0, b"JFIF\0rest"),
        exif(&blob(true, 1)),
        segment(0xdb, &[&[0u8][..], &luma, &[1], &own].concat()),
        segment(0xc2, &[8, 0, 20, 0, 30, 3, 1, 0x21, 0, 2, 0x11, 1, 3, 0x11, 1]),
        segment(0xc4, &dc),
        segment(0xdd, &[0, 4]),
    ]);
    let segments = scan(&file);
    let jpeg = segments.jpeg.expect("a JPEG");
    let matched = jpeg.tables[0].ijg.expect("the example table");
    assert_eq!((matched.role, matched.quality), (IjgRole::Luma, 50));
    assert_eq!(jpeg.tables[1].ijg, None);
    assert!(!jpeg.all_ijg());
    let frame = jpeg.frame.as_ref().expect("a frame");
    assert_eq!((frame.width, frame.height, frame.sampling()), (30, 20, Some((2, 1))));
    assert!(frame.is_progressive());
    assert_eq!(jpeg.huffman, Huffman::Standard);
    assert_eq!(jpeg.restart_interval, Some(4));
    assert!(jpeg.has_jfif && jpeg.has_exif && jpeg.jfif_before_exif && !jpeg.has_adobe);
    let codes: Vec<u8> = jpeg.markers.iter().map(|m| m.code).collect();
    assert_eq!(codes, [0xe0, 0xe1, 0xdb, 0xc2, 0xc4, 0xdd, 0xda, 0xd9]);
}

#[test]
fn bytes_after_the_end_are_one_segment() {
    for mut file in [jpeg(&[]), png(&[])] {
        let end = file.len() as u64;
        file.extend(b"tail");
        let segments = scan(&file);
        let tail = segments.of(SegmentKind::Trailing).next().expect("found");
        assert_eq!((tail.offset, &*tail.data), (end, b"tail".as_slice()));
    }
}

#[test]
fn directories_in_a_loop_end() {
    let mut tiff = blob(false, 1);
    // The next directory is this one.
    let link = tiff.len() - 4;
    tiff[link..].copy_from_slice(&8u32.to_le_bytes());
    let parsed = Tiff::parse(&tiff);
    assert_eq!(parsed.fields().len(), 1);
    assert_eq!(parsed.damage(), ["directories in a loop"]);
    // An Exif pointer to its own directory.
    tiff[10..12].copy_from_slice(&tag::EXIF_IFD.to_le_bytes());
    tiff[12..14].copy_from_slice(&4u16.to_le_bytes());
    tiff[18..22].copy_from_slice(&8u32.to_le_bytes());
    assert!(Tiff::parse(&tiff).get(Ifd::Primary, tag::EXIF_IFD).is_some());
}

#[test]
fn a_value_outside_the_blob_is_cut_and_noted() {
    let mut tiff = blob(false, 1);
    tiff[12..14].copy_from_slice(&2u16.to_le_bytes());
    tiff[14..18].copy_from_slice(&u32::MAX.to_le_bytes());
    tiff[18..22].copy_from_slice(&4u32.to_le_bytes());
    let parsed = Tiff::parse(&tiff);
    assert!(parsed.fields()[0].data.len() <= tiff.len());
    assert_eq!(parsed.damage(), ["a value lies outside the blob"]);
}

fn bx(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len() + 8).expect("small");
    [&size.to_be_bytes(), name.as_slice(), data].concat()
}

/// A HEIF with an Exif and an XMP item in `idat`.
fn heif() -> Vec<u8> {
    let tiff = [&[0, 0, 0, 6][..], b"Exif\0\0", &blob(true, 6)].concat();
    let packet = b"<x/>";
    let info = |id: u8, rest: &[u8]| bx(b"infe", &[&[2, 0, 0, 0, 0, id, 0, 0][..], rest].concat());
    let infos = [info(1, b"Exif\0"), info(2, b"mime\0application/rdf+xml\0")].concat();
    let iinf = bx(b"iinf", &[&[0, 0, 0, 0, 0, 2][..], &infos].concat());
    let place = |id: u8, at: usize, len: usize| {
        let at = u8::try_from(at).expect("small");
        let len = u8::try_from(len).expect("small");
        // id, method 1 (idat), reference, 1 extent, 1-byte-wide-as-4 offset and length
        vec![0, id, 0, 1, 0, 0, 0, 1, 0, 0, 0, at, 0, 0, 0, len]
    };
    let places = [place(1, 0, tiff.len()), place(2, tiff.len(), packet.len())].concat();
    let iloc = bx(b"iloc", &[&[1, 0, 0, 0, 0x44, 0, 0, 2][..], &places].concat());
    let idat = bx(b"idat", &[tiff.as_slice(), packet].concat());
    let meta = bx(b"meta", &[&[0; 4][..], &iinf, &iloc, &idat].concat());
    [bx(b"ftyp", b"heic\0\0\0\0mif1heic"), meta].concat()
}

#[test]
fn items_of_a_heif_are_found_through_its_tables() {
    let file = heif();
    let segments = scan(&file);
    assert_eq!(segments.damage, Vec::<String>::new());
    assert_eq!(orientation(&segments), Some(6));
    let xmp = segments.of(SegmentKind::Xmp).next().expect("found");
    assert_eq!(&*xmp.data, b"<x/>");
    let at = usize::try_from(xmp.payload_offset).expect("small");
    assert_eq!(&file[at..at + 4], b"<x/>");
}

#[test]
fn gif_comments_and_xmp_are_found() {
    let mut file = b"GIF89a\x01\0\x01\0\0\0\0".to_vec();
    file.extend(b"\x21\xfe\x05hello\x03 gi\0");
    file.extend(b"\x21\xff\x0bXMP DataXMP<x></x>\x01");
    file.extend((0..=255u8).rev());
    file.extend(b"\0\0\x3b");
    let segments = scan(&file);
    assert_eq!(segments.of(SegmentKind::Comment).next().expect("found").text(), "hello gi");
    let xmp = segments.of(SegmentKind::Xmp).next().expect("found");
    assert!(xmp.data.starts_with(b"<x></x>"));
}

#[test]
fn any_cut_and_any_patch_ends_without_a_panic() {
    let files = [
        jpeg(&[exif(&blob(true, 6)), segment(0xfe, b"a comment")]),
        png(&[
            chunk(b"zTXt", &[b"key\0\0", zlib(b"value").as_slice()].concat()),
            chunk(b"iTXt", b"key\0\0\0en\0key\0value"),
        ]),
        heif(),
        blob(false, 6),
        b"GIF89a\x01\0\x01\0\0\0\0\x21\xfe\x05hello\0\x3b".to_vec(),
        [b"RIFF\x30\0\0\0WEBPEXIF\x1a\0\0\0".as_slice(), &blob(false, 6)].concat(),
    ];
    for file in &files {
        for end in 0..file.len() {
            let _ = scan(&file[..end]);
        }
        for at in 0..file.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut copy = file.clone();
                copy[at] = value;
                let segments = scan(&copy);
                assert!(segments.items.iter().all(|s| s.data.len() <= MAX_DECODED));
            }
        }
    }
}

#[test]
fn a_film_gives_its_texts_keys_xmp_and_date() {
    let uuid =
        [0xbe, 0x7a, 0xcf, 0xcb, 0x97, 0xa9, 0x42, 0xe8, 0x9c, 0x71, 0x99, 0x94, 0x91, 0xe3, 0xaf, 0xac];
    let keys = [&[0, 0, 0, 0, 0, 0, 0, 1][..], &bx(b"mdta", b"com.example.model")].concat();
    let value = bx(b"data", &[&[0, 0, 0, 1, 0, 0, 0, 0][..], b"Phone 3"].concat());
    let list = bx(b"ilst", &bx(&[0, 0, 0, 1], &value));
    let mvhd = [&[0, 0, 0, 0][..], &3_155_760_000u32.to_be_bytes(), &[0; 12]].concat();
    let udta = [bx(b"\xa9mak", b"\0\x04\x15\xc7Acme"), bx(b"XMP_", b"<x/>"), vec![0; 4]].concat();
    let inside = [bx(b"mvhd", &mvhd), bx(b"udta", &udta), bx(b"meta", &[bx(b"keys", &keys), list].concat())];
    let film = [
        bx(b"ftyp", b"isom\0\0\0\0mp42"),
        // A box of 64-bit size, and one up to the end of the file.
        [&[0, 0, 0, 1][..], b"mdat", &20u64.to_be_bytes(), b"data"].concat(),
        bx(b"moov", &inside.concat()),
        bx(b"uuid", &[&uuid[..], b"<y/>"].concat()),
        b"\0\0\0\0free rest".to_vec(),
    ]
    .concat();
    let segments = scan(&film);
    assert_eq!(segments.damage, Vec::<String>::new());
    let texts: Vec<(String, String)> = segments
        .of(SegmentKind::BoxText)
        .map(|s| (s.keyword.clone().expect("named"), s.text().into_owned()))
        .collect();
    let text = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        texts,
        [text("creation", "2004-01-01T00:00:00Z"), text("mak", "Acme"), text("com.example.model", "Phone 3")]
    );
    let packets: Vec<_> = segments.of(SegmentKind::Xmp).map(|s| s.text().into_owned()).collect();
    assert_eq!(packets, ["<x/>", "<y/>"]);
    for end in 0..film.len() {
        let _ = scan(&film[..end]);
    }
}

#[test]
fn boxes_nested_without_end_stop() {
    let mut inner = bx(b"trak", b"");
    for _ in 0..5_000 {
        inner = bx(b"trak", &inner);
    }
    let film = [bx(b"ftyp", b"isom\0\0\0\0isom"), bx(b"moov", &inner)].concat();
    assert!(scan(&film).damage.iter().any(|d| d.contains("too deep")));
}
