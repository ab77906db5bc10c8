//! The top of the screen: how well it is connected, and what must not be overlooked.

use super::{
    board::Moment,
    connection::{Connection, State},
    market::{Counts, Market},
};
use crate::watch::times::{age_text, time_of_day};
use ratatui::text::{Line, Span};
use std::time::Duration;
use tickcast_shared::clock::Micros;

/// Lines that it takes.
pub const HEIGHT: u16 = 3;
/// Silence of a gateway that is worth a word: it has been asked for a sign of life meanwhile.
const LONG_SILENCE: Duration = Duration::from_secs(7);

/// What a lost connection means.
const DEAD: &str = "no price is live";

/// The connection in one line, and whether it is an alarm as a whole.
pub fn connection(connection: &Connection, moment: Moment) -> Line<'static> {
    let (theme, url) = (moment.theme, &connection.url);
    match &connection.state {
        State::Waiting { until, .. } => {
            let left = until.since(moment.now).as_secs_f64().ceil();
            let attempt = connection.attempts + 1;
            let text = format!(" NO CONNECTION, again in {left:.0} s (attempt {attempt}): {DEAD}");
            Line::raw(text).style(theme.alarm())
        }
        State::Dialling if connection.attempts > 1 || connection.welcome.is_some() => {
            let text =
                format!(" NO CONNECTION, dialling (attempt {}): {DEAD}", connection.attempts);
            Line::raw(text).style(theme.alarm())
        }
        State::Dialling => Line::styled(format!(" ○ connecting to {url}"), theme.notable()),
        State::Open => {
            let mut spans =
                vec![Span::styled(" ● connected ", theme.good()), Span::raw(format!("to {url}"))];
            if let Some(welcome) = &connection.welcome {
                let server = format!("  {} {}", welcome.server, welcome.version);
                spans.push(Span::styled(server, theme.quiet()));
            }
            Line::from(spans)
        }
    }
}

/// What is measured, or why there is nothing to measure.
pub fn figures(
    connection: &mut Connection,
    counts: &Counts,
    shown: usize,
    moment: Moment,
) -> Line<'static> {
    if let State::Waiting { why, .. } = &connection.state {
        return Line::styled(format!(" {why}"), moment.theme.notable());
    }
    let count = match shown == counts.topics {
        true => format!("{shown} {}", topics(shown)),
        false => format!("{shown} of {} {}", counts.topics, topics(counts.topics)),
    };
    let mut parts = vec![count];
    parts.extend(connection.rate(moment.now).map(|rate| format!("{rate} updates/s")));
    let trip = connection.trip.map(|trip| format!("round trip {}", milliseconds(trip)));
    parts.extend(trip);
    let silence = connection.heard.map(|heard| moment.now.since(heard));
    parts.extend(silence.map(|silence| format!("heard {} ago", age_text(silence))));
    let heartbeat = connection.welcome.as_ref().and_then(|welcome| welcome.heartbeat_ms);
    parts.extend(
        heartbeat
            .map(|millis| format!("heartbeat {} s", Duration::from_millis(millis).as_secs_f64())),
    );
    let style = match silence {
        Some(silence) if silence >= LONG_SILENCE => moment.theme.notable(),
        _ => moment.theme.quiet(),
    };
    Line::styled(format!(" {}", parts.join(" · ")), style)
}

/// The word for so many.
pub fn topics(count: usize) -> &'static str {
    if count == 1 { "topic" } else { "topics" }
}

/// `0.4 ms` or `120 ms`.
fn milliseconds(span: Duration) -> String {
    let millis = span.as_secs_f64() * 1000.0;
    if millis < 9.95 { format!("{millis:.1} ms") } else { format!("{millis:.0} ms") }
}

