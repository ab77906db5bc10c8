//! Rows of the venues' candles as bars.

use super::{RestFault, text::Text};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, BarSource, Interval, Price},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// One candle as its venue writes it: a list that begins with the time of its opening.
pub(super) type Row<'a> = Vec<Text<'a>>;

/// In what a venue counts time.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {
    Seconds,
    Millis,
}

/// How a venue writes its rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    pub(super) time: Unit,
    /// Where open, high, low and close stand, the time being at 0.
    pub(super) prices: [usize; 4],
}

/// The sound bars of these rows, oldest first, each opening once.
///
/// # Errors
/// [`RestFault::Garbage`] when there are rows and none is sound.
pub(super) fn bars(
    rows: &[Row<'_>],
    interval: Interval,
    columns: Columns,
) -> Result<Vec<Bar>, RestFault> {
    let mut bars: Vec<Bar> =
        rows.iter().filter_map(|row| bar(row.as_slice(), interval, columns)).collect();
    if bars.is_empty() && !rows.is_empty() {
        return Err(RestFault::Garbage);
    }
    bars.sort_by_key(|bar| bar.open_time);
    bars.dedup_by_key(|bar| bar.open_time);
    Ok(bars)
}

/// The bar of a row, or nothing when a number is not sound or it does not open on a boundary of
/// UTC: a day of another time zone is not our day.
fn bar(row: &[Text<'_>], interval: Interval, columns: Columns) -> Option<Bar> {
    let open_time = match columns.time {
        Unit::Seconds => row.first()?.seconds(),
        Unit::Millis => row.first()?.millis(),
    }?;
    let price = |at: usize| row.get(at)?.as_str().parse::<Price>().ok();
    let [open, high, low, close] = columns.prices.map(price);
    let (open, high, low, close) = (open?, high?, low?, close?);
    let within = |price: Price| low <= price && price <= high;
    (interval.open_of(open_time) == open_time && within(open) && within(close)).then(|| Bar {
        open_time,
        close_time: interval.close_of(open_time),
        open,
        high,
        low,
        close,
        ticks: 0,
        closed: true,
        complete: true,
        source: BarSource::Venue,
    })
}

/// When the bar opens that holds `end`: every earlier one is over at `end`. Venues are given a bound
/// one unit of time below it, so that it does not matter whether they count the bound itself in.
pub(super) fn bound(interval: Interval, end: Micros) -> Micros {
    interval.open_of(end)
}

/// Milliseconds since the Unix epoch.
pub(super) fn millis(at: Micros) -> i64 {
    at.0.div_euclid(1000)
}

/// Seconds since the Unix epoch.
pub(super) fn seconds(at: Micros) -> i64 {
    at.0.div_euclid(1_000_000)
}

/// A time of RFC 3339 to the second; empty for one that no venue has data of.
pub(super) fn rfc3339(at: Micros) -> String {
    let at = OffsetDateTime::from_unix_timestamp(seconds(at));
    at.ok().and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_default()
}

/// Whole minutes of an interval.
pub(super) fn minutes(interval: Interval) -> i64 {
    interval.micros() / 60_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: Columns = Columns { time: Unit::Seconds, prices: [1, 2, 3, 4] };

    fn read(json: &str) -> Result<Vec<Bar>, RestFault> {
        let rows: Vec<Row<'_>> = serde_json::from_str(json).unwrap();
        bars(&rows, Interval::M1, COLUMNS)
    }

    #[test]
    fn rows_in_any_order_become_bars_oldest_first() {
        let bars = read(r#"[[120,"2","4","1","3"],[60,2,4,1,3],[120,"2","4","1","3"]]"#).unwrap();
        let opened: Vec<i64> = bars.iter().map(|bar| bar.open_time.0).collect();
        assert_eq!(opened, [60_000_000, 120_000_000]);
        let bar = &bars[0];
        let prices = [bar.open, bar.high, bar.low, bar.close].map(|price| price.to_string());
        assert_eq!(prices, ["2", "4", "1", "3"]);
        assert_eq!((bar.close_time, bar.ticks), (Micros(120_000_000), 0));
        assert_eq!((bar.closed, bar.complete, bar.source), (true, true, BarSource::Venue));
    }

    #[test]
    fn unsound_rows_are_left_out() {
        let one = r#"[[60,"2","4","1","3"],[90,"2","4","1","3"],[180,"5","4","1","3"],[240,"2"]]"#;
        assert_eq!(read(one).unwrap().len(), 1);
        assert_eq!(read(r#"[[60,"2","0","1","3"],[]]"#), Err(RestFault::Garbage));
        assert_eq!(read("[]"), Ok(vec![]));
    }
}
