//! `descriptor.toml`: a user's model that makes a vector of a picture. `docs/descriptors.md` describes it.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::file::{MAX_MODEL, MAX_SIDECAR, read};
use super::sidecar::{Input, Step, is_name, is_sha256, plain_name};
use crate::kit::KitError;

/// Most dimensions of a descriptor.
pub const MAX_DIMENSION: usize = 4096;
/// Most regions of a questioned picture that are described beside its whole.
pub const MAX_REGIONS: u8 = 6;

/// What is hashed first of a model's name: another way to prepare pictures under the same words gets another number.
const PREPARATION: &str = "lodestone descriptor, preparation 1";

/// The whole file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    file: String,
    #[serde(default)]
    sha256: Option<String>,
    license: String,
    source: String,
    #[serde(default)]
    notes: String,
    opset: i64,
    input: Input,
    output: Output,
    #[serde(default)]
    questioned: Questioned,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Output {
    name: String,
    dimension: usize,
}

/// What is described of a questioned picture beside its whole: each is one more run of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Questioned {
    mirrored: bool,
    regions: u8,
}

impl Default for Questioned {
    fn default() -> Self {
        Self { mirrored: true, regions: MAX_REGIONS }
    }
}

/// A user's descriptor as its file states it; the model itself is digested and not parsed.
#[derive(Clone, Debug, PartialEq)]
pub struct DescriptorFile {
    /// What it is called.
    pub name: String,
    /// Licence of the model, as the file states it.
    pub license: String,
    /// Where it is from.
    pub source: String,
    /// What else the user wrote of it.
    pub notes: String,
    /// SHA-256 of the ONNX file, hexadecimal.
    pub sha256: String,
    /// SHA-256 over that and the preparation of pictures, hexadecimal: vectors of another one compare with none of these.
    pub model: String,
    /// Values of a vector.
    pub dimension: usize,
    /// A questioned picture is described mirrored, too.
    pub mirrored: bool,
    /// Regions of a questioned picture that are described, at most.
    pub regions: usize,
    pub(super) opset: i64,
    pub(super) input: Input,
    pub(super) output: String,
    pub(super) onnx: PathBuf,
}

impl DescriptorFile {
    /// Reads the file, and digests the model beside it.
    ///
    /// # Errors
    /// When one of them cannot be read, is too large, is not what it should be, or is not the one that is pinned.
    pub fn read(path: &Path) -> Result<Self, KitError> {
        let mut file = Self::stated(path)?;
        let sha256 = digest(&file.onnx).map_err(|source| KitError::Io { path: file.onnx.clone(), source })?;
        file.pin(path, sha256)?;
        Ok(file)
    }

    /// The file alone, its digest not compared yet.
    pub(super) fn stated(path: &Path) -> Result<Self, KitError> {
        let invalid = |what: String| KitError::Invalid { path: path.to_owned(), what };
        let text =
            String::from_utf8(read(path, MAX_SIDECAR)?).map_err(|_| invalid("not UTF-8".to_owned()))?;
        let written: Written = toml::from_str(&text).map_err(|error| invalid(error.message().to_owned()))?;
        written.check().map_err(invalid)?;
        Ok(Self {
            name: written.name,
            license: written.license,
            source: written.source,
            notes: written.notes,
            sha256: written.sha256.unwrap_or_default().to_ascii_lowercase(),
            model: String::new(),
            dimension: written.output.dimension,
            mirrored: written.questioned.mirrored,
            regions: usize::from(written.questioned.regions),
            opset: written.opset,
            input: written.input,
            output: written.output.name,
            onnx: path.parent().unwrap_or(Path::new("")).join(&written.file),
        })
    }

    /// Compares the model's digest with the one that is stated, if one is, and names the model.
    pub(super) fn pin(&mut self, path: &Path, sha256: String) -> Result<(), KitError> {
        if !self.sha256.is_empty() && self.sha256 != sha256 {
            let what = "the model's sha256 is not the one that the file pins".to_owned();
            return Err(KitError::Invalid { path: path.to_owned(), what });
        }
        self.sha256 = sha256;
        let input = serde_json::to_string(&self.input).unwrap_or_default();
        let output = serde_json::json!([self.output, self.dimension]);
        let all = format!("{PREPARATION}\n{}\n{input}\n{output}\n", self.sha256);
        self.model = hexadecimal(&Sha256::digest(all.as_bytes()));
        Ok(())
    }

    /// One line for people: which model, under which licence.
    pub fn told(&self) -> String {
        let Self { name, sha256, model, license, source, .. } = self;
        format!("descriptor {name}: {model}, sha256 {sha256}, licence {license}, from {source}")
    }
}

impl Written {
    fn check(&self) -> Result<(), String> {
        let refuse = |bad: bool, what: &str| if bad { Err(what.to_owned()) } else { Ok(()) };
        refuse(!is_name(&self.name), "name: 1 to 64 of letters, digits, '.', '_', '-'")?;
        refuse(!plain_name(&self.file), "file: named without folders, it stands beside this file")?;
        let pinned = self.sha256.as_deref().is_none_or(is_sha256);
        refuse(!pinned, "sha256: 64 hexadecimal digits, or left out")?;
        refuse(self.license.trim().is_empty(), "license is empty")?;
        refuse(self.source.trim().is_empty(), "source is empty")?;
        self.input.check()?;
        let tiles = self.input.steps.iter().any(|step| matches!(step, Step::Tiles(_)));
        refuse(tiles, "a descriptor is made of one window: no tiles")?;
        let dimension = (1..=MAX_DIMENSION).contains(&self.output.dimension);
        refuse(!dimension, "dimension: 1 to 4096")?;
        refuse(self.questioned.regions > MAX_REGIONS, "questioned.regions: 0 to 6")
    }
}

pub(super) fn hexadecimal(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// SHA-256 of a file that is no larger than a model may be.
fn digest(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?.take(MAX_MODEL + 1);
    let (mut hasher, mut chunk, mut size) = (Sha256::new(), vec![0; 1 << 18], 0u64);
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(hexadecimal(&hasher.finalize())),
            n => {
                size += n as u64;
                if size > MAX_MODEL {
                    return Err(io::Error::other(format!("more than {MAX_MODEL} bytes")));
                }
                hasher.update(chunk.get(..n).unwrap_or_default());
            }
        }
    }
}
