//! Which keys differ between two configurations, by their serialised forms: nobody has to list keys,
//! so none can be forgotten.

use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The full names of the keys whose values differ, in their order. Lists of tables that have names
/// are compared name by name, `feed.exchange.kucoin.symbols`; other lists as a whole.
///
/// # Errors
/// When a configuration cannot be serialised: a fault of the program.
pub fn changed_keys<T: Serialize>(before: &T, after: &T) -> Result<Vec<String>, serde_json::Error> {
    let (before, after) = (flat(before)?, flat(after)?);
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = |key: &&String| before.get(*key) != after.get(*key);
    let changed: Vec<String> = keys.into_iter().filter(differs).cloned().collect();
    // A list that was empty is told by its entries.
    let is_table = |key: &String| {
        changed.iter().any(|it| it.strip_prefix(key.as_str()).is_some_and(|it| it.starts_with('.')))
    };
    Ok(changed.iter().filter(|key| !is_table(key)).cloned().collect())
}

fn flat<T: Serialize>(settings: &T) -> Result<BTreeMap<String, Value>, serde_json::Error> {
    let mut leaves = BTreeMap::new();
    flatten(String::new(), lists_by_name(serde_json::to_value(settings)?), &mut leaves);
    Ok(leaves)
}

/// The same with every list of tables that all have a `name` turned into a table by these names:
/// `feed.exchange.kucoin.symbols`, wherever in the list it stands.
fn lists_by_name(value: Value) -> Value {
    match value {
        Value::Array(list) => {
            let name = |entry: &Value| Some(entry.get("name")?.as_str()?.to_owned());
            match list.iter().map(name).collect::<Option<Vec<_>>>() {
                Some(names) if !names.is_empty() => {
                    Value::Object(names.into_iter().zip(list).collect())
                }
                _ => Value::Array(list),
            }
        }
        Value::Object(table) => {
            Value::Object(table.into_iter().map(|(key, it)| (key, lists_by_name(it))).collect())
        }
        leaf => leaf,
    }
}

fn flatten(key: String, value: Value, leaves: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(table) if !table.is_empty() => {
            for (name, member) in table {
                let key = if key.is_empty() { name } else { format!("{key}.{name}") };
                flatten(key, member, leaves);
            }
        }
        // No value.
        Value::Null => {}
        leaf => {
            leaves.insert(key, leaf);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn changed(before: Value, after: Value) -> Vec<String> {
        changed_keys(&before, &after).unwrap()
    }

    #[test]
    fn names_every_key_that_differs_and_no_other() {
        let before = json!({"a": 1, "b": {"c": [1, 2], "d": null}, "e": "same"});
        let after = json!({"a": 2, "b": {"c": [2, 1], "d": 5}, "e": "same", "f": {"g": true}});
        assert_eq!(changed(before.clone(), after), ["a", "b.c", "b.d", "f.g"]);
        assert_eq!(changed(before.clone(), before), Vec::<String>::new());
    }

    #[test]
    fn lists_of_named_tables_are_compared_by_name() {
        let exchange = |name: &str, symbols: &[&str]| json!({"name": name, "symbols": symbols});
        let before = json!({"exchange": [exchange("okx", &["A"]), exchange("kucoin", &["A"])]});
        let after = json!({"exchange": [exchange("kucoin", &["A", "B"]), exchange("okx", &["A"])]});
        assert_eq!(changed(before.clone(), after), ["exchange.kucoin.symbols"]);
        let less = json!({"exchange": [exchange("okx", &["A"])]});
        assert_eq!(
            changed(before.clone(), less),
            ["exchange.kucoin.name", "exchange.kucoin.symbols"]
        );
        let none = json!({"exchange": []});
        assert_eq!(changed(before, none).len(), 4);
    }
}
