//! What was typed, set in the environment or written in a file, worked out once: flags, then `LODESTONE_*`, then
//! `lodestone.toml`, then the default. Every effective value keeps its origin for `config show`.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lodestone_engine::derive::Layers;
use lodestone_engine::{
    AppraiseOptions, Calibrations, DescriptorFile, KitFiles, KitSources, ObserveOptions, Parts, Pre, Wish,
};
use serde::Deserialize;

use crate::args::{self, AskedLayers, Depth, Examining, Lists, Reading};

/// The keys of `lodestone.toml`. Others are errors.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    data: Option<PathBuf>,
    workers: Option<u16>,
    min_quality: Option<u8>,
    radius: Option<u32>,
    archives: Option<bool>,
    folded: Option<bool>,
    max_bytes_mib: Option<u64>,
    max_pixels_mp: Option<u64>,
    max_frames: Option<u32>,
    max_memory_mib: Option<u64>,
    max_depth: Option<u32>,
    max_members: Option<u64>,
    max_unpacked_mib: Option<u64>,
    timeout_s: Option<u64>,
    model: Option<Vec<PathBuf>>,
    trust_lists: Option<PathBuf>,
    structures: Option<Vec<PathBuf>>,
    calibration: Option<Vec<PathBuf>>,
    max_examined_pixels_mp: Option<u64>,
    pixels: Option<bool>,
    sidecars: Option<bool>,
    examine: Option<String>,
    layers: Option<String>,
    descriptor: Option<PathBuf>,
    background: Option<PathBuf>,
}

/// One effective value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effective {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) origin: String,
}

/// Everything a command needs to know of its settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) data: Option<PathBuf>,
    pub(crate) workers: usize,
    pub(crate) radius_bits: u32,
    pub(crate) appraise: AppraiseOptions,
    pub(crate) observe: ObserveOptions,
    pub(crate) deadline: Duration,
    /// The operator's trust lists, structures and models; [`Settings::use_kit`] puts them to work.
    kit: KitSources,
    /// Whether layer 4 is asked for, the user's descriptor and its background as they were named;
    /// [`Settings::use_descriptor`] puts them to work.
    described: bool,
    descriptor: Option<PathBuf>,
    pub(crate) background: Option<PathBuf>,
    pub(crate) described_by: Option<DescriptorFile>,
    /// The operator's calibration tables.
    pub(crate) calibration: Vec<PathBuf>,
    /// Whether `examine` looks at pixels, and at text beside a file; how much scans examine.
    pub(crate) pixels: bool,
    pub(crate) sidecars: bool,
    pub(crate) depth: Depth,
    pub(crate) effective: Vec<Effective>,
}

struct Picker {
    file_name: String,
    effective: Vec<Effective>,
}

impl Picker {
    fn pick<T: FromStr + Display>(
        &mut self,
        name: &'static str,
        flag: Option<T>,
        file: Option<T>,
        default: T,
    ) -> Result<T>
    where
        T::Err: Display,
    {
        let variable = format!("LODESTONE_{}", name.to_ascii_uppercase());
        let (value, origin) = if let Some(value) = flag {
            (value, "command line".to_owned())
        } else if let Some(text) = std::env::var(&variable).ok().filter(|text| !text.is_empty()) {
            let value = text.parse().map_err(|error| anyhow::anyhow!("{variable}={text}: {error}"))?;
            (value, variable)
        } else if let Some(value) = file {
            (value, self.file_name.clone())
        } else {
            (default, "default".to_owned())
        };
        self.effective.push(Effective { name, value: value.to_string(), origin });
        Ok(value)
    }

