//! The bottom of the screen: notices, and what keys do.

use super::{
    board::{Moment, Notice},
    view::{Mode, View},
};
use crate::watch::times::time_of_day;
use ratatui::{
    Frame,
    layout::{Constraint, Flex, Layout, Rect},
    text::{Line, Span},
    widgets::{Block, BorderType, Clear, Paragraph},
};
use tickcast_shared::clock::Micros;

/// Every key and what it does.
const KEYS: [(&str, &str); 11] = [
    ("/", "filter: words of names, states, exchanges; * is a wildcard"),
    ("Esc", "close details; show all topics again"),
    ("s", "sort by the next column"),
    ("r", "reverse the order"),
    ("space p", "stop the screen; prices go on coming"),
    ("↑ ↓ k j", "select a topic"),
    ("PgUp PgDn", "a page up or down"),
    ("Home End", "to the first, to the last"),
    ("Enter", "all that is known of the selected topic"),
    ("Ctrl-L", "draw everything anew"),
    ("q Ctrl-C", "leave"),
];
/// Columns of a key's name.
const KEY_WIDTH: usize = 11;

/// A notice with the time it came.
pub fn notice(notice: &Notice, moment: Moment) -> Line<'static> {
    let time = time_of_day(Micros(notice.at.0 + moment.ahead));
    Line::styled(format!(" {} {}", &time[..8], notice.text), moment.theme.notable())
}

/// What is being typed, or what keys do.
pub fn line(view: &View, moment: Moment) -> Line<'static> {
    let theme = moment.theme;
    if view.mode == Mode::Typing {
        return Line::from(vec![
            Span::styled(" filter: ", theme.own()),
            Span::raw(format!(" {}▏", view.filter.text())),
            Span::styled("  Enter keep · Esc clear", theme.quiet()),
        ]);
    }
    let mut spans = Vec::new();
    if !view.filter.is_empty() {
        spans.push(Span::styled(format!(" filter: {} ", view.filter.text()), theme.own()));
        spans.push(Span::styled(" Esc clear ·", theme.quiet()));
    }
    let order = format!("s sort: {}{}", view.order.by.name(), view.order.arrow());
    let keys = ["q quit", "? help", "/ filter", &order, "r reverse", "p pause", "Enter details"];
    spans.push(Span::styled(format!(" {}", keys.join(" · ")), theme.quiet()));
    Line::from(spans)
}

/// The keys explained, over everything else.
pub fn help(frame: &mut Frame<'_>, area: Rect, moment: Moment) {
    let lines: Vec<Line<'_>> = KEYS
        .iter()
        .map(|(key, does)| {
            let key = format!(" {key:<KEY_WIDTH$}");
            Line::from(vec![Span::styled(key, moment.theme.notable()), Span::raw(*does)])
        })
        .collect();
    let (width, height) = (lines.iter().map(Line::width).max().unwrap_or(0) + 3, lines.len() + 2);
    let size = |length: usize| [Constraint::Max(u16::try_from(length).unwrap_or(u16::MAX))];
    let [across] = Layout::horizontal(size(width)).flex(Flex::Center).areas(area);
    let [place] = Layout::vertical(size(height)).flex(Flex::Center).areas(across);
    let block = Block::bordered().border_type(BorderType::Rounded).title(" keys; any goes back ");
    frame.render_widget(Clear, place);
    frame
        .render_widget(Paragraph::new(lines).block(block.border_style(moment.theme.name())), place);
}
