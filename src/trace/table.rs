//! Updates as lines of a table.

use tickcast_gateway::trace::line::{Clock, Hop, Hops, Outcome, Update};
use tickcast_shared::{clock::Micros, market::State};

/// Width of a column of times.
const WIDTH: usize = 11;
/// Width of the column of what a line is about.
const FIRST: usize = 12;
/// Width of the column of numbers.
const SEQ: usize = 9;

/// The columns of times, in order.
pub const COLUMNS: [&str; 7] =
    ["to feed", "in feed", "to bus", "to gateway", "to pass", "to sockets", "total"];

/// An update's times, in the order of [`COLUMNS`].
pub fn hops(hops: &Hops) -> [Option<Hop>; 7] {
    let Hops { venue_to_feed, in_feed, to_bus, to_gateway, to_pass, to_sockets, total } = *hops;
    [venue_to_feed, in_feed, to_bus, to_gateway, to_pass, to_sockets, total]
}

/// The names of the columns.
pub fn header() -> String {
    let names = COLUMNS.map(|name| format!("{name:>WIDTH$}")).concat();
    format!("{:<FIRST$}{:>SEQ$}{names}   clients", "taken", "seq")
}

/// An update.
pub fn row(update: &Update) -> String {
    let times = hops(&update.hops).map(cell).concat();
    let time = time_of_day(update.taken_ts);
    let state = match update.state {
        State::Live => String::new(),
        other => format!(" ({})", name(&other)),
    };
    format!("{time:<FIRST$}{:>SEQ$}{times}   {}{state}", update.seq, clients(update))
}

/// A line of percentiles: in microseconds, in the order of [`COLUMNS`].
pub fn percentiles(name: &str, values: [Option<i64>; 7]) -> String {
    let times = values.map(|us| cell(us.map(|us| Hop { us, clock: Clock::Agrees }))).concat();
    format!("{name:<FIRST$}{:>SEQ$}{times}", "")
}

/// How a state is called.
pub fn name(state: &State) -> &'static str {
    match state {
        State::Pending => "pending",
        State::Live => "live",
        State::Stale => "stale",
        State::Halted => "halted",
    }
}

/// A time with its mark, which has a place of its own so that digits stand below each other.
fn cell(hop: Option<Hop>) -> String {
    let (text, mark) = match hop {
        None => ("-".to_owned(), ' '),
        Some(Hop { us, clock }) => (
            millis(us),
            match clock {
                Clock::Agrees => ' ',
                Clock::Corrected => '~',
                Clock::Negative => '!',
            },
        ),
    };
    format!("{text:>width$}{mark}", width = WIDTH - 1)
}

/// Microseconds as milliseconds, with as many digits as are worth reading.
fn millis(us: i64) -> String {
    // A trace shows times far below 2^53 us.
    let millis = us as f64 / 1000.0;
    match millis.abs() {
        size if size < 10.0 => format!("{millis:.3}"),
        size if size < 1000.0 => format!("{millis:.1}"),
        _ => format!("{millis:.0}"),
    }
}

fn clients(update: &Update) -> String {
    let text = match update.outcome {
        Outcome::Written if update.sockets == 1 => "1 socket".to_owned(),
        Outcome::Written => format!("{} sockets", update.sockets),
        Outcome::Blocked => "no socket had room".to_owned(),
        Outcome::Conflated => "conflated: a newer one replaced it".to_owned(),
        Outcome::Held => "held back by interval or filter".to_owned(),
        Outcome::Unwanted => "nobody wants it".to_owned(),
        Outcome::Unfinished => "some shards have not told".to_owned(),
        Outcome::Unknown => "?".to_owned(),
    };
    let mut parts = vec![text];
    let mut add = |count: u64, what: &str| {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    };
    add(update.blocked, "blocked");
    add(update.held, "held back");
    add(update.left_out, "left out for a newer one");
    if update.outcome != Outcome::Conflated {
        add(update.conflated_shards as u64, "shards had a newer one");
    }
    parts.join(", ")
}

/// Hours, minutes, seconds and milliseconds, UTC.
fn time_of_day(at: Micros) -> String {
    let millis = at.0.div_euclid(1000).rem_euclid(24 * 3600 * 1000);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{seconds:02}.{millis:03}", minutes / 60, minutes % 60)
}
