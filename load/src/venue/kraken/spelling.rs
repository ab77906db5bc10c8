//! Kraken's older names: `XBT` for `BTC`, and the ones that its REST has for pairs.

/// How REST and protocol v1 write an asset.
pub(in crate::venue) fn old(asset: &str) -> &str {
    match asset {
        "BTC" => "XBT",
        "DOGE" => "XDG",
        other => other,
    }
}

/// The reverse.
pub(crate) fn new(asset: &str) -> &str {
    match asset {
        "XBT" => "BTC",
        "XDG" => "DOGE",
        other => other,
    }
}

/// How the list of assets writes one: the oldest have a letter in front.
pub(in crate::venue) fn long(asset: &str) -> String {
    match asset {
        "BTC" | "DOGE" | "ETH" | "LTC" | "XRP" | "XLM" | "XMR" | "ETC" | "ZEC" => {
            format!("X{}", old(asset))
        }
        "USD" | "EUR" | "GBP" | "JPY" | "CAD" | "AUD" => format!("Z{asset}"),
        _ => asset.to_owned(),
    }
}

/// A pair's short name, `XBTUSD`.
pub(in crate::venue) fn short_pair(base: &str, quote: &str) -> String {
    format!("{}{}", old(base), old(quote))
}

/// A pair's own name, under which REST answers: `XXBTZUSD`, but `XBTUSDT`.
pub(in crate::venue) fn pair(base: &str, quote: &str) -> String {
    let (long_base, long_quote) = (long(base), long(quote));
    // XDGUSD is the one pair of two old assets that has no letters in front.
    if long_base == base || long_quote == quote || base == "DOGE" {
        return short_pair(base, quote);
    }
    format!("{long_base}{long_quote}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_named_as_kraken_does() {
        let names =
            [("BTC", "USD"), ("BTC", "USDT"), ("ETH", "BTC"), ("SOL", "EUR"), ("DOGE", "USD")]
                .map(|(base, quote)| (pair(base, quote), short_pair(base, quote)));
        let expected = [
            ("XXBTZUSD", "XBTUSD"),
            ("XBTUSDT", "XBTUSDT"),
            ("XETHXXBT", "ETHXBT"),
            ("SOLEUR", "SOLEUR"),
            ("XDGUSD", "XDGUSD"),
        ];
        assert_eq!(names, expected.map(|(own, short)| (own.to_owned(), short.to_owned())));
        assert_eq!((new("XBT"), new("XDG"), new("SOL")), ("BTC", "DOGE", "SOL"));
    }
}
