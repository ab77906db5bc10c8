//! Each venue's codec against the simulated venue: lists, tickers and bars by REST, and every
//! channel that is subscribed to.

use futures_util::{SinkExt, StreamExt};
use std::time::Duration;
use tickcast_feed::exchange::{self, Addresses, Endpoint, Event, Exchange, Instrument};
use tickcast_load::venue::{self, Source, Venue, VenueConfig};
use tickcast_shared::{clock::Micros, market::Interval};
use tokio::time::timeout;
use tokio_tungstenite::{connect_async, tungstenite::Message};
use tokio_util::sync::CancellationToken;

/// Longer than anything here takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bars asked for of each interval.
const BARS: i64 = 20;

#[tokio::test]
async fn every_codec_understands_its_simulated_venue() {
    // Refused when another test has chosen one already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let checks = exchange::ALL.map(check);
    futures_util::future::join_all(checks).await;
}

async fn check(codec: &'static dyn Exchange) {
    let kind = venue::Exchange::ALL.into_iter().find(|it| it.name() == codec.name());
    let mut config = VenueConfig::new(kind.expect("a simulated venue of that name"));
    config.source = Source::Walk { rate: 5, seed: 1 };
    let venue = Venue::start(config, CancellationToken::new()).await.expect("a venue");
    let addresses = Addresses::new(&venue.rest_url(), Some(&venue.ws_url()));
    let symbols = venue.symbols().len() as u64;
    let told = venue.control.until(|counts| counts.unwanted >= 2 * symbols);
    timeout(PATIENCE, told).await.expect("every symbol has a price");
    let instruments = listed(codec, &addresses, &venue).await;
    tickers(codec, &addresses, &instruments).await;
    for interval in Interval::ALL {
        bars(codec, &addresses, &instruments[0], interval).await;
    }
    subscribed(codec, &addresses, &instruments).await;
}

async fn get(url: &str) -> String {
    let answer = reqwest::get(url).await.expect("an answer");
    assert!(answer.status().is_success(), "{url}: {}", answer.status());
    answer.text().await.expect("its body")
}

async fn listed(codec: &dyn Exchange, addresses: &Addresses, venue: &Venue) -> Vec<Instrument> {
    let answer = get(&codec.instruments_url(addresses)).await;
    let instruments = codec.read_instruments(&answer).expect("a list");
    let mut names: Vec<&str> = instruments.iter().map(|it| it.symbol.as_str()).collect();
    let mut expected = venue.symbols();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected, "{}", codec.name());
    assert!(instruments.iter().all(|it| it.trading), "{}", codec.name());
    instruments
}

async fn tickers(codec: &dyn Exchange, addresses: &Addresses, instruments: &[Instrument]) {
    let all: Vec<&Instrument> = instruments.iter().collect();
    let at_once = codec.limits().symbols_per_poll.min(all.len());
    for part in [&all[..1], &all[..at_once]] {
        let answer = get(&codec.tickers_url(addresses, part)).await;
        let mut read = Vec::new();
        codec
            .read_tickers(&answer, part, &mut |update| {
                assert!(update.last.is_some_and(is_price), "{update:?}");
                assert!(update.bid.is_some_and(is_price) && update.ask.is_some_and(is_price));
                read.push(update.symbol.to_owned());
            })
            .unwrap_or_else(|fault| panic!("{}: {fault:?}: {answer}", codec.name()));
        read.sort_unstable();
        let mut asked: Vec<&str> = part.iter().map(|it| it.venue_symbol.as_str()).collect();
        asked.sort_unstable();
        assert_eq!(read, asked, "{}", codec.name());
    }
}

fn is_price(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|number| number > 0.0)
}

async fn bars(
    codec: &dyn Exchange,
    addresses: &Addresses,
    instrument: &Instrument,
    interval: Interval,
) {
    let own = codec.bars_from(interval);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("now");
    let now = Micros(i64::try_from(now.as_micros()).expect("fits"));
    let end = own.open_of(now);
    let from = Micros(end.0 - BARS * own.micros());
    let answer = get(&codec.bars_url(addresses, instrument, own, from, end)).await;
    let bars = codec.read_bars(&answer, own).expect("bars");
    let opened: Vec<i64> = bars.iter().map(|bar| bar.open_time.0).collect();
    let mut expected: Vec<i64> = (0..BARS).map(|n| from.0 + n * own.micros()).collect();
    // Where no end can be asked for, what opened in the meantime is told as well.
    expected.extend(opened.iter().filter(|at| **at >= end.0));
    assert_eq!(opened, expected, "{} {interval}", codec.name());
    assert!(bars.iter().all(|bar| bar.closed && bar.high >= bar.low), "{}", codec.name());
}

/// Subscribes to two symbols on every channel; each must be acknowledged and bring updates.
async fn subscribed(codec: &dyn Exchange, addresses: &Addresses, instruments: &[Instrument]) {
    let socket = match codec.endpoint(addresses) {
        Endpoint::Socket(socket) => socket,
        Endpoint::Token { url } => {
            let answer = reqwest::Client::new().post(url).send().await.expect("an answer");
            codec.socket(&answer.text().await.expect("its body"), 1).expect("a socket")
        }
    };
    let (mut stream, _) = connect_async(&socket.url).await.expect("a connection");
    let names: Vec<&str> = instruments[..2].iter().map(|it| it.venue_symbol.as_str()).collect();
    for (request, channel) in (1..).zip(codec.channels()) {
        let frame = codec.subscribe(*channel, &names, request);
        stream.send(Message::text(frame)).await.expect("sent");
    }
    let (mut acks, mut updated) = (0, Vec::new());
    let enough = |acks: u64, updated: &Vec<(String, _)>| {
        acks >= codec.channels().len() as u64
            && codec.channels().iter().all(|channel| {
                names.iter().all(|name| updated.contains(&((*name).to_owned(), *channel)))
            })
    };
    let reading = async {
        while !enough(acks, &updated) {
            let message = stream.next().await.expect("not ended").expect("no error");
            let Message::Text(text) = message else { continue };
            let mut hear = |event: Event<'_>| match event {
                Event::Ack { .. } => acks += 1,
                Event::Update(update) => updated.push((update.symbol.to_owned(), update.part)),
                Event::Error { message, .. } => panic!("{}: {message}", codec.name()),
                _ => {}
            };
            let decoded = codec.decode(&text, &mut hear);
            decoded.unwrap_or_else(|error| panic!("{}: {error}: {text}", codec.name()));
        }
    };
    let done = timeout(PATIENCE, reading).await;
    assert!(done.is_ok(), "{}: only {acks} answers and {updated:?}", codec.name());
}
