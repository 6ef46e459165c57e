//! A Tippett plot as SVG: the share of cases whose log10 likelihood ratio is at least so much, for each proposition.

use std::fmt::Write;

use super::Pairs;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 52.0;
const TOP: f64 = 28.0;

/// Draws one; `h1` and `h2` are the propositions in words. Values beyond ±4 are drawn at the rim.
pub fn tippett_svg(pairs: &Pairs, h1: &str, h2: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
         font-family=\"sans-serif\" font-size=\"12\"><rect width=\"{w}\" height=\"{h}\" fill=\"#fff\"/>\n",
        w = WIDTH + LEFT + 16.0,
        h = HEIGHT + TOP + 44.0
    );
    let limit = pairs.h1.iter().chain(&pairs.h2).fold(1.0_f64, |m, x| m.max(x.abs())).ceil().min(4.0);
    let x = |v: f64| LEFT + (v.clamp(-limit, limit) + limit) / (2.0 * limit) * WIDTH;
    let y = |share: f64| TOP + (1.0 - share) * HEIGHT;
    for tick in 0..=4 {
        let share = f64::from(tick) / 4.0;
        let _ = write!(
            svg,
            "<path d=\"M{LEFT} {y:.1}h{WIDTH}\" stroke=\"#ddd\"/><text x=\"{tx}\" y=\"{ty:.1}\" text-anchor=\"end\">{p:.0} %</text>",
            y = y(share),
            tx = LEFT - 6.0,
            ty = y(share) + 4.0,
            p = share * 100.0
        );
    }
    let ticks = limit as i32;
    for tick in -ticks..=ticks {
        let at = x(f64::from(tick));
        let colour = if tick == 0 { "#888" } else { "#ddd" };
        let _ = write!(
            svg,
            "<path d=\"M{at:.1} {TOP}v{HEIGHT}\" stroke=\"{colour}\"/><text x=\"{at:.1}\" y=\"{ty}\" text-anchor=\"middle\">{tick}</text>",
            ty = TOP + HEIGHT + 16.0
        );
    }
    for (values, colour, name, at) in
        [(&pairs.h1, "#06c", h1, LEFT), (&pairs.h2, "#c40", h2, LEFT + WIDTH / 2.0)]
    {
        let _ = write!(
            svg,
            "\n<path fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" d=\"{}\"/>",
            steps(values, limit, x, y)
        );
        let _ = write!(
            svg,
            "<text x=\"{at}\" y=\"16\" fill=\"{colour}\">{} ({})</text>",
            escaped(name),
            values.len()
        );
    }
    let _ = write!(
        svg,
        "\n<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">log10 likelihood ratio at least</text></svg>\n",
        x = LEFT + WIDTH / 2.0,
        y = TOP + HEIGHT + 36.0
    );
    svg
}

fn steps(values: &[f64], limit: f64, x: impl Fn(f64) -> f64, y: impl Fn(f64) -> f64) -> String {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len().max(1) as f64;
    let mut path = format!("M{:.1} {:.1}", x(-limit), y(if sorted.is_empty() { 0.0 } else { 1.0 }));
    for (at, value) in sorted.iter().enumerate() {
        let _ = write!(path, "H{:.1}V{:.1}", x(*value), y((sorted.len() - at - 1) as f64 / n));
    }
    let _ = write!(path, "H{:.1}", x(limit));
    path
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plot_steps_down_at_each_value() {
        let pairs = Pairs { h1: vec![1.0], h2: vec![-1.0, 0.0] };
        let svg = tippett_svg(&pairs, "camera & co", "generated");
        assert!(svg.contains("camera &amp; co (1)") && svg.contains("generated (2)"));
        assert!(svg.contains("M52.0 28.0H612.0V348.0H612.0"), "{svg}");
        assert!(svg.contains("M52.0 28.0H52.0V188.0H332.0V348.0H612.0"), "{svg}");
    }
}
