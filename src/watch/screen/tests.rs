//! The screen on a terminal of memory.

use super::{board::Board, fixture, theme::Theme, view::Wish};
use crate::watch::news::News;
use crossterm::event::KeyCode;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};
use std::time::Duration;
use tickcast_shared::clock::Micros;

const SECOND: i64 = 1_000_000;

struct Scene {
    board: Board,
    now: Micros,
    size: (u16, u16),
}

impl Scene {
    /// Connected, at the gateway's time 0.
    fn new(width: u16, height: u16) -> Self {
        let theme = Theme { has_colours: true };
        let board = Board::new("ws://gateway/ws".into(), theme, Micros(0));
        let mut scene = Self { board, now: Micros(0), size: (width, height) };
        scene.connect();
        scene
    }

    fn connect(&mut self) {
        self.hear(News::Dialling);
        self.hear(News::Connected);
        self.say(r#"{"type":"welcome","server":"tickcast","version":"1.2.3","time":0,"heartbeat_ms":20000}"#);
    }

    fn hear(&mut self, piece: News) {
        self.board.hear(piece, self.now);
    }

    fn say(&mut self, text: &str) {
        self.hear(News::Message(text.into(), serde_json::from_str(text).unwrap()));
    }

    fn tick(&mut self, topic: &str, last: &str) {
        self.say(&fixture::ticker(topic, last, "live"));
    }

    fn press(&mut self, keys: &str) {
        for letter in keys.chars() {
            assert_ne!(self.board.key(KeyCode::Char(letter).into(), self.now), Wish::Quit);
        }
    }

    fn draw(&mut self) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(self.size.0, self.size.1)).unwrap();
        terminal.draw(|frame| self.board.draw(frame, self.now)).unwrap();
        terminal.backend().buffer().clone()
    }

    fn text(&mut self) -> String {
        let buffer = self.draw();
        let rows = buffer.content.chunks(usize::from(self.size.0));
        let rows =
            rows.map(|row| row.iter().map(ratatui::buffer::Cell::symbol).collect::<String>());
        rows.map(|row| row.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
    }

    /// The line of a topic.
    fn line(&mut self, word: &str) -> String {
        let text = self.text();
        let line = text.lines().find(|line| line.contains(word));
        line.unwrap_or_else(|| panic!("no {word} in\n{text}")).to_owned()
    }
}

