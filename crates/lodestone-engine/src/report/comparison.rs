//! The page of a comparison: two pictures as frames, what of one lies where in the other, and what was replaced.
//!
//! Outlines and numbers only: no pixel of either is on the page unless small pictures were asked for, and then each is
//! shown on demand.

use std::io::{self, Write};

use lodestone_types::{Edit, Match, Observation, Transform};

use super::page;
use super::text::{Path, Text};
use super::words;
use crate::derive::{Compared, Side};

/// Writes the page.
///
/// # Errors
/// The writer's.
pub fn render(
    out: &mut dyn Write,
    (first, second): (&Side, &Side),
    compared: &Compared,
    program: &str,
) -> io::Result<()> {
    let out: &mut dyn Write = &mut io::BufWriter::with_capacity(1 << 16, out);
    page::open(
        out,
        "Comparison of two pictures",
        program,
        page::COMPARISON,
        "#relation",
        "Skip to the relation",
    )?;
    writeln!(out, "<main><h1>Comparison of two pictures</h1>")?;
    writeln!(out, "<section id=\"relation\"><h2>How one comes from the other</h2>")?;
    for line in summary(compared) {
        writeln!(out, "<p class=\"statement\">{}</p>", Text(&line))?;
    }
    writeln!(
        out,
        "<p class=\"prose\">Geometry and hashes are reported, and people decide. That two pictures share content says nothing \
         of which was first: the second is drawn as made from the first, and the first as made from the second.</p></section>"
    )?;
    way(out, "The second, as made from the first", (first, second), &compared.second_from_first)?;
    way(out, "The first, as made from the second", (second, first), &compared.first_from_second)?;
    page::close(out, program)?;
    out.flush()
}

/// What is said of two pictures in sentences, the most telling first; never empty.
pub fn summary(compared: &Compared) -> Vec<String> {
    let mut lines = Vec::new();
    if compared.same_bytes {
        lines.push("The files are the same, byte for byte.".to_owned());
    }
    for (what, of, matches) in [
        ("The second picture", "the first", &compared.second_from_first),
        ("The first picture", "the second", &compared.first_from_second),
    ] {
        for one in matches {
            let relation = match one.is_possible() {
                true => "may have something of",
                false => one.relation.map_or("resembles", lodestone_types::Relation::words),
            };
            let how = match one.inliers {
                Some(inliers) => format!("{inliers} local features agree with one transform"),
                None => format!("{} of 256 bits of the hash differ", one.distance_bits),
            };
            lines.push(format!("{what} {relation} {of}: {how}; {}.", words::transform(&one.transform)));
            if let Some(edit) = one.edit.as_ref().filter(|edit| edit.replaced_share.0 > 0) {
                lines.push(replaced(edit));
            }
        }
    }
    if let Some(whole) = &compared.whole {
        lines.push(format!(
            "As wholes their hashes differ in {} of 256 bits at the nearest ({}).",
            whole.distance_bits,
            words::transform(&whole.transform)
        ));
    }
    if !compared.is_related() {
        lines.insert(0, "No relation was found; that does not show that there is none.".to_owned());
    }
    lines
}

fn replaced(edit: &Edit) -> String {
    let shape = match edit.shape.as_str() {
        "centre" => ": its middle, with the surround kept",
        "surround" => ": its surround, with the middle kept",
        "most" => ": most of it",
        "part" => ": a part of it",
        _ => "",
    };
    format!(
        "{:.0} % of what is to be seen of the known picture differs{shape}.",
        edit.replaced_share.to_f64() * 100.0
    )
}

/// One way: the known picture left, the questioned one right.
fn way(
    out: &mut dyn Write,
    title: &str,
    (known, other): (&Side, &Side),
    matches: &[Match],
) -> io::Result<()> {
    writeln!(out, "<section><h2>{}</h2>", Text(title))?;
    let Some(best) = matches.first() else {
        return writeln!(out, "<p class=\"empty\">Nothing was found this way.</p></section>");
    };
    writeln!(out, "<div class=\"pair\">")?;
    frame(out, "known", known, &known.known, |out, (width, height)| {
        if let Some(part) = best.transform.known_region {
            let scaled = |value: i32, of: f64| f64::from(value) * of / 1000.0;
            boxed(
                out,
                "seen",
                (
                    scaled(part.x, width),
                    scaled(part.y, height),
                    scaled(part.width, width),
                    scaled(part.height, height),
                ),
            )?;
        }
        best.edit.as_ref().map_or(Ok(()), |edit| mask(out, edit, (width, height)))
    })?;
    frame(out, "questioned", other, &other.questioned, |out, _| {
        outline(out, &best.transform)?;
        for part in best.edit.iter().flat_map(|edit| &edit.regions) {
            let edges = [part.x, part.y, part.width, part.height].map(f64::from);
            boxed(out, "new", (edges[0], edges[1], edges[2], edges[3]))?;
        }
        Ok(())
    })?;
    writeln!(out, "</div><dl class=\"pairs\">")?;
    for one in matches {
        let mut facts = vec![words::distance(one), words::transform(&one.transform)];
        if let Some(chance) = one.expected_false_hits {
            facts.push(format!("{chance:.1e} accidental matches expected"));
        }
        writeln!(out, "<div><dt>layer {}</dt><dd>{}</dd></div>", one.layer, Text(&facts.join("; ")))?;
    }
    writeln!(out, "</dl></section>")
}

