//! The settings in `docs/configuration.md` beside those that the program has.

use super::markdown::{Document, ROOT};
use std::{path::Path, process::Command};

/// A setting as `tickcast check` prints it.
struct Setting {
    /// The section as it stands in the file, brackets included; empty at the top.
    section: String,
    key: String,
    value: String,
}

/// What is in force when nothing is configured but an exchange.
fn defaults() -> Vec<Setting> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickcast"));
    command.args(["check", "--exchange", "kucoin=BTC-USDT"]).env_clear();
    // There is no tickcast.toml that it would read.
    let output = command.current_dir("/").output().expect("the program runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (mut settings, mut section) = (Vec::<Setting>::new(), String::new());
    for line in String::from_utf8(output.stdout).expect("text").lines() {
        if let Some((key, value)) = line.split_once(" = ") {
            let (section, key) = (section.clone(), key.to_owned());
            settings.push(Setting { section, key, value: value.to_owned() });
        } else if line.starts_with('[') {
            section = line.to_owned();
        } else if let Some(list) = settings.last_mut() {
            // A member of a list, each on a line of its own.
            list.value = format!("{}{} ", list.value, line.trim());
        }
    }
    settings
}

impl Setting {
    /// The value in one line: `["1m", "5m"]`.
    fn in_one_line(&self) -> String {
        self.value.trim().replace(", ]", "]").replace(",]", "]")
    }

    /// What a row of the table has to say.
    fn is_told_by(&self, row: &str) -> bool {
        let names_it = row.split('|').nth(1).is_some_and(|cell| {
            cell.contains(&format!("`{}`", self.key)) || cell.contains(&format!(".{}]]`", self.key))
        });
        let value = self.in_one_line();
        // What the command above gave, and lists that are empty.
        let is_given = self.section == "[[feed.exchange]]" || value == "[]";
        names_it && (is_given || row.contains(&format!("`{value}`")))
    }
}

#[test]
fn every_setting_is_explained_with_its_default() {
    let document = Document::read(Path::new(ROOT).join("docs/configuration.md"));
    let settings = defaults();
    assert!(settings.len() > 50, "{} settings", settings.len());
    let mut missing = Vec::new();
    for setting in settings {
        let heading = match setting.section.as_str() {
            "" => "Whole process".to_owned(),
            section => format!("`{section}`"),
        };
        if !document.rows_below(&heading).into_iter().any(|row| setting.is_told_by(row)) {
            let (section, key, value) = (&setting.section, &setting.key, setting.in_one_line());
            missing.push(format!("{section} {key} = {value}"));
        }
    }
    assert!(missing.is_empty(), "docs/configuration.md lacks:\n{}", missing.join("\n"));
}
