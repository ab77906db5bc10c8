//! The path of a setting: `feed.exchange[0].name`.

use super::known::ANY_NAME;
use serde_json::Value;
use serde_path_to_error::{Path, Segment};
use std::fmt;

/// One step into a table or a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table.
    Name(String),
    /// Into a list.
    Index(usize),
}

/// A path from the root of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Key(pub Vec<Step>);

impl Key {
    /// The path of a member of a table.
    pub fn with_name(&self, name: &str) -> Self {
        self.with(Step::Name(name.to_owned()))
    }

    /// The path of an element of a list.
    pub fn with_index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }

    /// What stands at this path, if anything does.
    pub fn find<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, step| match step {
            Step::Name(name) => value.get(name),
            Step::Index(index) => value.get(index),
        })
    }

    /// What stands at this path of a sample, in which the first element of a list speaks for all,
    /// and [`ANY_NAME`] for every name.
    pub fn find_sample<'v>(&self, sample: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(sample, |value, step| match step {
            Step::Name(name) => value.get(name).or_else(|| value.get(ANY_NAME)),
            Step::Index(_) => value.get(0),
        })
    }

    /// The variable that sets this key: `TICKCAST_FEED__EXCHANGE__0__NAME`.
    pub fn variable(&self) -> String {
        let step = |step: &Step| match step {
            Step::Name(name) => name.to_ascii_uppercase(),
            Step::Index(index) => index.to_string(),
        };
        let steps: Vec<String> = self.0.iter().map(step).collect();
        format!("{}{}", super::ENV_PREFIX, steps.join("__"))
    }

    /// The key that a variable sets, its prefix taken off.
    pub fn of_variable(name: &str) -> Self {
        let step = |part: &str| {
            part.parse().map_or_else(|_| Step::Name(part.to_ascii_lowercase()), Step::Index)
        };
        Self(name.split("__").map(step).collect())
    }
}

impl From<&str> for Key {
    fn from(dotted: &str) -> Self {
        Self(dotted.split('.').map(|name| Step::Name(name.to_owned())).collect())
    }
}

impl From<&Path> for Key {
    fn from(path: &Path) -> Self {
        let step = |segment: &Segment| match segment {
            Segment::Map { key } | Segment::Enum { variant: key } => Some(Step::Name(key.clone())),
            Segment::Seq { index } => Some(Step::Index(*index)),
            Segment::Unknown => None,
        };
        Self(path.iter().filter_map(step).collect())
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, step) in self.0.iter().enumerate() {
            match step {
                Step::Name(name) if n == 0 => f.write_str(name)?,
                Step::Name(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}
