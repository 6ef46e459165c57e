//! Content Credentials as five separate facts.

use std::io::{self, Write};

use lodestone_types::{Credentials, Trust};

use super::super::text::{Text, plural};
use super::words;

pub(super) fn write(out: &mut dyn Write, one: &Credentials) -> io::Result<()> {
    write!(out, "<h3>Content Credentials (C2PA): five separate facts</h3><dl class=\"facts\">")?;
    let parsed = match (one.parsed, one.remote_only) {
        (true, _) => ("yes", plural(one.manifests.into(), "manifest", "manifests")),
        (false, true) => ("no", "the file only names an address, which is never asked".to_owned()),
        (false, false) => ("no", one.error.clone().unwrap_or_default()),
    };
    fact(out, "Readable", parsed.0, &parsed.1)?;
    if one.parsed {
        for (name, (word, what)) in [
            ("Bytes", words::hash(one.hash)),
            ("Signature", words::signature(one.signature)),
            ("Signer", words::trust(one.trust)),
            ("Time", words::time(one.time)),
        ] {
            fact(out, name, word, what)?;
        }
    }
    write!(out, "</dl><dl class=\"of\">")?;
    for (name, value) in [
        ("Claim made by", &one.claim_generator),
        ("Certificate of", &one.issuer),
        ("Common name", &one.common_name),
        ("Algorithm", &one.algorithm),
        ("Signed at, as stated", &one.signed_at),
    ] {
        if let Some(value) = value {
            write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(value))?;
        }
    }
    for (name, values) in [
        ("Source types, all manifests", &one.source_types),
        ("Actions, all manifests", &one.actions),
        ("Status codes", &one.codes),
    ] {
        if !values.is_empty() {
            write!(out, "<div><dt>{name}</dt><dd>{}</dd></div>", Text(&values.join(", ")))?;
        }
    }
    for list in &one.trust_lists {
        let kind = match list.list {
            Trust::Official => "official",
            Trust::Interim => "interim",
            _ => "operator's",
        };
        write!(
            out,
            "<div><dt>List in use ({kind})</dt><dd>{}, {} <span class=\"id\">sha256 {}</span></dd></div>",
            Text(&list.name),
            Text(list.date.as_deref().unwrap_or("without a date")),
            Text(&list.sha256),
        )?;
    }
    write!(out, "</dl>")
}

fn fact(out: &mut dyn Write, name: &str, word: &str, what: &str) -> io::Result<()> {
    write!(out, "<div><dt>{name}</dt><dd><b>{}</b><small>{}</small></dd></div>", Text(word), Text(what))
}
