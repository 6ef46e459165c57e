//! Maps of the pixels as PNG files in a folder, named after the file's digest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use lodestone_types::Record;
use serde_json::{Value, json};

/// Where maps go.
pub(crate) struct MapFiles {
    folder: PathBuf,
}

impl MapFiles {
    /// Makes the folder if there is none.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| format!("cannot write maps to {}", folder.display()))?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Writes the maps of one file, and says where they are: name, caption, size and file of each.
    pub(crate) fn write(&self, record: &Record) -> io::Result<Value> {
        let Some(digests) = &record.observation.digests else { return Ok(json!([])) };
        let digest = digests.sha256.to_string();
        let mut told = Vec::new();
        for map in &record.observation.maps {
            let png = base64::engine::general_purpose::STANDARD.decode(&map.png_base64);
            let png = png.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let kind: String = map.name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            let name = format!("{}-{kind}.png", digest.get(..16).unwrap_or(&digest));
            let path = self.folder.join(name);
            fs::write(&path, png)
                .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))?;
            told.push(json!({
                "name": map.name,
                "caption": map.caption,
                "width": map.width,
                "height": map.height,
                "file": path.to_string_lossy(),
            }));
        }
        Ok(Value::Array(told))
    }
}
