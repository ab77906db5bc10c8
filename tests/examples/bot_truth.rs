//! What the bot may act on, said by a scripted server.

use super::{
    bot::Bot,
    stage::{Stage, but, ticker},
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Heartbeats come twice in this time, which is what the tests wait for.
const BRISK: [&str; 2] = ["--silence", "1.5"];
/// The bot gives an answer two seconds.
const TOO_LONG: Duration = Duration::from_millis(2100);

#[tokio::test]
async fn only_a_live_price_counts() {
    let stage = Stage::start().await;
    let bot = Bot::start(&stage.url(), &BRISK);
    let mut actor = stage.client().await;
    actor.subscribe(Some(ticker("100", 1))).await;
    for (seq, state) in (2..).zip(["stale", "halted", "pending", "of tomorrow"]) {
        actor.say(but(ticker("106", seq), "state", state)).await;
    }
    actor.say(but(ticker("106", 6), "simulated", true)).await;
    actor.say(but(ticker("106", 7), "last_price", Value::Null)).await;
    actor.say(json!({"type": "of tomorrow"})).await;
    actor.only_heartbeats().await;
    // Live when it asks, but no more when it is answered.
    actor.say(ticker("107", 8)).await;
    let question = actor.question().await;
    actor.say(but(ticker("107", 8), "state", "stale")).await;
    actor.pong(question).await;
    actor.only_heartbeats().await;
    actor.say(ticker("107", 8)).await;
    let question = actor.question().await;
    actor.pong(question).await;
    bot.acts(&["107"]).await;
}

#[tokio::test]
async fn while_it_lags_it_does_nothing() {
    let stage = Stage::start().await;
    let mut bot = Bot::start(&stage.url(), &BRISK);
    let mut actor = stage.client().await;
    actor.subscribe(Some(ticker("100", 1))).await;
    let lagging =
        |active: bool| json!({"type": "lagging", "active": active, "since": 1, "skipped": 3});
    actor.say(lagging(true)).await;
    actor.say(ticker("106", 2)).await;
    bot.program.says("lagging: not acting", 1).await;
    actor.only_heartbeats().await;
    actor.say(lagging(false)).await;
    // It asks and starts to lag: the answer says nothing then.
    let question = actor.question().await;
    actor.say(lagging(true)).await;
    actor.pong(question).await;
    actor.only_heartbeats().await;
    assert_eq!(bot.acted().len(), 0);
    actor.say(lagging(false)).await;
    let question = actor.question().await;
    actor.pong(question).await;
    bot.acts(&["106"]).await;
    actor.only_heartbeats().await;
}

#[tokio::test]
async fn another_gateway_that_is_behind_makes_no_second_crossing() {
    let stage = Stage::start().await;
    let bot = Bot::start(&stage.url(), &BRISK);
    let mut actor = stage.client().await;
    let first = actor.subscribe(Some(ticker("100", 5))).await;
    assert_eq!(first["since"], Value::Null);
    actor.say(ticker("106", 6)).await;
    let question = actor.question().await;
    actor.pong(question).await;
    bot.acts(&["106"]).await;
    let wait = 1200;
    let closing = json!({"type": "closing", "code": 1012, "reason": "service restart",
        "reconnect": true, "reconnect_after_ms": wait});
    let began = Instant::now();
    actor.close(1012, "service restart", Some(closing)).await;
    let mut actor = stage.client().await;
    assert!(began.elapsed().as_millis() >= wait, "came back too early: {:?}", began.elapsed());
    let again = actor.subscribe(Some(ticker("100", 5))).await;
    assert_eq!(again["since"], json!({"ticker:kucoin:BTC-USDT": {"epoch": 7, "seq": 6}}));
    actor.say(ticker("106", 6)).await;
    actor.only_heartbeats().await;
    bot.acts(&["106"]).await;
}

#[tokio::test]
async fn a_price_that_the_new_gateway_does_not_have_moves_nothing() {
    let stage = Stage::start().await;
    let mut bot = Bot::start(&stage.url(), &BRISK);
    let mut actor = stage.client().await;
    actor.subscribe(Some(ticker("100", 5))).await;
    actor.say(ticker("106", 7)).await;
    actor.question().await;
    actor.close(4000, "slow_consumer", None).await;
    // The value that it holds was live, says a gateway that is gone.
    let mut actor = stage.client().await;
    actor.subscribe(Some(but(ticker("100", 5), "state", "stale"))).await;
    bot.program.says("this gateway is behind", 1).await;
    actor.only_heartbeats().await;
    actor.say(ticker("100", 6)).await;
    actor.only_heartbeats().await;
    actor.say(ticker("107", 8)).await;
    let question = actor.question().await;
    actor.pong(question).await;
    bot.acts(&["107"]).await;
}

#[tokio::test]
async fn nothing_counts_before_everything_has_come() {
    let stage = Stage::start().await;
    let bot = Bot::start(&stage.url(), &BRISK);
    let mut actor = stage.client().await;
    actor.subscribe(Some(ticker("100", 1))).await;
    // Asked, and the answer never comes on that connection.
    actor.say(ticker("106", 2)).await;
    actor.question().await;
    actor.close(4000, "slow_consumer", None).await;
    let mut actor = stage.client().await;
    let asked: Value = serde_json::from_str(&actor.hear().await).expect("a subscription");
    actor.say(ticker("107", 3)).await;
    actor.only_heartbeats().await;
    actor.say(json!({"type": "synced", "id": asked["id"]})).await;
    let question = actor.question().await;
    actor.pong(question).await;
    bot.acts(&["107"]).await;
}

#[tokio::test]
async fn the_first_look_is_no_crossing() {
    let stage = Stage::start().await;
    let bot = Bot::start(&stage.url(), &BRISK);
    let mut actor = stage.client().await;
    actor.subscribe(Some(ticker("106", 1))).await;
    actor.only_heartbeats().await;
    actor.say(ticker("104.99", 2)).await;
    actor.say(ticker("105", 3)).await;
    let question = actor.question().await;
    actor.pong(question).await;
    bot.acts(&["105"]).await;
}

#[tokio::test]
async fn a_command_that_fails_is_reported_and_not_repeated() {
    let stage = Stage::start().await;
    let mut bot = Bot::doing("exit 3", &stage.url(), &BRISK);
    let mut actor = stage.client().await;
    actor.subscribe(Some(ticker("100", 1))).await;
    actor.say(ticker("106", 2)).await;
    let question = actor.question().await;
    actor.pong(question).await;
    bot.program.says("the command failed with 3", 1).await;
    actor.say(ticker("107", 3)).await;
    actor.only_heartbeats().await;
}

#[tokio::test]
async fn an_answer_that_took_long_says_too_little() {
    let stage = Stage::start().await;
    let mut bot = Bot::start(&stage.url(), &[]);
    let mut actor = stage.client().await;
    actor.subscribe(Some(ticker("100", 1))).await;
    actor.say(ticker("106", 2)).await;
    let question = actor.question().await;
    tokio::time::sleep(TOO_LONG).await;
    actor.pong(question).await;
    bot.program.says("too late to act", 1).await;
    let question = actor.question().await;
    actor.pong(question).await;
    bot.acts(&["106"]).await;
}
