//! What a person gives a page to look for or to add: a file, a URL, or a value.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use lodestone_types::{Signal, SignalType};

use crate::App;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::hma::matching::{self, Look};
use crate::http::body::Form;
use crate::http::params::Params;
use crate::lookup::Found;
use crate::media::{self, ContentType, Hashed, MIN_QUALITY};
use crate::ui::page::{Attr, Text, options};

/// What was given.
#[derive(Debug)]
pub(super) enum Given {
    /// A file, or what stands at a URL.
    File(Box<Hashed>),
    /// A value.
    Signal(Signal),
}

/// A value that matched, with what it matched.
pub(super) type Matched = (SignalType, Vec<Found>);

/// What came of a look-up.
pub(super) struct Answer {
    pub(super) matched: Vec<Matched>,
    /// Generation of the banks that answered.
    pub(super) generation: u64,
    /// Layers that a bank asks for, and that did not run or miss something.
    pub(super) missed: Vec<u8>,
}

impl Given {
    /// From the fields that [`fields`] makes. Files are hashed, URLs fetched.
    ///
    /// # Errors
    /// 400 when nothing or several things are given, and what reading them says.
    pub(super) async fn of(app: &App, form: &Form, prefix: &str) -> Result<Self, ApiError> {
        let text =
            |name: &str| form.get(&format!("{prefix}{name}")).map(str::trim).filter(|text| !text.is_empty());
        let field = format!("{prefix}file");
        // A browser sends an empty file where none was chosen.
        let file = form.files.iter().find(|file| file.field == field && !file.bytes.is_empty());
        match (file, text("url"), text("value")) {
            (None, None, None) => Err(ApiError::bad("Give a file, a URL or a value")),
            (Some(file), None, None) => {
                let kind = ContentType::named(text("content_type").unwrap_or("photo"))?;
                let types = media::wanted(app, kind, None)?;
                Ok(Self::File(Box::new(media::hash_and_digest(app, file.bytes.clone(), &types).await?)))
            }
            (None, Some(url), None) => {
                let fetched = media::from_url(app, url, None).await;
                let fetched = match fetched {
                    // Where the answer's header does not say, the person does.
                    Err(error)
                        if error.status() == StatusCode::BAD_REQUEST
                            && error.message().starts_with("unsupported") =>
                    {
                        media::from_url(app, url, text("content_type")).await
                    }
                    other => other,
                }?;
                let types = media::wanted(app, fetched.kind, None)?;
                let hashed = media::hash_and_digest(app, fetched.bytes, &types).await?.holding(fetched.room);
                Ok(Self::File(Box::new(hashed)))
            }
            (None, None, Some(value)) => {
                let kind = text("signal_type").unwrap_or("pdq");
                matching::parse(app, kind, value).map(Self::Signal)
            }
            _ => Err(ApiError::bad("Give one thing only: a file, a URL or a value")),
        }
    }

    /// Its signals, as they are added to a bank.
    ///
    /// # Errors
    /// 400 or 422 for a picture that could not be read, or whose quality is too low.
    pub(super) fn signals(&self) -> Result<Vec<Signal>, ApiError> {
        match self {
            Self::Signal(signal) => Ok(vec![signal.clone()]),
            Self::File(hashed) => match (&hashed.unreadable, low_quality(hashed)) {
                (Some(why), _) => Err(media::unreadable(Some(why))),
                (None, Some(told)) => Err(ApiError::bad(told)),
                (None, None) => Ok(hashed.signals.values().flatten().cloned().collect()),
            },
        }
    }

    /// Looks all of it up; a match is written down. A picture of low quality is left out.
    ///
    /// # Errors
    /// As [`Look::signals`].
    pub(super) async fn look_up(
        &self,
        app: &App,
        caller: &Caller,
        params: &str,
        all_banks: bool,
    ) -> Result<Answer, ApiError> {
        let look = Look::of(app, &Params::parse(params), all_banks, caller.clone())?.showing_all();
        let matched = match self {
            Self::Signal(signal) => vec![(signal.kind(), look.signal(app, signal.clone()).await?)],
            Self::File(hashed) => {
                let mut readable = hashed.as_ref().clone();
                readable.signals.retain(|_, signal| signal.is_some());
                look.signals(app, &readable).await?.into_iter().collect()
            }
        };
        Ok(Answer { matched, generation: look.generation, missed: look.missed() })
    }

