//! The things that happen.

use super::scene::{EXCHANGES, SYMBOLS, Scene};
use crate::support::eventually;
use rand::{RngExt, rngs::StdRng};
use std::time::Duration;
use tickcast_load::venue::Tick;

/// One piece of bad luck, or an ordinary moment between two.
#[derive(Debug, Clone, Copy)]
pub enum Event {
    /// Prices move.
    Prices,
    /// Prices that are none, crossed quotes, frames that are no JSON.
    Nonsense { venue: usize },
    /// A price that is worlds away, once.
    Jump { venue: usize },
    /// An old message comes once more, after newer ones. Only where messages are numbered.
    OldMessage,
    /// All connections of an exchange are cut.
    Cut { venue: usize },
    /// An exchange cannot be reached until everybody has noticed.
    Outage { venue: usize },
    /// An exchange says nothing for a while although it is connected.
    Mute { venue: usize },
    /// KuCoin's tokens expire.
    TokensExpire,
    /// Redis stops answering for so many tenths of a second.
    RedisFrozen { tenths: u64 },
    /// Redis dies and comes back empty.
    RedisEmptied,
    /// A feed is killed; another one takes its place.
    FeedKilled { which: usize },
    /// A feed sleeps for longer than its lease, and goes on as if nothing had been.
    FeedFrozen { which: usize },
    /// A gateway is killed; another one takes its place.
    GatewayKilled { which: usize },
}

/// Longer than a lease.
const FROZEN_FOR: Duration = Duration::from_millis(3500);
/// Ticks of a lively moment.
const TICKS: usize = 40;

impl Event {
    /// Any of them, the cheap ones more often.
    pub fn draw(random: &mut StdRng) -> Self {
        let venue = random.random_range(0..EXCHANGES.len());
        let which = random.random_range(0..2);
        match random.random_range(0..20) {
            0..=2 => Self::Prices,
            3..=5 => Self::Nonsense { venue },
            6..=7 => Self::OldMessage,
            8..=9 => Self::Cut { venue },
            10 => Self::Outage { venue },
            11 => Self::Mute { venue },
            12 => Self::TokensExpire,
            13 => Self::RedisFrozen { tenths: random.random_range(2..15) },
            14 => Self::RedisEmptied,
            15 => Self::FeedKilled { which },
            16 => Self::FeedFrozen { which },
            17 => Self::GatewayKilled { which },
            _ => Self::Jump { venue },
        }
    }

    /// It happens, with prices moving before, meanwhile and after.
    pub async fn happen(self, scene: &mut Scene, random: &mut StdRng) {
        prices(scene, random);
        match self {
            Self::Prices => prices(scene, random),
            Self::Nonsense { venue } => nonsense(scene, venue),
            Self::Jump { venue } => jump(scene, venue),
            Self::OldMessage => old_message(scene),
            Self::Cut { venue } => _ = scene.market.venues[venue].control.drop_connections(),
            Self::Outage { venue } => outage(scene, venue).await,
            Self::Mute { venue } => mute(scene, venue, random).await,
            Self::TokensExpire => scene.market.venues[0].control.expire_tokens(),
            Self::RedisFrozen { tenths } => {
                scene.market.redis.freeze();
                prices(scene, random);
                tokio::time::sleep(Duration::from_millis(100 * tenths)).await;
                scene.market.redis.thaw();
            }
            Self::RedisEmptied => scene.market.redis.restart().await,
            Self::FeedKilled { which } => scene.replace_feed(which).await,
            Self::FeedFrozen { which } => {
                scene.feeds[which].process.signal("STOP");
                prices(scene, random);
                tokio::time::sleep(FROZEN_FOR).await;
                scene.feeds[which].process.signal("CONT");
            }
            Self::GatewayKilled { which } => scene.replace_gateway(which).await,
        }
        prices(scene, random);
    }
}

fn prices(scene: &mut Scene, random: &mut StdRng) {
    for _ in 0..TICKS {
        let venue = random.random_range(0..EXCHANGES.len());
        scene.push(venue, SYMBOLS[random.random_range(0..SYMBOLS.len())]);
    }
}

/// What no client may ever see as a live price.
fn nonsense(scene: &mut Scene, venue: usize) {
    let control = &scene.market.venues[venue].control;
    for text in ["{", "null", "[]", "\u{0}", r#"{"type":"message"}"#, r#"{"data":{"price":"x"}}"#] {
        control.push_frame(text);
    }
    for (bid, ask, last) in [
        ("0", "0", "0"),
        ("-1", "-2", "-3"),
        ("", "", ""),
        ("NaN", "Infinity", "1e400"),
        ("99999999999999999999", "0", "99999999999999999999999999999999999"),
    ] {
        control.push_tick(Tick::quote(SYMBOLS[0], bid, ask).with_last(last));
    }
    scene.push(venue, SYMBOLS[0]);
}

/// Nothing confirms it: no client may ever see it as live.
fn jump(scene: &mut Scene, venue: usize) {
    scene.push(venue, SYMBOLS[0]);
    let tick = Tick::quote(SYMBOLS[0], "5999.9", "6000.1").with_last("6000");
    scene.market.venues[venue].control.push_tick(tick);
    scene.push(venue, SYMBOLS[0]);
}

/// The first message that KuCoin numbered, word for word, whatever has been said since.
fn old_message(scene: &mut Scene) {
    let frame = r#"{"topic":"/market/ticker:BTC-USDT","type":"message","subject":"trade.ticker","data":{"bestAsk":"10000.014","bestAskSize":"1","bestBid":"10000.006","bestBidSize":"1","price":"10000.01","sequence":"2","size":"1","time":1729757723612}}"#;
    // A connection that has heard nothing newer has nothing to hold it against.
    if scene.push(0, SYMBOLS[0]) == scene.feeds.len() {
        scene.market.venues[0].control.push_frame(frame);
    }
}

async fn outage(scene: &mut Scene, venue: usize) {
    let control = scene.market.venues[venue].control.clone();
    control.change(|faults| (faults.refuse_dials, faults.refuse_rest) = (Some(502), Some(502)));
    control.drop_connections();
    eventually("nobody shows the lost exchange as live", async || {
        scene.nobody_sees_live(venue).then_some(())
    })
    .await;
    control.change(|faults| (faults.refuse_dials, faults.refuse_rest) = (None, None));
}

async fn mute(scene: &mut Scene, venue: usize, random: &mut StdRng) {
    let control = scene.market.venues[venue].control.clone();
    control.mute(true);
    prices(scene, random);
    tokio::time::sleep(Duration::from_millis(300)).await;
    control.mute(false);
}
