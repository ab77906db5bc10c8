//! `metrics_topics`: the tickers that are shown one by one on `/metrics`.

use super::BadValue;
use tickcast_shared::market::{Channel, ExchangeId, Topic};

/// Each is two series; this many are as many as the rest of a gateway's metrics.
const MOST: usize = 100;

/// Checks that all are tickers, and that there are not too many.
///
/// # Errors
/// [`BadValue`] names the first that is of no use.
pub(super) fn check(texts: &[String], default_exchange: &ExchangeId) -> Result<(), BadValue> {
    let bad = |value: String, right: String| {
        Err(BadValue { key: "gateway.metrics_topics".into(), value, right: right.into() })
    };
    if texts.len() > MOST {
        return bad(format!("{} topics", texts.len()), format!("at most {MOST}"));
    }
    for (text, parsed) in texts.iter().zip(parse(texts, default_exchange)) {
        let right = match parsed {
            Ok(topic) if topic.channel() == Channel::Ticker => continue,
            Ok(_) => "tickers only: a bar has no age".to_owned(),
            Err(error) => error,
        };
        return bad(format!("{text:?}"), right);
    }
    Ok(())
}

/// The topics that the texts mean.
pub(super) fn parse<'a>(
    texts: &'a [String],
    default_exchange: &'a ExchangeId,
) -> impl Iterator<Item = Result<Topic, String>> + 'a {
    let parse = |text: &String| Topic::parse_client(text, default_exchange);
    texts.iter().map(move |text| parse(text).map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use crate::GatewayConfig;

    fn with(topics: &[&str]) -> GatewayConfig {
        let metrics_topics = topics.iter().map(ToString::to_string).collect();
        GatewayConfig { metrics_topics, ..GatewayConfig::default() }
    }

    #[test]
    fn topics_are_read_as_clients_write_them() {
        let config = with(&["BTC-USDT", "ticker:okx:BTC-USDT", "ticker:index:ETH-USDT"]);
        config.validate().unwrap();
        let names: Vec<String> = config.measured_topics().iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["ticker:kucoin:BTC-USDT", "ticker:okx:BTC-USDT", "ticker:index:ETH-USDT"]
        );
        GatewayConfig::default().validate().unwrap();
    }

    #[test]
    fn what_cannot_be_shown_is_named() {
        for (topic, right) in [
            ("btc/usdt", "SYMBOL"),
            ("ticker:*:BTC-USDT", "is not a"),
            ("kline:okx:BTC-USDT:1m", "tickers only"),
        ] {
            let told = with(&["BTC-USDT", topic]).validate().unwrap_err().to_string();
            let named = format!("gateway.metrics_topics = {topic:?}: ");
            assert!(told.starts_with(&named) && told.contains(right), "{told}");
        }
        let many = with(&["BTC-USDT"; 101]).validate().unwrap_err().to_string();
        assert_eq!(many, "gateway.metrics_topics = 101 topics: at most 100");
    }
}
