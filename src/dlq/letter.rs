//! A dead letter as the command shows it, wherever it comes from.

use serde::{Deserialize, Serialize};
use tickcast_shared::{bus::Kept, clock::Micros};

/// One letter. As JSON it has the same keys from either source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Its number.
    pub id: String,
    /// Who sent it.
    pub exchange: String,
    /// Why it was refused.
    pub reason: String,
    /// When it was received.
    pub time: Micros,
    /// Whose feed received it; a feed that is asked does not say.
    #[serde(default)]
    pub group: Option<String>,
    /// Its text.
    pub raw: String,
}

impl From<Kept> for Letter {
    fn from(Kept { id, letter }: Kept) -> Self {
        Self {
            id,
            exchange: letter.exchange.to_string(),
            reason: letter.reason,
            time: letter.time,
            group: Some(letter.group.to_string()),
            raw: letter.raw,
        }
    }
}

impl Letter {
    /// Everything about it, on several lines.
    pub fn whole(&self) -> String {
        let Self { id, exchange, reason, time, group, raw } = self;
        let group = group.as_ref().map_or_else(String::new, |group| format!("group     {group}\n"));
        format!(
            "id        {id}\nexchange  {exchange}\nreason    {reason}\ntime      {} us\n{group}\n{raw}\n",
            time.0
        )
    }
}
