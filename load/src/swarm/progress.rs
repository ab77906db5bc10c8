//! What a person sees while a swarm runs; nothing when nobody looks.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{io::IsTerminal, time::Duration};

/// Shorter runs show nothing.
const WORTH_SHOWING: Duration = Duration::from_secs(2);

/// A line on the standard error stream.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(shown: bool, expected: Duration) -> Self {
        let shown = shown && expected > WORTH_SHOWING && std::io::stderr().is_terminal();
        let target =
            if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self(ProgressBar::with_draw_target(None, target))
    }

    /// Starts a part of the run that counts up to `length`.
    pub(crate) fn part(&self, name: &'static str, length: u64) {
        // A fixed template that is known to be good; the default would do too.
        if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len}") {
            self.0.set_style(style);
        }
        self.0.set_message(name);
        self.0.set_length(length);
        self.0.set_position(0);
    }

    pub(crate) fn at(&self, position: u64) {
        self.0.set_position(position);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