    /// Files or folders, none by default. A variable holds several as `PATH` does; names need not be text.
    fn paths(&mut self, name: &'static str, flag: &[PathBuf], file: Option<Vec<PathBuf>>) -> Vec<PathBuf> {
        let variable = format!("LODESTONE_{}", name.to_ascii_uppercase());
        let set = std::env::var_os(&variable).filter(|value| !value.is_empty());
        let (paths, origin) = if !flag.is_empty() {
            (flag.to_vec(), "command line".to_owned())
        } else if let Some(value) = set {
            (std::env::split_paths(&value).filter(|path| !path.as_os_str().is_empty()).collect(), variable)
        } else if let Some(paths) = file {
            (paths, self.file_name.clone())
        } else {
            (Vec::new(), "default".to_owned())
        };
        let names: Vec<_> = paths.iter().map(|path| path.to_string_lossy()).collect();
        self.effective.push(Effective { name, value: names.join(", "), origin });
        paths
    }
}

impl Settings {
    /// Works out the settings of a command.
    pub(crate) fn new(lists: &Lists, reading: &Reading) -> Result<Self> {
        Self::examining(lists, reading, &Examining::default(), None)
    }

    /// As [`Settings::new`], of a command that examines files.
    pub(crate) fn examining(
        lists: &Lists,
        reading: &Reading,
        examining: &Examining,
        examined_depth: Option<Depth>,
    ) -> Result<Self> {
        let (file, file_name) = read_file()?;
        let mut p = Picker { file_name, effective: Vec::new() };
        let defaults = ObserveOptions::default();
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let cores =
            std::thread::available_parallelism().map_or(1, |n| u16::try_from(n.get()).unwrap_or(u16::MAX));
        p.pick("data", lists.data.as_ref().map(path), file.data.as_ref().map(path), String::new())?;
        // A folder's name need not be text.
        let variable = std::env::var_os("LODESTONE_DATA").filter(|name| !name.is_empty()).map(PathBuf::from);
        let data = lists.data.clone().or(variable).or(file.data);
        let workers = p.pick("workers", reading.workers, file.workers, cores)?;
        let radius =
            p.pick("radius", lists.radius, file.radius, lodestone_types::bank::DEFAULT_RADIUS_BITS)?;
        let min_quality = p.pick("min_quality", lists.min_quality, file.min_quality, 50)?;
        // A folder of known pictures can prove more than a list of hashes can.
        let known = [&lists.known, &lists.known_generated];
        let folder = known.into_iter().flatten().any(|text| Path::new(text).is_dir());
        let mut usual = if folder { Layers::ALL } else { Layers::WHOLE };
        let given: Vec<PathBuf> = lists.descriptor.iter().cloned().collect();
        let descriptor = p.paths("descriptor", &given, file.descriptor.map(|file| vec![file]));
        let given: Vec<PathBuf> = lists.background.iter().cloned().collect();
        let background = p.paths("background", &given, file.background.map(|file| vec![file]));
        if !descriptor.is_empty() {
            usual = usual.with_descriptor();
        }
        let AskedLayers(layers) =
            p.pick("layers", lists.layers, in_file(file.layers, "layers")?, AskedLayers(usual))?;
        // Only commands that put the descriptor to work look at layer 4.
        let (described, layers) = (layers.has(4), layers.without_descriptor());
        if descriptor.len() > 1 || background.len() > 1 {
            bail!("descriptor and background: one file of each");
        }
        let archives = p.pick("archives", reading.no_archives.then_some(false), file.archives, true)?;
        let folded = p.pick("folded", reading.folded.then_some(true), file.folded, false)?;
        let bytes =
            p.pick("max_bytes_mib", reading.max_bytes, file.max_bytes_mib, defaults.max_bytes >> 20)?;
        let pixels =
            p.pick("max_pixels_mp", reading.max_pixels, file.max_pixels_mp, defaults.max_pixels / 1_000_000)?;
        let frames = p.pick("max_frames", reading.max_frames, file.max_frames, defaults.max_frames)?;
        let memory =
            p.pick("max_memory_mib", reading.max_memory, file.max_memory_mib, defaults.max_memory >> 20)?;
        let depth = p.pick("max_depth", reading.max_depth, file.max_depth, defaults.max_depth)?;
        let members = p.pick("max_members", reading.max_members, file.max_members, defaults.max_members)?;
        let unpacked = p.pick(
            "max_unpacked_mib",
            reading.max_unpacked,
            file.max_unpacked_mib,
            defaults.max_unpacked >> 20,
        )?;
        let timeout = p.pick("timeout_s", reading.timeout, file.timeout_s, 60)?;
        let model = p.paths("model", &examining.model, file.model);
        let given: Vec<PathBuf> = examining.trust_lists.iter().cloned().collect();
        let trust_lists = p.paths("trust_lists", &given, file.trust_lists.map(|folder| vec![folder]));
        let structures = p.paths("structures", &examining.structures, file.structures);
        let calibration = p.paths("calibration", &examining.calibration, file.calibration);
        let examined = p.pick(
            "max_examined_pixels_mp",
            examining.max_examined_pixels,
            file.max_examined_pixels_mp,
            defaults.max_examined_pixels / 1_000_000,
        )?;
        let with_pixels = p.pick("pixels", None, file.pixels, true)?;
        let sidecars = p.pick("sidecars", None, file.sidecars, true)?;
        let examined_depth =
            p.pick("examine", examined_depth, in_file(file.examine, "examine")?, Depth::Metadata)?;
        if trust_lists.len() > 1 {
            bail!("trust_lists: one folder, not {}", trust_lists.len());
        }
        check("max_examined_pixels_mp", examined, 1..=1_000)?;
        check("workers", u64::from(workers), 1..=1024)?;
        check("radius", u64::from(radius), 0..=64)?;
        check("min_quality", u64::from(min_quality), 0..=100)?;
        check("max_bytes_mib", bytes, 1..=65_536)?;
        check("max_pixels_mp", pixels, 1..=10_000)?;
        check("max_frames", u64::from(frames), 1..=100_000)?;
        check("max_memory_mib", memory, 16..=1 << 20)?;
        check("max_depth", u64::from(depth), 0..=16)?;
        check("max_unpacked_mib", unpacked, 1..=1 << 24)?;
        check("timeout_s", timeout, 1..=86_400)?;
        let observe = ObserveOptions {
            pre: if reading.pre == Some(args::Pre::Nn512) { Pre::Nearest512 } else { Pre::FullSize },
            folded,
            archives,
            max_bytes: bytes << 20,
            max_pixels: pixels * 1_000_000,
            max_frames: frames,
            max_memory: memory << 20,
            max_depth: depth,
            max_members: members,
            max_unpacked: unpacked << 20,
            max_examined_pixels: examined * 1_000_000,
            parts: Parts {
                regions: layers.has(2),
                features: layers.has(3),
                known: false,
                detail: layers.beyond_whole(),
                descriptor: false,
            },
            ..defaults
        };
        Ok(Self {
            data: data.filter(|folder| !folder.as_os_str().is_empty()),
            workers: usize::from(workers),
            radius_bits: radius,
            appraise: AppraiseOptions { layers, min_quality },
            observe,
            deadline: Duration::from_secs(timeout),
            kit: KitSources {
                trust_lists: trust_lists.into_iter().next(),
                structures,
                models: model,
                descriptor: None,
            },
            described,
            descriptor: descriptor.into_iter().next(),
            background: background.into_iter().next(),
            described_by: None,
            calibration,
            pixels: with_pixels,
            sidecars,
            depth: examined_depth,
            effective: p.effective,
        })
    }

