//! Labelled folders: every file observed in workers, for fitting and judging calibration tables.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lodestone_provenance::calibration::Case;
use lodestone_provenance::calibration::fit::condition_only_auc;
use lodestone_provenance::calibration::labelled::Row;
use lodestone_provenance::calibration::metrics::{Pairs, bootstrap};
use lodestone_sandbox::Start;
use lodestone_types::{Assessment, Proposition};
use serde::Serialize;

use crate::observer::Observer;
use crate::options::ObserveOptions;

/// One labelled file, observed.
#[derive(Clone, Debug)]
pub struct LabelledFile {
    /// What the manifest says.
    pub row: Row,
    /// What the file says, not weighed; `None`: it could not be read.
    pub reading: Option<Assessment>,
    /// Width and height as decoded; 0 where it was not.
    pub size: (u32, u32),
    /// How long it took, start of a worker included.
    pub took: Duration,
}

impl LabelledFile {
    /// For fitting and judging; `None` where its label stands for no proposition or it could not be read.
    pub fn case(&self) -> Option<Case> {
        let mut case = Case::new(self.row.proposition()?, &self.row.source, self.reading.as_ref()?);
        // For the control of sizes only; no table may hold it.
        case.facts.insert("exact_size".to_owned(), format!("{}x{}", self.size.0, self.size.1));
        case.month = (!self.row.month.is_empty()).then(|| self.row.month.clone());
        Some(case)
    }
}

/// Observes `rows` of `folder` on `workers` threads, each with its worker process; in their order. Members of archives are not
/// looked at. Ends early, with what there is, when `cancel` is set.
pub fn observe_labelled(
    folder: &Path,
    rows: &[Row],
    (start, options, deadline): (&Start, &ObserveOptions, Duration),
    workers: usize,
    cancel: &AtomicBool,
) -> Vec<LabelledFile> {
    let next = AtomicUsize::new(0);
    let work = || {
        let options = ObserveOptions { archives: false, ..options.clone() };
        let mut observer = Observer::new(start.clone(), options, deadline);
        let mut seen = Vec::new();
        while !cancel.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(row) = rows.get(at) else { break };
            seen.push((at, one(&mut observer, folder, row)));
        }
        seen
    };
    let mut all: Vec<(usize, LabelledFile)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, file)| file).collect()
}

fn one(observer: &mut Observer, folder: &Path, row: &Row) -> LabelledFile {
    let began = Instant::now();
    let mut out = LabelledFile { row: row.clone(), reading: None, size: (0, 0), took: Duration::ZERO };
    // The sheaf is in memory or in a file of its own: reading it back fails only where that does.
    let _ = observer.observe_file(&folder.join(&row.path)).each(|seen| {
        if seen.member.is_none() {
            out.size = seen.observation.picture.as_ref().map_or((0, 0), |p| (p.width, p.height));
            out.reading = seen.observation.assessment;
        }
        std::io::Result::Ok(())
    });
    out.took = began.elapsed();
    out
}

/// Camera's files, as written or saved again, against generated ones: what scores of pixels are judged by.
fn is_generated(case: &Case) -> Option<bool> {
    match case.proposition {
        Proposition::AiGenerated => Some(true),
        Proposition::CameraOriginal | Proposition::EditedCapture => Some(false),
        _ => None,
    }
}

/// How well the pictures' size alone tells generated files from a camera's: AUC, 0.5 where it tells nothing. Both buckets of the
/// short side and exact sizes are tried; NaN where a class is missing.
pub fn size_control(cases: &[&Case]) -> f64 {
    let two: Vec<Case> = cases
        .iter()
        .filter_map(|c| {
            let proposition =
                if is_generated(c)? { Proposition::AiGenerated } else { Proposition::CameraOriginal };
            Some(Case { proposition, ..(*c).clone() })
        })
        .collect();
    let two: Vec<&Case> = two.iter().collect();
    let pair = [Proposition::AiGenerated, Proposition::CameraOriginal];
    let auc = |facts: &[&str]| condition_only_auc(pair, &two, facts);
    auc(&["size_bucket"]).max(auc(&["exact_size"]))
}

