//! MessagePack with the data model of JSON: the same messages, less to read for a machine.
//!
//! Messages become JSON first and are turned into MessagePack from there: an `id` is kept as the
//! JSON text that the client wrote, so JSON is what every message of ours can be written as.

mod pack;
mod unpack;

pub use pack::from_json;
pub use unpack::{UnpackError, to_json};

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (0_u64..300).prop_map(Value::from),
            // Eighths are written exactly, so that reading them back cannot differ in a last digit.
            any::<i32>().prop_map(|eighths| Value::from(f64::from(eighths) / 8.0)),
            "\\PC{0,40}".prop_map(Value::from),
            "[a-z\\u{0}-\\u{1f}\"\\\\/]{30,300}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 200, 40, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..40).prop_map(Value::from),
                proptest::collection::btree_map("\\PC{0,12}", inner, 0..40)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_json_comes_back_as_it_was(value in any_json()) {
            let text = value.to_string();
            let packed = from_json(text.as_bytes()).unwrap();
            prop_assert_eq!(rmp_serde::from_slice::<Value>(&packed).unwrap(), value);
            prop_assert_eq!(to_json(&packed).unwrap(), text);
        }

        #[test]
        fn what_another_encoder_packed_is_read(value in any_json()) {
            let packed = rmp_serde::to_vec(&value).unwrap();
            prop_assert_eq!(to_json(&packed).unwrap(), value.to_string());
        }

        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            if let Ok(text) = to_json(&bytes) {
                prop_assert!(serde_json::from_str::<Value>(&text).is_ok(), "{}", text);
            }
        }
    }

    #[test]
    fn long_lists_and_maps_have_longer_headers() {
        for count in [0, 15, 16, 65_535, 65_536] {
            let list = Value::from(vec![7; count]);
            let map: serde_json::Map<_, _> =
                (0..count).map(|at| (format!("{at:06}"), Value::Null)).collect();
            for value in [list, Value::Object(map)] {
                let packed = from_json(value.to_string().as_bytes()).unwrap();
                assert_eq!(packed, rmp_serde::to_vec(&value).unwrap(), "{count}");
            }
        }
    }

    #[test]
    fn keys_keep_their_order() {
        let text = r#"{"type":"synced","id":null,"a":{"z":1,"b":[true,false,-1,1.5]}}"#;
        assert_eq!(to_json(&from_json(text.as_bytes()).unwrap()).unwrap(), text);
    }

    #[test]
    fn numbers_beyond_an_integer_are_floats() {
        let packed = from_json(b"12345678901234567890123").unwrap();
        assert_eq!(
            rmp_serde::from_slice::<f64>(&packed).unwrap(),
            12_345_678_901_234_567_890_123.0
        );
    }

    #[test]
    fn what_is_no_json_is_not_packed() {
        for text in ["", "{", "[1]]", r#""\ud800""#, "1e999"] {
            assert!(from_json(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_json_cannot_say_is_refused_by_name() {
        let deep = [vec![0x91; 127], vec![0xc0]].concat();
        assert!(serde_json::from_str::<Value>(&to_json(&deep).unwrap()).is_ok());
        let cases: [(&[u8], UnpackError); 12] = [
            (b"", UnpackError::Cut),
            (b"\x81\xa1a", UnpackError::Cut),
            (b"\xa5abc", UnpackError::Cut),
            (b"\xdd\xff\xff\xff\xff\x01", UnpackError::Cut),
            (b"\x81\x01\x02", UnpackError::Key),
            (b"\xc4\x01a", UnpackError::Binary),
            (b"\xd6\xff\x00\x00\x00\x00", UnpackError::Extension),
            (b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", UnpackError::NotFinite),
            (b"\xca\xff\x80\x00\x00", UnpackError::NotFinite),
            (b"\xa1\xff", UnpackError::NotText),
            (b"\xc0\xc0", UnpackError::Trailing),
            (b"\xc1", UnpackError::Reserved),
        ];
        for (bytes, error) in cases {
            assert_eq!(to_json(bytes), Err(error), "{bytes:x?}");
        }
        assert_eq!(to_json(&[vec![0x91; 128], vec![0xc0]].concat()), Err(UnpackError::TooDeep));
        assert_eq!(to_json(&[0x91; 60_000]), Err(UnpackError::TooDeep));
    }
}
