//! What a ticker costs on its way in: decoded, and judged by the rules as well. The figures are
//! messages a second on one core.

#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tickcast_feed::{
    exchange::{Event, Exchange, Update, by_name},
    quality::{Accounting, DeadLetters, Generation, Quality, Verdict},
};
use tickcast_shared::{admin::Queues, clock::Micros};

/// Frames of one kind that differ in price and sequence: enough of them that no two in a row are
/// alike, and few enough to stay in the cache as a live stream's buffers would.
const FRAMES: u32 = 64;
/// Time between two messages, in microseconds.
const GAP: i64 = 100_000;

/// A venue's typical ticker with a number in the place of its price and sequence.
struct Sample {
    venue: &'static str,
    name: &'static str,
    frame: fn(u32) -> String,
}

const SAMPLES: [Sample; 8] = [
    Sample { venue: "kucoin", name: "ticker", frame: kucoin },
    Sample { venue: "binance", name: "bookTicker", frame: binance_quotes },
    Sample { venue: "binance", name: "ticker", frame: binance_ticker },
    Sample { venue: "okx", name: "tickers", frame: okx },
    Sample { venue: "coinbase", name: "ticker", frame: coinbase },
    Sample { venue: "kraken", name: "ticker", frame: kraken },
    Sample { venue: "bybit", name: "tickers", frame: bybit_ticker },
    Sample { venue: "bybit", name: "orderbook.1", frame: bybit_quotes },
];

fn kucoin(n: u32) -> String {
    format!(
        r#"{{"topic":"/market/ticker:BTC-USDT","type":"message","subject":"trade.ticker","data":{{"bestAsk":"67218.{n}","bestAskSize":"1.92318539","bestBid":"67200.6","bestBidSize":"0.01045638","price":"67220","sequence":"1469145{n:04}","size":"0.00004316","time":1729757723612}}}}"#
    )
}

fn binance_quotes(n: u32) -> String {
    format!(
        r#"{{"stream":"btcusdt@bookTicker","data":{{"u":4009{n:04},"s":"BTCUSDT","b":"67200.60000000","B":"0.01045638","a":"67218.{n}","A":"1.92318539"}}}}"#
    )
}

fn binance_ticker(n: u32) -> String {
    format!(
        r#"{{"stream":"btcusdt@ticker","data":{{"e":"24hrTicker","E":1729757723612,"s":"BTCUSDT","p":"-94.99999800","P":"-95.960","w":"0.29628482","x":"0.10002000","c":"67218.{n}","Q":"200.00000000","b":"67200.60000000","B":"431.00000000","a":"67219.00000000","A":"9.00000000","o":"66000.00000000","h":"68000.00000000","l":"65000.00000000","v":"8913.30000000","q":"600000000.15310000","O":0,"C":86400000,"F":0,"L":18150,"n":18151}}}}"#
    )
}

fn okx(n: u32) -> String {
    format!(
        r#"{{"arg":{{"channel":"tickers","instId":"BTC-USDT"}},"data":[{{"instType":"SPOT","instId":"BTC-USDT","last":"67218.{n}","lastSz":"0.0002","askPx":"67219.7","askSz":"1.55896972","bidPx":"67200.6","bidSz":"0.23393","open24h":"66000.4","sodUtc0":"66100","sodUtc8":"66200","high24h":"68000","low24h":"65000.3","volCcy24h":"525802090.62","vol24h":"17602.13","ts":"1729757723612"}}]}}"#
    )
}

fn coinbase(n: u32) -> String {
    format!(
        r#"{{"type":"ticker","sequence":5097862{n:04},"product_id":"BTC-USD","price":"67218.{n}","open_24h":"66000.94","volume_24h":"42492.05081975","low_24h":"65000.37","high_24h":"68000.37","volume_30d":"1093827.95195495","best_bid":"67200.15","best_bid_size":"0.61540890","best_ask":"67219.76","best_ask_size":"0.18528568","side":"sell","time":"2024-10-24T08:15:23.612581Z","trade_id":463751434,"last_size":"0.05"}}"#
    )
}