#[test]
fn a_topic_has_a_line_with_everything() {
    let mut scene = Scene::new(110, 12);
    for (at, last) in [(0, "100"), (1, "102"), (2, "101.5")] {
        scene.now = Micros(at * SECOND);
        scene.tick("ticker:okx:BTC-USDT", last);
    }
    let line = scene.line("BTC-USDT");
    for part in
        [" okx ", " ▼ 101.5 ", " +1.500 % ", " 99.5 ", " 100.5 ", " 2.0 s ", " live SIM ", "▁█▆"]
    {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert_eq!(scene.line("connected"), " ● connected to ws://gateway/ws  tickcast 1.2.3");
    assert!(scene.text().contains("SIMULATED PRICES"));
}

#[test]
fn ages_are_told_by_the_gateways_clock() {
    let mut scene = Scene::new(110, 12);
    scene.now = Micros(5 * SECOND);
    scene.say(r#"{"type":"welcome","time":1000000}"#);
    scene.tick("ticker:okx:BTC-USDT", "1");
    assert!(scene.line("BTC-USDT").contains(" 1.0 s "), "{}", scene.text());
}

#[test]
fn nothing_is_live_without_a_connection() {
    let mut scene = Scene::new(110, 12);
    scene.tick("ticker:okx:BTC-USDT", "1");
    scene.say(r#"{"type":"closing","code":1012,"reason":"service restart","reconnect":true,"reconnect_after_ms":1}"#);
    assert!(scene.text().contains("the gateway closes: 1012 service restart"));
    scene.hear(News::Lost { why: "it left".into(), again_after: Duration::from_secs(3) });
    scene.now = Micros(SECOND);
    assert!(scene.line("BTC-USDT").contains("NOT LIVE"), "{}", scene.text());
    assert!(scene.line("NO CONNECTION").contains("again in 2 s (attempt 1)"));
    assert!(scene.text().contains("it left"), "{}", scene.text());
    scene.connect();
    assert!(scene.line("BTC-USDT").contains("NOT LIVE"), "until it is told again");
    scene.tick("ticker:okx:BTC-USDT", "2");
    assert!(scene.line("BTC-USDT").contains(" live "), "{}", scene.text());
    assert!(!scene.text().contains("NO CONNECTION"));
}

#[test]
fn what_is_not_live_says_why() {
    let mut scene = Scene::new(110, 12);
    scene.say(&fixture::status("topic", "ticker:okx:BTC-USDT", "stale", "quorum"));
    scene.say(&fixture::ticker("ticker:okx:BTC-USDT", "1", "stale"));
    scene.say(&fixture::ticker("ticker:okx:ETH-USDT", "1", "halted"));
    assert!(scene.line("BTC-USDT").contains("STALE SIM quorum"), "{}", scene.text());
    assert!(scene.line("1 STALE").contains("1 HALTED"), "{}", scene.text());
    scene.size.0 = 40;
    scene.board.resized();
    assert!(scene.line("BTC-USDT").contains("STALE SIM"), "{}", scene.text());
    assert!(scene.line("1 STALE").contains("1 HALTED"), "{}", scene.text());
}

#[test]
fn a_stopped_screen_says_so_and_goes_on_hearing() {
    let mut scene = Scene::new(110, 12);
    scene.tick("ticker:okx:BTC-USDT", "100");
    scene.press("p");
    scene.tick("ticker:okx:BTC-USDT", "777");
    scene.now = Micros(SECOND);
    assert!(scene.text().contains("PAUSED at 00:00:00"));
    assert!(scene.line("BTC-USDT").contains(" 100 "), "{}", scene.text());
    assert!(scene.line("BTC-USDT").contains(" 0.0 s "), "its age then");
    scene.press(" ");
    assert!(!scene.text().contains("PAUSED"));
    assert!(scene.line("BTC-USDT").contains(" 777 "), "{}", scene.text());
}

#[test]
fn the_filter_is_seen_and_counted() {
    let mut scene = Scene::new(110, 12);
    scene.tick("ticker:okx:BTC-USDT", "1");
    scene.tick("ticker:okx:ETH-USDT", "1");
    scene.press("/eth");
    let text = scene.text();
    assert!(text.contains(" filter:  eth▏") && text.contains("1 of 2 topics"), "{text}");
    assert!(!text.contains("BTC-USDT"), "{text}");
    scene.press("x");
    assert!(scene.text().contains("nothing matches the filter"));
}

#[test]
fn more_topics_than_lines_scroll() {
    let mut scene = Scene::new(80, 10);
    for n in 0..20 {
        scene.tick(&format!("ticker:okx:C{n:02}-USDT"), "1");
    }
    assert!(scene.text().contains("C04-USDT") && !scene.text().contains("C05-USDT"));
    scene.board.key(KeyCode::End.into(), scene.now);
    assert!(scene.line("C19-USDT").contains('▸'), "{}", scene.text());
    assert!(!scene.text().contains("C14-USDT"), "{}", scene.text());
}

#[test]
fn details_show_every_field_of_the_message() {
    for (width, height) in [(110, 30), (40, 20)] {
        let mut scene = Scene::new(width, height);
        scene.tick("ticker:okx:BTC-USDT", "100.50");
        scene.board.key(KeyCode::Enter.into(), scene.now);
        let text = scene.text();
        for part in
            ["ticker:okx:BTC-USDT", "last_price        100.50", "received_ts       00:00:00.000"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
    }
}

#[test]
fn details_go_over_to_the_topic_that_takes_the_place() {
    let mut scene = Scene::new(110, 30);
    scene.tick("ticker:okx:BTC-USDT", "1");
    scene.tick("ticker:okx:ETH-USDT", "1");
    scene.board.key(KeyCode::Enter.into(), scene.now);
    assert!(scene.text().contains("ticker:okx:BTC-USDT"), "{}", scene.text());
    scene.press("/eth");
    assert!(scene.text().contains("ticker:okx:ETH-USDT"), "at once");
}

#[test]
fn klines_stand_beside_prices() {
    let mut scene = Scene::new(110, 12);
    let bar = |open_time: i64, close: &str, closed| {
        serde_json::json!({"open_time": open_time, "close_time": open_time + 60 * SECOND,
            "open": "2", "high": "4", "low": "1", "close": close, "ticks": 7, "closed": closed,
            "complete": closed, "source": "ticker"})
    };
    let topic = "kline:okx:BTC-USDT:1m";
    let bars = [bar(0, "2", true), bar(60 * SECOND, "4", true)];
    scene.say(&serde_json::json!({"type": "klines", "topic": topic, "bars": bars}).to_string());
    assert!(scene.line("BTC-USDT 1m").contains(" closed"), "{}", scene.text());
    let message =
        serde_json::json!({"type": "kline", "topic": topic, "bar": bar(120 * SECOND, "3", false)});
    scene.say(&message.to_string());
    let line = scene.line("BTC-USDT 1m");
    assert!(line.contains(" open incomplete") && line.contains("▁█▅"), "{line}");
    scene.board.key(KeyCode::Enter.into(), scene.now);
    assert!(scene.text().contains("complete          false"), "{}", scene.text());
}

#[test]
fn a_slow_terminal_a_refusal_and_new_listings_are_told() {
    let mut scene = Scene::new(110, 12);
    scene.say(r#"{"type":"lagging","active":true,"since":0,"skipped":1}"#);
    scene.hear(News::Warning("NOPE: unknown_topic: no such topic".into()));
    scene.say(r#"{"type":"topics_added","pattern":"ticker:*:*","topics":["a","b"]}"#);
    let text = scene.text();
    for part in ["SLOW TERMINAL", "NOPE: unknown_topic", "2 new topics of ticker:*:*"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    scene.say(r#"{"type":"lagging","active":false,"since":0,"skipped":1}"#);
    scene.now = Micros(31 * SECOND);
    let text = scene.text();
    assert!(!text.contains("SLOW TERMINAL") && !text.contains("NOPE"), "{text}");
}

#[test]
fn no_size_breaks_it() {
    for (width, height) in [(1, 1), (2, 30), (9, 3), (20, 5), (40, 10), (300, 80)] {
        let mut scene = Scene::new(width, height);
        for topic in ["ticker:coinbase:LONGNAME-USDT", "odd", "a:b", "kline:okx:BTC-USDT:1m"] {
            scene.tick(topic, "12345678.123456789");
        }
        for keys in ["", "/", "x\u{7f}", "ö", "?", "?", "p"] {
            scene.press(keys);
            scene.draw();
            scene.board.key(KeyCode::Enter.into(), scene.now);
            scene.board.key(KeyCode::PageDown.into(), scene.now);
            scene.draw();
        }
    }
}

#[test]
fn it_is_drawn_when_there_is_something_to_draw() {
    let mut scene = Scene::new(80, 10);
    assert!(scene.board.is_due(scene.now));
    scene.draw();
    assert!(!scene.board.is_due(scene.now));
    assert!(scene.board.is_due(Micros(SECOND / 2)), "ages grow");
    scene.tick("ticker:okx:BTC-USDT", "1");
    assert!(scene.board.is_due(scene.now));
    scene.draw();
    scene.press("s");
    assert!(scene.board.is_due(scene.now));
}

#[test]
fn the_keys_are_explained() {
    let mut scene = Scene::new(80, 24);
    scene.press("?");
    let text = scene.text();
    for part in ["filter", "sort", "reverse", "stop the screen", "leave"] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    assert!(scene.board.key(KeyCode::Char('q').into(), scene.now) == Wish::Quit);
}
