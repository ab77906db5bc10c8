//! Documents say what is so: links lead somewhere, commands and settings exist, examples can be read.

mod commands;
mod markdown;
mod settings;

use crate::workflows::targets;
use markdown::{Document, documents};
use std::collections::BTreeMap;

/// All blocks in these languages, with the name of their document.
fn blocks<'a>(
    documents: &'a [Document],
    languages: &'a [&str],
) -> impl Iterator<Item = (&'a str, &'a markdown::Block)> {
    let all =
        documents.iter().flat_map(|it| it.blocks.iter().map(|block| (it.name.as_str(), block)));
    all.filter(|(_, block)| languages.contains(&block.language.as_str()))
}

#[test]
fn every_link_leads_somewhere() {
    let documents = documents();
    let (mut followed, mut broken) = (0, Vec::new());
    for document in &documents {
        for link in document.links().filter(|link| !link.contains("://")) {
            followed += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let folder = document.path.parent().expect("a file is in a folder");
            let path = if file.is_empty() { document.path.clone() } else { folder.join(file) };
            let is_there = path.exists();
            let is_found =
                anchor.is_empty() || (is_there && Document::read(path).anchors().contains(anchor));
            if !is_there || !is_found {
                broken.push(format!("{}: {link}", document.name));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert!(followed > 100, "{followed} links");
}

#[test]
fn what_make_is_asked_for_exists() {
    let (documents, targets) = (documents(), targets());
    let mut asked = Vec::new();
    for (name, block) in blocks(&documents, &["sh"]) {
        asked.extend(commands::made(block).into_iter().map(|target| (name, target)));
    }
    for document in &documents {
        let named = document.prose.iter().flat_map(|line| line.split("`make ").skip(1));
        let words = named.filter_map(|rest| rest.split([' ', '`']).next());
        asked.extend(words.map(|target| (document.name.as_str(), target.to_owned())));
    }
    assert!(asked.len() > 10, "{asked:?}");
    for (name, target) in asked {
        assert!(targets.contains(&target), "{name}: make {target} does not exist");
    }
}

#[test]
fn every_command_and_flag_exists() {
    let documents = documents();
    let (mut helps, mut checked, mut unknown) = (BTreeMap::new(), 0, Vec::new());
    for (name, block) in blocks(&documents, &["sh", "console"]) {
        for call in commands::calls(block) {
            checked += 1;
            let key = call.subcommand.clone();
            let help = helps.entry(key).or_insert_with_key(|it| commands::known_flags(it));
            let Some(known) = help else {
                unknown.push(format!("{name}: tickcast {}", call.subcommand.join(" ")));
                continue;
            };
            for flag in call.flags.iter().filter(|flag| !known.contains(*flag)) {
                unknown.push(format!("{name}: tickcast {} {flag}", call.subcommand.join(" ")));
            }
        }
    }
    assert!(unknown.is_empty(), "{}", unknown.join("\n"));
    assert!(checked > 20, "{checked} commands");
}

#[test]
fn every_json_example_can_be_read() {
    let documents = documents();
    let mut read = 0;
    for (name, block) in blocks(&documents, &["json"]) {
        for line in block.lines.iter().filter(|line| !line.is_empty()) {
            let value = serde_json::from_str::<serde_json::Value>(line);
            assert!(value.is_ok_and(|it| it.is_object()), "{name}: {line}");
            read += 1;
        }
    }
    assert!(read > 20, "{read} examples");
}
