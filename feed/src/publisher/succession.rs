//! Whether what this process has heard may follow what a former writer published, as a pure rule.

use tickcast_shared::{
    bus::Body,
    clock::Micros,
    market::{State, Ticker},
};

/// Whether a topic's value as this process knows it is not older than the former writer's.
///
/// A standby hears the venues all the time, so almost always it is. It may not be: its connection
/// may lag, or have died without a word. Only the venue's own times tell, since the receipt times of
/// two processes come from two clocks. Where the venue gives none, what was heard here is believed.
pub(super) fn may_follow(own: &Body, former: &Body) -> bool {
    let (Some(own), Some(former)) = (own.ticker(), former.ticker()) else { return true };
    match own.state {
        // The venue's word about its market, not a price.
        State::Halted => true,
        _ if !own.is_priced() => !former.is_priced(),
        _ => same_quote(own, former) || !is_older(own, former),
    }
}

fn is_older(own: &Ticker, former: &Ticker) -> bool {
    let earlier = |own: Option<Micros>, former| own.zip(former).is_some_and(|(a, b)| a < b);
    earlier(own.exchange_ts, former.exchange_ts) || earlier(own.trade_ts, former.trade_ts)
}

/// Equal in what is traded on: two connections may have seen the same quote at different times.
fn same_quote(own: &Ticker, former: &Ticker) -> bool {
    own.last_price == former.last_price
        && (own.bid_price, own.bid_qty) == (former.bid_price, former.bid_qty)
        && (own.ask_price, own.ask_qty) == (former.ask_price, former.ask_qty)
}

#[cfg(test)]
mod tests {
    use super::super::tests::rig::{live, pending};
    use super::*;
    use tickcast_shared::market::Reason;

    fn at(price: u64, quoted: Option<i64>, traded: Option<i64>) -> Body {
        let mut ticker = live(price);
        (ticker.exchange_ts, ticker.trade_ts) = (quoted.map(Micros), traded.map(Micros));
        Body::Ticker(ticker)
    }

    #[test]
    fn by_the_venues_times_nothing_older_follows() {
        let former = at(1, Some(100), Some(50));
        assert!(may_follow(&at(2, Some(101), Some(50)), &former));
        assert!(may_follow(&at(2, Some(100), Some(51)), &former));
        assert!(!may_follow(&at(2, Some(99), Some(50)), &former));
        assert!(!may_follow(&at(2, Some(101), Some(49)), &former), "its last price is older");
    }

    #[test]
    fn an_equal_quote_follows_whenever_it_was_seen() {
        assert!(may_follow(&at(1, Some(99), Some(49)), &at(1, Some(100), Some(50))));
    }

    #[test]
    fn without_common_times_what_was_heard_here_is_believed() {
        assert!(may_follow(&at(2, None, None), &at(1, Some(100), Some(50))));
        assert!(may_follow(&at(2, Some(1), None), &at(1, None, Some(50))));
    }

    #[test]
    fn no_price_does_not_follow_a_price_but_an_end_of_trading_does() {
        let former = at(1, Some(100), None);
        assert!(!may_follow(&Body::Ticker(pending()), &former));
        assert!(may_follow(&Body::Ticker(pending()), &Body::Ticker(pending())));
        let mut halted = pending();
        halted.enter(State::Halted, Reason::NOT_LISTED, Micros(5));
        assert!(may_follow(&Body::Ticker(halted), &former));
    }
}
