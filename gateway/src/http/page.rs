//! The page at `/`: the last prices as a plain table, without script.

use super::App;
use crate::auth::Access;
use axum::{
    extract::State,
    http::{HeaderName, header},
    response::{Html, IntoResponse},
};
use std::fmt::Write as _;
use tickcast_shared::market::{Channel, Price, State as TickerState};

/// The page may load nothing and run nothing but its own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// Rows shown; the rest is named as a number.
const MAX_ROWS: usize = 200;

/// `GET /`
pub async fn show(State(app): State<App>, access: Access) -> impl IntoResponse {
    let headers: [(HeaderName, &str); 1] = [(header::CONTENT_SECURITY_POLICY, POLICY)];
    (headers, Html(render(&app, &access)))
}

fn render(app: &App, access: &Access) -> String {
    let mut all = app.prices.all();
    all.retain(|(topic, _)| topic.channel() == Channel::Ticker && access.allows(topic));
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    let simulated =
        all.iter().any(|(_, shown)| shown.record.body.ticker().is_some_and(|it| it.simulated));
    let mut rows = String::new();
    for (topic, shown) in all.iter().take(MAX_ROWS) {
        let Some(ticker) = shown.record.body.ticker() else { continue };
        let note = if ticker.simulated { "simulated" } else { "" };
        // Writing to a String cannot fail; every value is a checked type without markup.
        let _ = write!(
            rows,
            "<tr class={state}><td>{topic}<td>{last}<td>{bid}<td>{ask}<td>{state}<td>{note}",
            state = state(shown.state),
            last = text(ticker.last_price),
            bid = text(ticker.bid_price),
            ask = text(ticker.ask_price),
        );
    }
    let banner = if simulated { "<p class=sim>These prices are simulated.</p>" } else { "" };
    let more = all.len().saturating_sub(MAX_ROWS);
    PAGE.replace("{banner}", banner)
        .replace("{rows}", &rows)
        .replace("{more}", &if more > 0 { format!("and {more} more") } else { String::new() })
}

fn text(price: Option<Price>) -> String {
    price.map(|price| price.to_string()).unwrap_or_default()
}

fn state(state: TickerState) -> &'static str {
    match state {
        TickerState::Pending => "pending",
        TickerState::Live => "live",
        TickerState::Stale => "stale",
        TickerState::Halted => "halted",
    }
}

const PAGE: &str = include_str!("page.html");
