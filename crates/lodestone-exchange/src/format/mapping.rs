//! Which column of a table holds what.

use lodestone_types::SignalType;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Values of one type.
    Signal(SignalType),
    /// Values of the type that the caller declares, or that a type column names.
    Value,
    /// The type of the value in the same row.
    Kind,
    /// The list's own id.
    Id,
    /// A name: the id where there is no better one.
    Name,
    Quality,
    Classification,
    Tags,
    /// Carried fields, a JSON object (what our own CSV writer makes).
    Extra,
    /// Nothing we read: carried.
    Other,
}

/// A caller's column mapping: `pdq=Hash,id=Ref` (left: `pdq`, `md5`, `sha1`, `sha256`, `video_md5`, `photodna`, `id`,
/// `quality`, `classification`, `tags`; right: the header's name of the column, in any case).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    columns: Vec<(String, String)>,
}

impl std::str::FromStr for Mapping {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut columns = Vec::new();
        for pair in text.split(',') {
            let (what, column) = pair
                .split_once('=')
                .ok_or_else(|| format!("column mapping {pair:?} is not of the form pdq=COLUMN"))?;
            let (what, column) = (what.trim().to_ascii_lowercase(), column.trim().to_lowercase());
            if explicit(&what).is_none() {
                return Err(format!(
                    "unknown field {what:?} in the column mapping; known: pdq, md5, sha1, sha256, video_md5, photodna, \
                     id, quality, classification, tags"
                ));
            }
            if column.is_empty() {
                return Err(format!("column mapping {pair:?} names no column"));
            }
            columns.push((what, column));
        }
        if !columns.iter().any(|(what, _)| matches!(explicit(what), Some(Role::Signal(_)))) {
            return Err("the column mapping names no column of values, such as pdq=COLUMN".to_owned());
        }
        Ok(Self { columns })
    }
}

impl Mapping {
    /// The role of each column of a header; an error names the mapped column that is missing.
    pub(super) fn roles(&self, header: &[String]) -> Result<Vec<Role>, String> {
        let mut roles = vec![Role::Other; header.len()];
        for (what, column) in &self.columns {
            let found = header.iter().position(|name| name.trim().to_lowercase() == *column);
            match found.and_then(|at| roles.get_mut(at)).zip(explicit(what)) {
                Some((role, wanted)) => *role = wanted,
                None => return Err(format!("the table has no column {column:?}")),
            }
        }
        Ok(roles)
    }
}

fn explicit(what: &str) -> Option<Role> {
    match what {
        "id" | "entry" => Some(Role::Id),
        "quality" => Some(Role::Quality),
        "classification" | "category" => Some(Role::Classification),
        "tags" => Some(Role::Tags),
        _ => what.parse().ok().map(Role::Signal),
    }
}

/// The role a header's name tells by itself.
pub(super) fn told(name: &str) -> Role {
    let plain: String =
        name.trim().chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    match plain.as_str() {
        "pdq" | "pdqhash" | "hashpdq" | "pdqhex" | "pdqvalue" => Role::Signal(SignalType::Pdq),
        "md5" | "md5hash" | "hashmd5" | "md5sum" => Role::Signal(SignalType::Md5),
        "sha1" | "sha1hash" | "hashsha1" | "sha1sum" | "sha1base32" | "sha1hex" => {
            Role::Signal(SignalType::Sha1)
        }
        "sha256" | "sha256hash" | "hashsha256" | "sha256sum" | "sha256hex" | "sha2256" => {
            Role::Signal(SignalType::Sha256)
        }
        "videomd5" => Role::Signal(SignalType::VideoMd5),
        "photodna" | "photodnahash" | "pdna" => Role::Signal(SignalType::Photodna),
        "hash" | "hashvalue" | "hashdigest" | "value" | "signal" | "signalvalue" | "digest" | "indicator" => {
            Role::Value
        }
        "type" | "hashtype" | "signaltype" | "algorithm" | "hashname" | "hashalgorithm" => Role::Kind,
        "id" | "entry" | "entryid" | "guid" | "uuid" | "mediaid" | "externalid" | "contentid"
        | "recordid" => Role::Id,
        "name" => Role::Name,
        "quality" | "pdqquality" | "hashquality" => Role::Quality,
        "classification" | "category" | "class" | "industryclassification" | "grade" => Role::Classification,
        "tags" | "tag" | "labels" => Role::Tags,
        "extra" => Role::Extra,
        _ => Role::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_names_are_read_in_any_spelling() {
        for name in ["SHA-256", "sha256", " Sha_256 ", "SHA 256"] {
            assert_eq!(told(name), Role::Signal(SignalType::Sha256), "{name}");
        }
        assert_eq!(told("pdq_hash"), Role::Signal(SignalType::Pdq));
        assert_eq!(told("hash"), Role::Value);
        assert_eq!(told("comment"), Role::Other);
    }

    #[test]
    fn a_mapping_without_values_or_with_unknown_fields_is_refused() {
        assert!("pdq=Hash,id=Ref".parse::<Mapping>().is_ok());
        assert!("id=Ref".parse::<Mapping>().unwrap_err().contains("no column of values"));
        assert!("pdqq=Hash".parse::<Mapping>().unwrap_err().contains("unknown field"));
        assert!("pdq".parse::<Mapping>().is_err());
    }
}
