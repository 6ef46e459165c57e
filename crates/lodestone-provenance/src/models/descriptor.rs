//! A user's descriptor in use: pixels in, a vector out. What the vector is worth is for others to say.

use std::path::Path;

use super::descriptor_file::DescriptorFile;
use crate::item::Pixels;
use crate::kit::KitError;

pub use super::descriptor_file::{MAX_DIMENSION, MAX_REGIONS};

/// A rectangle of a picture in its stored pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Upper edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// Why there is no vector. Never to be taken for "resembles nothing".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoVector {
    /// The picture, or the part of it, is outside of what the model takes.
    #[error("not assessed: {0}")]
    NotAssessed(String),
    /// The model failed.
    #[error("{0}")]
    Failed(String),
}

/// A user's descriptor, loaded.
pub struct Descriptor {
    file: DescriptorFile,
    #[cfg(feature = "models")]
    network: super::network::Network,
}

impl Descriptor {
    /// What its file states.
    pub fn file(&self) -> &DescriptorFile {
        &self.file
    }

    /// Whether pictures are turned as EXIF says before they are described.
    pub fn turns_upright(&self) -> bool {
        self.file.input.exif_orientation
    }
}

#[cfg(feature = "models")]
impl Descriptor {
    /// Loads and checks the model; nothing is run yet.
    ///
    /// # Errors
    /// In words, what is not as the file says, or is refused.
    pub fn load(path: &Path) -> Result<Self, KitError> {
        use sha2::{Digest as _, Sha256};

        let invalid = |what: String| KitError::Invalid { path: path.to_owned(), what };
        let mut file = DescriptorFile::stated(path)?;
        let bytes = super::file::read(&file.onnx, super::file::MAX_MODEL)?;
        file.pin(path, super::descriptor_file::hexadecimal(&Sha256::digest(&bytes)))?;
        let stated =
            super::network::Stated { opset: file.opset, input: &file.input, output: file.output.as_str() };
        let network = super::network::Network::load(&bytes, &stated).map_err(invalid)?;
        let (values, dimension) = (network.values(), file.dimension);
        if values != dimension {
            return Err(invalid(format!("the output holds {values} values, and dimension is {dimension}")));
        }
        Ok(Self { file, network })
    }

    /// The model's vector of a picture, or of an area of it, as it is or mirrored: not scaled to any length, and not
    /// checked to hold finite numbers.
    ///
    /// Cost: the model's; a ResNet-50 at 320 x 320 some 100 to 300 ms.
    ///
    /// # Errors
    /// [`NoVector`].
    pub fn vector(
        &self,
        pixels: &Pixels<'_>,
        orientation: u8,
        area: Option<Area>,
        mirrored: bool,
    ) -> Result<Vec<f32>, NoVector> {
        let cut = area.map(|area| cut(pixels, area)).transpose().map_err(NoVector::NotAssessed)?;
        let pixels = match (&cut, area) {
            (Some((rgb, alpha)), Some(area)) => {
                Pixels { width: area.width, height: area.height, rgb, alpha: alpha.as_deref() }
            }
            _ => *pixels,
        };
        let windows = super::prepare::prepare(&self.file.input, &pixels, orientation);
        let mut windows = windows.map_err(NoVector::NotAssessed)?;
        let mut window = windows.pop().ok_or_else(|| NoVector::NotAssessed("no window".to_owned()))?;
        if mirrored {
            window = window.mirrored();
        }
        self.network.run(&window).map_err(NoVector::Failed)
    }
}

/// Colours of an area, and its alpha where there is one.
#[cfg(feature = "models")]
type Cut = (Vec<u8>, Option<Vec<u8>>);

#[cfg(feature = "models")]
fn cut(pixels: &Pixels<'_>, area: Area) -> Result<Cut, String> {
    let outside = || "the region is not within the picture".to_owned();
    let inside = |from: u32, length: u32, of: u32| from.checked_add(length).is_some_and(|end| end <= of);
    if !inside(area.x, area.width, pixels.width) || !inside(area.y, area.height, pixels.height) {
        return Err(outside());
    }
    let rows = |plane: &[u8], bytes: usize| {
        let mut out = Vec::new();
        for y in area.y..area.y + area.height {
            let from = (y as usize * pixels.width as usize + area.x as usize) * bytes;
            out.extend_from_slice(plane.get(from..from + area.width as usize * bytes)?);
        }
        Some(out)
    };
    let rgb = rows(pixels.rgb, 3).ok_or_else(outside)?;
    let alpha = pixels.alpha.map(|alpha| rows(alpha, 1).ok_or_else(outside)).transpose()?;
    Ok((rgb, alpha))
}

#[cfg(not(feature = "models"))]
impl Descriptor {
    /// A build that runs no models.
    ///
    /// # Errors
    /// Always.
    pub fn load(path: &Path) -> Result<Self, KitError> {
        let what = "this build runs no models: it lacks the feature `models`".to_owned();
        Err(KitError::Invalid { path: path.to_owned(), what })
    }

    /// A build that runs no models.
    ///
    /// # Errors
    /// Always.
    pub fn vector(
        &self,
        _pixels: &Pixels<'_>,
        _orientation: u8,
        _area: Option<Area>,
        _mirrored: bool,
    ) -> Result<Vec<f32>, NoVector> {
        Err(NoVector::Failed("this build runs no models".to_owned()))
    }
}
