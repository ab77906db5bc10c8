//! The topics, a line each.

use super::{
    board::Moment,
    columns::{ALL, Column, GAP, Widths},
    market::Market,
    order::{By, Order},
    topic::Topic,
};
use crate::watch::{message::Belief, times::age_text};
use ratatui::{
    Frame,
    layout::{Constraint, Rect},
    style::Style,
    text::{Line, Span},
    widgets::{Row, Table},
};
use tickcast_shared::market::Price;

/// What stands where there is no value.
pub const NOTHING: &str = "–";
/// What a simulated price says of itself.
const SIMULATED: &str = " SIM";

/// Some topics in their order.
pub struct Lines<'a> {
    /// Those that fit on the screen.
    pub topics: &'a [&'a Topic],
    /// Where they come from.
    pub market: &'a Market,
    /// The selected one, if there is one.
    pub selected: Option<&'a Topic>,
    /// How they were sorted.
    pub order: Order,
}

impl Lines<'_> {
    /// Draws names and topics.
    pub fn draw(&self, frame: &mut Frame<'_>, area: Rect, widths: &mut Widths, moment: Moment) {
        let rows: Vec<[Line<'static>; ALL.len()]> =
            self.topics.iter().map(|topic| self.cells(topic, moment)).collect();
        let names = ALL.map(|column| self.name(column));
        widths.forget(Column::State);
        for cells in rows.iter().chain([&names]) {
            ALL.iter().zip(cells).for_each(|(column, line)| widths.note(*column, line.width()));
        }
        let fitted = widths.fit(area.width);
        let picked = |cells: &[Line<'static>; ALL.len()]| {
            Row::new(fitted.iter().map(|(column, _)| cells[*column as usize].clone()))
        };
        let rows = self.topics.iter().zip(&rows).map(|(topic, cells)| {
            let mut cells = cells.clone();
            if let Some((_, width)) = fitted.iter().find(|(column, _)| *column == Column::Spark) {
                cells[Column::Spark as usize] = spark(topic, usize::from(*width), moment);
            }
            picked(&cells)
        });
        let header = picked(&names).style(moment.theme.name());
        let widths = fitted.iter().map(|(_, width)| Constraint::Length(*width));
        let table = Table::new(rows, widths).header(header).column_spacing(GAP);
        frame.render_widget(table, area);
    }

    /// A column's name, and whether all is sorted by it.
    fn name(&self, column: Column) -> Line<'static> {
        let (name, by) = match column {
            Column::Symbol => (" symbol", Some(By::Symbol)),
            Column::Exchange => ("exchange", Some(By::Exchange)),
            Column::Last => ("last", Some(By::Last)),
            Column::Change => ("change", Some(By::Change)),
            Column::Bid => ("bid", None),
            Column::Ask => ("ask", None),
            Column::Age => ("age", Some(By::Age)),
            Column::State => ("state", Some(By::State)),
            Column::Spark => ("recent", None),
        };
        let is_sorted = by == Some(self.order.by);
        let name =
            if is_sorted { format!("{name}{}", self.order.arrow()) } else { name.to_owned() };
        aligned(column, Line::raw(name))
    }

    fn cells(&self, topic: &Topic, moment: Moment) -> [Line<'static>; ALL.len()] {
        ALL.map(|column| aligned(column, self.cell(topic, column, moment)))
    }

    fn cell(&self, topic: &Topic, column: Column, moment: Moment) -> Line<'static> {
        let theme = moment.theme;
        match column {
            Column::Symbol => self.symbol(topic, moment),
            Column::Exchange => Line::raw(topic.exchange().to_owned()),
            Column::Last => last(topic, moment),
            Column::Change => change(topic, moment),
            Column::Bid => Line::styled(price(topic.quote.bid_price), self.dimmed(topic)),
            Column::Ask => Line::styled(price(topic.quote.ask_price), self.dimmed(topic)),
            Column::Age => {
                let age = topic.age(moment.gateway(), moment.ahead);
                Line::styled(age.map_or_else(String::new, age_text), theme.quiet())
            }
            Column::State => self.state(topic, moment),
            Column::Spark => Line::default(),
        }
    }

    fn dimmed(&self, topic: &Topic) -> Style {
        match topic.quote.state {
            Belief::Live => Style::new(),
            _ => Style::new().add_modifier(ratatui::style::Modifier::DIM),
        }
    }

    fn symbol(&self, topic: &Topic, moment: Moment) -> Line<'static> {
        let is_selected = self.selected.is_some_and(|it| it.quote.topic == topic.quote.topic);
        match is_selected {
            true => Line::styled(format!("▸{}", topic.symbol()), moment.theme.selected()),
            false => Line::raw(format!(" {}", topic.symbol())),
        }
    }

    /// The state's word, whether it is no market at all, and why it is not live.
    fn state(&self, topic: &Topic, moment: Moment) -> Line<'static> {
        let (theme, quote) = (moment.theme, &topic.quote);
        let mut spans = vec![Span::styled(topic.word(), theme.state(quote.state))];
        if quote.simulated {
            spans.push(Span::styled(SIMULATED, theme.simulation()));
        }
        let incomplete = quote.bar.as_ref().filter(|bar| !bar.complete).map(|_| "incomplete");
        if let Some(why) = self.market.reason(topic).or(incomplete) {
            spans.push(Span::styled(format!(" {why}"), theme.notable()));
        }
        Line::from(spans)
    }
}

fn aligned(column: Column, line: Line<'static>) -> Line<'static> {
    match column {
        Column::Last | Column::Change | Column::Bid | Column::Ask | Column::Age => {
            line.right_aligned()
        }
        _ => line,
    }
}

/// A price as it came.
pub fn price(price: Option<Price>) -> String {
    price.map_or_else(|| NOTHING.to_owned(), |price| price.to_string())
}

fn last(topic: &Topic, moment: Moment) -> Line<'static> {
    let moved = topic.moved();
    let arrow = moved.map_or(' ', |moved| if moved.is_up { '▲' } else { '▼' });
    let is_lit = moved.is_some_and(|moved| moved.is_lit(moment.now));
    let style = moment.theme.price(topic.quote.state, moved, is_lit);
    Line::from(vec![
        Span::styled(format!("{arrow} "), style),
        Span::styled(price(topic.quote.last_price), style),
    ])
}

/// `+0.125 %` since the screen opened.
fn change(topic: &Topic, moment: Moment) -> Line<'static> {
    let Some(change) = topic.change().map(|change| change.round_dp(3)) else {
        return Line::raw(NOTHING);
    };
    let style = match change.is_zero() {
        true => moment.theme.quiet(),
        false => moment.theme.sided(change.is_sign_positive()),
    };
    let sign = if change.is_sign_positive() && !change.is_zero() { "+" } else { "" };
    Line::styled(format!("{sign}{change:.3} %"), style)
}

/// The last while in bars.
pub fn spark(topic: &Topic, width: usize, moment: Moment) -> Line<'static> {
    let style = match (topic.quote.state, topic.spark.has_risen(width)) {
        (Belief::Live, Some(has_risen)) => moment.theme.sided(has_risen),
        _ => moment.theme.quiet(),
    };
    Line::styled(topic.spark.text(width), style)
}
