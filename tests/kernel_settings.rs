//! The kernel settings that are shipped: keys that exist, each with its reason.

use std::path::{Path, PathBuf};

fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/docker-less-deploy/sysctl.d");
    let entries =
        std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file"));
    entries.map(|entry| entry.path()).collect()
}

/// Syntax of sysctl.d(5): `key = value`, `#` for comments, `-` before what may be missing.
#[test]
fn every_setting_exists_and_says_why() {
    let mut settings = 0;
    for path in files() {
        let text = std::fs::read_to_string(&path).expect("text");
        let mut is_explained = false;
        for line in text.lines() {
            if line.starts_with('#') {
                is_explained = true;
                continue;
            }
            let Some((key, value)) = line.split_once(" = ") else {
                assert!(line.is_empty(), "{}: {line}", path.display());
                is_explained = false;
                continue;
            };
            assert!(is_explained, "no reason above {line}");
            let is_number = |it: &str| it.parse::<u64>().is_ok();
            assert!(value.split([' ', ',', '-']).all(is_number), "{line}");
            let (key, may_be_missing) = match key.strip_prefix('-') {
                Some(key) => (key, true),
                None => (key, false),
            };
            let exists = Path::new("/proc/sys").join(key.replace('.', "/")).exists();
            assert!(exists || may_be_missing, "{key} is no setting of this kernel");
            settings += 1;
        }
    }
    assert!(settings > 8, "{settings} settings");
}
