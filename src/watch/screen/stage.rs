//! The terminal, taken for a screen and always given back as it was.

use crossterm::{
    cursor::{Hide, Show},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};
use std::{
    io::{self, BufWriter, Stdout},
    panic,
};

/// A screen's worth of escape sequences: it goes out at once and not in pieces.
const OUTPUT_BYTES: usize = 64 * 1024;

/// The terminal while it is a screen.
pub struct Stage {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
}

impl Stage {
    /// Takes the terminal. It is given back when this is dropped, and before a panic is reported.
    pub fn enter() -> io::Result<Self> {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            give_back();
            report(panic);
        }));
        let output = BufWriter::with_capacity(OUTPUT_BYTES, io::stdout());
        let mut stage = Self { terminal: Terminal::new(CrosstermBackend::new(output))? };
        enable_raw_mode()?;
        execute!(stage.terminal.backend_mut(), EnterAlternateScreen, Hide)?;
        stage.terminal.clear()?;
        Ok(stage)
    }

    /// Draws what is not there yet.
    pub fn draw(&mut self, what: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(what).map(|_| ())
    }

    /// Whatever else wrote to the terminal, the next drawing is complete.
    pub fn repaint(&mut self) -> io::Result<()> {
        self.terminal.clear()
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        give_back();
    }
}

fn give_back() {
    // A terminal that has gone needs nothing.
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}
