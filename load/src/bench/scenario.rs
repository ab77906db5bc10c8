//! Scenario files: what is started, what is offered, what is compared, what is to be reached.
//!
//! A file describes one side; each `[[beside]]` is another one, the same but for the keys it
//! names. Keys are explained at their fields.

use super::{file::FileError, side::Side, target::Target};
use serde::Deserialize;
use std::{fs, path::Path};
use toml::{Table, Value};

/// A scenario with all its sides.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The file's stem.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The comment at the head of the file: what it shows.
    pub shows: String,
    /// How many times each side is run.
    pub pairs: usize,
    /// The file's own side first.
    pub sides: Vec<Side>,
    /// What is to be reached.
    pub targets: Vec<Target>,
}

/// The keys of a file that are not those of a side.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    title: String,
    #[serde(default = "five")]
    pairs: usize,
    #[serde(default)]
    beside: Vec<Table>,
    #[serde(default)]
    target: Vec<Target>,
}

fn five() -> usize {
    5
}

/// Keys of [`Head`].
const HEAD_KEYS: [&str; 4] = ["title", "pairs", "beside", "target"];

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// [`FileError`] names the file and the key.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let text = fs::read_to_string(path)
            .map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&name, &text)
            .map_err(|message| FileError::Wrong { path: path.to_owned(), message })
    }

    /// All scenarios of a folder, by name.
    ///
    /// # Errors
    /// [`FileError`] of the folder or of the first file that is wrong.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, FileError> {
        let unread = |source| FileError::Read { path: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }

    pub(super) fn parse(name: &str, text: &str) -> Result<Self, String> {
        let mut own: Table = text.parse().map_err(in_short)?;
        let mut head = Table::new();
        for key in HEAD_KEYS {
            head.extend(own.remove_entry(key));
        }
        let head: Head = read(head)?;
        let mut sides = vec![Side::read(own.clone())?];
        for (number, beside) in head.beside.into_iter().enumerate() {
            let mut merged = own.clone();
            merge(&mut merged, beside);
            let side = Side::read(merged);
            sides.push(side.map_err(|error| format!("beside {}: {error}", number + 1))?);
        }
        let labels: Vec<&str> = sides.iter().map(|side| side.label.as_str()).collect();
        if let Some(twice) = (1..labels.len()).find(|at| labels[..*at].contains(&labels[*at])) {
            return Err(format!("beside {twice}: label: {:?} is taken", labels[twice]));
        }
        for (number, target) in head.target.iter().enumerate() {
            target.check(&labels).map_err(|error| format!("target {}: {error}", number + 1))?;
        }
        if head.pairs == 0 {
            return Err("pairs: at least 1".to_owned());
        }
        Ok(Self {
            name: name.to_owned(),
            title: head.title,
            shows: comment(text),
            pairs: head.pairs,
            sides,
            targets: head.target,
        })
    }
}

/// Reads what a table says; a mistake is named by its key.
pub(super) fn read<T: serde::de::DeserializeOwned>(table: Table) -> Result<T, String> {
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
        let (path, message) = (error.path().to_string(), error.inner().message().to_owned());
        if path == "." { message } else { format!("{path}: {message}") }
    })
}

fn in_short(error: toml::de::Error) -> String {
    error.to_string().trim_end().to_owned()
}

/// Tables are merged key by key, everything else is replaced.
fn merge(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(base)), Value::Table(over)) => merge(base, over),
            (_, value) => _ = base.insert(key, value),
        }
    }
}

/// The comment lines at the head of a file.
fn comment(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix('#'));
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"
        title = "hot"
        clients = 10
        [topics]
        count = 1
        rate = 50
        [gateway]
        io_uring = true
        [gateway.limits]
        heartbeat_ms = 1000
        [[beside]]
        label = "plain"
        gateway = { io_uring = false }
        [[beside]]
        label = "bare loop"
        server = "limit"
        [[target]]
        text = "cheap"
        measure = "cpu_us_per_delivery"
        against = "bare loop"
        at_most = 1.1
    "#;

    #[test]
    fn sides_differ_only_in_what_they_name() {
        let scenario = Scenario::parse("hot", &format!("# What it\n# shows.\n{TEXT}")).unwrap();
        assert_eq!(scenario.shows, "What it shows.");
        let labels: Vec<_> = scenario.sides.iter().map(|side| side.label.as_str()).collect();
        assert_eq!(labels, ["tickcast", "plain", "bare loop"]);
        let plain = &scenario.sides[1].gateway;
        assert_eq!((&plain["io_uring"], scenario.sides[2].clients), (&false.into(), 10));
        assert_eq!(plain["limits"]["heartbeat_ms"], 1000.into());
        assert_eq!((scenario.sides[2].server.as_str(), scenario.pairs), ("limit", 5));
    }

    #[test]
    fn mistakes_name_the_key() {
        let cases = [
            ("clients = 10", "clients = \"ten\"", "clients"),
            ("clients = 10", "cleints = 10", "cleints"),
            ("rate = 50", "rate = -1", "topics.rate"),
            ("rate = 50", "rate = 50\nper_client = 2", "topics.per_client"),
            ("label = \"plain\"", "", "beside 1: label"),
            ("server = \"limit\"", "sever = \"limit\"", "beside 2"),
            ("\"bare loop\"\n        at", "\"nobody\"\n        at", "target 1"),
            ("\"cpu_us_per_delivery\"", "\"speed\"", "target[0].measure"),
            ("title = \"hot\"", "", "title"),
        ];
        for (from, to, named) in cases {
            assert!(TEXT.contains(from), "{from}");
            let error = Scenario::parse("hot", &TEXT.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(named), "{from} -> {to}: {error}");
        }
    }

    #[test]
    fn the_scenarios_of_the_repository_are_sound_and_explained() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
        let all = Scenario::read_all(&folder).unwrap();
        assert!(all.len() > 5);
        for scenario in all {
            assert!(scenario.shows.len() > 20, "{}: say what it shows", scenario.name);
        }
    }
}
