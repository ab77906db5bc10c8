//! What must hold for any input of a stranger, as functions that panic where it does not: the bodies
//! of the targets in `tests/fuzz` and of the tests in `tests/hostile_input.rs`.

pub use crate::bus::wire::fuzz::bus_value;

use crate::{
    config,
    protocol::{Asked, Command, Request, Subscribe},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// What an error says besides the words of the client that it repeats, in bytes.
const OWN_WORDS: usize = 300;
/// How much longer a character becomes at most when it is shown escaped (`\u{10ffff}` for four).
const ESCAPED: usize = 8;

/// A client's text. What is understood says the same when it is written anew; what is not is
/// refused in a few words.
pub fn client_command(text: &str) {
    match Request::parse(text) {
        Ok(request) => {
            let id = request.id.as_ref().map(written_id);
            let again = Request::parse(&written(&request.command, id.as_ref()).to_string());
            let again = again.unwrap_or_else(|error| panic!("{request:?} anew: {error:?}"));
            assert_eq!(again.command, request.command);
            assert_eq!(again.id.as_ref().map(written_id), id);
        }
        Err(error) => {
            let most = OWN_WORDS + ESCAPED * text.len();
            assert!(!error.message.is_empty() && error.message.len() <= most, "{error:?}");
            let _ = error.id.as_ref().map(written_id);
        }
    }
}

/// An id as it is echoed; always JSON.
fn written_id(id: &impl Serialize) -> Value {
    serde_json::to_value(id).unwrap_or_else(|error| panic!("an id that cannot be echoed: {error}"))
}

fn written(command: &Command, id: Option<&Value>) -> Value {
    let message = match command {
        Command::Ping => json!({"op": "ping"}),
        Command::Subscribe(Subscribe { topics, asked, since }) => {
            let Asked { interval_ms, min_change_bps, max_silence_ms, history } = asked;
            let since: Map<String, Value> = since
                .iter()
                .map(|(topic, at)| (topic.clone(), json!({"epoch": at.epoch, "seq": at.seq})))
                .collect();
            json!({
                "op": "subscribe", "topics": topics, "since": since, "interval_ms": interval_ms,
                "min_change_bps": min_change_bps, "max_silence_ms": max_silence_ms,
                "history": history,
            })
        }
        Command::Unsubscribe { topics } => json!({"op": "unsubscribe", "topics": topics}),
        Command::List => json!({"op": "list"}),
        Command::Topics { matching, limit, cursor } => {
            json!({"op": "topics", "match": matching, "limit": limit, "cursor": cursor})
        }
        Command::Auth { token } => json!({"op": "auth", "token": token.expose()}),
    };
    let Value::Object(mut fields) = message else { return message };
    fields.extend(id.map(|id| ("id".to_owned(), id.clone())));
    // A key that is not set is left out: null is another thing for some.
    fields.retain(|_, value| !value.is_null());
    Value::Object(fields)
}

/// The text of a configuration file: settings that read the same once they are printed, or a
/// mistake on one line.
pub fn configuration<T>(sample: &T, text: &str) -> Option<T>
where
    T: Default + Serialize + DeserializeOwned,
{
    let printed = |settings: &T| toml::to_string(settings).unwrap_or_else(|it| panic!("{it}"));
    match config::load_text(sample, text) {
        Ok(settings) => {
            let first = printed(&settings);
            let again = config::load_text(sample, &first);
            let again = again.unwrap_or_else(|error| panic!("{error}, in\n{first}"));
            assert_eq!(printed(&again), first);
            Some(settings)
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.is_empty() && !line.contains('\n'), "{line:?}");
            None
        }
    }
}
