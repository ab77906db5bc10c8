//! Results as one page: no script, no other file, nothing from elsewhere.

use super::{
    plot::{bars, curves, escape},
    shown,
};
use crate::bench::{
    machine::Machine,
    results::{Compared, Results},
    target::{Measure, Outcome, Verdict},
};
use std::fmt::Write;

/// The page's look, light or dark as its reader prefers.
const STYLE: &str = "
:root { color-scheme: light dark; --line: #8886; }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-top: 1px solid var(--line); padding-top: 1rem; }
table { border-collapse: collapse; margin: .8rem 0; font-variant-numeric: tabular-nums; }
td, th { border-bottom: 1px solid var(--line); padding: .2rem .8rem .2rem 0; text-align: left; vertical-align: top; }
.scroll { overflow-x: auto; }
.met { color: #009e73; } .missed { color: #d55e00; font-weight: bold; } .note { color: #d55e00; }
svg { display: block; max-width: 100%; height: auto; margin: 1rem 0; }
svg text { font: 12px system-ui, sans-serif; fill: currentColor; }
svg text.title { font-weight: bold; font-size: 13px; }
svg .grid { stroke: var(--line); } svg .range { stroke: currentColor; stroke-width: 1.5; }
";

/// Figures that have a plot of bars.
const PLOTTED: [Measure; 3] =
    [Measure::CpuUsPerDelivery, Measure::KibPerConnection, Measure::JoinSeconds];

/// The whole page.
#[must_use]
pub fn page(results: &Results) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Tickcast benchmark</title><style>{STYLE}</style></head><body>\n\
         <h1>Tickcast benchmark</h1>\n{}",
        machine(&results.machine)
    );
    html.push_str("<h2>Targets</h2>\n");
    let outcomes = results
        .scenarios
        .iter()
        .flat_map(|compared| compared.targets.iter().map(move |outcome| (compared, outcome)));
    html.push_str(&targets(outcomes));
    for compared in &results.scenarios {
        html.push_str(&scenario(compared));
    }
    html + "</body></html>\n"
}

fn machine(machine: &Machine) -> String {
    let mut rows = vec![
        ("processor", format!("{}, {} cores used", machine.cpu, machine.cores)),
        ("memory", format!("{} MiB", machine.memory_mib)),
        ("kernel", format!("Linux {}", machine.kernel)),
        ("date", machine.date.clone()),
    ];
    rows.extend(machine.commit.clone().map(|commit| ("commit", commit)));
    rows.extend(machine.versions.iter().map(|(label, version)| (label.as_str(), version.clone())));
    let row = |(name, value): &(&str, String)| {
        format!("<tr><th>{}</th><td>{}</td></tr>", escape(name), escape(value))
    };
    format!("<table>{}</table>\n", rows.iter().map(row).collect::<String>())
}

fn targets<'a>(outcomes: impl Iterator<Item = (&'a Compared, &'a Outcome)>) -> String {
    let row = |(compared, outcome): (&Compared, &Outcome)| {
        let target = &outcome.target;
        let class = match outcome.verdict {
            Verdict::Met => "met",
            Verdict::Missed => "missed",
            Verdict::Unknown => "unknown",
        };
        let measured = outcome.measured.map_or_else(|| "-".to_owned(), |spread| spread.text());
        format!(
            "<tr><td><a href=\"#{name}\">{name}</a></td><td>{}</td><td>{} {}</td><td>{}</td>\
             <td class=\"{class}\">{}</td></tr>\n",
            escape(&target.text),
            target.measure.title(),
            escape(&target.bound()),
            escape(&measured),
            outcome.verdict,
            name = escape(&compared.name),
        )
    };
    let rows: String = outcomes.map(row).collect();
    format!(
        "<div class=\"scroll\"><table><tr><th>scenario</th><th>target</th><th>bound</th>\
         <th>median (range)</th><th></th></tr>\n{rows}</table></div>\n"
    )
}

fn scenario(compared: &Compared) -> String {
    let mut html = format!(
        "<h2 id=\"{}\">{}</h2>\n<p>{}</p>\n",
        escape(&compared.name),
        escape(&compared.title),
        escape(&compared.shows)
    );
    for measure in PLOTTED {
        let sides: Vec<_> = compared
            .sides
            .iter()
            .enumerate()
            .filter_map(|(at, side)| Some((at, side.label.clone(), *side.figures.get(&measure)?)))
            .collect();
        html.push_str(&bars(measure.title(), &sides));
    }
    let sides: Vec<_> = compared
        .sides
        .iter()
        .enumerate()
        .filter_map(|(at, side)| Some((at, side.label.clone(), side.last()?.curve.clone())))
        .filter(|(_, _, curve)| !curve.is_empty())
        .collect();
    html.push_str(&curves("latency since due, share of deliveries", &sides));
    html.push_str(&figures(compared));
    html.push_str(&groups(compared));
    let notes = compared
        .sides
        .iter()
        .flat_map(|side| side.notes().into_iter().map(|note| format!("{}: {note}", side.label)));
    for note in notes {
        // Writing into a text cannot fail.
        let _ = writeln!(html, "<p class=\"note\">{}</p>", escape(&note));
    }
    html
}

