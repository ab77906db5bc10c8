//! A checkup as text: a line or two a finding, what to change below it, 80 columns.

use owo_colors::{OwoColorize, Style};
use std::{
    fmt::Write as _,
    io::{self, IsTerminal},
};
use tickcast_shared::bus::redis::checkup::{Finding, Report, Verdict};

/// Columns that everybody has.
const COLUMNS: usize = 80;
/// Where the text of a finding begins: behind its verdict and its name.
const INDENT: usize = 21;

/// All reports, coloured where standard output is a terminal.
pub fn of(reports: &[Report]) -> String {
    write(reports, io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
}

fn write(reports: &[Report], has_colours: bool) -> String {
    let mut text = String::new();
    for report in reports {
        let heading = format!("{} {}", report.server, report.part);
        let _ = writeln!(text, "{}", painted(heading.trim_end(), Style::new().bold(), has_colours));
        for finding in &report.findings {
            write_finding(&mut text, finding, has_colours);
        }
        text.push('\n');
    }
    text += &summary(reports, has_colours);
    text
}

fn write_finding(text: &mut String, finding: &Finding, has_colours: bool) {
    let (word, style) = looks(finding.verdict);
    let word = painted(&format!("{word:<4}"), style, has_colours);
    let mut lines = wrapped(&finding.found, COLUMNS - INDENT).into_iter();
    let first = lines.next().unwrap_or_default();
    let _ = writeln!(text, "  {word}  {:<13}{first}", finding.check);
    for line in lines {
        let _ = writeln!(text, "{:INDENT$}{line}", "");
    }
    let Some(change) = &finding.change else { return };
    let mut mark = "->";
    for line in wrapped(change, COLUMNS - INDENT - 3) {
        let _ = writeln!(text, "{:INDENT$}{mark:<2} {line}", "");
        mark = "";
    }
}

/// `2 to change, 1 that fails, 1 skipped`
fn summary(reports: &[Report], has_colours: bool) -> String {
    let count = |verdict| {
        let all = reports.iter().flat_map(|report| &report.findings);
        all.filter(|finding| finding.verdict == verdict).count()
    };
    let (fails, warns, skips) = (count(Verdict::Fail), count(Verdict::Warn), count(Verdict::Skip));
    let (said, verdict) = match (fails, warns) {
        (0, 0) => ("Redis is as Tickcast needs it".to_owned(), Verdict::Ok),
        (0, warns) => (format!("Redis works for Tickcast, {warns} to change"), Verdict::Warn),
        (fails, 0) => (format!("Redis does not fit: {fails} failed"), Verdict::Fail),
        (fails, warns) => {
            (format!("Redis does not fit: {fails} failed, {warns} more to change"), Verdict::Fail)
        }
    };
    let rest = if skips > 0 { format!(" ({skips} skipped)") } else { String::new() };
    format!("{}{rest}\n", painted(&said, looks(verdict).1, has_colours))
}

fn looks(verdict: Verdict) -> (&'static str, Style) {
    match verdict {
        Verdict::Ok => ("ok", Style::new().green()),
        Verdict::Skip => ("skip", Style::new().dimmed()),
        Verdict::Warn => ("warn", Style::new().yellow()),
        Verdict::Fail => ("FAIL", Style::new().red().bold()),
    }
}

fn painted(text: &str, style: Style, has_colours: bool) -> String {
    if has_colours { text.style(style).to_string() } else { text.to_owned() }
}

/// Lines of at most so many characters, broken at spaces; a longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| {
            line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width
        });
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let finding = |check, verdict, found: &str, change: Option<&str>| Finding {
            check,
            verdict,
            found: found.to_owned(),
            change: change.map(str::to_owned),
        };
        let findings = vec![
            finding("version", Verdict::Ok, "Redis 7.0.15", None),
            finding("eviction", Verdict::Fail, &"word ".repeat(30), Some("maxmemory-policy x")),
        ];
        Report { server: "127.0.0.1:6379".to_owned(), part: "master", findings }
    }

    #[test]
    fn it_fits_into_eighty_columns() {
        let text = write(&[report()], false);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(text.starts_with("127.0.0.1:6379 master\n  ok    version      Redis 7.0.15\n"));
        assert!(text.contains("\n                     -> maxmemory-policy x\n"), "{text}");
        assert!(text.ends_with("\nRedis does not fit: 1 failed\n"), "{text}");
    }

    #[test]
    fn colours_are_for_terminals() {
        assert!(!write(&[report()], false).contains('\x1b'));
        assert!(write(&[report()], true).contains("\x1b["));
    }
}
