//! The commands in a block of shell text, as far as they call `tickcast` or `make`.

use super::markdown::Block;
use std::{collections::BTreeSet, process::Command};

/// Subcommands that have subcommands of their own.
const NESTED: &str = "dlq";
/// What may stand before a command.
const BEFORE: [&str; 7] = ["sudo", "nohup", "$", "|", "&&", ";", "do"];
/// What ends one.
const BEHIND: [&str; 7] = ["|", "&&", "||", ";", "&", ">", "#"];

/// A call of `tickcast`: its subcommand, and the flags.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// `check`, or `dlq list`.
    pub subcommand: Vec<String>,
    /// `--redis`, and so on.
    pub flags: Vec<String>,
}

/// The lines of a block without texts that go into a file (`<<'TOML'`), long ones put together.
fn lines(block: &Block) -> Vec<String> {
    let (mut whole, mut until) = (vec![String::new()], None::<String>);
    for line in &block.lines {
        if let Some(end) = &until {
            if line.trim() == end {
                until = None;
            }
            continue;
        }
        until = line.split_once("<<").map(|(_, end)| end.trim_matches(['\'', '"']).to_owned());
        let last = whole.last_mut().expect("there is always one");
        match line.strip_suffix('\\') {
            Some(begun) => last.push_str(begun),
            None => {
                last.push_str(line);
                whole.push(String::new());
            }
        }
    }
    whole
}

/// The words of a block's lines.
fn words(block: &Block) -> Vec<Vec<String>> {
    let split = |line: String| line.split_whitespace().map(str::to_owned).collect();
    lines(block).into_iter().map(split).collect()
}

/// Where a call's arguments begin, if the word at `at` calls `tickcast`.
fn arguments(words: &[String], at: usize) -> Option<usize> {
    let word = words[at].as_str();
    if word == "--" && words[..at].iter().any(|it| it == "cargo") {
        return Some(at + 1);
    }
    let is_called = |before: &String| {
        let before = before.as_str();
        BEFORE.contains(&before) || before.contains('=') || before.ends_with([')', ';'])
    };
    let is_first = at.checked_sub(1).is_none_or(|before| is_called(&words[before]));
    let is_ours = matches!(word, "tickcast" | "target/release/tickcast");
    (is_ours && is_first).then_some(at + 1)
}

/// All calls of `tickcast` in a block.
pub fn calls(block: &Block) -> Vec<Call> {
    let mut found = Vec::new();
    for words in words(block) {
        let starts = (0..words.len()).filter_map(|at| arguments(&words, at));
        found.extend(starts.map(|start| call(&words[start..])));
    }
    found
}

fn call(words: &[String]) -> Call {
    let own = words.iter().take_while(|word| !BEHIND.iter().any(|end| word.starts_with(end)));
    let own: Vec<&str> = own.map(|word| word.trim_matches(['\'', '"', ')', ';'])).collect();
    let depth = if own.first() == Some(&NESTED) { 2 } else { 1 };
    let flags = own.iter().filter(|word| word.starts_with("--"));
    let name = |word: &&str| word.split('=').next().unwrap_or(word).to_owned();
    Call {
        subcommand: own.iter().take(depth).map(ToString::to_string).collect(),
        flags: flags.map(name).collect(),
    }
}

/// All that a block asks of `make`.
pub fn made(block: &Block) -> Vec<String> {
    let firsts =
        words(block).into_iter().filter(|words| words.first().is_some_and(|it| it == "make"));
    firsts.filter_map(|words| words.get(1).cloned()).collect()
}

/// The flags that the help of a subcommand names; none if there is no such subcommand.
pub fn known_flags(subcommand: &[String]) -> Option<BTreeSet<String>> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tickcast"));
    let output = command.args(subcommand).arg("--help").output().expect("the program runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let words = help.split(|it: char| !(it.is_ascii_alphanumeric() || it == '-'));
    let flags = words.filter(|word| word.starts_with("--")).map(str::to_owned);
    output.status.success().then(|| flags.collect())
}

#[test]
fn calls_are_found_with_their_flags() {
    let text = "nohup tickcast feed > log 2>&1 & echo $! > pid\n\
                sudo sh -c 'A=$(cat /b) tickcast check --redis --role feed'\n\
                install -g tickcast --mode x\n\
                cargo run --release -- price BTC-USDT | jq --raw-output .\n\
                tickcast dlq list --limit=2 \\\n  --url http://x # --no";
    let lines = text.lines().map(str::to_owned).collect();
    let found = calls(&Block { language: "sh".to_owned(), lines });
    let told: Vec<String> =
        found.iter().map(|it| [it.subcommand.join(" "), it.flags.join(" ")].join(": ")).collect();
    assert_eq!(told, ["feed: ", "check: --redis --role", "price: ", "dlq list: --limit --url"]);
}
