//! When the bot comes back, and when it does not.

use super::{
    bot::Bot,
    program::{PYTHON, Program, example},
    stage::{Stage, ticker},
};
use futures_util::future::join_all;
use serde_json::json;

/// Closes the first connection of a bot with this code.
async fn closed_with(stage: &Stage, code: u16) -> Bot {
    let bot = Bot::start(&stage.url(), &[]);
    let mut actor = stage.client().await;
    actor.subscribe(Some(ticker("100", 1))).await;
    actor.close(code, "as asked", None).await;
    bot
}

#[tokio::test]
async fn closing_codes_decide_whether_it_comes_back() {
    let finally = [1000, 1008, 4003, 4500, 4999].map(async |code| {
        let stage = Stage::start().await;
        let mut bot = closed_with(&stage, code).await;
        assert_eq!(bot.program.exit().await, Some(1), "{code}");
        let said = bot.program.stderr.text();
        assert!(said.contains(&format!("bot: closed with {code} as asked")), "{said}");
    });
    let again = [1001, 1011, 1013, 4000, 4321].map(async |code| {
        let stage = Stage::start().await;
        let mut bot = closed_with(&stage, code).await;
        stage.client().await.subscribe(None).await;
        bot.program.says(&format!("closed with {code} as asked"), 1).await;
    });
    tokio::join!(join_all(finally), join_all(again));
}

#[tokio::test]
async fn a_server_that_wants_nobody_back_is_left_alone() {
    let stage = Stage::start().await;
    let mut bot = Bot::start(&stage.url(), &[]);
    let mut actor = stage.client().await;
    actor.subscribe(None).await;
    let closing = json!({"type": "closing", "code": 4321, "reason": "moved", "reconnect": false,
        "reconnect_after_ms": null});
    actor.close(4321, "moved", Some(closing)).await;
    assert_eq!(bot.program.exit().await, Some(1));
}

#[tokio::test]
async fn a_refusal_is_read() {
    let stage = Stage::start().await;
    let mut bot = Bot::start(&stage.url(), &[]);
    stage.refuse("503 Service Unavailable\r\nRetry-After: 1").await;
    bot.program.says("trying again in 1.0 s", 1).await;
    stage.refuse("401 Unauthorized").await;
    assert_eq!(bot.program.exit().await, Some(1));
    let said = bot.program.stderr.text();
    assert!(said.contains("bot: refused with HTTP 401"), "{said}");
}

#[tokio::test]
async fn a_topic_that_does_not_exist_ends_it_only_at_first() {
    let stage = Stage::start().await;
    let rejected = json!({"type": "subscribed", "id": "s", "topics": [], "aliases": {},
        "patterns": [], "rejected": [{"topic": "BTC-USDT", "code": "unknown_topic", "message": "not here"}]});
    let mut bot = closed_with(&stage, 1012).await;
    let mut actor = stage.client().await;
    actor.hear().await;
    actor.say(rejected.clone()).await;
    bot.program.says("BTC-USDT: not here", 1).await;
    stage.client().await.subscribe(Some(ticker("100", 1))).await;
    let stage = Stage::start().await;
    let mut late = Bot::start(&stage.url(), &[]);
    let mut actor = stage.client().await;
    actor.hear().await;
    actor.say(rejected).await;
    assert_eq!(late.program.exit().await, Some(1));
    assert!(late.program.stderr.contain("bot: BTC-USDT: not here"), "{}", late.program.said());
}

#[tokio::test]
async fn mistakes_on_the_command_line_are_named() {
    for (args, said) in [
        (&["BTC-USDT"][..], "--above --below is required"),
        (&["BTC-USDT", "--above", "much"], "'much' is no price"),
        (&["BTC-USDT", "--below", "NaN"], "'NaN' is no price"),
        (&["--above", "1"], "required: topic"),
        (&["ticker:*:BTC-USDT", "--above", "1"], "one ticker, please"),
        (&["BTC-USDT", "--above", "1", "--silence", "0"], "--silence must be"),
    ] {
        let mut bot = Program::start(PYTHON, |command| {
            command.arg(example("bot.py")).args(args);
        });
        assert_eq!(bot.exit().await, Some(2));
        assert!(bot.stderr.contain(said), "{}", bot.said());
    }
}
