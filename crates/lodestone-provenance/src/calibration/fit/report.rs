//! What a fit reports: as text, HTML and JSON.

use std::collections::BTreeMap;
use std::fmt::Write;

use lodestone_types::Proposition;
use serde::Serialize;

use super::super::metrics::{Bin, Pairs, bootstrap, proportion, tippett_svg};
use super::super::wording::{STANDING, stated};
use super::left_out::{Judgement, by_source, pairs};

/// Figures of one table on files of which the truth is known.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Which table.
    pub table: String,
    /// On what: `leave one source out`, or the judged folder.
    pub protocol: String,
    /// The first proposition.
    pub h1: Proposition,
    /// The second.
    pub h2: Proposition,
    /// Files of each.
    pub files: [usize; 2],
    /// Sources of each.
    pub sources: [usize; 2],
    /// Files of each of which the table says something; the others count as LR 1.
    pub answered: [usize; 2],
    /// Cost in bits, all files.
    pub cllr: Option<f64>,
    /// 95 % interval of it, sources drawn again.
    pub cllr_range: Option<[f64; 2]>,
    /// Over the files answered.
    pub cllr_answered: Option<f64>,
    /// What the order is worth, all files.
    pub min_cllr: Option<f64>,
    /// Expected calibration error at even prior odds.
    pub ece: Option<f64>,
    /// Area under the ROC curve.
    pub auc: Option<f64>,
    /// 95 % interval of it.
    pub auc_range: Option<[f64; 2]>,
    /// Equal error rate.
    pub eer: Option<f64>,
    /// Share of the first found where 1 % of the second is.
    pub tpr_at_1_percent: Option<f64>,
    /// Wilson's interval of it.
    pub tpr_range: Option<[f64; 2]>,
    /// Reliability at even prior odds.
    pub reliability: Vec<Bin>,
    /// Cllr by month, where files have dates: drift.
    pub by_month: BTreeMap<String, f64>,
    /// Tippett plot.
    #[serde(skip)]
    pub tippett: String,
}

impl Figures {
    /// Of judged files. `months`: of the same files, empty where unknown; may be shorter.
    pub fn of(
        table: &str,
        protocol: &str,
        (h1, h2): (Proposition, Proposition),
        judgements: &[Judgement],
        months: &[String],
    ) -> Self {
        let all = pairs(judgements);
        let said: Vec<Judgement> = judgements.iter().filter(|j| j.log10_lr.is_some()).cloned().collect();
        let said = pairs(&said);
        let [g1, g2] = [true, false].map(|first| by_source(judgements, first));
        let number = |x: f64| x.is_finite().then(|| (x * 1e4).round() / 1e4);
        let range = |figure: fn(&Pairs) -> f64| {
            bootstrap(&g1, &g2, 1000, figure).map(|r| r.map(|x| (x * 1e4).round() / 1e4))
        };
        let tpr = all.detection_at(0.01);
        let mut months_of: BTreeMap<&String, Vec<Judgement>> = BTreeMap::new();
        for (month, judgement) in months.iter().zip(judgements).filter(|(m, _)| !m.is_empty()) {
            months_of.entry(month).or_default().push(judgement.clone());
        }
        Self {
            table: table.to_owned(),
            protocol: protocol.to_owned(),
            h1,
            h2,
            files: [all.h1.len(), all.h2.len()],
            sources: [g1.len(), g2.len()],
            answered: [said.h1.len(), said.h2.len()],
            cllr: number(all.cllr()),
            cllr_range: range(Pairs::cllr),
            cllr_answered: number(said.cllr()),
            min_cllr: number(all.min_cllr()),
            ece: number(all.ece(10)),
            auc: number(all.auc()),
            auc_range: range(Pairs::auc),
            eer: number(all.eer()),
            tpr_at_1_percent: number(tpr),
            tpr_range: tpr
                .is_finite()
                .then(|| proportion((tpr * all.h1.len() as f64).round() as usize, all.h1.len())),
            reliability: all.reliability(10),
            by_month: months_of
                .into_iter()
                .map(|(month, js)| (month.clone(), pairs(&js).cllr()))
                .filter(|(_, c)| c.is_finite())
                .collect(),
            tippett: tippett_svg(&all, super::name(h1), super::name(h2)),
        }
    }

    /// Some lines for a terminal.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let show = |x: Option<f64>| x.map_or("-".to_owned(), |x| format!("{x:.3}"));
        let span = |r: Option<[f64; 2]>| r.map_or(String::new(), |[a, b]| format!(" ({a:.3} to {b:.3})"));
        let _ = writeln!(out, "{} · {}", self.table, self.protocol);
        let _ = writeln!(
            out,
            "  files {} and {} from {} and {} sources; answered {} and {}, the others count as LR 1",
            self.files[0],
            self.files[1],
            self.sources[0],
            self.sources[1],
            self.answered[0],
            self.answered[1]
        );
        let _ = writeln!(
            out,
            "  Cllr {}{}  of answered {}  minCllr {}  ECE {}",
            show(self.cllr),
            span(self.cllr_range),
            show(self.cllr_answered),
            show(self.min_cllr),
            show(self.ece)
        );
        let _ = writeln!(
            out,
            "  AUC {}{}  EER {}  found at 1 % false {}{}",
            show(self.auc),
            span(self.auc_range),
            show(self.eer),
            show(self.tpr_at_1_percent),
            span(self.tpr_range)
        );
        for (month, cllr) in &self.by_month {
            let _ = writeln!(out, "  {month}  Cllr {cllr:.3}");
        }
        out
    }
}

/// A page with a table, a reliability table and a Tippett plot for each; no script, nothing fetched.
pub fn html(title: &str, notes: &[String], figures: &[Figures]) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{t}</title><style>body{{font:15px/1.5 sans-serif;\
         max-width:52rem;margin:2rem auto;padding:0 1rem}}pre{{overflow:auto;background:#f4f4f4;padding:.6rem}}table{{\
         border-collapse:collapse}}td,th{{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}}</style><h1>{t}</h1>\n",
        t = escaped(title)
    );
    for note in notes {
        let _ = writeln!(out, "<p>{}</p>", escaped(note));
    }
    for one in figures {
        let _ = writeln!(
            out,
            "<h2>{}</h2><p>First: {}. Second: {}.</p><pre>{}</pre>{}",
            escaped(&one.table),
            stated(one.h1),
            stated(one.h2),
            escaped(&one.text()),
            one.tippett
        );
        out.push_str("<table><tr><th>files</th><th>stated</th><th>held</th></tr>");
        for bin in &one.reliability {
            let _ = write!(
                out,
                "<tr><td>{}</td><td>{:.3}</td><td>{:.3}</td></tr>",
                bin.cases, bin.stated, bin.held
            );
        }
        out.push_str("</table>\n");
    }
    let _ = writeln!(out, "<p><strong>{STANDING}</strong></p></html>");
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