    /// Has files examined as a wish says, with what the operator brings.
    pub(crate) fn use_kit(&mut self, wish: Wish) -> Result<()> {
        self.observe.wish = wish;
        self.observe.kit = KitFiles::new(self.kit.clone())?;
        Ok(())
    }

    /// Has pictures described for layer 4, where it is asked for. Before [`Settings::use_kit`].
    pub(crate) fn use_descriptor(&mut self) -> Result<()> {
        match (self.described, self.descriptor.clone()) {
            (false, None) => {
                if self.background.is_some() {
                    eprintln!("warning: the background is for a descriptor, and none is given");
                }
                Ok(())
            }
            (false, Some(_)) => {
                eprintln!("warning: the descriptor is for layer 4, which --layers leaves out");
                Ok(())
            }
            (true, None) => bail!(
                "layer 4 compares pictures by a model of your own: give it with --descriptor FILE.toml \
                 (docs/descriptors.md); none is built in"
            ),
            (true, Some(path)) => {
                self.appraise.layers = self.appraise.layers.with_descriptor();
                // The descriptor only proposes: features verify.
                let parts = &mut self.observe.parts;
                (parts.regions, parts.features, parts.detail) = (true, true, true);
                self.describe_by(&path)
            }
        }
    }

    /// Has pictures described by this model.
    pub(crate) fn describe_by(&mut self, path: &Path) -> Result<()> {
        let file = DescriptorFile::read(path)?;
        eprintln!("{}", file.told());
        self.described_by = Some(file);
        self.kit.descriptor = Some(path.to_owned());
        self.observe.kit =
            KitFiles::new(KitSources { descriptor: Some(path.to_owned()), ..KitSources::default() })?;
        self.observe.parts.descriptor = true;
        Ok(())
    }

