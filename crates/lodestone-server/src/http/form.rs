//! `multipart/form-data` as werkzeug reads it: whatever programs send as a file's name, and nothing of a form that
//! breaks off. *Source:* RFC 7578, RFC 5987; werkzeug 3.1 `sansio/multipart.py`, `http.py` (`parse_options_header`).

use bytes::Bytes;

/// A part of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Name of its field.
    pub name: String,
    /// Whether it carries a file name, even an empty one, in whatever spelling.
    pub is_file: bool,
    /// Its bytes.
    pub bytes: Bytes,
}

/// Parts of a form at most.
pub(super) const PARTS: usize = 1000;
/// Bytes of the headers of one part at most.
const HEADERS: usize = 16 << 10;

/// What separates the parts, of a `Content-Type`; `None`: it is no such form.
pub fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    let (kind, parameters) = options(content_type);
    let boundary = parameters.into_iter().find(|(name, _)| name == "boundary")?.1;
    let fits = kind.eq_ignore_ascii_case(b"multipart/form-data") && !boundary.is_empty();
    (fits && boundary.len() <= 200).then_some(boundary)
}

/// The parts of a form, in their order; none of them when it breaks off or a part says not what it is. Bytes are shared,
/// not copied. Cost: linear.
pub fn parts(boundary: &[u8], body: &Bytes) -> Vec<Part> {
    whole(boundary, body).unwrap_or_default()
}

fn whole(boundary: &[u8], body: &Bytes) -> Option<Vec<Part>> {
    let dashes = Dashes::of(boundary);
    let mut at = next(&dashes, body, 0)?.after;
    let mut parts = Vec::new();
    while let After::Part(start) = at {
        let head_end = blank_line(body, start)?;
        let (name, is_file) = disposition(body.get(start..head_end.0)?)?;
        let end = next(&dashes, body, head_end.1)?;
        // A part without a name is nobody's.
        if let Some(name) = name {
            parts.push(Part { name, is_file, bytes: body.slice(head_end.1..end.before.max(head_end.1)) });
        }
        if parts.len() >= PARTS {
            break;
        }
        at = end.after;
    }
    Some(parts)
}

/// A separator: where what stands before it ends, and what comes after it.
struct Separator {
    before: usize,
    after: After,
}

enum After {
    Part(usize),
    End,
}

/// The next separator at or after `from`: at the start of a line, with nothing but blanks behind it.
fn next(dashes: &Dashes, body: &[u8], from: usize) -> Option<Separator> {
    let mut at = from;
    loop {
        let found = dashes.find(body, at)?;
        at = found + 1;
        // The separator of the first part may be the first line; that of an empty part follows its headers.
        let before = match body.get(..found)? {
            [.., b'\r', b'\n'] if found - 2 >= from => found - 2,
            [.., b'\n' | b'\r'] if found > from => found - 1,
            _ if found == from => found,
            _ => continue,
        };
        let mut behind = found + dashes.bytes.len();
        let last = body.get(behind..)?.starts_with(b"--");
        if last {
            behind += 2;
        }
        let blanks = body.get(behind..)?.iter().take_while(|c| matches!(c, b' ' | b'\t')).count();
        behind += blanks;
        match (last, line_break(body, behind)) {
            (true, _) => return Some(Separator { before, after: After::End }),
            (false, Some(start)) => return Some(Separator { before, after: After::Part(start) }),
            (false, None) => {}
        }
    }
}

/// What is looked for, and how far to go on by the last byte looked at. *Source:* Horspool, "Practical fast searching in
/// strings" (1980).
struct Dashes {
    bytes: Vec<u8>,
    skip: [usize; 256],
}

impl Dashes {
    fn of(boundary: &[u8]) -> Self {
        let bytes = [b"--", boundary].concat();
        let mut skip = [bytes.len(); 256];
        for (at, byte) in bytes.iter().enumerate().take(bytes.len() - 1) {
            skip[usize::from(*byte)] = bytes.len() - 1 - at;
        }
        Self { bytes, skip }
    }

    /// Where it stands next, at or after `from`.
    fn find(&self, hay: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let window = hay.get(at..at + self.bytes.len())?;
            if window == self.bytes {
                return Some(at);
            }
            at += self.skip[usize::from(*window.last()?)];
        }
    }
}

