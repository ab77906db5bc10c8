//! Which topics are shown.

use super::topic::Topic;

/// Words that all must be found in a topic's name, its state or its origin.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    text: String,
}

impl Filter {
    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it shows everything.
    pub fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Another letter.
    pub fn push(&mut self, letter: char) {
        self.text.push(letter);
    }

    /// Without its last letter.
    pub fn pop(&mut self) {
        self.text.pop();
    }

    /// Shows everything again.
    pub fn clear(&mut self) {
        self.text.clear();
    }

    /// Whether it shows a topic.
    pub fn shows(&self, topic: &Topic) -> bool {
        if self.is_empty() {
            return true;
        }
        let origin = if topic.quote.simulated { "simulated" } else { "" };
        let symbol = topic.symbol();
        let known = [&*topic.quote.topic, &symbol, topic.exchange(), topic.word(), origin];
        let known = known.map(str::to_lowercase);
        let text = self.text.to_lowercase();
        text.split_whitespace().all(|word| known.iter().any(|field| finds(word, field)))
    }
}

/// With `*` a word is the whole of a field, otherwise any part of it.
fn finds(word: &str, field: &str) -> bool {
    let Some((start, rest)) = word.split_once('*') else { return field.contains(word) };
    let Some(mut field) = field.strip_prefix(start) else { return false };
    let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    for piece in middle.split('*') {
        match field.find(piece) {
            Some(at) => field = &field[at + piece.len()..],
            None => return false,
        }
    }
    field.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::quote;
    use super::*;
    use tickcast_shared::clock::Micros;

    #[test]
    fn every_word_must_be_found() {
        let topic = Topic::new(quote("ticker:okx:BTC-USDT", "1"), String::new(), Micros(0));
        for (text, is_shown) in [
            ("", true),
            ("  ", true),
            ("btc", true),
            ("BTC okx live", true),
            ("btc kraken", false),
            ("stale", false),
            ("simulated", false),
            ("ticker:*:b*", true),
            ("b*-usdt", true),
            ("*-usdt", true),
            ("*", true),
            ("b*x", false),
            ("b*t*t*usdt", false),
            ("b*c*-*t", true),
        ] {
            let filter = Filter { text: text.into() };
            assert_eq!(filter.shows(&topic), is_shown, "{text:?}");
        }
    }

    #[test]
    fn it_is_typed_letter_by_letter() {
        let mut filter = Filter::default();
        "ök".chars().for_each(|letter| filter.push(letter));
        filter.pop();
        assert_eq!((filter.text(), filter.is_empty()), ("ö", false));
        filter.clear();
        assert!(filter.is_empty());
    }
}
