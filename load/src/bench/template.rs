//! Texts with `{names}` in them, replaced by values.

use std::collections::BTreeMap;

/// Names and what they stand for.
#[derive(Debug, Clone, Default)]
pub struct Template(BTreeMap<&'static str, String>);

impl Template {
    /// Of these names.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self(values.into_iter().collect())
    }

    /// The text with every known `{name}` replaced; all other braces stay.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            filled.push_str(&rest[..open]);
            let inner = &rest[open + 1..];
            let known =
                inner.find('}').and_then(|close| Some((close, self.0.get(&inner[..close])?)));
            match known {
                Some((close, value)) => {
                    filled.push_str(value);
                    rest = &inner[close + 1..];
                }
                None => {
                    filled.push('{');
                    rest = inner;
                }
            }
        }
        filled.push_str(rest);
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_replaced_and_nothing_else() {
        let template = Template::new([("port", "81".to_owned()), ("dir", "{port}".to_owned())]);
        for (text, filled) in [
            ("a{port}b{port}", "a81b81"),
            (r#"{"a":{port}}"#, r#"{"a":81}"#),
            ("{dir}", "{port}"),
            ("{other} {", "{other} {"),
            ("{{port}}", "{81}"),
            ("", ""),
        ] {
            assert_eq!(template.fill(text), filled);
        }
    }
}