/// Where the line after a line break begins; any of the three is one.
fn line_break(body: &[u8], at: usize) -> Option<usize> {
    match body.get(at..)? {
        [b'\r', b'\n', ..] => Some(at + 2),
        [b'\n' | b'\r', ..] => Some(at + 1),
        _ => None,
    }
}

/// Where headers end, and where what follows the empty line begins.
fn blank_line(body: &[u8], start: usize) -> Option<(usize, usize)> {
    let mut line = start;
    while line - start <= HEADERS {
        if let Some(after) = line_break(body, line) {
            return Some((line, after));
        }
        let end = line + body.get(line..)?.iter().position(|c| matches!(c, b'\r' | b'\n'))?;
        line = line_break(body, end)?;
    }
    None
}

/// Name of the field, and whether it is a file; `None` without a `Content-Disposition`.
fn disposition(headers: &[u8]) -> Option<(Option<String>, bool)> {
    let mut lines = headers.split(|c| matches!(c, b'\r' | b'\n'));
    let value = lines.find_map(|line| {
        let colon = line.iter().position(|c| *c == b':')?;
        let (name, value) = line.split_at(colon);
        name.trim_ascii().eq_ignore_ascii_case(b"content-disposition").then(|| &value[1..])
    })?;
    let (_, parameters) = options(value);
    let named = |wanted: &str| parameters.iter().find(|(name, _)| name == wanted);
    let name = named("name").map(|(_, value)| String::from_utf8_lossy(value).into_owned());
    Some((name, named("filename").is_some()))
}

/// A header's value and its parameters: names in lower case, values without quotes. `name*=` and `name*0=` count as `name=`,
/// their values left as they are.
fn options(header: &[u8]) -> (&[u8], Vec<(String, Vec<u8>)>) {
    let end = header.iter().position(|c| *c == b';').unwrap_or(header.len());
    let (value, mut rest) = header.split_at(end);
    let mut parameters = Vec::new();
    while let Some((b';', after)) = rest.split_first() {
        let end = after.iter().position(|c| matches!(c, b'=' | b';')).unwrap_or(after.len());
        let name = after[..end].split(|c| *c == b'*').next().unwrap_or_default().trim_ascii();
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let Some((b'=', written)) = after[end..].split_first() else {
            rest = &after[end..];
            continue;
        };
        let (text, behind) = parameter(written.trim_ascii_start());
        parameters.push((name, text));
        rest = behind;
    }
    (value.trim_ascii(), parameters)
}

