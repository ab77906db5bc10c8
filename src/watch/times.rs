//! Times and ages as short texts.

use std::time::Duration;
use tickcast_shared::clock::Micros;

/// `0.3 s`, `45 s`, `12 min` or `7 h`.
pub fn age_text(age: Duration) -> String {
    match age.as_secs() {
        0..10 => format!("{:.1} s", age.as_secs_f64()),
        seconds @ 10..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// Hours, minutes, seconds and milliseconds, UTC.
pub fn time_of_day(now: Micros) -> String {
    let millis = now.0.div_euclid(1000).rem_euclid(24 * 3600 * 1000);
    let (seconds, millis) = (millis / 1000, millis % 1000);
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    format!("{:02}:{:02}:{seconds:02}.{millis:03}", minutes / 60, minutes % 60)
}

/// Month, day, hour and minute, such as when a bar opened: `10-24 08:15`, UTC.
pub fn day_and_minute(at: Micros) -> String {
    let minutes = at.0.div_euclid(60_000_000);
    let (month, day) = month_and_day(minutes.div_euclid(24 * 60));
    let minutes = minutes.rem_euclid(24 * 60);
    format!("{month:02}-{day:02} {:02}:{:02}", minutes / 60, minutes % 60)
}

/// The date of a day since 1970-01-01, by the proleptic Gregorian calendar: years begin in March, so
/// that the leap day is the last, and 400 years have 146097 days.
fn month_and_day(days: i64) -> (i64, i64) {
    let in_cycle = (days + 719_468).rem_euclid(146_097);
    let year = (in_cycle - in_cycle / 1460 + in_cycle / 36_524 - in_cycle / 146_096) / 365;
    let in_year = in_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    ((month + 2) % 12 + 1, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_date() {
        for (day, date) in
            [(0, (1, 1)), (58, (2, 28)), (59, (3, 1)), (19_782, (2, 29)), (20_453, (12, 31))]
        {
            assert_eq!(month_and_day(day), date, "{day}");
        }
    }

    #[test]
    fn a_moment_has_its_time() {
        let moment = Micros(1_729_757_723_655_123);
        assert_eq!(time_of_day(moment), "08:15:23.655");
        assert_eq!(day_and_minute(moment), "10-24 08:15");
    }

    #[test]
    fn ages_are_short() {
        let ages = [300, 9_900, 45_000, 600_000, 10_000_000].map(Duration::from_millis);
        assert_eq!(ages.map(age_text), ["0.3 s", "9.9 s", "45 s", "10 min", "2 h"]);
    }
}