    /// The calibration tables in use: the operator's, those that the models in use name, those built in.
    pub(crate) fn tables(&self) -> Result<Calibrations> {
        let models: &[PathBuf] = if self.observe.wish.models { &self.kit.models } else { &[] };
        Ok(Calibrations::load(&self.calibration)?.and_of_models(models)?)
    }

    /// The data folder, for commands that cannot do without.
    pub(crate) fn need_data(&self) -> Result<&PathBuf> {
        self.data.as_ref().context("no data folder: give --data DIR or set LODESTONE_DATA")
    }
}

/// A word of the settings file as what it stands for.
fn in_file<T: FromStr>(text: Option<String>, name: &str) -> Result<Option<T>>
where
    T::Err: Display,
{
    text.map(|text| text.parse().map_err(|error| anyhow::anyhow!("{name} = {text}: {error}"))).transpose()
}

fn check(name: &str, value: u64, range: std::ops::RangeInclusive<u64>) -> Result<()> {
    if !range.contains(&value) {
        bail!("{name} = {value}: must be from {} to {}", range.start(), range.end());
    }
    Ok(())
}

fn read_file() -> Result<(File, String)> {
    let named = std::env::var_os("LODESTONE_CONFIG").filter(|name| !name.is_empty()).map(PathBuf::from);
    let own = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")))
        .map(|folder| folder.join("lodestone/lodestone.toml"));
    let must_exist = named.is_some();
    let candidates = match named {
        Some(named) => vec![named],
        None => std::iter::once(PathBuf::from("lodestone.toml")).chain(own).collect(),
    };
    for path in candidates {
        if must_exist || path.is_file() {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("settings file {}", path.display()))?;
            let file = toml::from_str(&text).with_context(|| format!("settings file {}", path.display()))?;
            if !must_exist {
                // Found, not named: whoever works in a folder of evidence has to see that a file there was obeyed.
                eprintln!("settings: {}", path.display());
            }
            return Ok((file, path.display().to_string()));
        }
    }
    Ok((File::default(), String::new()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settings_file_with_an_unknown_key_is_an_error() {
        assert!(toml::from_str::<File>("workers = 2\nmin_quality = 40").is_ok());
        assert!(toml::from_str::<File>("wokers = 2").unwrap_err().to_string().contains("wokers"));
    }

    #[test]
    fn flags_come_before_the_file_and_the_file_before_the_default() {
        let mut picker = Picker { file_name: "lodestone.toml".into(), effective: Vec::new() };
        assert_eq!(picker.pick("test_only_a", Some(1u8), Some(2), 3).unwrap(), 1);
        assert_eq!(picker.pick("test_only_a", None, Some(2u8), 3).unwrap(), 2);
        assert_eq!(picker.pick("test_only_a", None, None, 3u8).unwrap(), 3);
        let origins: Vec<_> = picker.effective.iter().map(|e| e.origin.as_str()).collect();
        assert_eq!(origins, ["command line", "lodestone.toml", "default"]);
    }
}
