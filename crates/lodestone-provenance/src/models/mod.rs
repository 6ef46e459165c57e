//! The user's own ONNX models: loaded strictly, run on prepared pixels, told as scores that say nothing by themselves.
//!
//! ```text
//! model.toml ─▶ sidecar ─▶ file: size, digest, opset, names, shape, no external data ─▶ golden pictures ─▶ in use
//! pixels ─▶ prepare: orientation, alpha, steps ─▶ windows ─▶ detector ─▶ pooled logit ─▶ `model:NAME`
//! ```
//!
//! A descriptor is another kind of model: it makes a vector, which the engine compares with those of known pictures.
//!
//! No model is built in. A score has no bearing: what it is worth is for a calibration on the operator's own pictures to
//! say. `docs/models.md` describes the sidecar.

mod calibrated;
pub(crate) mod descriptor;
#[cfg_attr(not(feature = "models"), allow(dead_code))]
mod descriptor_file;
#[cfg(feature = "models")]
mod detector;
mod file;
#[cfg(feature = "models")]
mod golden;
#[cfg(feature = "models")]
mod loaded;
#[cfg(feature = "models")]
mod network;
#[cfg(feature = "models")]
mod prepare;
#[cfg(feature = "models")]
mod resize;
#[cfg_attr(not(feature = "models"), allow(dead_code))]
mod sidecar;

pub(crate) use calibrated::tables;
pub use descriptor_file::DescriptorFile;
#[cfg(feature = "models")]
pub(crate) use loaded::Models;
#[cfg(not(feature = "models"))]
pub(crate) use without::Models;

#[cfg(not(feature = "models"))]
mod without {
    use std::path::PathBuf;

    use crate::item::Item;
    use crate::kit::KitError;
    use crate::reading::Reading;

    /// A build that runs no models.
    #[derive(Default)]
    pub(crate) struct Models {}

    impl Models {
        pub(crate) fn load(files: &[PathBuf]) -> Result<Self, KitError> {
            match files.first() {
                None => Ok(Self {}),
                Some(path) => Err(KitError::Invalid {
                    path: path.clone(),
                    what: "this build runs no models: it lacks the feature `models`".to_owned(),
                }),
            }
        }

        pub(crate) fn describe(&self) -> Vec<String> {
            Vec::new()
        }

        pub(crate) fn examine(&self, _item: &Item<'_>, _reading: &mut Reading) {}
    }
}