fn figures(compared: &Compared) -> String {
    let head: String =
        compared.sides.iter().map(|side| format!("<th>{}</th>", escape(&side.label))).collect();
    let row = |measure: Measure| {
        let cell = |side: &crate::bench::results::Measured| {
            let figure = side.figures.get(&measure);
            let text = figure.map_or_else(|| "-".to_owned(), |spread| spread.text());
            format!("<td>{}</td>", escape(&text))
        };
        let cells: String = compared.sides.iter().map(cell).collect();
        format!("<tr><td>{}</td>{cells}</tr>\n", measure.title())
    };
    let rows: String = shown(compared).into_iter().map(row).collect();
    format!(
        "<div class=\"scroll\"><table><tr><th>median (range)</th>{head}</tr>\n{rows}</table></div>\n"
    )
}

/// The kinds of clients of each side's last run, where there are several.
fn groups(compared: &Compared) -> String {
    let mut rows = String::new();
    for side in &compared.sides {
        let Some(run) = side.last().filter(|run| run.groups.len() > 1) else { continue };
        for group in &run.groups {
            let p99 = group.latency.map(|latency| latency.p99 as f64 / 1000.0);
            let _ = writeln!(
                rows,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&side.label),
                escape(&group.name),
                group.stayed,
                group.deliveries,
                p99.map_or_else(|| "-".to_owned(), |p99| format!("{p99:.2}")),
            );
        }
    }
    if rows.is_empty() {
        return rows;
    }
    format!(
        "<div class=\"scroll\"><table><tr><th>side, last run</th><th>clients</th><th>to the end\
         </th><th>deliveries</th><th>p99 ms</th></tr>\n{rows}</table></div>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{pairs::Spread, scenario::Scenario};

    fn results() -> Results {
        let text = "# It \"shows\" <this> & that.\n\
             title = \"a < b\"\nclients = 1\ntopics = { count = 1, rate = 1 }\n\
             [[beside]]\nlabel = \"<script>\"\nserver = \"limit\"\n\
             [[target]]\ntext = \"x > y\"\nmeasure = \"p99_ms\"\nat_most = 1\n";
        let scenario = Scenario::parse("hot", text).unwrap();
        let mut compared = Compared::new(&scenario);
        compared.conclude(&scenario.targets);
        let spread = Spread { median: 8.0, least: 7.0, most: 9.0, count: 5 };
        for side in &mut compared.sides {
            side.figures.insert(Measure::CpuUsPerDelivery, spread);
            side.failures.push("no <such> thing".to_owned());
        }
        let machine = Machine {
            cpu: "A & B".to_owned(),
            cores: 2,
            kernel: "6".to_owned(),
            memory_mib: 1,
            date: "now".to_owned(),
            commit: None,
            versions: std::collections::BTreeMap::new(),
        };
        Results { machine, scenarios: vec![compared] }
    }

    /// Tags that are opened and not closed again in order.
    fn unclosed(html: &str) -> Vec<&str> {
        let mut open = Vec::new();
        for tag in html.split('<').skip(1).map(|rest| rest.split_once('>').unwrap().0) {
            let name = tag.split([' ', '/']).next().unwrap();
            match tag.strip_prefix('/') {
                Some(closed) => assert_eq!(open.pop(), Some(closed), "{html}"),
                None if tag.ends_with('/') || ["meta", "!DOCTYPE"].contains(&name) => {}
                None => open.push(name),
            }
        }
        open
    }

    #[test]
    fn the_page_is_well_formed_and_needs_nothing_else() {
        let html = page(&results());
        assert_eq!(unclosed(&html), Vec::<&str>::new());
        for outside in ["http:", "https:", "src=", "<link", "<script", "@import", "url("] {
            assert!(!html.contains(outside), "{outside}");
        }
        for text in
            ["&lt;script&gt;", "&lt;this&gt; &amp; that", "no &lt;such&gt; thing", "A &amp; B"]
        {
            assert!(html.contains(text), "{text}");
        }
        assert!(html.contains("8.00 (7.00..9.00)"), "{html}");
    }
}
