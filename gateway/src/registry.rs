//! Pages of the list of topics, for `{"op":"topics"}` and `/v1/topics`.

use crate::client::commands::Wanted;
use std::collections::BTreeSet;
use tickcast_shared::market::Topic;

/// The topics covered by `wanted` (none: all of them) behind `cursor`, in alphabetical order, at most `limit`, and the
/// cursor of the next page if there is one.
pub fn page<'a>(
    topics: impl Iterator<Item = &'a Topic>,
    wanted: Option<&Wanted>,
    limit: usize,
    cursor: Option<&str>,
) -> (Vec<Topic>, Option<String>) {
    let after = cursor.unwrap_or("");
    let mut sorted: BTreeSet<&Topic> = BTreeSet::new();
    for topic in topics
        .filter(|topic| topic.as_str() > after && wanted.is_none_or(|wanted| wanted.covers(topic)))
    {
        sorted.insert(topic);
        if sorted.len() > limit + 1 {
            sorted.pop_last();
        }
    }
    let page: Vec<Topic> = sorted.iter().take(limit).map(|topic| (*topic).clone()).collect();
    let more = sorted.len() > limit;
    let next = page.last().filter(|_| more).map(ToString::to_string);
    (page, next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap() {
        let topics: Vec<Topic> =
            (10..35).map(|n| format!("ticker:kucoin:A{n}-USDT").parse().unwrap()).collect();
        let mut seen = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let (page, next) = page(topics.iter().rev(), None, 10, cursor.as_deref());
            seen.extend(page);
            match next {
                None => break,
                some => cursor = some,
            }
        }
        assert_eq!(seen, topics);
    }
}
