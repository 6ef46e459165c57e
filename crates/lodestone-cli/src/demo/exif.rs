//! A small EXIF writer: what a camera would say, from a maker that does not exist.
//! *Source:* CIPA DC-008 (Exif 2.32), TIFF 6.0.

/// Maker named by the demo's pictures.
pub(super) const MAKE: &str = "Lodestone Demo";

/// What stands in one field.
enum Value {
    Ascii(String),
    Short(u16),
    Long(u32),
    Rational(u32, u32),
    Undefined(Vec<u8>),
}

impl Value {
    fn bytes(&self) -> (u16, u32, Vec<u8>) {
        match self {
            Self::Ascii(text) => {
                let mut bytes = text.clone().into_bytes();
                bytes.push(0);
                (2, bytes.len() as u32, bytes)
            }
            Self::Short(value) => (3, 1, value.to_le_bytes().to_vec()),
            Self::Long(value) => (4, 1, value.to_le_bytes().to_vec()),
            Self::Rational(over, under) => (5, 1, [over.to_le_bytes(), under.to_le_bytes()].concat()),
            Self::Undefined(bytes) => (7, bytes.len() as u32, bytes.clone()),
        }
    }
}

/// One directory at `start` of the TIFF: its entries, then the values that do not fit, then nothing.
fn directory(start: u32, entries: &[(u16, Value)], next: u32) -> Vec<u8> {
    let mut table = (entries.len() as u16).to_le_bytes().to_vec();
    let mut values = Vec::new();
    let values_at = start + 2 + 12 * entries.len() as u32 + 4;
    for (tag, value) in entries {
        let (kind, count, mut bytes) = value.bytes();
        table.extend(tag.to_le_bytes());
        table.extend(kind.to_le_bytes());
        table.extend(count.to_le_bytes());
        if bytes.len() <= 4 {
            bytes.resize(4, 0);
            table.extend(bytes);
        } else {
            table.extend((values_at + values.len() as u32).to_le_bytes());
            values.extend(bytes);
            if values.len() % 2 == 1 {
                values.push(0);
            }
        }
    }
    table.extend(next.to_le_bytes());
    table.extend(values);
    table
}

/// EXIF as the demo's camera writes it: make, model, dates, exposure, maker note and a small picture (JPEG).
pub(super) fn camera(shot: u32, width: u32, height: u32, small: &[u8]) -> Vec<u8> {
    let date = format!(
        "2026:0{}:1{} 1{}:{:02}:{:02}",
        1 + shot % 9,
        shot % 10,
        shot % 8,
        shot * 7 % 60,
        shot * 13 % 60
    );
    let note = [b"LodestoneDemo\0II\x01\0".as_slice(), &shot.to_le_bytes(), &[0x2a; 96]].concat();
    let main = |exif_at: u32| {
        vec![
            (0x010f, Value::Ascii(MAKE.into())),
            (0x0110, Value::Ascii("LD-1".into())),
            (0x0112, Value::Short(1)),
            (0x011a, Value::Rational(72, 1)),
            (0x011b, Value::Rational(72, 1)),
            (0x0128, Value::Short(2)),
            (0x0131, Value::Ascii("LD-1 Ver.1.02".into())),
            (0x0132, Value::Ascii(date.clone())),
            (0x0213, Value::Short(2)),
            (0x8769, Value::Long(exif_at)),
        ]
    };
    let exif = [
        (0x829a, Value::Rational(1, 60 + 15 * (shot % 8))),
        (0x829d, Value::Rational(28 + 4 * (shot % 4), 10)),
        (0x8827, Value::Short(100 << (shot % 4))),
        (0x9000, Value::Undefined(b"0230".to_vec())),
        (0x9003, Value::Ascii(date.clone())),
        (0x9004, Value::Ascii(date.clone())),
        (0x9101, Value::Undefined(vec![1, 2, 3, 0])),
        (0x9209, Value::Short(16)),
        (0x920a, Value::Rational(240, 10)),
        (0x927c, Value::Undefined(note)),
        (0xa000, Value::Undefined(b"0100".to_vec())),
        (0xa001, Value::Short(1)),
        (0xa002, Value::Long(width)),
        (0xa003, Value::Long(height)),
        (0xa405, Value::Short(36)),
        (0xa431, Value::Ascii(format!("DEMO{shot:06}"))),
    ];
    let thumbnail = |at: u32| {
        vec![(0x0103, Value::Short(6)), (0x0201, Value::Long(at)), (0x0202, Value::Long(small.len() as u32))]
    };
    let main_size = directory(8, &main(0), 0).len() as u32;
    let exif_at = 8 + main_size;
    let exif_size = directory(exif_at, &exif, 0).len() as u32;
    let small_dir_at = exif_at + exif_size;
    let small_at = small_dir_at + directory(small_dir_at, &thumbnail(0), 0).len() as u32;
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    tiff.extend(directory(8, &main(exif_at), small_dir_at));
    tiff.extend(directory(exif_at, &exif, 0));
    tiff.extend(directory(small_dir_at, &thumbnail(small_at), 0));
    tiff.extend(small);
    tiff
}

/// EXIF that an editor leaves: its name, and a date.
pub(super) fn editor(software: &str) -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0".to_vec();
    let entries =
        [(0x0131, Value::Ascii(software.into())), (0x0132, Value::Ascii("2026:05:04 18:22:40".into()))];
    tiff.extend(directory(8, &entries, 0));
    tiff
}

/// An XMP packet that names the program that made the file.
pub(super) fn xmp(creator_tool: &str) -> String {
    format!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\
         <x:xmpmeta xmlns:x=\"adobe:ns:meta/\"><rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\
         <rdf:Description rdf:about=\"\" xmlns:xmp=\"http://ns.adobe.com/xap/1.0/\" \
         xmp:CreatorTool=\"{creator_tool}\" xmp:ModifyDate=\"2026-05-04T18:22:40Z\"/></rdf:RDF></x:xmpmeta>\
         <?xpacket end=\"w\"?>"
    )
}
