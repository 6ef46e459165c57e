//! Fits calibration tables to files of which the truth is known. Pure and deterministic.

mod joint;
mod left_out;
mod report;
mod score;

use std::collections::BTreeSet;

use lodestone_types::Proposition;

pub use joint::{Fitted, Shrinkage, fit_joint};
pub use left_out::{Judgement, choose, judged, nested, pairs};
pub use report::{Figures, html};
pub use score::{CONDITIONS, MIN_COVERED, Method, condition_only_auc, covered, fit_score, size_only_auc};

use super::case::{Case, sources};
use super::spec::Spec;
use super::table::{Corpus, Map, SCHEMA, Table};

/// Fewest files of a proposition that a table is fitted to.
pub const MIN_FILES: usize = 10;
/// Fewest sources of a proposition that a table is fitted to.
pub const MIN_SOURCES: usize = 2;
/// From here on, size, format and quality tell the propositions apart so well that a score may only repeat them.
pub const CONFOUNDED_AUC: f64 = 0.65;
const ROUNDS: usize = 4000;

/// What is printed with every table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Occasion {
    /// Day, `YYYY-MM-DD`.
    pub date: String,
    /// Name of the corpus.
    pub corpus: String,
    /// Digest of it.
    pub digest: String,
}

/// A table, or why there is none.
pub type Outcome = Result<(Table, Vec<Judgement>), String>;

/// Fits one joint table and judges it with one source left out in turn.
///
/// # Errors
/// A sentence, when there are too few files or sources.
pub fn joint_table(spec: &Spec, cases: &[&Case], occasion: &Occasion) -> Outcome {
    let corpus = corpus(&[spec.h1, spec.h2], cases, occasion)?;
    let shrinkage = choose(spec, cases);
    let fitted = fit_joint(spec, cases, shrinkage, ROUNDS).ok_or("no file of one proposition")?;
    if fitted.cells.is_empty() {
        return Err("no file has any of the table's facts".to_owned());
    }
    let judgements = nested(spec, cases);
    let table = Table {
        schema: SCHEMA,
        id: spec.id.clone(),
        date: occasion.date.clone(),
        basis: crate::BASIS.to_owned(),
        h1: spec.h1,
        h2: spec.h2,
        corpus,
        cap_log10_lr: fitted.cap_log10_lr,
        map: Map::Joint {
            levels: spec.levels.clone(),
            smoothing: shrinkage.smoothing,
            source_limit: shrinkage.source_limit,
            cells: fitted.cells,
        },
        judged: judged(&judgements, "leave one source out"),
        not_for: spec.not_for.clone(),
    };
    Ok((table, judgements))
}

/// Fits one score for one pair, within the conditions that both propositions cover, and judges it with one source left out
/// in turn.
///
/// # Errors
/// A sentence, when there are too few files or sources, when conditions do not overlap, or when size, format and quality
/// alone tell the propositions apart.
pub fn score_table(
    score: &str,
    pair: [Proposition; 2],
    cases: &[&Case],
    method: Method,
    occasion: &Occasion,
) -> Outcome {
    let (kept, within) = covered(score, pair, cases);
    let corpus = corpus(&pair, &kept, occasion)?;
    let control = condition_only_auc(pair, &kept, &CONDITIONS);
    if control > CONFOUNDED_AUC {
        return Err(format!(
            "size, format and quality alone tell these files apart (AUC {control:.3}): make copies of one size first \
             (docs/calibration.md)"
        ));
    }
    let n = corpus.files[0].min(corpus.files[1]) as f64;
    let cap = ((n + 1.0).log10() * 1000.0).floor() / 1000.0;
    let map = fit_score(score, pair, &kept, within, method).ok_or("no curve could be fitted")?;
    let judgements = score::left_out(score, pair, &kept, method, cap);
    let table = Table {
        schema: SCHEMA,
        id: format!("{}:{}-{}/1", score, name(pair[0]), name(pair[1])),
        date: occasion.date.clone(),
        basis: crate::BASIS.to_owned(),
        h1: pair[0],
        h2: pair[1],
        corpus,
        cap_log10_lr: cap,
        map,
        judged: judged(&judgements, "leave one source out"),
        not_for: vec![
            "pictures unlike those of the calibration in content, format, size or quality".to_owned(),
            "generators and cameras that came later, until it has been judged on some of theirs".to_owned(),
        ],
    };
    Ok((table, judgements))
}

fn corpus(pair: &[Proposition; 2], cases: &[&Case], occasion: &Occasion) -> Result<Corpus, String> {
    let of = |h: Proposition| cases.iter().copied().filter(move |c| c.proposition == h);
    let files = [of(pair[0]).count(), of(pair[1]).count()];
    let places = [sources(of(pair[0])).len(), sources(of(pair[1])).len()];
    for (at, h) in pair.iter().enumerate() {
        if files[at] < MIN_FILES || places[at] < MIN_SOURCES {
            return Err(format!(
                "{} usable files of {} from {} sources; at least {MIN_FILES} from {MIN_SOURCES} are needed",
                files[at],
                name(*h),
                places[at]
            ));
        }
    }
    Ok(Corpus { name: occasion.corpus.clone(), digest: occasion.digest.clone(), files, sources: places })
}

/// Scores that any case has, sorted.
pub fn score_names(cases: &[Case]) -> Vec<String> {
    let names: BTreeSet<&String> = cases.iter().flat_map(|c| c.scores.keys()).collect();
    names.into_iter().cloned().collect()
}

pub(crate) fn name(proposition: Proposition) -> &'static str {
    match proposition {
        Proposition::CameraOriginal => "camera_original",
        Proposition::EditedCapture => "edited_capture",
        Proposition::AiEdited => "ai_edited",
        Proposition::AiGenerated => "ai_generated",
        Proposition::OtherSynthetic => "other_synthetic",
    }
}
