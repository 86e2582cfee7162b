use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use serde_json::Value;

/// A hash of a line: lines with the same fingerprint are taken to be the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of the bytes of `line`.
    pub fn of(line: &[u8]) -> Self {
        // No server chooses its lines to collide in a load test: 64 bits are enough.
        let mut hasher = DefaultHasher::new();
        line.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// A fingerprint of the content of `line`: if it is JSON, the order of its fields does not matter.
    pub fn of_content(line: &[u8]) -> Self {
        match serde_json::from_slice::<BTreeMap<String, Value>>(line) {
            Ok(fields) => Self::of(format!("{fields:?}").as_bytes()),
            Err(_) => Self::of(line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_fields_is_not_content() {
        let of = |line: &str| Fingerprint::of_content(line.as_bytes());
        assert_eq!(of(r#"{"seq":3,"ms":5}"#), of(r#"{"ms":5,"seq":3}"#));
        assert_ne!(of(r#"{"seq":3,"ms":5}"#), of(r#"{"seq":3,"ms":6}"#));
        assert_ne!(of("x"), of("y"));
    }
}
