//! The workflows for others' CI: they parse, run what exists, and may do no more than they need.

use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// All workflows by file name.
fn workflows() -> BTreeMap<String, Value> {
    let folder = Path::new(ROOT).join(".github/workflows");
    let entries =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file"));
    let parsed = entries.map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(entry.path()).expect("text");
        let value = serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, value)
    });
    parsed.collect()
}

fn jobs(workflow: &Value) -> impl Iterator<Item = (&String, &Value)> {
    workflow["jobs"].as_object().expect("jobs").iter()
}

fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().into_iter().flatten()
}

/// Targets of the Makefile.
pub fn targets() -> BTreeSet<String> {
    let makefile = std::fs::read_to_string(Path::new(ROOT).join("Makefile")).expect("a Makefile");
    let lines = makefile.lines().filter(|line| !line.starts_with(['\t', '#', '.']));
    let names =
        lines.filter_map(|line| line.split_once(':').filter(|(_, rest)| !rest.starts_with('=')));
    names.map(|(name, _)| name.to_owned()).collect()
}

#[test]
fn tests_audit_fuzzing_and_release_each_have_one() {
    let workflows = workflows();
    let names: Vec<&str> = workflows.keys().map(String::as_str).collect();
    assert_eq!(names, ["audit.yml", "fuzz.yml", "release.yml", "test.yml"]);
}

#[test]
fn what_they_run_exists() {
    let targets = targets();
    let mut made = BTreeSet::new();
    for (name, workflow) in workflows() {
        for step in jobs(&workflow).flat_map(|(_, job)| steps(job)) {
            let words = step["run"].as_str().unwrap_or_default().split_whitespace();
            let words: Vec<&str> = words.collect();
            for pair in words.windows(2).filter(|pair| pair[0] == "make") {
                assert!(targets.contains(pair[1]), "{name}: make {} does not exist", pair[1]);
                made.insert(pair[1].to_owned());
            }
            for script in words.iter().filter(|word| word.starts_with(".ci/")) {
                assert!(Path::new(ROOT).join(script).exists(), "{name}: {script} does not exist");
            }
        }
    }
    let expected = ["audit", "check-servers", "deny", "dist", "fuzz-smoke", "test"];
    assert_eq!(made, expected.map(str::to_owned).into());
}

#[test]
fn tests_are_what_make_test_says_and_nothing_else() {
    let test = &workflows()["test.yml"];
    let (_, job) = jobs(test).next().expect("a job");
    let runs: Vec<&str> = steps(job).filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(runs.last(), Some(&"make test"), "{runs:?}");
    let tests = runs.iter().filter(|run| run.contains("cargo") || run.contains("make test"));
    assert_eq!(tests.count(), 1, "{runs:?}");
}

#[test]
fn every_job_ends_and_may_only_read() {
    for (name, workflow) in workflows() {
        assert_eq!(workflow["permissions"], serde_json::json!({"contents": "read"}), "{name}");
        assert!(workflow["concurrency"]["group"].is_string(), "{name}: concurrency");
        for (id, job) in jobs(&workflow) {
            let is_called = job["uses"].is_string();
            assert!(is_called || job["timeout-minutes"].is_u64(), "{name}: {id} has no time-out");
            let may_write = (name.as_str(), id.as_str()) == ("release.yml", "publish");
            assert_eq!(!job["permissions"].is_null(), may_write, "{name}: permissions of {id}");
        }
    }
}

#[test]
fn a_release_is_published_after_everything_else() {
    let release = &workflows()["release.yml"];
    let needs: Vec<&str> = release["jobs"]["publish"]["needs"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let others: Vec<&str> =
        jobs(release).map(|(id, _)| id.as_str()).filter(|id| *id != "publish").collect();
    assert_eq!(needs.iter().collect::<BTreeSet<_>>(), others.iter().collect());
    assert_eq!(release["on"]["push"]["tags"].as_array().map(Vec::len), Some(1));
}

#[test]
fn actions_are_pinned() {
    for (name, workflow) in workflows() {
        let called = jobs(&workflow).map(|(_, job)| job).filter_map(|job| job["uses"].as_str());
        for path in called {
            let local = path.strip_prefix("./").unwrap_or_else(|| panic!("{name}: {path}"));
            assert!(Path::new(ROOT).join(local).exists(), "{name}: {path} does not exist");
        }
        for uses in
            jobs(&workflow).flat_map(|(_, job)| steps(job)).filter_map(|it| it["uses"].as_str())
        {
            let version = uses.split_once('@').map_or("", |(_, version)| version);
            let major = version.strip_prefix('v').unwrap_or("x");
            let is_commit = version.len() == 40 && version.bytes().all(|it| it.is_ascii_hexdigit());
            assert!(is_commit || major.parse::<u8>().is_ok(), "{name}: {uses} is not pinned");
        }
    }
}

#[test]
fn a_tag_of_another_version_makes_no_packages() {
    let script = Path::new(ROOT).join(".ci/dist");
    let output = Command::new(script).env("VERSION", "0.0.999").output().expect("a script");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(said.contains("the tag says 0.0.999, Cargo.toml says"), "{said}");
}
