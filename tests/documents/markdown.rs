//! Documents as far as these tests look into them: prose, headings, links, and blocks of code.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// The top of the source tree.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// Folders with other people's documents, or with what is built.
const NOT_OURS: [&str; 3] = ["target", "node_modules", "corpus"];

/// One document.
pub struct Document {
    /// Where it is, from the top of the source tree.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its lines outside of blocks.
    pub prose: Vec<String>,
    /// Its blocks of code.
    pub blocks: Vec<Block>,
}

/// A block of code.
pub struct Block {
    /// What stands behind the opening fence, such as `sh`.
    pub language: String,
    /// The lines between the fences.
    pub lines: Vec<String>,
}

/// All documents of the source tree.
pub fn documents() -> Vec<Document> {
    let mut found = Vec::new();
    collect(Path::new(ROOT), &mut found);
    found.sort();
    found.into_iter().map(Document::read).collect()
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let is_folder = entry.file_type().expect("a type").is_dir();
        if is_folder && !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()) {
            collect(&path, found);
        } else if !is_folder && name.ends_with(".md") {
            found.push(path);
        }
    }
}

impl Document {
    /// Reads a file.
    pub fn read(path: PathBuf) -> Self {
        let text = fs::read_to_string(&path).expect("a readable document");
        let name = path.strip_prefix(ROOT).unwrap_or(&path).display().to_string();
        let (mut prose, mut blocks, mut open) = (Vec::new(), Vec::new(), None::<Block>);
        for line in text.lines() {
            match (line.trim_start().strip_prefix("```"), open.take()) {
                (Some(language), None) => {
                    open = Some(Block { language: language.trim().to_owned(), lines: Vec::new() });
                }
                (Some(_), Some(block)) => blocks.push(block),
                (None, Some(mut block)) => {
                    block.lines.push(line.to_owned());
                    open = Some(block);
                }
                (None, None) => prose.push(line.to_owned()),
            }
        }
        assert!(open.is_none(), "{name}: a block is never closed");
        Self { name, path, prose, blocks }
    }

    /// The targets of its links and pictures.
    pub fn links(&self) -> impl Iterator<Item = &str> {
        let behind = self.prose.iter().flat_map(|line| line.split("](").skip(1));
        behind.filter_map(|rest| rest.split([')', ' ']).next())
    }

    /// What its headings are called in links.
    pub fn anchors(&self) -> BTreeSet<String> {
        let headings = self.prose.iter().filter(|line| line.starts_with('#'));
        headings.map(|line| anchor(line.trim_start_matches('#').trim())).collect()
    }

    /// The rows of tables below the first heading that has this text.
    pub fn rows_below(&self, heading: &str) -> Vec<&str> {
        let is_heading = |line: &&String| line.starts_with('#');
        let lines =
            self.prose.iter().skip_while(|line| !(is_heading(line) && line.contains(heading)));
        let lines = lines.skip(1).take_while(|line| !is_heading(line));
        lines.map(String::as_str).filter(|line| line.starts_with('|')).collect()
    }
}

/// What GitHub makes of a heading: lower case, hyphens for blanks, nothing for other signs.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|it| match it {
        ' ' => Some('-'),
        '-' | '_' => Some(it),
        _ => it.is_alphanumeric().then_some(it),
    });
    kept.flat_map(char::to_lowercase).collect()
}

#[test]
fn anchors_are_those_of_github() {
    assert_eq!(anchor("`[gateway.limits]`"), "gatewaylimits");
    assert_eq!(anchor("Why are there holes in `seq`?"), "why-are-there-holes-in-seq");
    assert_eq!(anchor("Lease, epoch and fence"), "lease-epoch-and-fence");
}
