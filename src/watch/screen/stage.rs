//! The terminal, taken for a screen and always given back as it was.

use crossterm::{
    cursor::{Hide, Show},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
};
use ratatui::{Frame, Terminal, backend::CrosstermBackend};
use std::{
    io::{self, BufWriter, IsTerminal, Stdout},
    mem::ManuallyDrop,
    panic,
    sync::atomic::{AtomicBool, Ordering},
};

/// Whether the terminal is a screen: a process has one, and a panic finds it by this.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);

/// A screen's worth of escape sequences: it goes out at once and not in pieces.
const OUTPUT_BYTES: usize = 64 * 1024;

/// The terminal while it is a screen.
pub struct Stage {
    /// Never dropped: that would show the cursor, which [`give_back`] does, and where the terminal has
    /// gone it would complain to a stderr that has gone as well, and panic.
    terminal: ManuallyDrop<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
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
        let terminal = Terminal::new(CrosstermBackend::new(output))?;
        let mut stage = Self { terminal: ManuallyDrop::new(terminal) };
        enable_raw_mode()?;
        IS_TAKEN.store(true, Ordering::Relaxed);
        execute!(stage.terminal.backend_mut(), EnterAlternateScreen, Hide)?;
        Ok(stage)
    }

    /// Draws what is not there yet.
    pub fn draw(&mut self, what: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        self.terminal.draw(what).map(|_| ())
    }

    /// Whatever else wrote to the terminal, the next drawing is complete.
    pub fn repaint(&mut self) -> io::Result<()> {
        // Unlike `clear` this does not ask the terminal where its cursor is: keys would be lost with the
        // answer.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether a terminal that failed has gone, such as with its window.
pub fn is_gone(error: &io::Error) -> bool {
    /// errno(3): what a terminal says that is just going; afterwards it is none.
    const INPUT_OUTPUT_ERROR: i32 = 5;
    error.raw_os_error() == Some(INPUT_OUTPUT_ERROR) || !io::stdout().is_terminal()
}

/// Gives the terminal back as far as that goes without writing to it: it takes nothing.
pub fn let_go() {
    if IS_TAKEN.swap(false, Ordering::Relaxed) {
        let _ = disable_raw_mode();
    }
}

/// Gives the terminal back, once: a second time would put the cursor where it was at first.
fn give_back() {
    if !IS_TAKEN.swap(false, Ordering::Relaxed) {
        return;
    }
    // A terminal that has gone needs nothing.
    let _ = disable_raw_mode();
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
}