/// A parameter's value, quoted or not, and what stands behind it from its semicolon on.
fn parameter(written: &[u8]) -> (Vec<u8>, &[u8]) {
    let to_semicolon = |text: &[u8]| text.iter().position(|c| *c == b';').unwrap_or(text.len());
    let Some((b'"', mut rest)) = written.split_first() else {
        let (text, behind) = written.split_at(to_semicolon(written));
        return (text.trim_ascii().to_vec(), behind);
    };
    let mut text = Vec::new();
    while let Some((c, after)) = rest.split_first() {
        rest = after;
        match (c, rest.split_first()) {
            (b'"', _) => break,
            // Browsers of old sent `C:\a.jpg` as it is: only quotes and backslashes are ever escaped.
            (b'\\', Some((escaped @ (b'"' | b'\\'), after))) => {
                text.push(*escaped);
                rest = after;
            }
            _ => text.push(*c),
        }
    }
    (text, &rest[to_semicolon(rest)..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &[u8]) -> Vec<(String, bool, Vec<u8>)> {
        let parts = parts(b"B", &Bytes::copy_from_slice(body));
        parts.into_iter().map(|part| (part.name, part.is_file, part.bytes.to_vec())).collect()
    }

    fn of(disposition: &[u8]) -> Vec<(String, bool, Vec<u8>)> {
        read(&[b"--B\r\n", disposition, b"\r\n\r\nabc\r\n--B--\r\n"].concat())
    }

    #[test]
    fn file_names_are_taken_in_every_spelling() {
        let file = vec![("photo".to_owned(), true, b"abc".to_vec())];
        for disposition in [
            &b"Content-Disposition: form-data; name=\"photo\"; filename=\"x\""[..],
            b"Content-Disposition: form-data; name=\"photo\"; filename=\"\"",
            b"content-disposition:form-data;NAME=photo;FILENAME=x",
            b"Content-Disposition: form-data; filename=\"x\"; name=\"photo\"",
            b"Content-Disposition: form-data; name=\"photo\"; filename*=UTF-8''x%20y.jpg",
            b"Content-Disposition: form-data; name=\"photo\"; filename*0=\"a\"; filename*1=\"b\"",
            b"Content-Disposition: form-data; name=\"photo\"; filename=\"a\\\"; b.jpg\"",
            b"Content-Disposition: form-data; name=\"photo\"; filename=\"C:\\pictures\\a.jpg\"",
            b"Content-Disposition: form-data; name=\"photo\"; filename=\"a;b=c\"",
            b"Content-Disposition: form-data; name=\"photo\"; filename=\"\xe9.jpg\"",
            b"Content-Type: image/jpeg\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"x\"",
            b"Content-Disposition: form-data; name=\"photo\"; filename=\"x\"\r\nContent-Length: 3\r\nX",
        ] {
            assert_eq!(of(disposition), file, "{}", String::from_utf8_lossy(disposition));
        }
        assert_eq!(
            of(b"Content-Disposition: form-data; name=\"photo\""),
            [("photo".to_owned(), false, b"abc".to_vec())]
        );
        assert_eq!(of(b"Content-Disposition: form-data; filename=\"x\""), []);
    }

    #[test]
    fn parts_end_at_lines_that_are_separators_only() {
        let head = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";
        let one = |data: &[u8]| [b"--B\r\n", head.as_bytes(), data, b"\r\n--B--"].concat();
        for data in [&b""[..], b"x", b"x--B\r\n", b"\r\n--BC\r\n", b"\r\n\r\n", b"\n", b"\r\n--\r\n-B"] {
            assert_eq!(
                read(&one(data)),
                [("a".to_owned(), false, data.to_vec())],
                "{}",
                String::from_utf8_lossy(data)
            );
        }
        let two = format!("before\r\n--B  \r\n{head}1\r\n--B\r\n{head}2\r\n--B--\r\nafter");
        assert_eq!(read(two.as_bytes()).len(), 2);
        let unix = two.replace("\r\n", "\n");
        assert_eq!(read(unix.as_bytes()), read(two.as_bytes()));
    }

    #[test]
    fn of_a_form_that_breaks_off_nothing_is_taken() {
        let head = "Content-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\n";
        let whole = format!("--B\r\n{head}1\r\n--B\r\n{head}2\r\n--B--");
        assert_eq!(read(whole.as_bytes()).len(), 2);
        for end in 0..whole.len() {
            assert_eq!(read(&whole.as_bytes()[..end]), [], "{end} bytes");
        }
        assert_eq!(read(b"--B\r\nContent-Type: text/plain\r\n\r\n1\r\n--B--"), []);
        assert_eq!(read(b"--B--\r\n"), []);
    }

    #[test]
    fn bytes_replaced_at_random_never_panic() {
        let head = "Content-Disposition: form-data; name=\"a\"; filename*=\"x\"\r\n\r\n";
        let whole = format!("--B\r\n{head}1\r\n--B \n{head}\r\n--B--\r\n").into_bytes();
        let mut state = 1_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        for _ in 0..20_000 {
            let mut bytes = whole.clone();
            for _ in 0..1 + random(4) {
                let at = random(bytes.len());
                bytes[at] = b"-B\r\n\"\\;=*: \0\xffa"[random(14)];
            }
            read(&bytes);
            boundary(&bytes);
        }
    }

    #[test]
    fn the_boundary_is_read_in_every_spelling() {
        let of = |text: &str| boundary(text.as_bytes()).map(|bytes| String::from_utf8(bytes).unwrap());
        assert_eq!(of("multipart/form-data; boundary=B").as_deref(), Some("B"));
        assert_eq!(of("Multipart/Form-Data;charset=utf-8; Boundary=\"a b\"").as_deref(), Some("a b"));
        for text in
            ["multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=B", ""]
        {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
