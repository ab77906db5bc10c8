//! `tickcast` on a terminal, and what a person would see there.

use super::eventually;
use pty_process::{
    Size,
    blocking::{Command, Pty, open},
};
use rustix::termios::{LocalModes, tcgetattr};
use std::{
    fmt::Write as _,
    io::{Read, Write},
    num::NonZeroU16,
    process::{Child, ExitStatus},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tempfile::TempDir;
use vt100::{Cell, Color, Parser};

/// What a terminal draws its sixteen colours like, on its ground (the palette of "One Dark").
const PALETTE: [&str; 16] = [
    "#282c34", "#e06c75", "#98c379", "#e5c07b", "#61afef", "#c678dd", "#56b6c2", "#abb2bf",
    "#7f848e", "#ff7a85", "#b5e890", "#f0d197", "#82c4ff", "#d99bea", "#7fd4df", "#ffffff",
];
/// What it is called.
const TERM: &str = "xterm-256color";
/// Writes until nothing goes in any more: more than once, since the system moves some of it on.
/// `nonblock` holds for /dev/tty as it is opened here, and not for the program.
const FILL: &str = "for _ in 1 2 3 4 5 6 7 8; do
    dd if=/dev/zero of=/dev/tty bs=512 count=1024 oflag=nonblock conv=notrunc 2>/dev/null
done
exec \"$@\"";
const LETTERS: &str = "#d7dae0";
const GROUND: &str = "#16181d";

/// A running process and its terminal. It is killed when this is dropped.
pub struct Terminal {
    child: Child,
    /// None once it has been closed.
    pty: Option<Arc<Pty>>,
    parser: Arc<Mutex<Parser>>,
    _directory: TempDir,
}

fn cells(length: u16) -> NonZeroU16 {
    NonZeroU16::new(length).expect("more than none")
}

impl Terminal {
    /// Starts `tickcast` on a terminal of that size, with these variables beside a clean environment.
    pub fn start(columns: u16, rows: u16, args: &[&str], variables: &[(&str, &str)]) -> Self {
        let command = Command::new(env!("CARGO_BIN_EXE_tickcast")).args(args).env_clear();
        let command = command.env("TERM", TERM).envs(variables.iter().copied());
        let terminal = Self::hold(columns, rows, command);
        terminal.read();
        terminal
    }

    /// The same on a terminal that nobody reads and that has no room left.
    pub fn start_unread(columns: u16, rows: u16, args: &[&str]) -> Self {
        let command = Command::new("sh").args(["-c", FILL, "sh", env!("CARGO_BIN_EXE_tickcast")]);
        Self::hold(columns, rows, command.args(args).env("TERM", TERM))
    }

    fn hold(columns: u16, rows: u16, command: Command) -> Self {
        let directory = TempDir::new().expect("a directory for the process");
        let (pty, pts) = open().expect("a terminal");
        pty.resize(Size::new(rows, columns)).expect("a size");
        let child = command.current_dir(directory.path()).spawn(pts);
        Self {
            child: child.expect("the program is built"),
            pty: Some(Arc::new(pty)),
            parser: Arc::new(Mutex::new(Parser::new(cells(rows), cells(columns), 0))),
            _directory: directory,
        }
    }

    /// Shows what is written to it, until it is closed.
    fn read(&self) {
        let (pty, parser) = (self.pty.as_ref().map(Arc::downgrade), self.parser.clone());
        let open = move || pty.as_ref().and_then(Weak::upgrade);
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It fails when the last process on the terminal has ended.
            while let Some(Ok(length @ 1..)) = open().map(|pty| (&*pty).read(&mut bytes)) {
                parser.lock().unwrap_or_else(PoisonError::into_inner).process(&bytes[..length]);
            }
        });
    }

    fn pty(&self) -> &Pty {
        self.pty.as_ref().expect("it is open")
    }

    /// Closes it like a window; what still comes is read first.
    pub fn close(&mut self) {
        self.pty = None;
    }

    fn parser(&self) -> MutexGuard<'_, Parser> {
        self.parser.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What stands on it.
    pub fn text(&self) -> String {
        self.parser().screen().contents()
    }

    /// The first line with a word.
    pub fn line(&self, word: &str) -> Option<String> {
        self.text().lines().find(|line| line.contains(word)).map(str::to_owned)
    }

    /// Waits until a line has all these words, and returns it.
    ///
    /// # Panics
    /// When none ever has.
    pub async fn shows(&self, words: &[&str]) -> String {
        let find = |text: String| {
            let mut lines = text.lines();
            lines.find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        };
        eventually(&format!("{words:?} on the terminal"), async || find(self.text())).await
    }

    /// Waits until a word is nowhere on it.
    ///
    /// # Panics
    /// When it never is.
    pub async fn lacks(&self, word: &str) {
        let is_gone = async || (!self.text().contains(word)).then_some(());
        eventually(&format!("no {word:?} on the terminal"), is_gone).await;
    }

    /// Types.
    pub fn type_in(&self, keys: &str) {
        self.pty().write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Makes it larger or smaller.
    pub fn resize(&self, columns: u16, rows: u16) {
        self.parser().screen_mut().set_size(cells(rows), cells(columns));
        self.pty().resize(Size::new(rows, columns)).expect("a size");
    }

    /// Whether a program has it for itself.
    pub fn is_taken(&self) -> bool {
        let is_raw = self.is_raw();
        let parser = self.parser();
        is_raw || parser.screen().alternate_screen() || parser.screen().hide_cursor()
    }

    /// Whether a program gets each key as it comes.
    pub fn is_raw(&self) -> bool {
        let modes = tcgetattr(self.pty()).expect("its modes").local_modes;
        !modes.contains(LocalModes::ECHO | LocalModes::ICANON)
    }

    /// Whether anything on it has a colour.
    pub fn has_colours(&self) -> bool {
        let parser = self.parser();
        let (rows, columns) = parser.screen().size();
        let mut places =
            (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        places.any(|(row, column)| {
            let cell = parser.screen().cell(row, column).expect("a place on it");
            (cell.fgcolor(), cell.bgcolor()) != (Color::Default, Color::Default)
        })
    }

    /// Sends a signal by name.
    pub fn signal(&self, name: &str) {
        let (signal, pid) = (format!("-{name}"), self.child.id().to_string());
        let status = std::process::Command::new("kill").args([&signal, &pid]).status();
        assert!(status.expect("kill is installed").success(), "kill {signal} {pid}");
    }

    /// Waits for its end.
    pub async fn exit(&mut self) -> ExitStatus {
        eventually("the process ends", async || self.child.try_wait().expect("a child")).await
    }

    /// What stands on it as a web page.
    pub fn html(&self) -> String {
        let parser = self.parser();
        let (rows, columns) = parser.screen().size();
        let mut html = format!(
            "<!doctype html><meta charset=utf-8><style>body{{margin:0;background:{GROUND}}}\
             pre{{margin:0;padding:14px 16px;display:inline-block;color:{LETTERS};\
             font:14px/19px 'DejaVu Sans Mono',monospace}}\
             i{{font-style:normal;display:inline-block;width:1ch;height:19px;vertical-align:top}}\
             </style><pre>"
        );
        for row in 0..rows.get() {
            for column in 0..columns.get() {
                let cell = parser.screen().cell(row, column).expect("a place on it");
                write!(html, "<i style=\"{}\">{}</i>", style(cell), letter(cell))
                    .expect("a string");
            }
            html.push('\n');
        }
        html + "</pre>"
    }
}

fn letter(cell: &Cell) -> String {
    match cell.contents() {
        "" => " ".to_owned(),
        text => text.replace('&', "&amp;").replace('<', "&lt;"),
    }
}

fn style(cell: &Cell) -> String {
    let name = |colour, default: &str| match colour {
        Color::Idx(index) => PALETTE.get(usize::from(index)).unwrap_or(&LETTERS).to_string(),
        Color::Rgb(red, green, blue) => format!("rgb({red},{green},{blue})"),
        Color::Default => default.to_owned(),
    };
    let (mut letters, mut ground) =
        (name(cell.fgcolor(), LETTERS), name(cell.bgcolor(), "transparent"));
    if cell.inverse() {
        (letters, ground) = (GROUND.to_owned(), letters);
    }
    let weight = if cell.bold() { ";font-weight:bold" } else { "" };
    let faint = if cell.dim() { ";opacity:.6" } else { "" };
    format!("color:{letters};background:{ground}{weight}{faint}")
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("on the terminal of process {}:\n{}", self.child.id(), self.text());
        }
    }
}
