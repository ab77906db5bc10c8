//! One topic as a line of plain text: what the price is, and what must not be overlooked about it.

use super::{
    message::{Belief, Quote},
    times::{age_text, day_and_minute},
};
use tickcast_shared::{
    clock::Micros,
    market::{Bar, Price},
};

/// What stands where there is no value.
const NOTHING: &str = "-";

/// The line at the gateway's time `now`: topic, price, bid, ask, age, state, origin.
pub fn quote_line(quote: &Quote, now: Micros) -> String {
    let cells = match &quote.bar {
        Some(bar) => bar_cells(quote, bar),
        None => cells(quote, now),
    };
    cells.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

fn cells(quote: &Quote, now: Micros) -> Vec<String> {
    vec![
        quote.topic.clone(),
        price_text(quote.last_price),
        format!("bid {}", price_text(quote.bid_price)),
        format!("ask {}", price_text(quote.ask_price)),
        quote.received_ts.map_or_else(String::new, |at| age_text(now.since(at))),
        quote.state.word().to_owned(),
        if quote.simulated { "SIMULATED" } else { "" }.to_owned(),
    ]
}

/// The same of a bar: topic, close, open, high and low, opening, whether it is final.
fn bar_cells(quote: &Quote, bar: &Bar) -> Vec<String> {
    vec![
        quote.topic.clone(),
        bar.close.to_string(),
        format!("open {}", bar.open),
        format!("high {} low {}", bar.high, bar.low),
        day_and_minute(bar.open_time),
        bar_word(quote.state, bar).to_owned(),
        if bar.complete { "" } else { "incomplete" }.to_owned(),
    ]
}

/// Whether a bar is final; what vouches for nothing says so instead.
pub fn bar_word(state: Belief, bar: &Bar) -> &'static str {
    match (state, bar.closed) {
        (Belief::Live, true) => "closed",
        (Belief::Live, false) => "open",
        _ => state.word(),
    }
}

fn price_text(price: Option<Price>) -> String {
    price.map_or_else(|| NOTHING.to_owned(), |price| price.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote(last: Option<&str>, state: Belief) -> Quote {
        Quote {
            topic: "ticker:kucoin:BTC-USDT".into(),
            last_price: last.map(|last| last.parse().unwrap()),
            bid_price: None,
            ask_price: Some("67220.1".parse().unwrap()),
            state,
            simulated: true,
            received_ts: Some(Micros(1_000_000)),
            bar: None,
        }
    }

    #[test]
    fn says_everything_on_one_line() {
        assert_eq!(
            quote_line(&quote(Some("67220"), Belief::Live), Micros(3_500_000)),
            "ticker:kucoin:BTC-USDT 67220 bid - ask 67220.1 2.5 s live SIMULATED"
        );
    }

    #[test]
    fn whatever_is_not_live_says_so() {
        for (state, word) in [
            (Belief::Stale, "STALE"),
            (Belief::Halted, "HALTED"),
            (Belief::Pending, "pending"),
            (Belief::Unknown, "NOT LIVE"),
        ] {
            let line = quote_line(&quote(None, state), Micros(1_000_000));
            assert!(line.contains(&format!(" - bid - ask 67220.1 0.0 s {word} ")), "{line}");
        }
    }

    #[test]
    fn a_bar_says_what_it_was_and_whether_it_is_final() {
        let bar = |closed, complete| {
            serde_json::from_value(serde_json::json!({
                "open_time": 1_729_757_700_000_000_i64, "close_time": 1_729_757_760_000_000_i64,
                "open": "2", "high": "4", "low": "1", "close": "3", "ticks": 7,
                "closed": closed, "complete": complete, "source": "ticker",
            }))
            .unwrap()
        };
        let topic = || "kline:okx:BTC-USDT:1m".to_owned();
        assert_eq!(
            quote_line(&Quote::of_bar(topic(), bar(false, true)), Micros(0)),
            format!("{} 3 open 2 high 4 low 1 10-24 08:15 open", topic())
        );
        let mut quote = Quote::of_bar(topic(), bar(true, false));
        assert!(quote_line(&quote, Micros(0)).ends_with("closed incomplete"));
        quote.state = Belief::Unknown;
        assert!(quote_line(&quote, Micros(0)).contains("NOT LIVE"));
    }
}
