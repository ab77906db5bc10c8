//! The exchanges of the demo are alive as soon as they have started.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on shall fail")]

use std::time::Duration;
use tickcast_load::{demo, venue::Exchange};
use tokio::{net::TcpStream, time::timeout};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn starts_exchanges_that_publish_and_ends_with_its_token() {
    let token = CancellationToken::new();
    let venues = demo::start(token.clone()).await.unwrap();
    let names: Vec<&str> = venues.iter().map(|venue| venue.exchange).collect();
    assert_eq!(names, Exchange::ALL.map(|exchange| exchange.name()));
    for demo in &venues {
        assert_eq!(demo.symbols.len(), 8);
        assert_eq!(demo.rest_url.strip_prefix("http"), demo.ws_url.strip_prefix("ws"));
        let lively = demo.venue.control.until(|counts| counts.unwanted >= 8);
        timeout(Duration::from_secs(10), lively).await.unwrap();
    }
    token.cancel();
    for demo in venues {
        let addr = demo.venue.addr;
        timeout(Duration::from_secs(10), demo.venue.stop()).await.unwrap();
        assert!(TcpStream::connect(addr).await.is_err());
    }
}
