//! Two kinds of plots as SVG, drawn by hand: bars with ranges, and latency curves.

use crate::bench::pairs::Spread;
use std::fmt::Write;

/// Colours that can be told apart, also by colour-blind people (Okabe and Ito).
const COLOURS: [&str; 8] =
    ["#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#999999", "#000000"];
/// Width of a plot.
const WIDTH: f64 = 640.0;
/// Left of the drawing: labels.
const LEFT: f64 = 170.0;
/// Right of it: figures.
const RIGHT: f64 = 130.0;
/// The same of a curve plot.
const AXIS: f64 = 80.0;
/// Height of a bar with its gap.
const BAR: f64 = 26.0;
/// Height of a curve plot.
const HEIGHT: f64 = 300.0;
/// Shares marked on the axis of a curve plot.
const MARKS: [(f64, &str); 6] = [
    (0.0, "0"),
    (0.5, "50 %"),
    (0.9, "90 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
];

/// Shares of all deliveries and the microseconds that they do not exceed.
pub(super) type Curve = Vec<(f64, u64)>;

/// Text made harmless for HTML and SVG.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The colour of the n-th side.
pub(super) fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

/// One bar a side, with its range.
pub(super) fn bars(title: &str, sides: &[(usize, String, Spread)]) -> String {
    let most = sides.iter().map(|(_, _, spread)| spread.most).fold(0.0, f64::max);
    if most <= 0.0 {
        return String::new();
    }
    let height = 30.0 + BAR * sides.len() as f64;
    let scale = |figure: f64| LEFT + figure / most * (WIDTH - LEFT - RIGHT);
    let mut svg = open(title, height);
    for (row, (number, label, spread)) in sides.iter().enumerate() {
        let (top, middle) = (28.0 + BAR * row as f64, 28.0 + BAR * (row as f64 + 0.4));
        let (end, least, most) = (scale(spread.median), scale(spread.least), scale(spread.most));
        // Writing into a text cannot fail.
        let _ = write!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
             <rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>\
             <line x1=\"{least:.1}\" x2=\"{most:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" class=\"range\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LEFT - 8.0,
            middle + 4.0,
            escape(label),
            (end - LEFT).max(0.0),
            BAR * 0.8,
            colour(*number),
            most.max(end) + 6.0,
            middle + 4.0,
            escape(&spread.text()),
        );
    }
    svg + "</svg>"
}

/// A latency curve a side: the share of deliveries, the rare ones drawn out, against milliseconds
/// on a logarithmic scale.
pub(super) fn curves(title: &str, sides: &[(usize, String, Curve)]) -> String {
    let all = || sides.iter().flat_map(|(_, _, curve)| curve).map(|(_, micros)| ms(*micros));
    let (least, most) = (all().fold(f64::MAX, f64::min), all().fold(0.0, f64::max));
    if most <= 0.0 {
        return String::new();
    }
    let (low, high) = (least.max(0.001).log10().floor(), most.log10().ceil());
    let (top, bottom, right) = (28.0, HEIGHT - 30.0, WIDTH - RIGHT);
    let x = |share: f64| AXIS + nines(share) / 4.5 * (right - AXIS);
    let y =
        |ms: f64| bottom - (ms.max(0.001).log10() - low) / (high - low).max(1.0) * (bottom - top);
    let mut svg = open(title, HEIGHT);
    for (share, label) in MARKS {
        let at = x(share);
        let _ = write!(
            svg,
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top}\" y2=\"{bottom}\" class=\"grid\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
            bottom + 16.0
        );
    }
    let mut decade = low;
    while decade <= high {
        let (at, label) = (y(10_f64.powf(decade)), 10_f64.powf(decade));
        let _ = write!(
            svg,
            "<line x1=\"{AXIS}\" x2=\"{right:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" class=\"grid\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{label} ms</text>",
            AXIS - 6.0,
            at + 4.0
        );
        decade += 1.0;
    }
    for (row, (number, label, curve)) in sides.iter().enumerate() {
        let points: Vec<String> = curve
            .iter()
            .map(|(share, micros)| format!("{:.1},{:.1}", x(*share), y(ms(*micros))))
            .collect();
        let _ = write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" style=\"fill: {}\">{}</text>",
            points.join(" "),
            colour(*number),
            right + 8.0,
            top + 14.0 + 18.0 * row as f64,
            colour(*number),
            escape(label)
        );
    }
    svg + "</svg>"
}

fn open(title: &str, height: f64) -> String {
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" role=\"img\">\
         <title>{0}</title><text x=\"0\" y=\"14\" class=\"title\">{0}</text>",
        escape(title)
    )
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

/// How many nines a share has: 0.9 one, 0.99 two; the last of all is put at four and a half.
fn nines(share: f64) -> f64 {
    if share >= 1.0 { 4.5 } else { (-(1.0 - share).log10()).min(4.5) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_latencies_are_drawn_out() {
        assert_eq!(nines(0.0), 0.0);
        assert!((nines(0.999) - 3.0).abs() < 1e-9);
        assert_eq!((nines(1.0), nines(0.999_999_9)), (4.5, 4.5));
    }

    #[test]
    fn plots_stay_within_their_bounds_and_without_data_there_are_none() {
        let spread = Spread { median: 8.0, least: 7.0, most: 9.0, count: 5 };
        let svg = bars("CPU", &[(0, "<a>".to_owned(), spread)]);
        assert!(svg.contains("&lt;a&gt;") && svg.contains("8.00 (7.00..9.00)"), "{svg}");
        let curve = vec![(0.0, 100), (0.5, 1000), (1.0, 90_000)];
        let svg = curves("latency", &[(1, "b".to_owned(), curve)]);
        let points = svg.split("points=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
        for point in points.split(' ') {
            let (x, y) = point.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((AXIS..=WIDTH - RIGHT).contains(&x) && (28.0..=HEIGHT).contains(&y), "{point}");
        }
        assert!(bars("CPU", &[]).is_empty() && curves("latency", &[]).is_empty());
    }
}
