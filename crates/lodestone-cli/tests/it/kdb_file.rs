//! An Autopsy hash set, byte by byte: SQLite's file format with three leaf pages. *Source:* <https://www.sqlite.org/fileformat2.html>.

const PAGE: usize = 1024;

fn varint(number: usize) -> Vec<u8> {
    assert!(number < 1 << 14);
    match number {
        0..128 => vec![number as u8],
        _ => vec![(number >> 7) as u8 | 0x80, (number & 0x7f) as u8],
    }
}

/// A row: serial types with the bytes of their values.
fn cell(rowid: usize, values: &[(usize, &[u8])]) -> Vec<u8> {
    let types: Vec<u8> = values.iter().flat_map(|(kind, _)| varint(*kind)).collect();
    let mut record = varint(types.len() + 1);
    record.extend(types);
    values.iter().for_each(|(_, bytes)| record.extend(*bytes));
    [varint(record.len()), varint(rowid), record].concat()
}

fn leaf(page: &mut [u8], begins: usize, cells: &[Vec<u8>]) {
    let mut end = page.len();
    page[begins] = 0x0d;
    page[begins + 3..begins + 5].copy_from_slice(&(cells.len() as u16).to_be_bytes());
    for (number, cell) in cells.iter().enumerate() {
        end -= cell.len();
        page[end..end + cell.len()].copy_from_slice(cell);
        let pointer = begins + 8 + 2 * number;
        page[pointer..pointer + 2].copy_from_slice(&(end as u16).to_be_bytes());
    }
    page[begins + 5..begins + 7].copy_from_slice(&(end as u16).to_be_bytes());
}

/// A set of these values in the place of MD5s.
pub(crate) fn kdb(md5s: &[&[u8]]) -> Vec<u8> {
    let mut file = vec![0; 3 * PAGE];
    let (first, rest) = file.split_at_mut(PAGE);
    first[..16].copy_from_slice(b"SQLite format 3\0");
    first[16..18].copy_from_slice(&(PAGE as u16).to_be_bytes());
    first[18..24].copy_from_slice(&[1, 1, 0, 64, 32, 32]);
    for (at, word) in [(24, 1), (28, 3), (40, 1), (44, 4), (56, 1), (92, 1), (96, 3_045_000)] {
        first[at..at + 4].copy_from_slice(&u32::to_be_bytes(word));
    }
    let text = |text: &str| 13 + 2 * text.len();
    let schema = [
        ("db_properties", 2, "CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT)"),
        (
            "hashes",
            3,
            "CREATE TABLE hashes (id INTEGER PRIMARY KEY, md5 BINARY(16), sha1 BINARY(20), sha2_256 BINARY(32))",
        ),
    ];
    let tables: Vec<Vec<u8>> = schema
        .iter()
        .enumerate()
        .map(|(at, (name, root, sql))| {
            let values: [(usize, &[u8]); 5] = [
                (text("table"), b"table"),
                (text(name), name.as_bytes()),
                (text(name), name.as_bytes()),
                (1, &[*root]),
                (text(sql), sql.as_bytes()),
            ];
            cell(at + 1, &values)
        })
        .collect();
    leaf(first, 100, &tables);
    let (properties, hashes) = rest.split_at_mut(PAGE);
    leaf(properties, 0, &[]);
    let rows = md5s.iter().enumerate();
    let rows: Vec<_> = rows
        .map(|(at, md5)| cell(at + 1, &[(0, &[]), (12 + 2 * md5.len(), md5), (0, &[]), (0, &[])]))
        .collect();
    leaf(hashes, 0, &rows);
    file
}