/// What must not be overlooked, the most important first: a narrow terminal cuts the rest.
pub fn signs(
    connection: &Connection,
    market: &Market,
    paused: Option<Micros>,
    moment: Moment,
) -> Line<'static> {
    let (theme, counts) = (moment.theme, market.counts());
    let mut signs = Vec::new();
    if let Some(at) = paused {
        let time = time_of_day(Micros(at.0 + moment.ahead));
        signs.push((format!("PAUSED at {}", &time[..8]), theme.own()));
    }
    for (count, word) in [(counts.stale, "STALE"), (counts.halted, "HALTED")] {
        if count > 0 {
            signs.push((format!("{count} {word}"), theme.alarm()));
        }
    }
    if counts.simulated > 0 {
        signs.push(("SIMULATED PRICES".to_owned(), theme.simulated()));
    }
    signs.extend(market.troubles().map(|trouble| (trouble, theme.alarm())));
    if connection.is_lagging {
        signs.push(("SLOW TERMINAL: newest prices only".to_owned(), theme.alarm()));
    }
    if counts.pending > 0 {
        signs.push((format!("{} pending", counts.pending), theme.notable()));
    }
    let signs = signs.into_iter().map(|(text, style)| Span::styled(format!(" {text} "), style));
    let spaced = signs.flat_map(|sign| [Span::raw(" "), sign]);
    Line::from(spaced.collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::super::{
        fixture::{hear, status, ticker, welcome},
        theme::Theme,
    };
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn at(now: i64) -> Moment {
        Moment { now: Micros(now), ahead: 0, theme: Theme { has_colours: false } }
    }

    #[test]
    fn a_lost_connection_counts_down() {
        let mut lost = Connection::new("ws://h/ws".into());
        lost.dialling();
        assert_eq!(connection(&lost, at(0)).to_string(), " ○ connecting to ws://h/ws");
        lost.lost("it left".into(), Micros(3 * SECOND));
        assert_eq!(
            connection(&lost, at(SECOND / 2)).to_string(),
            " NO CONNECTION, again in 3 s (attempt 2): no price is live"
        );
        let why = figures(&mut lost, &Counts::default(), 0, at(0)).to_string();
        assert_eq!(why, " it left");
        assert!(connection(&lost, at(4 * SECOND)).to_string().contains("again in 0 s"));
        lost.dialling();
        let text = connection(&lost, at(0)).to_string();
        assert!(text.contains("NO CONNECTION, dialling (attempt 2)"), "{text}");
    }

    #[test]
    fn what_must_not_be_overlooked_stands_first() {
        let mut market = Market::default();
        for (topic, state) in [("a", "stale"), ("b", "halted"), ("c", "pending")] {
            hear(&mut market, &ticker(topic, "1", state));
        }
        hear(&mut market, &status("exchange", "okx", "stale", "silent"));
        let mut connection = Connection::new("ws://h/ws".into());
        connection.is_lagging = true;
        let signs = signs(&connection, &market, Some(Micros(0)), at(0)).to_string();
        assert_eq!(
            signs,
            "  PAUSED at 00:00:00   1 STALE   1 HALTED   SIMULATED PRICES   okx STALE (silent)   \
             SLOW TERMINAL: newest prices only   1 pending "
        );
    }

    #[test]
    fn what_is_measured_is_told_when_there_is_any() {
        let mut connection = Connection::new("ws://h/ws".into());
        connection.greeted(welcome(), Micros(0));
        let counts = Counts { topics: 8, ..Counts::default() };
        assert_eq!(figures(&mut connection, &counts, 8, at(0)).to_string(), " 8 topics");
        connection.count(10);
        connection.trip = Some(Duration::from_micros(420));
        connection.heard = Some(Micros(SECOND));
        assert_eq!(
            figures(&mut connection, &counts, 3, at(SECOND)).to_string(),
            " 3 of 8 topics · 10 updates/s · round trip 0.4 ms · heard 0.0 s ago"
        );
        assert_eq!(milliseconds(Duration::from_micros(120_400)), "120 ms");
    }
}