/// How well one score tells generated files from a camera's.
#[derive(Clone, Debug, Serialize)]
pub struct ScoreFigures {
    /// Its name.
    pub score: String,
    /// Files of a camera and generated ones that have it.
    pub files: [usize; 2],
    /// Area under the ROC curve; above 0.5 where it rises with generated.
    pub auc: f64,
    /// 95 % interval of it, sources drawn again.
    pub auc_range: Option<[f64; 2]>,
    /// Share of generated files found where 1 % of the camera's are.
    pub tpr_at_1_percent: f64,
    /// The same figures for each source of generated files.
    pub by_source: Vec<(String, usize, f64)>,
}

impl ScoreFigures {
    /// Some lines for a terminal.
    pub fn text(&self) -> String {
        let span = self.auc_range.map_or(String::new(), |[a, b]| format!(" ({a:.3} to {b:.3})"));
        let mut out = format!(
            "{}: {} camera and {} generated files, AUC {:.3}{span}, found at 1 % false {:.3}",
            self.score, self.files[0], self.files[1], self.auc, self.tpr_at_1_percent
        );
        for (source, files, auc) in &self.by_source {
            out.push_str(&format!("\n  {source}: {files} files, AUC {auc:.3}"));
        }
        out
    }
}

/// Judges a score; `None` where a class has none.
pub fn judge_score(name: &str, cases: &[&Case]) -> Option<ScoreFigures> {
    let mut groups: [BTreeMap<&str, Vec<f64>>; 2] = Default::default();
    for case in cases {
        if let (Some(generated), Some(score)) = (is_generated(case), case.scores.get(name))
            && score.is_finite()
        {
            groups[usize::from(generated)].entry(&case.source).or_default().push(*score);
        }
    }
    let [camera, generated] = groups;
    let flat = |group: &BTreeMap<&str, Vec<f64>>| group.values().flatten().copied().collect::<Vec<f64>>();
    let pairs = Pairs { h1: flat(&generated), h2: flat(&camera) };
    if !pairs.is_two_sided() {
        return None;
    }
    let by_source = generated
        .iter()
        .map(|(source, of)| {
            let alone = Pairs { h1: of.clone(), h2: pairs.h2.clone() };
            ((*source).to_owned(), of.len(), alone.auc())
        })
        .collect();
    let values = |group: BTreeMap<&str, Vec<f64>>| group.into_values().collect::<Vec<_>>();
    Some(ScoreFigures {
        score: name.to_owned(),
        files: [pairs.h2.len(), pairs.h1.len()],
        auc: pairs.auc(),
        auc_range: bootstrap(&values(generated), &values(camera), 1000, Pairs::auc),
        tpr_at_1_percent: pairs.detection_at(0.01),
        by_source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(proposition: Proposition, size: &str, score: f64) -> Case {
        let reading = Assessment {
            facts: [("exact_size".to_owned(), size.to_owned())].into(),
            scores: [("model:m".to_owned(), score)].into(),
            ..Assessment::default()
        };
        Case::new(proposition, "s", &reading)
    }

    #[test]
    fn sizes_that_give_the_classes_away_show_in_the_control() {
        let mut cases = Vec::new();
        for i in 0..20 {
            cases.push(case(Proposition::AiGenerated, "1024x1024", f64::from(i)));
            cases.push(case(Proposition::EditedCapture, "640x480", f64::from(i)));
        }
        let apart: Vec<&Case> = cases.iter().collect();
        assert!(size_control(&apart) > 0.99);
        let same: Vec<Case> = cases
            .iter()
            .cloned()
            .map(|mut c| {
                c.facts.insert("exact_size".to_owned(), "320x320".to_owned());
                c
            })
            .collect();
        let same: Vec<&Case> = same.iter().collect();
        assert!((size_control(&same) - 0.5).abs() < 1e-9);
        let figures = judge_score("model:m", &same).expect("both classes");
        assert!((figures.auc - 0.5).abs() < 1e-9 && figures.files == [20, 20]);
        assert!(judge_score("model:other", &same).is_none());
    }
}
