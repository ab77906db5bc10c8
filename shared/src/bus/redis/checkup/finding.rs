//! What a checkup finds.

use serde::Serialize;

/// What a process does with the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Writes and publishes.
    Feed,
    /// Reads and subscribes.
    Gateway,
}

/// How bad a finding is, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Could not be looked at.
    Skip,
    /// Works, and should be changed.
    Warn,
    /// Tickcast does not work with it, or stops working sooner or later.
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What, in one or two words.
    pub check: &'static str,
    /// How bad.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do: a line for `redis.conf`, a command, or a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

impl Finding {
    pub(super) fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, found: found.into(), change: None }
    }

    pub(super) fn skip(check: &'static str, found: impl Into<String>, how: &str) -> Self {
        Self::bad(Verdict::Skip, check, found.into(), how.to_owned())
    }

    pub(super) fn warn(
        check: &'static str,
        found: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self::bad(Verdict::Warn, check, found.into(), change.into())
    }

    pub(super) fn fail(
        check: &'static str,
        found: impl Into<String>,
        change: impl Into<String>,
    ) -> Self {
        Self::bad(Verdict::Fail, check, found.into(), change.into())
    }

    fn bad(verdict: Verdict, check: &'static str, found: String, change: String) -> Self {
        Self { check, verdict, found, change: Some(change) }
    }
}

/// All findings on one server, or on several of them together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Host and port or path of the server, or what they are together.
    pub server: String,
    /// `master`, `replica`, `sentinel`, or empty.
    pub part: &'static str,
    /// In the order in which they are to be read.
    pub findings: Vec<Finding>,
}

impl Report {
    /// The worst of its verdicts.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.findings.iter().map(|finding| finding.verdict).max().unwrap_or(Verdict::Ok)
    }
}
