//! What runs a model that gives one score.

use super::network::{Network, Stated};
use super::prepare::Rgb;
use super::sidecar::{Kind, Sidecar};

/// Runs a model on one window.
pub(super) trait Detector: Send + Sync {
    /// The logit towards the sidecar's `positive`.
    ///
    /// # Errors
    /// In words: the model failed or gave no number.
    fn logit(&self, window: &Rgb) -> Result<f64, String>;
}

/// The one that is built in.
pub(super) struct Tract {
    network: Network,
    sidecar: Sidecar,
}

impl Tract {
    /// Loads and checks a model. Nothing outside `bytes` is read.
    ///
    /// # Errors
    /// In words, what is not as the sidecar says or is refused.
    pub(super) fn load(bytes: &[u8], sidecar: &Sidecar) -> Result<Self, String> {
        let stated =
            Stated { opset: sidecar.opset, input: &sidecar.input, output: sidecar.output.name.as_str() };
        let network = Network::load(bytes, &stated)?;
        let values = network.values();
        let fits = match sidecar.output.kind {
            Kind::Softmax2 => values == 2,
            Kind::Logit | Kind::Prob => sidecar.output.index < values,
        };
        if !fits {
            return Err(format!("the output holds {values} values"));
        }
        Ok(Self { network, sidecar: sidecar.clone() })
    }
}

impl Detector for Tract {
    fn logit(&self, window: &Rgb) -> Result<f64, String> {
        logit(&self.sidecar, &self.network.run(window)?)
    }
}

fn logit(sidecar: &Sidecar, values: &[f32]) -> Result<f64, String> {
    let index = sidecar.output.index;
    let value = |at: usize| values.get(at).map(|v| f64::from(*v)).ok_or("the output is too short");
    let first = value(index)?;
    let logit = match sidecar.output.kind {
        Kind::Logit => first,
        Kind::Prob if (-1e-4..=1.0001).contains(&first) => {
            let p = first.clamp(1e-7, 1.0 - 1e-7);
            (p / (1.0 - p)).ln()
        }
        Kind::Prob => return Err("the model gave no probability".to_owned()),
        Kind::Softmax2 => first - value(1 - index.min(1))?,
    };
    if logit.is_finite() { Ok(logit) } else { Err("the model gave no number".to_owned()) }
}
