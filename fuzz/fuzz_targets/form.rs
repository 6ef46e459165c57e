//! Forms and queries of strangers: parts lie within the body, what is written as a form is read as it was, and nothing panics.
#![no_main]

use bytes::Bytes;
use lodestone_server::http::body::form;
use lodestone_server::http::form::{boundary, parts};
use lodestone_server::http::params::Params;
use lodestone_server::lax::Fields;

/// Where a part's bytes lie in the body.
fn lies_in(part: &Bytes, body: &Bytes) -> bool {
    let (start, at) = (body.as_ptr() as usize, part.as_ptr() as usize);
    part.is_empty() || (at >= start && at + part.len() <= start + body.len())
}

/// A form of one file, as a browser writes it.
fn written(content: &[u8]) -> Vec<u8> {
    let head = b"--fuzz\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\n";
    [&head[..], content, b"\r\n--fuzz--\r\n"].concat()
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    // The first byte chooses how much of the input is the content type.
    let Some((&length, rest)) = input.split_first() else { return };
    let (kind, body) = rest.split_at(usize::from(length).min(rest.len()));
    let body = Bytes::copy_from_slice(body);
    let mut headers = http::HeaderMap::new();
    if let Ok(value) = http::HeaderValue::from_bytes(kind) {
        headers.insert(http::header::CONTENT_TYPE, value);
    }
    let read = form(&headers, &body);
    assert!(read.files.len() + read.fields.len() <= 1000);
    assert!(read.files.iter().all(|file| lies_in(&file.bytes, &body)));
    for boundary in [boundary(kind).unwrap_or_default(), b"fuzz".to_vec()] {
        let parts = parts(&boundary, &body);
        assert!(parts.iter().map(|part| part.bytes.len()).sum::<usize>() <= body.len());
    }
    if !body.windows(6).any(|window| window == b"--fuzz") {
        let parts = parts(b"fuzz", &Bytes::from(written(&body)));
        assert!(matches!(&parts[..], [part] if part.is_file && part.name == "photo" && part.bytes == body));
    }
    let text = String::from_utf8_lossy(&body);
    let params = Params::parse(&text);
    let fields = Fields::from_query(&["signal", "limit"], params.pairs());
    let _ = fields.read(|f| (f.required_str("signal"), f.opt_int("limit"), f.bool_or("on", false)));
    // An error repeats the beginning of a request, however long it is.
    if let Err(errors) = Fields::from_json("M", Some("application/json"), &body)
        .and_then(|fields| fields.read(|f| (f.required_float("a"), f.opt_object("b"), f.opt_bool("c"))))
    {
        assert!(errors.to_json().len() < 1 << 20);
    }
});
