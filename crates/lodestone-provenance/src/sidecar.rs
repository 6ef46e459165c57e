//! Text in a file of the same name beside the picture: generators write their settings there where a format has no
//! place for them, or on request. It is read by the same rules; anyone can put a text beside a picture.

use crate::fields::{Source, TextField};

/// The text as a field. Its name says that it does not stand in the picture's own file.
pub(crate) fn field(text: &str) -> TextField {
    let kind = if text.trim_start().starts_with('{') { "json" } else { "text" };
    let key = format!("sidecar:{kind}");
    TextField::new(&key, &key, text, None).from(Source::Sidecar)
}
