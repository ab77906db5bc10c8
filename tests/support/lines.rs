//! The output of a child process, read as it comes.

use std::{
    io::{self, BufRead, BufReader},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Lines written so far. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Lines(Arc<Mutex<Read>>);

#[derive(Debug, Default)]
struct Read {
    lines: Vec<String>,
    complete: bool,
}

impl Lines {
    /// Reads from a thread of its own until the other end closes.
    pub fn read(from: impl io::Read + Send + 'static) -> Self {
        let lines = Self::default();
        let filled = lines.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                filled.lock().lines.push(line);
            }
            filled.lock().complete = true;
        });
        lines
    }

    /// The lines so far.
    pub fn all(&self) -> Vec<String> {
        self.lock().lines.clone()
    }

    /// The lines so far as one text.
    pub fn text(&self) -> String {
        self.lock().lines.join("\n")
    }

    /// What `find` makes of the first line that it knows.
    pub fn find<T>(&self, find: impl FnMut(&String) -> Option<T>) -> Option<T> {
        self.lock().lines.iter().find_map(find)
    }

    /// Whether a line contains `text`.
    pub fn contain(&self, text: &str) -> bool {
        self.lock().lines.iter().any(|line| line.contains(text))
    }

    /// Whether the other end has closed and everything was read.
    pub fn is_complete(&self) -> bool {
        self.lock().complete
    }

    fn lock(&self) -> MutexGuard<'_, Read> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
