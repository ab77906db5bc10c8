//! What the URL of a connection asks for: `?topics=A,B&interval_ms=100`.

use super::{reply::Refusal, rest};
use tickcast_shared::protocol::Asked;

/// Topics and the settings of their subscription.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// None if it names no topics at all.
    pub topics: Option<Vec<String>>,
    /// How they are to be sent.
    pub asked: Asked,
}

impl Wanted {
    /// What a query says.
    ///
    /// # Errors
    /// [`Refusal`] names what is wrong; parameters that `path` does not have are refused by name.
    pub fn of(path: &str, query: Option<&str>) -> Result<Self, Refusal> {
        let mut wanted = Self::default();
        for (key, value) in rest::pairs(query.unwrap_or_default())? {
            if key == "topics" {
                let list = value.split(',').filter(|text| !text.is_empty());
                wanted.topics = Some(list.map(str::to_owned).collect());
            } else if !wanted.asked.field(&key, &value).map_err(Refusal::bad_field)? {
                return Err(Refusal::unknown_field(format!("{path} has no parameter {key:?}")));
            }
        }
        if wanted.topics.is_none() && wanted.asked != Asked::default() {
            let message =
                "settings of a subscription need topics=, as in topics=A,B&interval_ms=100";
            return Err(Refusal::bad_field(message.into()));
        }
        Ok(wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tickcast_shared::protocol::ErrorCode;

    fn refused(query: &str) -> (ErrorCode, String) {
        let refusal = Wanted::of("/ws", Some(query)).unwrap_err();
        (refusal.code, refusal.message)
    }

    #[test]
    fn the_query_names_topics_and_settings() {
        let query = "topics=A-B,,ticker%3Aokx%3AC-D&interval_ms=100&max_silence_ms=3600000\
                     &history=20";
        let asked = Asked {
            interval_ms: Some(100),
            min_change_bps: None,
            max_silence_ms: Some(3_600_000),
            history: Some(20),
        };
        let topics = Some(vec!["A-B".to_owned(), "ticker:okx:C-D".to_owned()]);
        assert_eq!(Wanted::of("/ws", Some(query)).unwrap(), Wanted { topics, asked });
        assert_eq!(Wanted::of("/ws", None).unwrap(), Wanted::default());
    }

    #[test]
    fn what_is_wrong_with_a_query_is_named() {
        let message = "min_change_bps must be a whole number from 0 to 10000";
        for value in ["10001", "", "-1", "1.0"] {
            let query = format!("topics=A-B&min_change_bps={value}");
            assert_eq!(refused(&query), (ErrorCode::BadField, message.to_owned()));
        }
        assert_eq!(refused("topics=A-B&colour=5").0, ErrorCode::UnknownField);
        let (code, message) = refused("interval_ms=100");
        assert_eq!(code, ErrorCode::BadField);
        assert!(message.contains("topics="), "{message}");
    }
}
