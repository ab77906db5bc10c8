//! Everything on the screen: what the gateway told, what the user chose, and how both are drawn.

use super::{
    columns::Widths,
    connection::{Connection, State},
    details, foot, head,
    market::Market,
    table::Lines,
    theme::Theme,
    topic::Topic,
    view::{Mode, View, Wish},
};
use crate::watch::{
    message::{Incoming, Welcome},
    news::News,
};
use crossterm::event::KeyEvent;
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    widgets::Paragraph,
};
use std::{collections::VecDeque, time::Duration};
use tickcast_shared::clock::Micros;

/// Without news the screen is drawn so often: ages grow, waits shrink, lights go out.
const REFRESH_EVERY: Duration = Duration::from_millis(500);
/// How long a notice stays.
const NOTICE_LASTS: Duration = Duration::from_secs(30);
/// Notices shown at once: prices need the room.
const SHOWN_NOTICES: usize = 2;
/// Lines of topics that details leave, where there are that many.
const LINES_BESIDE_DETAILS: u16 = 6;

/// When something is drawn, and how.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The time on our clock.
    pub now: Micros,
    /// How far the gateway's clock is ahead of ours, in microseconds.
    pub ahead: i64,
    /// What things look like.
    pub theme: Theme,
}

impl Moment {
    /// The time on the gateway's clock.
    pub fn gateway(self) -> Micros {
        Micros(self.now.0 + self.ahead)
    }
}

/// Something the user is told once.
#[derive(Debug)]
pub struct Notice {
    /// When, on our clock.
    pub at: Micros,
    /// What.
    pub text: String,
}

/// The screen apart from the terminal.
#[derive(Debug)]
pub struct Board {
    theme: Theme,
    connection: Connection,
    market: Market,
    /// What is shown while the screen is stopped, and since when.
    frozen: Option<(Market, Micros)>,
    view: View,
    widths: Widths,
    notices: VecDeque<Notice>,
    gateway_ahead: i64,
    is_changed: bool,
    drawn_at: Micros,
}

impl Board {
    /// Before anything came, at `now`.
    pub fn new(url: String, theme: Theme, now: Micros) -> Self {
        Self {
            theme,
            connection: Connection::new(url),
            market: Market::default(),
            frozen: None,
            view: View::default(),
            widths: Widths::default(),
            notices: VecDeque::new(),
            gateway_ahead: 0,
            is_changed: true,
            drawn_at: now,
        }
    }

    /// Takes over what came at `now`.
    pub fn hear(&mut self, piece: News, now: Micros) {
        self.is_changed = true;
        match piece {
            News::Dialling => self.connection.dialling(),
            News::Connected => self.connection.state = State::Open,
            News::Alive => self.connection.heard = Some(now),
            News::Answered(trip) => {
                (self.connection.trip, self.connection.heard) = (Some(trip), Some(now));
            }
            News::Message(text, message) => {
                self.connection.heard = Some(now);
                self.message(text.as_str(), message, now);
            }
            News::Lost { why, again_after } => {
                self.connection.lost(why, now.plus(again_after));
                self.market.disown();
            }
            News::Warning(text) => self.notice(text, now),
            News::Over(_) => {}
        }
    }

    fn message(&mut self, text: &str, message: Incoming, now: Micros) {
        match message {
            Incoming::Welcome(welcome) => self.welcome(welcome, now),
            Incoming::Lagging { active } => self.connection.is_lagging = active,
            Incoming::Closing(advice) => {
                self.notice(format!("the gateway closes: {} {}", advice.code, advice.reason), now);
            }
            Incoming::TopicsAdded { pattern, topics } => {
                let count = topics.len();
                self.notice(format!("{count} new {} of {pattern}", head::topics(count)), now);
            }
            message => {
                let updates = self.market.hear(text, message, now);
                self.connection.count(updates);
            }
        }
    }

    fn welcome(&mut self, welcome: Welcome, now: Micros) {
        self.gateway_ahead = welcome.time.0 - now.0;
        self.connection.greeted(welcome, now);
    }

    fn notice(&mut self, text: String, now: Micros) {
        // The same again, such as one listing after the other, is one notice.
        self.notices.retain(|notice| notice.text != text);
        if self.notices.len() == SHOWN_NOTICES {
            self.notices.pop_front();
        }
        self.notices.push_back(Notice { at: now, text });
    }

