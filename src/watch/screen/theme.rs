//! What things look like, with colours and without: the terminal's own sixteen, which its user chose.

use super::topic::Move;
use crate::watch::message::Belief;
use ratatui::style::{Color, Modifier, Style};

/// Colours, or none where the user wants none.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Whether there are colours.
    pub has_colours: bool,
}

impl Theme {
    /// As the environment says (no-color.org).
    pub fn of_environment() -> Self {
        let is_set = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { has_colours: !is_set }
    }

    fn colour(self, colour: Color) -> Style {
        if self.has_colours { Style::new().fg(colour) } else { Style::new() }
    }

    /// On a ground of this colour, or turned round.
    fn sign(self, ground: Color, letters: Color) -> Style {
        let style = Style::new().add_modifier(Modifier::BOLD);
        if self.has_colours {
            style.bg(ground).fg(letters)
        } else {
            style.add_modifier(Modifier::REVERSED)
        }
    }

    /// What is there and need not be read.
    pub fn quiet(self) -> Style {
        if self.has_colours { self.colour(Color::DarkGray) } else { self.faint() }
    }

    /// A value of less weight.
    pub fn faint(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// Names of columns and fields.
    pub fn name(self) -> Style {
        self.colour(Color::Cyan)
    }

    /// What is well.
    pub fn good(self) -> Style {
        self.colour(Color::Green)
    }

    /// What should be known.
    pub fn notable(self) -> Style {
        self.colour(Color::Yellow).add_modifier(Modifier::BOLD)
    }

    /// What must not be overlooked.
    pub fn alarm(self) -> Style {
        self.sign(Color::Red, Color::White)
    }

    /// What is no market at all.
    pub fn simulated(self) -> Style {
        self.sign(Color::Magenta, Color::Black)
    }

    /// A price that is none, beside a sign that says so of all.
    pub fn simulation(self) -> Style {
        self.colour(Color::Magenta).add_modifier(Modifier::BOLD)
    }

    /// What the user did.
    pub fn own(self) -> Style {
        self.sign(Color::Yellow, Color::Black)
    }

    /// The selected topic.
    pub fn selected(self) -> Style {
        self.sign(Color::Cyan, Color::Black)
    }

    /// A number that is above or below another.
    pub fn sided(self, is_up: bool) -> Style {
        self.colour(if is_up { Color::Green } else { Color::Red })
    }

    /// A state's word.
    pub fn state(self, state: Belief) -> Style {
        match state {
            Belief::Live => self.good(),
            Belief::Pending => self.notable(),
            Belief::Stale | Belief::Halted | Belief::Unknown => self.alarm(),
        }
    }

    /// A price: one that is not live never looks like one.
    pub fn price(self, state: Belief, moved: Option<Move>, is_lit: bool) -> Style {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        match (state, moved) {
            (Belief::Live, Some(Move { is_up, .. })) if is_lit => {
                self.sign(if is_up { Color::Green } else { Color::Red }, Color::Black)
            }
            (Belief::Live, Some(Move { is_up, .. })) => bold.patch(self.sided(is_up)),
            (Belief::Live, None) => bold,
            _ => self.quiet(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [Belief; 5] =
        [Belief::Stale, Belief::Halted, Belief::Pending, Belief::Live, Belief::Unknown];

    #[test]
    fn without_colours_there_are_none() {
        let theme = Theme { has_colours: false };
        let styles = [theme.quiet(), theme.name(), theme.good(), theme.notable(), theme.alarm()];
        let others = [theme.simulated(), theme.own(), theme.selected(), theme.sided(true)];
        let states = STATES.map(|state| theme.state(state));
        for style in styles.iter().chain(&others).chain(&states) {
            assert_eq!((style.fg, style.bg), (None, None), "{style:?}");
        }
        assert!(theme.alarm().add_modifier.contains(Modifier::REVERSED), "still loud");
    }

    #[test]
    fn a_price_that_is_not_live_never_looks_like_one() {
        for has_colours in [true, false] {
            let theme = Theme { has_colours };
            let live = theme.price(Belief::Live, None, false);
            for state in STATES.into_iter().filter(|state| *state != Belief::Live) {
                assert_ne!(theme.price(state, None, true), live, "{state:?}");
                assert_ne!(theme.state(state), theme.state(Belief::Live), "{state:?}");
            }
        }
    }
}
