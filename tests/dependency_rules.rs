//! Which crate may use which, and that every dependency says what it is for.

use cargo_metadata::{Metadata, MetadataCommand, Package};
use std::collections::BTreeSet;

fn workspace() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut command = MetadataCommand::new();
    command.manifest_path(manifest).no_deps().exec().expect("cargo metadata")
}

/// Names of what a package depends on, tests and build scripts included.
fn uses<'a>(metadata: &'a Metadata, package: &str) -> BTreeSet<&'a str> {
    let found = |it: &&Package| it.name.as_str() == package;
    let package = metadata.packages.iter().find(found).expect("a crate of the workspace");
    package.dependencies.iter().map(|dependency| dependency.name.as_str()).collect()
}

fn own<'a>(metadata: &'a Metadata, package: &str) -> BTreeSet<&'a str> {
    uses(metadata, package).into_iter().filter(|name| name.starts_with("tickcast")).collect()
}

#[test]
fn feed_and_gateway_meet_only_in_shared() {
    let metadata = workspace();
    assert_eq!(own(&metadata, "tickcast-shared"), BTreeSet::new());
    for package in ["tickcast-feed", "tickcast-gateway", "tickcast-load"] {
        assert_eq!(own(&metadata, package), BTreeSet::from(["tickcast-shared"]), "{package}");
    }
    let all = ["tickcast-feed", "tickcast-gateway", "tickcast-load", "tickcast-shared"];
    assert_eq!(own(&metadata, "tickcast"), BTreeSet::from(all));
    assert_eq!(metadata.packages.len(), all.len() + 1, "a new crate needs a rule here");
}

#[test]
fn only_shared_talks_to_redis() {
    let metadata = workspace();
    for package in &metadata.packages {
        let talks = uses(&metadata, &package.name).contains("redis");
        assert_eq!(talks, package.name.as_str() == "tickcast-shared", "{}", package.name);
    }
}

/// The others count by the tables of `shared::metric`, so that nothing is counted that no table has.
#[test]
fn only_shared_names_metrics_freely() {
    let metadata = workspace();
    for package in &metadata.packages {
        let names = uses(&metadata, &package.name).into_iter();
        let counts = names.filter(|name| name.starts_with("metrics")).count() > 0;
        assert_eq!(counts, package.name.as_str() == "tickcast-shared", "{}", package.name);
    }
}

#[test]
fn the_gateway_speaks_to_no_exchange() {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/gateway/src");
    let dialling = files_with("reqwest", std::path::Path::new(source));
    assert_eq!(dialling, ["fetch.rs"], "keys of tokens are all that it fetches");
}

/// Names of the files below a directory that contain a word.
fn files_with(word: &str, directory: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory");
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let found = paths.flat_map(|path| match path.is_dir() {
        true => files_with(word, &path),
        false => {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            name.filter(|_| text.contains(word)).into_iter().collect()
        }
    });
    found.collect()
}

#[test]
fn versions_stand_in_the_workspace_each_with_its_reason() {
    let root = include_str!("../Cargo.toml");
    let (_, rest) = root.split_once("[workspace.dependencies]\n").expect("the section");
    let section = rest.split("\n[").next().expect("its lines");
    let lines = section.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut checked = 0;
    for line in lines.filter(|line| !line.starts_with("tickcast-")) {
        let reason = line.rsplit_once(" # ").map_or("", |(_, reason)| reason.trim());
        assert!(reason.len() > 4, "without a reason: {line}");
        checked += 1;
    }
    assert!(checked > 30, "{checked} dependencies found");
    for (manifest, text) in [
        ("tickcast", root),
        ("shared", include_str!("../shared/Cargo.toml")),
        ("feed", include_str!("../feed/Cargo.toml")),
        ("gateway", include_str!("../gateway/Cargo.toml")),
        ("load", include_str!("../load/Cargo.toml")),
    ] {
        let own = versions_of_its_own(&text.parse().expect("TOML"));
        assert!(own.is_empty(), "{manifest}: {own:?}");
    }
}

/// Dependencies that do not take their version from the workspace.
fn versions_of_its_own(manifest: &toml::Table) -> Vec<String> {
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    let tables = sections.iter().filter_map(|section| manifest.get(*section)?.as_table());
    let own = tables
        .flatten()
        .filter(|(_, how)| how.get("workspace").and_then(toml::Value::as_bool) != Some(true));
    own.map(|(name, _)| name.clone()).collect()
}
