//! What is shown of exchanges: whether they live, how old their prices are, how far apart.

use super::{ONE, ZERO, gateway_with_topics, push, two_venues};
use crate::support::{Market, Scrape, eventually};
use std::time::Duration;
use tickcast_load::venue::Tick;

#[tokio::test]
async fn a_lost_exchange_shows_in_ages_and_states() {
    let market = Market::kucoin(&["BTC-USDT"]).await;
    let topics = ["BTC-USDT"];
    let (feed, gateway) = tokio::join!(market.feed(), gateway_with_topics(&market, &topics));
    let control = &market.venue().control;
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "100", "101"));
    let topic = ["ticker:kucoin:BTC-USDT"];
    gateway.until_metric("tickcast_gateway_topic_live", &topic, ONE).await;
    gateway.until_metric("tickcast_gateway_exchange_live", &["kucoin"], ONE).await;
    gateway.until_metric("tickcast_gateway_prices", &["kucoin", "live"], ONE).await;
    let age = "tickcast_gateway_price_age_seconds";
    gateway.until_metric(age, &["kucoin"], |age| (0.0..20.0).contains(&age)).await;
    feed.until_metric("tickcast_feed_connections", &["kucoin", "live"], ONE).await;
    feed.until_metric("tickcast_feed_link_live", &["kucoin"], ONE).await;

    // Neither by its socket nor by REST.
    control.change(|faults| (faults.refuse_dials, faults.refuse_rest) = (Some(503), Some(503)));
    control.drop_connections();
    feed.until_metric("tickcast_feed_connections", &["kucoin", "live"], ZERO).await;
    feed.until_metric("tickcast_feed_link_live", &["kucoin"], ZERO).await;
    gateway.until_metric("tickcast_gateway_exchange_live", &["kucoin"], ZERO).await;
    gateway.until_metric("tickcast_gateway_topic_live", &topic, ZERO).await;
    gateway.until_metric("tickcast_gateway_prices", &["kucoin", "live"], ZERO).await;
    gateway.until_metric("tickcast_gateway_prices", &["kucoin", "stale"], ONE).await;
    gateway.until_metric(age, &["kucoin"], f64::is_nan).await;
    // Ages go on growing for as long as nothing comes.
    let newest = "tickcast_gateway_newest_price_age_seconds";
    let before = gateway.until_metric(newest, &["kucoin"], |age| age > 0.0).await;
    gateway.until_metric(newest, &["kucoin"], |age| age > before + 0.5).await;
    let before = feed.until_metric("tickcast_feed_silence_seconds", &["kucoin"], |_| true).await;
    let silence = |now| now > before + 0.5;
    feed.until_metric("tickcast_feed_silence_seconds", &["kucoin"], silence).await;

    control.change(|faults| (faults.refuse_dials, faults.refuse_rest) = (None, None));
    control.until_subscribed(&["BTC-USDT"]).await;
    control.push_tick(Tick::quote("BTC-USDT", "100", "102"));
    gateway.until_metric("tickcast_gateway_topic_live", &topic, ONE).await;
    feed.until_metric("tickcast_feed_link_live", &["kucoin"], ONE).await;
}

#[tokio::test]
async fn venues_apart_from_each_other_show_how_far() {
    let market = two_venues().await;
    let feed = market.feed().await;
    for venue in &market.venues {
        venue.control.until_subscribed(&["BTC-USDT"]).await;
    }
    let deviation = "tickcast_feed_venue_deviation_ratio";
    feed.until_metric(deviation, &["okx"], f64::is_nan).await;
    eventually("both are compared", async || {
        // A price says nothing about the present after five seconds.
        push(&market, 0, "99", "101", Duration::ZERO);
        push(&market, 1, "102", "106", Duration::ZERO);
        let scrape = Scrape::of(&feed).await;
        let [kucoin, okx] = ["kucoin", "okx"].map(|name| scrape.value(deviation, &[name]));
        ((okx? - 0.04).abs() < 1e-6 && (kucoin? - 4.0 / 104.0).abs() < 1e-6).then_some(())
    })
    .await;
}