fn kraken(n: u32) -> String {
    format!(
        r#"{{"channel":"ticker","type":"update","data":[{{"symbol":"BTC/USD","bid":67200.6,"bid_qty":44620.68691883,"ask":67219.7,"ask_qty":1087605.70466858,"last":67218.{n},"volume":4497.50461281,"vwap":67000.1,"low":65000.0,"high":68000.0,"change":500.1,"change_pct":0.75,"timestamp":"2024-10-24T08:15:23.612581Z"}}]}}"#
    )
}

fn bybit_ticker(n: u32) -> String {
    format!(
        r#"{{"topic":"tickers.BTCUSDT","ts":1729757723612,"type":"snapshot","cs":112488546160,"data":{{"symbol":"BTCUSDT","lastPrice":"67218.{n}","highPrice24h":"68000.6","lowPrice24h":"65000.9","prevPrice24h":"66000.3","volume24h":"2953.835931","turnover24h":"191907024.69597728","price24hPcnt":"0.0015","usdIndexPrice":"67200.459221"}}}}"#
    )
}

fn bybit_quotes(n: u32) -> String {
    format!(
        r#"{{"topic":"orderbook.1.BTCUSDT","ts":1729757723614,"type":"snapshot","data":{{"s":"BTCUSDT","b":[["67200.50","0.006"]],"a":[["67218.{n}","0.029"]],"u":1852{n:04},"seq":7961638724}},"cts":1729757723612}}"#
    )
}

fn frames(sample: &Sample) -> Vec<String> {
    (0..FRAMES).map(sample.frame).collect()
}

/// The one update that a frame holds.
fn update(exchange: &dyn Exchange, frame: &str, with: &mut dyn FnMut(&Update<'_>)) {
    let read = exchange.decode(frame, &mut |event| match event {
        Event::Update(update) => with(&update),
        other => panic!("{other:?}"),
    });
    read.unwrap();
}

fn decode(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode");
    for sample in &SAMPLES {
        let (exchange, frames) = (by_name(sample.venue).unwrap(), frames(sample));
        group.throughput(Throughput::Elements(u64::from(FRAMES)));
        group.bench_function(BenchmarkId::new(sample.venue, sample.name), |bencher| {
            bencher.iter(|| {
                for frame in &frames {
                    update(exchange, black_box(frame), &mut |it| {
                        black_box(it);
                    });
                }
            });
        });
    }
    group.finish();
}

/// Rules that have seen nothing yet, for the one symbol of a sample.
fn rules(exchange: &dyn Exchange, frame: &str) -> Quality {
    let books = Accounting::of(&exchange.name().parse().unwrap());
    let mut name = String::new();
    update(exchange, frame, &mut |it| it.symbol.clone_into(&mut name));
    let named = [("BTC-USDT".parse().unwrap(), name.clone())];
    let letters = DeadLetters::new(&Queues::default());
    let mut quality = Quality::new(books, letters, &named, false, Micros(0));
    quality.begin(Generation(1), false, &[Some(name)]);
    quality
}

fn decode_and_judge(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decode_and_judge");
    for sample in &SAMPLES {
        let (exchange, frames) = (by_name(sample.venue).unwrap(), frames(sample));
        let mut quality = rules(exchange, &frames[0]);
        let (mut generation, mut now) = (1, 0);
        group.throughput(Throughput::Elements(u64::from(FRAMES)));
        group.bench_function(BenchmarkId::new(sample.venue, sample.name), |bencher| {
            bencher.iter(|| {
                // The frames' sequence numbers begin again, as on a new connection.
                generation += 1;
                let mut names = Vec::new();
                update(exchange, &frames[0], &mut |it| names.push(Some(it.symbol.to_owned())));
                quality.begin(Generation(generation), false, &names);
                for frame in &frames {
                    now += GAP;
                    update(exchange, black_box(frame), &mut |it| {
                        let at = Generation(generation);
                        let verdict = quality.update(at, it, frame, Micros(now));
                        assert!(!matches!(verdict, Verdict::Refused));
                        black_box(verdict);
                    });
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, decode, decode_and_judge);
criterion_main!(benches);
