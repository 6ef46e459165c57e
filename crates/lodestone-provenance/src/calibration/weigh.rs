//! Tables to [`PairAssessment`]s: one line of evidence a subject, lines added within a cap.

use lodestone_types::{Assessment, Direction, Finding, FindingWeight, PairAssessment, Proposition};

use super::Calibrations;
use super::spec::Standing;
use super::table::{Answer, Map, Table};
use super::wording;

/// Every pair of the four propositions that pictures of things can have. Pairs with a camera's own file come first.
pub const PAIRS: [(Proposition, Proposition); 6] = [
    (Proposition::CameraOriginal, Proposition::AiGenerated),
    (Proposition::CameraOriginal, Proposition::EditedCapture),
    (Proposition::CameraOriginal, Proposition::AiEdited),
    (Proposition::EditedCapture, Proposition::AiGenerated),
    (Proposition::EditedCapture, Proposition::AiEdited),
    (Proposition::AiEdited, Proposition::AiGenerated),
];

/// Fills [`Assessment::pairs`], [`Finding::log10_lr`] and [`Finding::weight`] anew. Pure: same facts and tables, same answer.
///
/// `Finding::log10_lr` is of the first of [`PAIRS`] for which a table holds that fact or score alone (camera's own file
/// against generated, where it can be); it is not to be added up.
pub fn weigh(tables: &Calibrations, findings: &mut [Finding], assessment: &mut Assessment) {
    for finding in findings.iter_mut() {
        let alone = finding.gives.iter().find_map(|name| alone(tables, name, assessment));
        finding.log10_lr = alone.as_ref().map(|(log10_lr, _)| *log10_lr);
        finding.weight = alone.map(|(_, weight)| weight);
    }
    assessment.pairs = PAIRS.iter().map(|pair| one_pair(tables, *pair, findings, assessment)).collect();
}

/// One line of evidence.
struct Line<'a> {
    table: &'a super::Loaded,
    log10_lr: f64,
    range: [f64; 2],
    rests_on: Vec<String>,
}

fn one_pair(
    tables: &Calibrations,
    (h1, h2): (Proposition, Proposition),
    findings: &[Finding],
    assessment: &Assessment,
) -> PairAssessment {
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut reasons: Vec<String> = Vec::new();
    for loaded in tables.of((h1, h2)) {
        // The operator's tables come first; where one of them answers, the same subject is not asked again.
        if lines.iter().any(|l| l.table.table.subject() == loaded.table.subject()) {
            continue;
        }
        match loaded.table.answer(&assessment.facts, &assessment.scores) {
            Answer::Says { log10_lr, range, rests_on } => {
                lines.push(Line { table: loaded, log10_lr, range, rests_on });
            }
            Answer::Silent(why) if !reasons.contains(&why) => reasons.push(why),
            Answer::Silent(_) => {}
        }
    }
    if lines.is_empty() {
        if reasons.is_empty() {
            reasons.push("no calibration table for these two".to_owned());
        }
        let why = reasons.join("; ");
        return PairAssessment {
            h1,
            h2,
            log10_lr: None,
            range: None,
            calibration: None,
            wording: wording::abstains(h1, h2, &why),
            abstained: Some(why),
            rests_on: Vec::new(),
            contrary: Vec::new(),
        };
    }
    let (log10_lr, range) = sum(&lines);
    let mut ids: Vec<&str> = lines.iter().map(|l| l.table.name.as_str()).collect();
    ids.dedup();
    PairAssessment {
        h1,
        h2,
        log10_lr: Some(log10_lr),
        range: Some(range),
        calibration: Some(ids.join(" + ")),
        abstained: None,
        wording: wording::says(h1, h2, log10_lr, range),
        rests_on: lines.iter().flat_map(|l| l.rests_on.iter().cloned()).collect(),
        contrary: contrary(h1, h2, log10_lr, findings),
    }
}

/// Lines of different tables are dependent in ways that nobody has counted. So of those that agree in direction only the
/// strongest counts, those that disagree are taken off, and the whole stays within the largest cap of the tables used.
fn sum(lines: &[Line<'_>]) -> (f64, [f64; 2]) {
    let cap = lines.iter().map(|l| l.table.table.cap_log10_lr).fold(0.0, f64::max);
    let towards = |sign: f64| {
        lines
            .iter()
            .filter(|l| l.log10_lr * sign > 0.0)
            .max_by(|a, b| (a.log10_lr * sign).total_cmp(&(b.log10_lr * sign)))
    };
    let kept: Vec<&Line<'_>> = [towards(1.0), towards(-1.0)].into_iter().flatten().collect();
    let kept = if kept.is_empty() { lines.iter().take(1).collect() } else { kept };
    let clamped = |x: f64| x.clamp(-cap, cap) + 0.0;
    let total = |of: &dyn Fn(&Line<'_>) -> f64| clamped(kept.iter().map(|l| of(l)).sum());
    (total(&|l| l.log10_lr), [total(&|l| l.range[0]), total(&|l| l.range[1])])
}

/// Codes of findings that bear against what the ratio supports, or for the other.
fn contrary(h1: Proposition, h2: Proposition, log10_lr: f64, findings: &[Finding]) -> Vec<String> {
    if log10_lr == 0.0 {
        return Vec::new();
    }
    let (favoured, other) = if log10_lr > 0.0 { (h1, h2) } else { (h2, h1) };
    let mut codes: Vec<String> = Vec::new();
    for finding in findings {
        let against = finding.bearings.iter().any(|b| {
            (b.proposition == favoured && b.direction == Direction::Against)
                || (b.proposition == other && b.direction == Direction::Supports)
        });
        let also_for =
            finding.bearings.iter().any(|b| b.proposition == favoured && b.direction == Direction::Supports);
        if against && !also_for && !codes.contains(&finding.code) {
            codes.push(finding.code.clone());
        }
    }
    codes
}

/// The ratio of one fact or score alone, for the first pair of which a table holds it alone.
fn alone(tables: &Calibrations, name: &str, assessment: &Assessment) -> Option<(f64, FindingWeight)> {
    PAIRS.iter().flat_map(|pair| tables.of(*pair)).find_map(|loaded| {
        let (log10_lr, range) = single(&loaded.table, name, assessment)?;
        let (h1, h2) = loaded.table.pair();
        Some((log10_lr, FindingWeight { h1, h2, range, calibration: loaded.name.clone() }))
    })
}

fn single(table: &Table, name: &str, assessment: &Assessment) -> Option<(f64, [f64; 2])> {
    match &table.map {
        Map::Score { score, .. } if score == name => {
            match table.answer(&assessment.facts, &assessment.scores) {
                Answer::Says { log10_lr, range, .. } => Some((log10_lr, range)),
                Answer::Silent(_) => None,
            }
        }
        Map::Score { .. } => None,
        // The cell in which this fact stands and every other is absent.
        Map::Joint { levels, cells, .. } => {
            let at = levels.iter().position(|l| l.fact == name)?;
            let Standing::Is(category) = levels[at].standing(&assessment.facts) else { return None };
            cells
                .iter()
                .find(|c| {
                    c.is.iter()
                        .enumerate()
                        .all(|(i, is)| if i == at { is.as_ref() == Some(&category) } else { is.is_none() })
                })
                .map(|c| (c.log10_lr, c.range))
        }
    }
}
