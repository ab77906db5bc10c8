//! Everything that is known of one topic.

use super::{
    board::Moment,
    market::Market,
    table::{NOTHING, spark},
    topic::Topic,
};
use crate::watch::times::{age_text, time_of_day};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph},
};
use serde_json::Value;
use tickcast_shared::clock::Micros;

/// The order of well-known fields; others follow.
const ORDER: [&str; 22] = [
    "last_price",
    "bid_price",
    "bid_qty",
    "ask_price",
    "ask_qty",
    "open_24h",
    "high_24h",
    "low_24h",
    "volume_24h",
    "quote_volume_24h",
    "open",
    "high",
    "low",
    "close",
    "state",
    "source",
    "simulated",
    "exchange_ts",
    "trade_ts",
    "received_ts",
    "published_ts",
    "epoch",
];
/// Columns that name and value take at least.
const FIELD_WIDTH: u16 = 38;
/// Columns of the name.
const NAME_WIDTH: usize = 17;
/// Border, spark line and the line below it.
const AROUND: u16 = 4;

/// Lines that a topic's details take at this width.
pub fn height(topic: &Topic, width: u16, now: Micros) -> u16 {
    let fields = fields(&topic.message, now).len().div_ceil(usize::from(columns(width)));
    u16::try_from(fields).unwrap_or(u16::MAX).saturating_add(AROUND)
}

fn columns(width: u16) -> u16 {
    (width.saturating_sub(2) / FIELD_WIDTH).max(1)
}

/// Draws them.
pub fn draw(frame: &mut Frame<'_>, area: Rect, topic: &Topic, market: &Market, moment: Moment) {
    let theme = moment.theme;
    let why = market.reason(topic).map_or_else(String::new, |reason| format!(": {reason}"));
    let title = format!(" {}  {}{why} ", topic.quote.topic, topic.word());
    let block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.name());
    let block = block.title(Span::styled(title, theme.state(topic.quote.state)));
    let inner = block.inner(area);
    frame.render_widget(Clear, area);
    frame.render_widget(block, area);
    let [prices, rest] =
        Layout::vertical([Constraint::Length(2), Constraint::Fill(1)]).areas(inner);
    frame.render_widget(Paragraph::new(history(topic, inner.width, moment)), prices);
    let fields = fields(&topic.message, moment.gateway());
    let parts = Layout::horizontal(vec![Constraint::Fill(1); usize::from(columns(area.width))]);
    let lines = fields.len().div_ceil(usize::from(columns(area.width))).max(1);
    for (part, fields) in parts.split(rest).iter().zip(fields.chunks(lines)) {
        let lines = fields.iter().map(|(name, value)| {
            Line::from(vec![
                Span::styled(format!("{name:<NAME_WIDTH$} "), theme.name()),
                Span::raw(value.clone()),
            ])
        });
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), *part);
    }
}

/// The prices of the last while, and between which two they were.
fn history(topic: &Topic, width: u16, moment: Moment) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let range = topic.spark.range(width).map_or_else(String::new, |(low, high)| {
        let change = topic.change().map(|it| format!(", {:.3} % since the start", it.round_dp(3)));
        format!("from {low} to {high}{}", change.unwrap_or_default())
    });
    vec![spark(topic, width, moment), Line::styled(range, moment.theme.quiet())]
}

/// Names and values of a message, in an order that can be read.
fn fields(message: &str, now: Micros) -> Vec<(String, String)> {
    let Ok(Value::Object(mut message)) = serde_json::from_str(message) else { return Vec::new() };
    if let Some(Value::Object(bar)) = message.remove("bar") {
        message.extend(bar);
    }
    let place = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    let mut fields: Vec<(String, Value)> = message.into_iter().collect();
    fields.retain(|(name, _)| !matches!(name.as_str(), "type" | "topic" | "symbol" | "exchange"));
    fields.sort_by_key(|(name, _)| place(name));
    fields.into_iter().flat_map(|(name, value)| lines(&name, &value, now)).collect()
}

/// A field's lines: one, or one for each exchange that an index was made of.
fn lines(name: &str, value: &Value, now: Micros) -> Vec<(String, String)> {
    match value {
        Value::Array(items) => {
            items.iter().map(|item| (part_name(name, item), part(item, now))).collect()
        }
        value => vec![(name.to_owned(), text(name, value, now))],
    }
}

fn part_name(name: &str, item: &Value) -> String {
    let exchange = item.get("exchange").and_then(Value::as_str).unwrap_or_default();
    if name == "excluded" { format!("without {exchange}") } else { format!("of {exchange}") }
}

fn part(item: &Value, now: Micros) -> String {
    let Value::Object(fields) = item else { return item.to_string() };
    let fields = fields.iter().filter(|(name, _)| *name != "exchange");
    fields.map(|(name, value)| text(name, value, now)).collect::<Vec<_>>().join("  ")
}

/// A value as it came; a time of day with its age.
fn text(name: &str, value: &Value, now: Micros) -> String {
    match value {
        Value::Null => NOTHING.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if name.ends_with("_ts") || name.ends_with("_time") => {
            let Some(at) = number.as_i64().map(Micros) else { return number.to_string() };
            if at > now {
                return time_of_day(at);
            }
            format!("{} ({} ago)", time_of_day(at), age_text(now.since(at)))
        }
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(message: &str) -> Vec<String> {
        let fields = fields(message, Micros(10_000_000));
        fields.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn every_field_is_shown_those_of_tomorrow_too() {
        let message = r#"{"type":"ticker","topic":"t","weather":"fine","seq":3,"received_ts":9000000,
            "ask_price":null,"last_price":"1.50","simulated":true}"#;
        assert_eq!(
            shown(message),
            [
                "last_price=1.50",
                "ask_price=–",
                "simulated=true",
                "received_ts=00:00:09.000 (1.0 s ago)",
                "seq=3",
                "weather=fine"
            ]
        );
    }

    #[test]
    fn an_index_names_what_it_was_made_of() {
        let message = r#"{"type":"ticker","sources":[{"exchange":"okx","price":"1.5","received_ts":9500000}],
            "excluded":[{"exchange":"kraken","reason":"stale"}]}"#;
        assert_eq!(
            shown(message),
            ["without kraken=stale", "of okx=1.5  00:00:09.500 (0.5 s ago)"]
        );
    }

    #[test]
    fn a_bar_shows_what_is_in_it() {
        let message = r#"{"type":"kline","topic":"t","bar":{"open_time":0,"close_time":60000000,"open":"1"}}"#;
        assert_eq!(
            shown(message),
            ["open=1", "close_time=00:01:00.000", "open_time=00:00:00.000 (10 s ago)"]
        );
        assert!(shown("no JSON").is_empty());
    }
}