    /// A table of its values.
    pub(super) fn table(&self) -> String {
        let mut rows = String::new();
        let mut row = |kind: SignalType, value: Option<&Signal>| {
            let value = value.map_or("<small>none</small>".to_owned(), |value| {
                format!("<code class=\"value\">{}</code>", Text(&value.to_text()))
            });
            rows.push_str(&format!("<tr><th scope=\"row\">{}</th><td>{value}</td></tr>", kind.as_str()));
        };
        let mut notes = String::new();
        match self {
            Self::Signal(signal) => row(signal.kind(), Some(signal)),
            Self::File(hashed) => {
                for (kind, signal) in &hashed.signals {
                    row(*kind, signal.as_ref());
                }
                for digest in hashed.digest_signals() {
                    if !hashed.signals.contains_key(&digest.kind()) {
                        row(digest.kind(), Some(&digest));
                    }
                }
                if let Some(quality) = hashed.quality {
                    rows.push_str(&format!(
                        "<tr><th scope=\"row\">PDQ quality</th><td>{quality} of 100</td></tr>"
                    ));
                }
                let trouble = [
                    hashed.unreadable.as_ref().map(|why| media::unreadable(Some(why)).message().to_owned()),
                    low_quality(hashed),
                ];
                for told in trouble.into_iter().flatten() {
                    notes.push_str(&format!("<p class=\"note warn\">{}</p>", Text(&told)));
                }
            }
        }
        format!("<div class=\"wide\"><table class=\"values\"><tbody>{rows}</tbody></table></div>{notes}")
    }

    /// Its values by type.
    pub(super) fn by_type(&self) -> BTreeMap<SignalType, Signal> {
        match self {
            Self::Signal(signal) => BTreeMap::from([(signal.kind(), signal.clone())]),
            Self::File(hashed) => hashed
                .signals
                .values()
                .flatten()
                .cloned()
                .chain(hashed.digest_signals())
                .map(|signal| (signal.kind(), signal))
                .collect(),
        }
    }
}

/// What is told of a picture whose PDQ quality is too low to be matched.
fn low_quality(hashed: &Hashed) -> Option<String> {
    let low = hashed.signals.get(&SignalType::Pdq).is_some_and(Option::is_none);
    let quality = hashed.quality.map_or_else(|| "unknown".to_owned(), |quality| quality.to_string());
    low.then(|| {
        format!("The picture has too little structure to be matched by PDQ: quality {quality}, and {MIN_QUALITY} is the least.")
    })
}

/// The fields by which something is given. `prefix` tells two such sets of one form apart.
pub(super) fn fields(types: &[SignalType], prefix: &str, url: bool) -> String {
    let kinds = options(types.iter().map(|kind| (kind.as_str(), kind.as_str())), "pdq");
    let contents = options(ContentType::ALL.iter().map(|kind| (kind.as_str(), kind.as_str())), "photo");
    let p = Attr(prefix);
    let url = if url {
        format!(
            "<div class=\"row\"><label for=\"{p}url\">or a URL</label><input id=\"{p}url\" name=\"{p}url\" type=\"url\" \
             autocomplete=\"off\" placeholder=\"https://\"></div>"
        )
    } else {
        String::new()
    };
    format!(
        "<div class=\"row\"><label for=\"{p}file\">File</label><input id=\"{p}file\" name=\"{p}file\" type=\"file\">\
         <label class=\"short\">as <select name=\"{p}content_type\">{contents}</select></label></div>{url}\
         <div class=\"row\"><label for=\"{p}value\">or a value</label>\
         <select name=\"{p}signal_type\" aria-label=\"Type of the value\">{kinds}</select>\
         <input id=\"{p}value\" name=\"{p}value\" class=\"mono\" autocomplete=\"off\" spellcheck=\"false\"></div>"
    )
}
