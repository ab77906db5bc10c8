//! When the bot comes back, and when it does not.

use super::{
    bot::Bot,
    program::{PYTHON, Program, example},
    stage::{Stage, ticker},
};
use futures_util::future::join_all;
use serde_json::json;

/// Bots that are interrupted: of those that swallow some interrupts, one does.
const INTERRUPTS: usize = 8;
/// Messages that come before the interrupt,
const SOME: u64 = 2_000;
/// and with those after it, if it does not end: what it reads in seconds.
const MANY: u64 = 100_000;

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
async fn sent_to_where_no_gateway_can_be_it_gives_up() {
    let stage = Stage::start().await;
    let mut bot = Bot::start(&stage.url(), &[]);
    stage.refuse("302 Found\r\nLocation: https://login.example/").await;
    assert_eq!(bot.program.exit().await, Some(1));
    let said = bot.program.stderr.text();
    assert!(said.contains("bot: https://login.example/ isn't a valid URI"), "{said}");
}

/// With a message at every moment, one comes together with the interrupt.
#[tokio::test]
async fn an_interrupt_ends_it_however_much_comes() {
    let ends = (0..INTERRUPTS).map(async |_| {
        let stage = Stage::start().await;
        let mut bot = Bot::start(&stage.url(), &[]);
        let mut actor = stage.client().await;
        actor.subscribe(Some(ticker("100", 1))).await;
        bot.program.says("up to date", 1).await;
        for seq in 2..MANY {
            if seq == SOME {
                bot.program.signal("INT");
            }
            // Until it hangs up.
            if !actor.offer(ticker("100", seq)).await {
                break;
            }
        }
        assert_eq!(bot.program.exit().await, Some(0), "{}", bot.program.said());
    });
    join_all(ends).await;
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
        (&["BTC-USDT", "--above", "1", "--rearm-bps", "-50"], "--rearm-bps must be"),
        (&["BTC-USDT", "--above", "1", "--url", "nonsense"], "nonsense isn't a valid URI"),
        (&["BTC-USDT", "--above", "1", "--url", "ws://here:99999"], "Port out of range"),
    ] {
        let mut bot = Program::start(PYTHON, |command| {
            command.arg(example("bot.py")).args(args);
        });
        assert_eq!(bot.exit().await, Some(2));
        assert!(bot.stderr.contain(said), "{}", bot.said());
    }
}
