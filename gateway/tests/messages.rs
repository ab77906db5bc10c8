//! The specification and the server agree on what a client may say: what fits the schema is served,
//! what does not is answered with an error that says so.

use crate::{
    auth::with_auth,
    support::{Client, Stage},
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    strategy::{Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};

/// Messages of a run: some seconds.
const MESSAGES: usize = 600;
/// Of the error codes those that say that a message is none. With others a message is understood,
/// and not served all the same: that is not for a schema.
const MALFORMED: [&str; 5] = ["bad_json", "unknown_op", "unknown_field", "bad_field", "bad_topic"];

/// Values of every kind. Whole numbers are written without a point: to JSON Schema `7.0` is a whole
/// number, the server takes only `7`, since whoever writes a fraction means something else. And a
/// key that stands there twice, a number beyond all bounds (`1e999`) or half a character (`"\ud800"`)
/// is nothing that a schema could speak of; the server takes the last one and refuses the others.
fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        prop_oneof![-2_i64..600, Just(3_600_000), Just(3_600_001), any::<i64>()]
            .prop_map(Value::from),
        Just(Value::from(u64::MAX)),
        (0_i64..9).prop_map(|it| Value::from(it as f64 + 0.5)),
        text().prop_map(Value::from),
        vec(text(), 0..3).prop_map(Value::from),
        stamps(),
        Just(json!([1, null])),
        Just(json!({})),
    ]
}

/// Texts around those that name topics.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,6}",
        "(ticker:|kline:|\\*:|)(okx:|[a-z]{0,2}\\*?:|)[A-C]{0,2}\\*?-?[A-C]{0,2}\\*?(:1m|:2m|:\\*|)",
        Just("BTC-USDT".to_owned()),
        Just("*".to_owned()),
    ]
}

fn stamps() -> impl Strategy<Value = Value> {
    let stamp = prop_oneof![
        (any::<u64>(), any::<u64>()).prop_map(|(epoch, seq)| json!({"epoch": epoch, "seq": seq})),
        (any::<i64>(), option::of(0..9))
            .prop_map(|(epoch, seq)| json!({"epoch": epoch, "seq": seq})),
        Just(json!({"epoch": 1})),
        Just(json!({"epoch": 1, "seq": 2, "colour": 3})),
    ];
    (text(), stamp).prop_map(|(topic, stamp)| json!({topic: stamp}))
}

/// A value that fits a key, more or less.
fn value_of(key: &str) -> BoxedStrategy<Value> {
    let fitting = match key {
        "id" => {
            prop_oneof![text().prop_map(Value::from), any::<i32>().prop_map(Value::from)].boxed()
        }
        "topics" => vec(text(), 0..3).prop_map(Value::from).boxed(),
        "match" | "cursor" | "token" => text().prop_map(Value::from).boxed(),
        "since" => stamps().boxed(),
        _ => (0..600).prop_map(Value::from).boxed(),
    };
    prop_oneof![6 => fitting, 1 => anything()].boxed()
}

/// A message of an operation, with some of its keys, and with strange ones now and then.
fn message() -> impl Strategy<Value = Value> {
    let settings = ["interval_ms", "min_change_bps", "max_silence_ms", "history", "since"];
    let operations = [
        ("ping", vec![]),
        ("list", vec![]),
        ("subscribe", [&["topics"][..], &settings].concat()),
        ("unsubscribe", vec!["topics"]),
        ("topics", vec!["match", "limit", "cursor"]),
        ("auth", vec!["token"]),
        ("fly", vec!["topics"]),
    ];
    prop::sample::select(operations.to_vec()).prop_flat_map(|(op, keys)| {
        let keys = [&["id"][..], &keys].concat();
        let values: Vec<_> = keys.iter().map(|key| option::weighted(0.6, value_of(key))).collect();
        let strange = option::weighted(0.1, ("op|Topics|colour", anything()));
        (Just((op, keys)), values, strange).prop_map(|((op, keys), values, strange)| {
            let mut message = Map::from_iter([("op".to_owned(), json!(op))]);
            for (key, value) in keys.iter().zip(values) {
                message.extend(value.map(|value| ((*key).to_owned(), value)));
            }
            message.extend(strange);
            Value::Object(message)
        })
    })
}

/// Whether the server takes a message for one: it is asked for a sign of life behind it.
async fn is_understood(client: &mut Client, message: &Value, number: usize) -> Result<(), Value> {
    client.send(&message.to_string()).await;
    let mark = json!({"op": "ping", "id": format!("mark {number}")});
    client.send(&mark.to_string()).await;
    let mut verdict = Ok(());
    loop {
        let answer = client.next().await;
        let code = answer["code"].as_str().unwrap_or_default();
        if answer["type"] == "error" && MALFORMED.contains(&code) {
            verdict = Err(answer);
        } else if answer["type"] == "pong" && answer["id"] == mark["id"] {
            return verdict;
        }
    }
}

#[tokio::test]
async fn a_message_is_understood_if_it_fits_the_schema() {
    let mut stage = Stage::start(|config| {
        with_auth(config);
        config.auth.required = Some(false);
        config.limits.commands_per_second = 0;
    })
    .await;
    stage.prices(&["ticker:kucoin:BTC-USDT", "ticker:okx:A-B"], "1").await;
    let schema = jsonschema::validator_for(&tickcast_gateway::spec::client_messages()).unwrap();
    // The same messages each time: a test that fails once in a while teaches nobody.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let messages = message();
    let mut client = stage.client("").await;
    let mut verdicts = [0; 2];
    for number in 0..MESSAGES {
        let message = messages.new_tree(&mut runner).unwrap().current();
        let (fits, understood) =
            (schema.is_valid(&message), is_understood(&mut client, &message, number).await);
        assert_eq!(fits, understood.is_ok(), "{message}: {understood:?}");
        verdicts[usize::from(fits)] += 1;
    }
    let [refused, served] = verdicts;
    assert!(refused > MESSAGES / 5 && served > MESSAGES / 5, "{refused} refused, {served} served");
}
