//! A connector at work, and what the venues say to it.

use super::scripted::{Answers, PATIENCE, Peer, Reply, Scripted};
use crate::{
    config::{Selection, Timing, VenuePlan},
    connector::{Rest, Roster, Surroundings, Venue, Wanted},
    exchange::{Addresses, Exchange, by_name},
    outbox::{Change, Outbox},
    quality::{Board, Counts, DeadLetters},
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tickcast_shared::{
    admin::Queues,
    bus::{LinkState, LinkStatus},
    clock::Clock,
    market::{State, Ticker},
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Short times, so that a test sees them pass.
pub(crate) const SHORT: Timing = Timing {
    dial_ms: 5000,
    list_ms: 5000,
    ack_ms: 2000,
    idle_ms: None,
    quiet_ms: None,
    proof_ms: None,
    good_ms: 60_000,
    backoff_base_ms: 10,
    backoff_cap_ms: 20,
    check_ms: 10,
    first_value_ms: 30_000,
    first_data_ms: 30_000,
    silence_ms: 60_000,
    doubt_ms: 30_000,
    rest_ms: 2000,
    poll_ms: 20,
    rotate_ms: None,
    rotate_patience_ms: 30_000,
    refresh_ms: 3_600_000,
    vanished_ms: 3_600_000,
};

/// A connector that runs until the bench is dropped.
pub(crate) struct Bench {
    pub(crate) venue: Scripted,
    pub(crate) letters: DeadLetters,
    pub(crate) wanted: Wanted,
    shared: Arc<Venue>,
    outbox: Outbox,
    /// Everything ever published, newest last.
    pub(crate) published: Vec<(String, Ticker)>,
    /// Symbols whose topics were removed.
    pub(crate) removed: Vec<String>,
    _stop: DropGuard,
}

impl Bench {
    pub(crate) async fn start(
        exchange: &str,
        symbols: &[&str],
        timing: Timing,
        answers: impl Fn(&str, SocketAddr) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(by_name(exchange).unwrap(), symbols, timing, answers).await
    }

    pub(crate) async fn start_with(
        exchange: &'static dyn Exchange,
        symbols: &[&str],
        timing: Timing,
        answers: impl Fn(&str, SocketAddr) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let answers: Answers = Arc::new(answers);
        let venue = Scripted::start(answers).await;
        let queues = Queues::default();
        let (outbox, letters) = (Outbox::new(&queues), DeadLetters::new(&queues));
        let plan = VenuePlan {
            exchange,
            id: exchange.name().parse().unwrap(),
            selection: selection(symbols),
            max_symbols: 1000,
            addresses: Addresses::new(
                &format!("http://{}", venue.address),
                Some(&format!("ws://{}", venue.address)),
            ),
            simulated: false,
        };
        let around = Surroundings {
            timing,
            clock: Clock::start(),
            outbox: outbox.clone(),
            rest: Rest::new().unwrap(),
            dead_letters: letters.clone(),
            board: Board::default(),
        };
        let shared = Arc::new(Venue::new(&plan, around));
        let roster = Roster::new(shared.clone(), &plan, &queues);
        let (wanted, token) = (roster.wanted(), CancellationToken::new());
        tokio::spawn(roster.run(token.clone()));
        let _stop = token.drop_guard();
        wanted.first_topics(Duration::ZERO).await;
        let (published, removed) = (Vec::new(), Vec::new());
        Self { venue, letters, wanted, shared, outbox, published, removed, _stop }
    }

    pub(crate) fn link(&self) -> LinkStatus {
        self.outbox.links().into_iter().next().expect("a link is there from the start")
    }

    pub(crate) fn counts(&self) -> Counts {
        self.shared.accounting.counts()
    }

    /// Each topic's newest state.
    pub(crate) fn newest(&mut self) -> HashMap<String, Ticker> {
        for (topic, change) in self.outbox.take() {
            let Change::Put(body) = change else {
                self.removed.push(topic.symbol().into());
                continue;
            };
            let ticker = body.ticker().expect("a ticker").clone();
            self.published.push((topic.symbol().into(), ticker));
        }
        self.published.iter().cloned().collect()
    }

    /// Waits until it holds.
    pub(crate) async fn until(&mut self, what: &str, mut holds: impl FnMut(&mut Self) -> bool) {
        let start = Instant::now();
        while !holds(self) {
            assert!(start.elapsed() < PATIENCE, "in vain for: {what}; link {:?}", self.link());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn until_state(&mut self, symbol: &str, state: State) -> Ticker {
        let at = |bench: &mut Self| bench.newest().get(symbol).is_some_and(|it| it.state == state);
        self.until(&format!("{symbol} {state:?}"), at).await;
        self.newest()[symbol].clone()
    }

    pub(crate) async fn until_last(&mut self, symbol: &str, last: &str) -> Ticker {
        let at = |bench: &mut Self| {
            bench.newest().get(symbol).is_some_and(|it| it.last_price == last.parse().ok())
        };
        self.until(&format!("{symbol} at {last}"), at).await;
        self.newest()[symbol].clone()
    }

    /// Whether anything published since the start was stale.
    pub(crate) fn was_stale(&mut self) -> bool {
        self.newest();
        self.published.iter().any(|(_, it)| it.state == State::Stale)
    }

    pub(crate) async fn until_link(&mut self, state: LinkState) -> LinkStatus {
        self.until(&format!("link {state:?}"), |bench| bench.link().state == state).await;
        self.link()
    }
}

pub(crate) fn selection(symbols: &[&str]) -> Selection {
    let texts: Vec<String> = symbols.iter().map(|text| (*text).to_owned()).collect();
    Selection::parse(&texts).0
}

/// OKX without a list of instruments.
pub(crate) fn okx(first: &str, _: SocketAddr) -> Option<Reply> {
    first.contains("/api/v5/public/instruments").then(missing)
}

/// KuCoin without a list of symbols, with a token that names its own number.
pub(crate) fn kucoin() -> impl Fn(&str, SocketAddr) -> Option<Reply> + Send + Sync + 'static {
    let number = AtomicUsize::new(0);
    move |first, address| {
        if first.starts_with("GET /api/v2/symbols") {
            return Some(missing());
        }
        first.starts_with("POST /api/v1/bullet-public").then(|| {
            let number = number.fetch_add(1, Ordering::SeqCst);
            ok(format!(
                r#"{{"code":"200000","data":{{"token":"t{number}","instanceServers":[{{"endpoint":"ws://{address}/","pingInterval":18000,"pingTimeout":10000}}]}}}}"#
            ))
        })
    }
}

/// Binance without a list of instruments.
pub(crate) fn binance(first: &str, _: SocketAddr) -> Option<Reply> {
    first.contains("/api/v3/exchangeInfo").then(missing)
}

pub(crate) fn missing() -> Reply {
    Reply("500 Internal Server Error", "", String::new())
}

pub(crate) fn ok(body: impl Into<String>) -> Reply {
    Reply("200 OK", "content-type: application/json\r\n", body.into())
}

pub(crate) fn okx_ack(symbol: &str) -> String {
    format!(r#"{{"event":"subscribe","arg":{{"channel":"tickers","instId":"{symbol}"}}}}"#)
}

pub(crate) fn okx_ticker(symbol: &str, last: &str) -> String {
    format!(
        r#"{{"arg":{{"channel":"tickers","instId":"{symbol}"}},"data":[{{"instType":"SPOT","instId":"{symbol}","last":"{last}","askPx":"11","askSz":"1","bidPx":"9","bidSz":"1","ts":"1700000000000"}}]}}"#
    )
}

pub(crate) fn binance_quote(last_bid: &str) -> String {
    format!(
        r#"{{"stream":"btcusdt@bookTicker","data":{{"u":5,"s":"BTCUSDT","b":"{last_bid}","B":"1","a":"99","A":"1"}}}}"#
    )
}

pub(crate) fn kucoin_ticker(symbol: &str, last: &str) -> String {
    format!(
        r#"{{"topic":"/market/ticker:{symbol}","type":"message","subject":"trade.ticker","data":{{"price":"{last}","bestBid":"9","bestBidSize":"1","bestAsk":"11","bestAskSize":"1","sequence":"7","time":1700000000000}}}}"#
    )
}

impl Peer {
    /// Acknowledges OKX subscriptions to these symbols.
    pub(crate) async fn accept_okx(&mut self, symbols: &[&str]) {
        self.text_with("subscribe").await;
        for symbol in symbols {
            self.send(okx_ack(symbol)).await;
        }
    }
}
