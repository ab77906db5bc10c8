//! Frames that are packed, or hold several messages (`exchanges.md`, point 15).

use super::bench::{Bench, SHORT, okx, okx_ticker};
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn packed_frames_and_batches_are_read() {
    let mut bench = Bench::start("okx", &["BTC-USDT", "ETH-USDT"], SHORT, okx).await;
    let mut peer = bench.venue.accept().await;
    peer.accept_okx(&["BTC-USDT", "ETH-USDT"]).await;
    let batch = format!("[{},{}]", okx_ticker("BTC-USDT", "10"), okx_ticker("ETH-USDT", "20"));
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(batch.as_bytes()).unwrap();
    peer.send_message(Message::binary(packer.finish().unwrap())).await;
    bench.until_last("BTC-USDT", "10").await;
    bench.until_last("ETH-USDT", "20").await;
    peer.send(format!("[{}]", okx_ticker("BTC-USDT", "11"))).await;
    bench.until_last("BTC-USDT", "11").await;
    assert_eq!((bench.counts().received, bench.counts().refused.len()), (3, 0));
}
