//! Uploads: the files of a form, or one file as the body. Unlike HMA's routes these refuse what is not whole.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;

use crate::error::ApiError;
use crate::media::ContentType;
use crate::v1::cut;

/// Files of one request.
pub(super) const MAX_FILES: usize = 100;

/// A file that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Upload {
    /// Name of its field; empty where it is the body.
    pub(super) field: String,
    /// Its own name, where it has one. Never a path.
    pub(super) name: Option<String>,
    /// What it is said to be.
    pub(super) kind: ContentType,
    /// Its bytes.
    pub(super) bytes: Bytes,
}

/// The files of a form, in their order. Plain fields are passed over.
///
/// # Errors
/// 400 for what is no form, breaks off or has no file; 413 for too many.
pub(super) async fn files(headers: &HeaderMap, bytes: &Bytes) -> Result<Vec<Upload>, ApiError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary =
        multer::parse_boundary(kind).map_err(|_| ApiError::bad("the body has to be multipart/form-data"))?;
    let whole = bytes.clone();
    let stream = futures_util::stream::once(async move { Ok::<_, std::convert::Infallible>(whole) });
    let mut parts = multer::Multipart::new(stream, boundary);
    let mut files = Vec::new();
    let broken = |error: multer::Error| ApiError::bad(format!("the form cannot be read: {error}"));
    let mut fields = 0;
    while let Some(part) = parts.next_field().await.map_err(broken)? {
        let field = part.name().map(cut).unwrap_or_default();
        let name = part.file_name().map(file_name);
        let said = part.content_type().map(|kind| kind.type_().as_str().to_owned());
        let bytes = part.bytes().await.map_err(broken)?;
        let Some(name) = name else {
            fields += 1;
            if fields > MAX_FILES {
                return Err(ApiError::bad(format!("at most {MAX_FILES} plain fields a form")));
            }
            continue;
        };
        if files.len() == MAX_FILES {
            let told = format!("at most {MAX_FILES} files a request");
            return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, told));
        }
        let kind = kind_of(&field, said.as_deref());
        files.push(Upload { field, name: Some(name).filter(|name| !name.is_empty()), kind, bytes });
    }
    match files.is_empty() {
        true => Err(ApiError::bad("no file: a part of the form has to have a file name")),
        false => Ok(files),
    }
}

/// The one file of a form, or the body itself where it is no form.
///
/// # Errors
/// As [`files`], and 400 for several files or an empty body.
pub(super) async fn one(headers: &HeaderMap, bytes: &Bytes) -> Result<Upload, ApiError> {
    if super::media_type(headers) != "multipart/form-data" {
        if bytes.is_empty() {
            return Err(ApiError::bad("no file: neither a form nor a body"));
        }
        let said = super::media_type(headers);
        let kind = kind_of("", said.split('/').next());
        return Ok(Upload { field: String::new(), name: None, kind, bytes: bytes.clone() });
    }
    let mut files = files(headers, bytes).await?;
    match (files.pop(), files.is_empty()) {
        (Some(file), true) => Ok(file),
        _ => Err(ApiError::bad("one file a request")),
    }
}

/// By the field's name, as in HMA, else by what the part says of itself, else a picture.
fn kind_of(field: &str, said: Option<&str>) -> ContentType {
    match (field, said) {
        ("video", _) => ContentType::Video,
        ("photo", _) => ContentType::Photo,
        (_, Some("video")) => ContentType::Video,
        _ => ContentType::Photo,
    }
}

/// The last part of a name that may be a path.
fn file_name(name: &str) -> String {
    cut(name.rsplit(['/', '\\']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> (HeaderMap, Bytes) {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, "multipart/form-data; boundary=b".parse().unwrap());
        (headers, Bytes::from(text.replace('\n', "\r\n")))
    }

    fn read(text: &str) -> Result<Vec<Upload>, ApiError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (headers, bytes) = form(text);
        runtime.block_on(files(&headers, &bytes))
    }

    const PART: &str = "--b\nContent-Disposition: form-data; name=\"photo\"; filename=\"../x/a.png\"\n\nAA\n";

    #[test]
    fn files_have_a_name_without_folders_and_a_kind() {
        let film =
            "--b\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\nContent-Type: video/mp4\n\nB\n";
        let field = "--b\nContent-Disposition: form-data; name=\"note\"\n\nx\n";
        let files = read(&format!("{PART}{field}{film}--b--\n")).unwrap();
        let told: Vec<_> = files.iter().map(|f| (f.name.as_deref(), f.kind, f.bytes.len())).collect();
        assert_eq!(told, [(Some("a.png"), ContentType::Photo, 2), (None, ContentType::Video, 1)]);
    }

    #[test]
    fn a_form_that_breaks_off_or_has_too_many_files_is_refused_whole() {
        assert_eq!(read(PART).unwrap_err().status(), StatusCode::BAD_REQUEST);
        assert_eq!(read("--b--\n").unwrap_err().status(), StatusCode::BAD_REQUEST);
        let many = format!("{}--b--\n", PART.repeat(MAX_FILES + 1));
        assert_eq!(read(&many).unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
        let most = format!("{}--b--\n", PART.repeat(MAX_FILES));
        assert_eq!(read(&most).unwrap().len(), MAX_FILES);
    }
}