/// A picture as a frame of its size, with what `draw` puts into it.
fn frame(
    out: &mut dyn Write,
    what: &str,
    side: &Side,
    seen: &Observation,
    draw: impl FnOnce(&mut dyn Write, (f64, f64)) -> io::Result<()>,
) -> io::Result<()> {
    let (width, height) = seen.picture.as_ref().map_or((1, 1), |picture| (picture.width, picture.height));
    let line = f64::from(width.max(height)) / 240.0;
    write!(
        out,
        "<figure><svg class=\"frame\" viewBox=\"{} {} {} {}\" role=\"img\" aria-label=\"{what} picture\" \
         stroke-width=\"{line:.2}\"><rect class=\"edge\" width=\"{width}\" height=\"{height}\"/>",
        -line,
        -line,
        f64::from(width) + 2.0 * line,
        f64::from(height) + 2.0 * line,
    )?;
    draw(out, (width.into(), height.into()))?;
    writeln!(
        out,
        "</svg><figcaption><b>{what}</b> {} <small>{width} × {height} pixels</small></figcaption></figure>",
        Path(&side.path)
    )
}

fn boxed(out: &mut dyn Write, class: &str, (x, y, width, height): (f64, f64, f64, f64)) -> io::Result<()> {
    write!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
        width.max(0.0),
        height.max(0.0)
    )
}

/// The known picture in the questioned one: by its corners where they are known, else by its box.
fn outline(out: &mut dyn Write, transform: &Transform) -> io::Result<()> {
    if let Some(corners) = transform.outline {
        let points: Vec<String> = corners.iter().map(|[x, y]| format!("{x},{y}")).collect();
        let [x, y] = corners[0];
        return write!(
            out,
            "<polygon class=\"seen\" points=\"{}\"/><circle class=\"first\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"/>",
            points.join(" "),
            (i64::from(corners[1][0]) - i64::from(x)).unsigned_abs().clamp(8, 4096) / 40
        );
    }
    let Some(region) = transform.region else { return Ok(()) };
    let edges = [region.x, region.y, region.width, region.height].map(f64::from);
    boxed(out, "seen", (edges[0], edges[1], edges[2], edges[3]))
}

/// The cells of the known picture that were replaced.
fn mask(out: &mut dyn Write, edit: &Edit, (width, height): (f64, f64)) -> io::Result<()> {
    let rows = edit.mask.len().max(1) as f64;
    for (y, row) in edit.mask.iter().enumerate() {
        let columns = row.chars().count().max(1) as f64;
        for (x, cell) in row.chars().enumerate() {
            let class = match cell {
                '#' => "new",
                '.' => continue,
                _ => "unseen",
            };
            let (w, h) = (width / columns, height / rows);
            boxed(out, class, (x as f64 * w, y as f64 * h, w, h))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use lodestone_types::{BankKind, Milli, Relation, SignalType};

    use super::*;

    fn side(path: &str) -> Side {
        Side { path: path.to_owned(), known: Observation::default(), questioned: Observation::default() }
    }

    fn page(compared: &Compared) -> String {
        let mut out = Vec::new();
        render(&mut out, (&side("a<b>.png"), &side("b.png")), compared, "lodestone test").unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_page_says_when_nothing_was_found_and_escapes_names() {
        let none = Compared {
            same_bytes: false,
            whole: None,
            second_from_first: Vec::new(),
            first_from_second: Vec::new(),
        };
        let page = page(&none);
        assert!(page.contains("No relation was found") && page.contains("Nothing was found this way"));
        assert!(!page.contains("a<b>"));
    }

    #[test]
    fn a_match_is_drawn_with_its_outline_and_what_was_replaced() {
        let transform =
            Transform { outline: Some([[1, 2], [81, 2], [81, 62], [1, 62]]), ..Transform::default() };
        let edit = Edit {
            replaced_share: Milli(250),
            shape: "centre".to_owned(),
            mask: vec![".#".to_owned(), "..".to_owned()],
            ..Edit::default()
        };
        let found = Match {
            layer: 3,
            inliers: Some(40),
            transform,
            relation: Some(Relation::EditedFromKnown),
            edit: Some(edit),
            ..Match::plain("known", BankKind::Own, "a.png", SignalType::Pdq)
        };
        let compared = Compared {
            same_bytes: false,
            whole: None,
            second_from_first: vec![found],
            first_from_second: Vec::new(),
        };
        let page = page(&compared);
        assert!(page.contains("points=\"1,2 81,2 81,62 1,62\"") && page.contains("class=\"new\""));
        assert!(page.contains("is edited from the first") && page.contains("25 %"));
        assert!(!page.contains("<img"));
    }
}
