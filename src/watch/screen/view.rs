//! What the user has chosen to see, and the keys that choose it.

use super::{filter::Filter, market::Market, order::Order, topic::Topic};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use tickcast_shared::clock::Micros;

/// What keys mean at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Letters are commands.
    #[default]
    Commands,
    /// Letters make up the filter.
    Typing,
    /// The keys are explained; any key goes back.
    Help,
}

/// What is left to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Nothing.
    None,
    /// To stop or continue the screen.
    Pause,
    /// To draw everything anew.
    Repaint,
    /// To leave.
    Quit,
}

/// What is seen of a market.
#[derive(Debug, Default)]
pub struct View {
    /// What keys mean.
    pub mode: Mode,
    /// Which topics.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Whether everything about the selected topic is shown.
    pub has_details: bool,
    selected: Option<String>,
    /// Where the selected topic stood when it was last seen.
    index: usize,
    top: usize,
    page: usize,
}

impl View {
    /// The topics to be shown, in order.
    pub fn list<'a>(&self, market: &'a Market, now: Micros, gateway_ahead: i64) -> Vec<&'a Topic> {
        let mut topics: Vec<&Topic> =
            market.topics().filter(|topic| self.filter.shows(topic)).collect();
        self.order.sort(&mut topics, now, gateway_ahead);
        topics
    }

    /// The selected topic, if it is in the list.
    pub fn selected<'a>(&self, list: &[&'a Topic]) -> Option<&'a Topic> {
        let name = self.selected.as_deref()?;
        list.iter().find(|topic| topic.quote.topic == name).copied()
    }

    /// Follows the selected topic to its place; where it is filtered away, selects the one there.
    pub fn settle(&mut self, list: &[&Topic]) {
        let place = list.iter().position(|it| self.selected.as_deref() == Some(&it.quote.topic));
        match (place, list.get(self.index.min(list.len().saturating_sub(1)))) {
            (Some(place), _) => self.index = place,
            (None, Some(topic)) if self.selected.is_some() => {
                self.selected = Some(topic.quote.topic.clone());
            }
            _ => {}
        }
    }

    /// Scrolls so that the selected one of `topics` can be seen on `height` lines; returns the first
    /// one's place. It has settled before.
    pub fn scroll(&mut self, topics: usize, height: usize) -> usize {
        self.page = height.max(1);
        let index = self.index.min(topics.saturating_sub(1));
        let last_top = topics.saturating_sub(self.page);
        self.top = self.top.clamp((index + 1).saturating_sub(self.page), index).min(last_top);
        self.top
    }

    /// Does what a key asks for.
    pub fn key(&mut self, key: KeyEvent, list: &[&Topic]) -> Wish {
        let has_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match (self.mode, key.code) {
            (_, KeyCode::Char('c')) if has_control => return Wish::Quit,
            (_, KeyCode::Char('l')) if has_control => return Wish::Repaint,
            (Mode::Help, KeyCode::Char('q')) => return Wish::Quit,
            (Mode::Help, _) => self.mode = Mode::Commands,
            (Mode::Typing, KeyCode::Char('u')) if has_control => self.filter.clear(),
            (_, KeyCode::Char(_)) if has_control => {}
            (Mode::Typing, KeyCode::Char(letter)) => self.filter.push(letter),
            (Mode::Typing, KeyCode::Backspace) => self.filter.pop(),
            (Mode::Typing, KeyCode::Enter) => self.mode = Mode::Commands,
            (Mode::Typing, KeyCode::Esc) => {
                self.filter.clear();
                self.mode = Mode::Commands;
            }
            (Mode::Commands, KeyCode::Char(letter)) => return self.command(letter, list),
            (Mode::Commands, KeyCode::Enter) => self.toggle_details(list),
            (Mode::Commands, KeyCode::Esc) if self.has_details => self.has_details = false,
            (Mode::Commands, KeyCode::Esc) => self.filter.clear(),
            (_, code) => self.go(code, list),
        }
        Wish::None
    }

    fn command(&mut self, letter: char, list: &[&Topic]) -> Wish {
        match letter {
            'q' => return Wish::Quit,
            ' ' | 'p' => return Wish::Pause,
            '/' => self.mode = Mode::Typing,
            '?' => self.mode = Mode::Help,
            's' => self.order.cycle(),
            'r' => self.order.is_reversed = !self.order.is_reversed,
            'j' => self.go(KeyCode::Down, list),
            'k' => self.go(KeyCode::Up, list),
            _ => {}
        }
        Wish::None
    }

    fn toggle_details(&mut self, list: &[&Topic]) {
        if self.selected(list).is_none() {
            self.select(self.index, list);
        }
        self.has_details = !self.has_details && self.selected(list).is_some();
    }

    /// Selects another topic. The first arrow selects the one at the top.
    fn go(&mut self, code: KeyCode, list: &[&Topic]) {
        let is_first = self.selected(list).is_none();
        let to = match code {
            KeyCode::Up | KeyCode::Down if is_first => self.top,
            KeyCode::Up => self.index.saturating_sub(1),
            KeyCode::Down => self.index + 1,
            KeyCode::PageUp => self.index.saturating_sub(self.page),
            KeyCode::PageDown => self.index + self.page,
            KeyCode::Home => 0,
            KeyCode::End => list.len(),
            _ => return,
        };
        self.select(to, list);
    }

    fn select(&mut self, place: usize, list: &[&Topic]) {
        self.index = place.min(list.len().saturating_sub(1));
        self.selected = list.get(self.index).map(|topic| topic.quote.topic.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{hear, ticker};
    use super::*;

    fn market() -> Market {
        let mut market = Market::default();
        for n in 0..10 {
            hear(&mut market, &ticker(&format!("ticker:okx:C{n}-USD"), "1", "live"));
        }
        market
    }

    fn press(view: &mut View, market: &Market, code: KeyCode) -> (Wish, String) {
        let list = view.list(market, Micros(0), 0);
        let wish = view.key(code.into(), &list);
        let list = view.list(market, Micros(0), 0);
        view.settle(&list);
        view.scroll(list.len(), 4);
        (wish, view.selected(&list).map(Topic::symbol).unwrap_or_default())
    }

    fn type_in(view: &mut View, market: &Market, text: &str) {
        for letter in text.chars() {
            assert_eq!(press(view, market, KeyCode::Char(letter)).0, Wish::None);
        }
    }

    #[test]
    fn arrows_and_pages_select_and_scroll() {
        let (mut view, market) = (View::default(), market());
        for (code, selected, top) in [
            (KeyCode::Down, "C0-USD", 0),
            (KeyCode::Down, "C1-USD", 0),
            (KeyCode::Char('k'), "C0-USD", 0),
            (KeyCode::PageDown, "C4-USD", 1),
            (KeyCode::End, "C9-USD", 6),
            (KeyCode::Down, "C9-USD", 6),
            (KeyCode::Up, "C8-USD", 6),
            (KeyCode::PageUp, "C4-USD", 4),
            (KeyCode::Home, "C0-USD", 0),
            (KeyCode::Up, "C0-USD", 0),
        ] {
            assert_eq!(press(&mut view, &market, code).1, selected, "{code}");
            assert_eq!(view.top, top, "{code}");
        }
    }

    #[test]
    fn the_filter_is_typed_after_a_slash_and_cleared_by_escape() {
        let (mut view, market) = (View::default(), market());
        type_in(&mut view, &market, "/q7");
        assert_eq!((view.mode, view.filter.text()), (Mode::Typing, "q7"));
        assert_eq!(view.list(&market, Micros(0), 0).len(), 0);
        press(&mut view, &market, KeyCode::Backspace);
        press(&mut view, &market, KeyCode::Backspace);
        type_in(&mut view, &market, "c7");
        press(&mut view, &market, KeyCode::Enter);
        assert_eq!((view.mode, view.list(&market, Micros(0), 0).len()), (Mode::Commands, 1));
        press(&mut view, &market, KeyCode::Esc);
        assert!(view.filter.is_empty());
        type_in(&mut view, &market, "/c");
        press(&mut view, &market, KeyCode::Esc);
        assert_eq!((view.mode, view.filter.is_empty()), (Mode::Commands, true));
    }

    #[test]
    fn what_is_selected_is_a_topic_and_not_a_line() {
        let (mut view, market) = (View::default(), market());
        type_in(&mut view, &market, "jjr");
        let list = view.list(&market, Micros(0), 0);
        assert_eq!(view.selected(&list).map(Topic::symbol).as_deref(), Some("C1-USD"));
        assert_eq!(view.index, 8, "at the other end now");
        type_in(&mut view, &market, "/c3");
        let list = view.list(&market, Micros(0), 0);
        assert_eq!(view.selected(&list).map(Topic::symbol).as_deref(), Some("C3-USD"));
    }

    #[test]
    fn details_open_and_close() {
        let (mut view, market) = (View::default(), market());
        assert_eq!(press(&mut view, &market, KeyCode::Enter).1, "C0-USD");
        assert!(view.has_details);
        assert_eq!(press(&mut view, &market, KeyCode::Down).1, "C1-USD");
        press(&mut view, &market, KeyCode::Esc);
        assert!(!view.has_details);
        press(&mut view, &Market::default(), KeyCode::Enter);
        assert!(!view.has_details, "there is nothing to show");
    }

    #[test]
    fn some_keys_are_for_others() {
        let (mut view, market) = (View::default(), market());
        for (letter, wish) in [('p', Wish::Pause), (' ', Wish::Pause), ('q', Wish::Quit)] {
            assert_eq!(press(&mut view, &market, KeyCode::Char(letter)).0, wish);
        }
        type_in(&mut view, &market, "?");
        assert_eq!(view.mode, Mode::Help);
        type_in(&mut view, &market, "s");
        assert_eq!((view.mode, view.order.by), (Mode::Commands, super::super::order::By::Symbol));
        type_in(&mut view, &market, "/");
        let control = |letter| KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL);
        assert_eq!(view.key(control('l'), &[]), Wish::Repaint);
        assert_eq!(view.key(control('c'), &[]), Wish::Quit);
        view.key(control('x'), &[]);
        assert!(view.filter.is_empty(), "no letter");
    }
}
