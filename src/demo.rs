//! `tickcast demo`: simulated exchanges and what to try with them.

use crate::{config::Config, outcome::Failure};
use anyhow::Context;
use std::{
    fmt::Write as _,
    io::{self, Write},
    net::SocketAddr,
};
use tickcast_feed::config::ExchangeConfig;
use tickcast_load::demo::{self, DemoVenue};
use tokio_util::sync::CancellationToken;

/// No load balancer has to notice that the demo ends,
const DRAIN_NOTICE_MS: u64 = 0;
/// and nobody wants to wait for it after Ctrl-C.
const DRAIN_WINDOW_MS: u64 = 300;

/// Starts the simulated exchanges and puts them in the place of the configured ones.
pub async fn simulate(
    config: &mut Config,
    token: CancellationToken,
) -> Result<Vec<DemoVenue>, Failure> {
    let venues = demo::start(token).await.context("cannot start the simulated exchanges")?;
    config.feed.exchange = venues.iter().map(exchange).collect();
    // The addresses on the screen are plain ones.
    config.gateway.tls = None;
    let limits = &mut config.gateway.limits;
    (limits.drain_notice_ms, limits.drain_window_ms) = (DRAIN_NOTICE_MS, DRAIN_WINDOW_MS);
    Ok(venues)
}

fn exchange(venue: &DemoVenue) -> ExchangeConfig {
    // KuCoin names its socket in its token answer, so that only its REST address is configured.
    let ws_url = (venue.exchange != "kucoin").then(|| venue.ws_url.clone());
    ExchangeConfig {
        name: venue.exchange.to_owned(),
        symbols: venue.symbols.clone(),
        rest_url: Some(venue.rest_url.clone()),
        ws_url,
        simulated: true,
    }
}

/// Tells where to look. A terminal that has gone is no reason to stop.
pub fn announce(gateway: SocketAddr, admin: SocketAddr, venues: &[DemoVenue]) {
    let _ = io::stdout().lock().write_all(screen(gateway, admin, venues).as_bytes());
}

fn screen(gateway: SocketAddr, admin: SocketAddr, venues: &[DemoVenue]) -> String {
    let names: Vec<&str> = venues.iter().map(|venue| venue.exchange).collect();
    let (gateway, admin) = (reachable(gateway), reachable(admin));
    let mut text = String::new();
    let mut line = |line: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    line(&format!("Tickcast demo. SIMULATED prices, not those of {}.", names.join(", ")));
    line("");
    line(&format!("  WebSocket  ws://{gateway}/ws"));
    line(&format!("  Web page   http://{gateway}/"));
    line(&format!("  Operators  http://{admin}/health"));
    line("");
    line("Try in another terminal:");
    line("");
    line(&format!("  cargo run --release -- watch BTC-USDT{}", url_flag(gateway)));
    line(&format!("  curl http://{gateway}/v1/price/BTC-USDT"));
    line("");
    line("Ctrl-C ends it.");
    text
}

/// An address that a client on this machine can dial.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// What `watch` has to be told unless the gateway is where it looks by itself.
fn url_flag(gateway: SocketAddr) -> String {
    let url = format!("ws://{gateway}/ws");
    if url == crate::cli::DEFAULT_URL { String::new() } else { format!(" --url {url}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_names_working_addresses_and_says_simulated() {
        let any = SocketAddr::from(([0, 0, 0, 0], 8080));
        let admin = SocketAddr::from(([127, 0, 0, 1], 9090));
        let text = screen(any, admin, &[]);
        for wanted in [
            "SIMULATED prices",
            "ws://127.0.0.1:8080/ws\n",
            "http://127.0.0.1:8080/\n",
            "http://127.0.0.1:9090/health",
            "-- watch BTC-USDT\n",
            "curl http://127.0.0.1:8080/v1/price/BTC-USDT",
        ] {
            assert!(text.contains(wanted), "{wanted} in {text}");
        }
        let other = screen(SocketAddr::from(([127, 0, 0, 1], 1234)), admin, &[]);
        assert!(other.contains("watch BTC-USDT --url ws://127.0.0.1:1234/ws"), "{other}");
    }
}