    /// Does what a key asks for at `now`; what is left is the caller's.
    pub fn key(&mut self, key: KeyEvent, now: Micros) -> Wish {
        self.is_changed = true;
        let (market, at) = match &self.frozen {
            Some((market, at)) => (market, *at),
            None => (&self.market, now),
        };
        let list = self.view.list(market, at, self.gateway_ahead);
        let wish = self.view.key(key, &list);
        if wish == Wish::Pause {
            self.frozen = match self.frozen.take() {
                Some(_) => None,
                None => Some((self.market.clone(), now)),
            };
        }
        wish
    }

    /// The terminal is another one: everything is drawn when it is due.
    pub fn resized(&mut self) {
        self.widths = Widths::default();
        self.is_changed = true;
    }

    /// Whether there is anything to draw at `now`.
    pub fn is_due(&self, now: Micros) -> bool {
        self.is_changed || now.since(self.drawn_at) >= REFRESH_EVERY
    }

    /// Draws everything as it is at `now`.
    pub fn draw(&mut self, frame: &mut Frame<'_>, now: Micros) {
        (self.is_changed, self.drawn_at) = (false, now);
        while self.notices.front().is_some_and(|first| now.since(first.at) >= NOTICE_LASTS) {
            self.notices.pop_front();
        }
        let moment = Moment { now, ahead: self.gateway_ahead, theme: self.theme };
        let notices = u16::try_from(self.notices.len()).unwrap_or(0);
        let parts = [head::HEIGHT, 0, notices, 1].map(Constraint::Length);
        let [top, middle, told, bottom] =
            Layout::vertical([parts[0], Constraint::Fill(1), parts[2], parts[3]])
                .areas(frame.area());
        let shown = self.draw_topics(frame, middle, moment);
        self.draw_head(frame, top, shown, moment);
        let lines: Vec<_> = self.notices.iter().map(|it| foot::notice(it, moment)).collect();
        frame.render_widget(Paragraph::new(lines), told);
        frame.render_widget(foot::line(&self.view, moment), bottom);
        if self.view.mode == Mode::Help {
            foot::help(frame, frame.area(), moment);
        }
    }

    fn draw_head(&mut self, frame: &mut Frame<'_>, area: Rect, shown: usize, moment: Moment) {
        let market = self.frozen.as_ref().map_or(&self.market, |(market, _)| market);
        let paused = self.frozen.as_ref().map(|(_, at)| *at);
        let figures = head::figures(&mut self.connection, &market.counts(), shown, moment);
        let lines = vec![
            head::connection(&self.connection, moment),
            figures,
            head::signs(&self.connection, &self.market, paused, moment),
        ];
        frame.render_widget(Paragraph::new(lines), area);
    }

    /// Draws the topics, and what is known of the selected one; returns how many the filter shows.
    fn draw_topics(&mut self, frame: &mut Frame<'_>, area: Rect, moment: Moment) -> usize {
        let (market, at) = match &self.frozen {
            Some((market, at)) => (market, *at),
            None => (&self.market, moment.now),
        };
        let moment = Moment { now: at, ..moment };
        let list = self.view.list(market, at, moment.ahead);
        self.view.settle(&list);
        let selected = self.view.selected(&list);
        let detailed = selected.filter(|_| self.view.has_details);
        let [table, below] = split(area, detailed, moment);
        // The first line has the columns' names.
        let height = usize::from(table.height.saturating_sub(1));
        let top = self.view.scroll(list.len(), height);
        let visible = &list[top..list.len().min(top + height)];
        let lines = Lines { topics: visible, market, selected, order: self.view.order };
        lines.draw(frame, table, &mut self.widths, moment);
        if list.is_empty() {
            let text = match self.view.filter.is_empty() {
                true => " no prices yet",
                false => " nothing matches the filter; Esc clears it",
            };
            let place = Rect { y: table.y + 1, height: table.height.min(1), ..table };
            frame.render_widget(Paragraph::new(text), place.intersection(table));
        }
        if let Some(topic) = detailed {
            details::draw(frame, below, topic, market, moment);
        }
        list.len()
    }
}

/// Room for the topics and, below them, for the details of one; those take all where there is little.
fn split(area: Rect, detailed: Option<&Topic>, moment: Moment) -> [Rect; 2] {
    let wanted = detailed.map_or(0, |it| details::height(it, area.width, moment.gateway()));
    let left = area.height.saturating_sub(wanted);
    let beside = if left < LINES_BESIDE_DETAILS { 0 } else { left };
    let beside = if detailed.is_none() { area.height } else { beside };
    Layout::vertical([Constraint::Length(beside), Constraint::Fill(1)]).areas(area)
}
