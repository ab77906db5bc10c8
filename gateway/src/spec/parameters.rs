//! The parameters of all paths: the same name means the same everywhere.

use crate::http::klines::MOST_BARS;
use serde_json::{Value, json};
use tickcast_shared::{
    market::{Interval, written},
    protocol::command::MAX_TOPICS_PAGE,
};

/// A query's exchange, where an empty one is as good as none.
const EXCHANGE: &str = "^[a-z0-9]{0,16}$";
/// Empty places do not count; whatever is no symbol is missing, and no mistake.
const SYMBOLS: &str = "^,*[^,]+(,+[^,]+){0,499},*$";

/// A parameter by its name in [`super::PATHS`].
pub(super) fn parameter(name: &str) -> Value {
    let (schema, description, example) = of(name);
    let place = match name {
        "symbol" | "ticker" => "path",
        _ => "query",
    };
    let required = matches!(name, "symbol" | "ticker" | "symbols" | "topics");
    let name = match name {
        "ticker" => "symbol",
        "bars" => "limit",
        "only_exchange" => "exchange",
        name => name,
    };
    json!({
        "name": name, "in": place, "required": required, "description": description,
        "schema": schema, "example": example,
    })
}

fn of(name: &str) -> (Value, &'static str, Value) {
    let btc = json!("BTC-USDT");
    match name {
        "ticker" => {
            (text(&written::ticker_of_client()), "A symbol, or a full ticker:exchange:symbol", btc)
        }
        "symbol" => (text(&written::symbol()), "A symbol, BASE-QUOTE in upper case", btc),
        "symbols" => (text(SYMBOLS), "1 to 500 symbols by commas", json!("BTC-USDT,ETH-USDT")),
        "topics" => (
            json!({"type": "string", "pattern": "[^,]"}),
            "Symbols, topics or patterns, by commas",
            btc,
        ),
        "exchange" => {
            (text(EXCHANGE), "An exchange; the gateway's default if left out", json!("kucoin"))
        }
        "only_exchange" => {
            (text(EXCHANGE), "An exchange; all of them if left out", json!("kucoin"))
        }
        "match" => (
            json!({"anyOf": [
                {"type": "string", "pattern": written::topic_or_pattern()},
                {"type": "string", "maxLength": 0},
            ]}),
            "A pattern such as ticker:*:BTC-USDT, or a topic; everything if left out",
            json!("*-USDT"),
        ),
        "limit" => {
            (whole(1, MAX_TOPICS_PAGE), "Most topics of a page; 500 if left out", json!(500))
        }
        "bars" => (whole(1, MOST_BARS), "Most bars; 500 if left out", json!(500)),
        "cursor" => (
            json!({"type": "string"}),
            "Where the last page ended: its `cursor`",
            json!("ticker:kucoin:BTC-USDT"),
        ),
        "interval" => (
            json!({"type": "string", "enum": Interval::ALL.map(Interval::as_str)}),
            "The length of a bar; 1m if left out",
            json!("1m"),
        ),
        "end" => (
            json!({"type": "integer", "minimum": 0, "maximum": i64::MAX}),
            "Only bars that opened before, in microseconds since the Unix epoch",
            json!(1_767_225_600_000_000_i64),
        ),
        _ => of_subscription(name),
    }
}

/// The settings of a subscription; those of a message are the same.
pub(super) fn of_subscription(name: &str) -> (Value, &'static str, Value) {
    match name {
        "interval_ms" => (
            whole(0, 3_600_000),
            "At most one message per topic in that time, in milliseconds; 0 = every update",
            json!(100),
        ),
        "min_change_bps" => (
            whole(0, 10_000),
            "Smallest move of last, bid or ask worth a message, in hundredths of a percent",
            json!(5),
        ),
        "max_silence_ms" => (
            whole(100, 3_600_000),
            "At least one message in that time, in milliseconds, while a change filter is set",
            json!(30_000),
        ),
        _ => (whole(0, 500), "Past bars of a kline that come first; 100 if left out", json!(100)),
    }
}

fn text(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

fn whole(least: usize, most: usize) -> Value {
    json!({"type": "integer", "minimum": least, "maximum": most})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::commands::Wanted;
    use proptest::prelude::*;
    use tickcast_shared::market::{ExchangeId, Symbol, Topic};

    fn agrees(pattern: &str, text: &str, is_read: bool) {
        let schema = jsonschema::validator_for(&super::text(pattern)).unwrap();
        assert_eq!(schema.is_valid(&json!(text)), is_read, "{text:?} and {pattern}");
    }

    proptest! {
        #[test]
        fn what_is_written_as_specified_can_be_read(
            text in "(ticker:|kline:|\\*:|trade:)?([a-c]{1,2}\\*?:|\\*:|:)?[A-B.]{0,2}\\*?-?[A-B]{0,2}\\*?(:1m|:2m|:\\*)?"
        ) {
            let kucoin: ExchangeId = "kucoin".parse().unwrap();
            agrees(&written::symbol(), &text, text.parse::<Symbol>().is_ok());
            agrees(&written::exchange(), &text, text.parse::<ExchangeId>().is_ok());
            agrees(&written::topic(), &text, text.parse::<Topic>().is_ok());
            let ticker = Topic::parse_client(&text, &kucoin).is_ok_and(|it| it.interval().is_none());
            agrees(&written::ticker_of_client(), &text, ticker);
            let wanted = Wanted::parse(&text, &kucoin).is_ok();
            agrees(&written::topic_or_pattern(), &text, wanted);
        }
    }
}
