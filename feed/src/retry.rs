//! What would become of a message now: read with the present codec, judged by fresh rules. Nothing
//! is published.

use crate::{
    exchange::{Event, Exchange, Market, Update},
    quality::{Accounting, Change, DeadLetters, Filter, Generation, Quality, Refusal, Verdict},
};
use tickcast_shared::{admin::Queues, clock::Micros, market::Symbol};

/// What would become of one statement in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// This would be published.
    Publish(Box<Change>),
    /// It is sound, and completes a price that other messages tell.
    Completes,
    /// It would be refused.
    Refused(Refusal),
    /// It is about a symbol whose name is not ours to guess: none of the known ones.
    UnknownSymbol(String),
    /// It is no price: an acknowledgement, an error, a sign of life.
    NoPrice,
}

/// What would become of a message of this exchange. `symbols` are those that are configured;
/// `now` is when it was received.
#[must_use]
pub fn retry(
    exchange: &'static dyn Exchange,
    symbols: &[Symbol],
    raw: &str,
    now: Micros,
) -> Vec<Retried> {
    let mut all = Vec::new();
    let read = exchange.decode(raw, &mut |event| {
        all.push(match event {
            Event::Update(update) => judge(exchange, symbols, &update, raw, now),
            _ => Retried::NoPrice,
        });
    });
    if let Err(error) = read {
        all.push(Retried::Refused(error.into()));
    }
    all
}

fn judge(
    exchange: &'static dyn Exchange,
    symbols: &[Symbol],
    update: &Update<'_>,
    raw: &str,
    now: Micros,
) -> Retried {
    if update.market != Market::Spot {
        return Retried::Refused(Refusal::WrongMarket);
    }
    let unknown = || Retried::UnknownSymbol(update.symbol.to_owned());
    let (Some(symbol), Ok(id)) =
        (symbol_of(exchange, symbols, update.symbol), exchange.name().parse())
    else {
        return unknown();
    };
    let letters = DeadLetters::new(&Queues::default());
    let name = update.symbol.to_owned();
    let known = [(symbol, name.clone())];
    let mut quality = Quality::new(Accounting::of(&id), letters.clone(), &known, false, now);
    let generation = Generation(1);
    quality.begin(generation, false, &[Some(name)]);
    match quality.update(generation, update, raw, now) {
        Verdict::Publish(change) => Retried::Publish(change),
        Verdict::Quiet => Retried::Completes,
        Verdict::Refused => {
            let newest = letters.report(&Filter::default(), 1).letters.pop();
            newest.map_or_else(unknown, |letter| Retried::Refused(letter.reason))
        }
    }
}

/// The symbol that the venue calls by this name, as far as its naming rule tells: a configured one,
/// or one whose name shows where base and quote meet.
fn symbol_of(exchange: &dyn Exchange, symbols: &[Symbol], name: &str) -> Option<Symbol> {
    let is_it = |symbol: &Symbol| exchange.name_by_rule(symbol) == name;
    let configured = symbols.iter().find(|symbol| is_it(symbol)).cloned();
    configured.or_else(|| name.replace('/', "-").parse().ok().filter(is_it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::by_name;

    fn retried(exchange: &str, symbols: &[&str], raw: &str) -> Vec<Retried> {
        let symbols: Vec<Symbol> = symbols.iter().map(|text| text.parse().unwrap()).collect();
        retry(by_name(exchange).unwrap(), &symbols, raw, Micros(7))
    }

    fn okx(market: &str, last: &str) -> String {
        format!(
            r#"{{"arg":{{"channel":"tickers","instId":"BTC-USDT"}},"data":[{{"instType":"{market}","instId":"BTC-USDT","last":"{last}"}}]}}"#
        )
    }

    #[test]
    fn a_sound_message_would_be_published() {
        let all = retried("okx", &[], &okx("SPOT", "10"));
        let [Retried::Publish(change)] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!(change.0.as_str(), "ticker:okx:BTC-USDT");
        assert_eq!(change.1.last_price, "10".parse().ok());
    }

    #[test]
    fn others_would_be_refused_again() {
        use Refusal::{NothingUsable, Undecodable, WrongMarket};
        assert_eq!(retried("okx", &[], "{"), [Retried::Refused(Undecodable)]);
        assert_eq!(retried("okx", &[], &okx("SPOT", "0")), [Retried::Refused(NothingUsable)]);
        assert_eq!(retried("okx", &[], &okx("SWAP", "1")), [Retried::Refused(WrongMarket)]);
        assert_eq!(retried("okx", &[], "pong"), [Retried::NoPrice]);
    }

    #[test]
    fn a_name_without_a_separator_must_be_configured() {
        let raw = r#"{"stream":"btcusdt@ticker","data":{"s":"BTCUSDT","c":"10"}}"#;
        assert_eq!(retried("binance", &[], raw), [Retried::UnknownSymbol("BTCUSDT".to_owned())]);
        let all = retried("binance", &["ETH-USDT", "BTC-USDT"], raw);
        assert!(matches!(all.as_slice(), [Retried::Publish(_)]), "{all:?}");
    }
}
