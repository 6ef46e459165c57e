//! Likelihood ratios as bars on the scale of words, one for each pair of propositions.

use std::io::{self, Write};

use lodestone_types::{Finding, PairAssessment};

use super::super::text::Text;
use super::words;

/// Ratio, its logarithm, and the words for it. *Source:* ENFSI Guideline for Evaluative Reporting (2015), table of verbal
/// equivalents; the same with the propositions changed over for ratios below 1.
pub(super) const SCALE: [(&str, &str, &str); 7] = [
    ("1 to 2", "0 to 0.3", "no support for either proposition"),
    ("2 to 10", "0.3 to 1", "weak support for the first rather than the second"),
    ("10 to 100", "1 to 2", "moderate support"),
    ("100 to 1,000", "2 to 3", "moderately strong support"),
    ("1,000 to 10,000", "3 to 4", "strong support"),
    ("10,000 to 1,000,000", "4 to 6", "very strong support"),
    ("over 1,000,000", "over 6", "extremely strong support"),
];

/// Logarithms at which the words change, on one side.
const STEPS: [f64; 7] = [0.0, 0.301, 1.0, 2.0, 3.0, 4.0, 6.0];
/// Where the scale ends; what is beyond is drawn there.
const END: f64 = 6.0;
const WIDTH: f64 = 720.0;

pub(super) fn write(out: &mut dyn Write, pairs: &[PairAssessment], findings: &[Finding]) -> io::Result<()> {
    write!(out, "<h3>What the findings are worth</h3>")?;
    if pairs.is_empty() {
        return write!(
            out,
            "<p class=\"hint\">Not assessed: no calibration table in use speaks of these findings.</p>"
        );
    }
    let weighed = |pair: &&PairAssessment| pair.log10_lr.is_some_and(f64::is_finite);
    for pair in pairs.iter().filter(weighed) {
        figure(out, pair, pair.log10_lr.unwrap_or_default(), findings)?;
    }
    let abstained: Vec<_> = pairs.iter().filter(|pair| !weighed(pair)).collect();
    if abstained.is_empty() {
        return Ok(());
    }
    write!(out, "<p class=\"hint\">Not assessed:</p><ul class=\"limits\">")?;
    for pair in abstained {
        write!(
            out,
            "<li>{} <i>or</i> {}: {}</li>",
            words::proposition(pair.h1),
            words::proposition(pair.h2),
            Text(pair.abstained.as_deref().unwrap_or("no reason given")),
        )?;
    }
    write!(out, "</ul>")
}

fn figure(out: &mut dyn Write, pair: &PairAssessment, lr: f64, findings: &[Finding]) -> io::Result<()> {
    write!(out, "<figure class=\"lr\"><figcaption>{}</figcaption>", Text(&pair.wording))?;
    let range = pair.range.filter(|[low, high]| low.is_finite() && high.is_finite());
    bar(out, pair, lr, range)?;
    write!(out, "<dl class=\"of\">")?;
    let told = match range {
        Some([low, high]) => format!("{lr:.2}, interval {low:.2} to {high:.2}"),
        None => format!("{lr:.2}, no interval"),
    };
    write!(out, "<div><dt>log10 of the ratio</dt><dd>{told}</dd></div>")?;
    if let Some(table) = &pair.calibration {
        write!(out, "<div><dt>Calibration</dt><dd>{}</dd></div>", Text(table))?;
    }
    if !pair.rests_on.is_empty() {
        write!(out, "<div><dt>Rests on</dt><dd>{}</dd></div>", Text(&pair.rests_on.join(", ")))?;
    }
    write!(out, "<div><dt>Contrary findings</dt><dd>")?;
    if pair.contrary.is_empty() {
        write!(out, "none among the findings")?;
    }
    for (at, code) in pair.contrary.iter().enumerate() {
        let what = findings.iter().find(|finding| finding.code == *code).map(|finding| finding.what.as_str());
        let gap = if at > 0 { "; " } else { "" };
        match what {
            Some(what) => write!(out, "{gap}{} <code>{}</code>", Text(what), Text(code))?,
            None => write!(out, "{gap}<code>{}</code>", Text(code))?,
        }
    }
    write!(out, "</dd></div></dl></figure>")
}

/// Horizontal place of a logarithm, in tenths of a unit so that the same numbers are the same text everywhere.
fn x(log: f64) -> f64 {
    let clamped = log.clamp(-END, END);
    (((clamped + END) / (2.0 * END) * WIDTH) * 10.0).round() / 10.0
}

fn bar(out: &mut dyn Write, pair: &PairAssessment, lr: f64, range: Option<[f64; 2]>) -> io::Result<()> {
    write!(
        out,
        "<p class=\"ends\"><span>◂ {}</span><span>{} ▸</span></p>",
        words::proposition(pair.h2),
        words::proposition(pair.h1)
    )?;
    write!(
        out,
        "<svg class=\"scale\" viewBox=\"0 14 720 46\" role=\"img\" aria-label=\"log10 likelihood ratio {lr:.2} on a scale \
         from minus 6 to 6\">"
    )?;
    for (at, steps) in STEPS.windows(2).enumerate() {
        let [from, to] = steps else { continue };
        for (low, high) in [(*from, *to), (-to, -from)] {
            let (left, right) = (x(low), x(high));
            write!(
                out,
                "<rect class=\"b{at}\" x=\"{left}\" y=\"20\" width=\"{}\" height=\"18\"/>",
                ((right - left) * 10.0).round() / 10.0
            )?;
        }
    }
    for log in [-6.0, -4.0, -2.0, 0.0, 2.0, 4.0, 6.0] {
        let anchor = if log == -END {
            "start"
        } else if log == END {
            "end"
        } else {
            "middle"
        };
        write!(out, "<text class=\"t\" x=\"{}\" y=\"54\" text-anchor=\"{anchor}\">{log}</text>", x(log))?;
    }
    write!(out, "<line class=\"zero\" x1=\"360\" x2=\"360\" y1=\"16\" y2=\"42\"/>")?;
    if let Some([low, high]) = range {
        let (left, right) = (x(low), x(high));
        write!(out, "<path class=\"range\" d=\"M{left} 29H{right}M{left} 24V34M{right} 24V34\"/>")?;
    }
    write!(out, "<circle class=\"lr\" cx=\"{}\" cy=\"29\" r=\"5\"/></svg>", x(lr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_even_and_ends() {
        assert_eq!((x(-6.0), x(0.0), x(6.0), x(99.0), x(-99.0)), (0.0, 360.0, 720.0, 720.0, 0.0));
        assert_eq!(x(1.0), 420.0);
    }
}
