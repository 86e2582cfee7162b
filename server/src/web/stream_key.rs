use std::{fmt, str::FromStr};

/// The secret by which a page sends lines to its own stream: 128 random bits, written as 32 hexadecimal
/// digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamKey(u128);

/// A text is not a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 32 hexadecimal digits")]
pub struct InvalidKey;

impl StreamKey {
    /// A new key, from a cryptographically secure generator: no other client can guess it.
    pub fn random() -> Self {
        Self(rand::random())
    }
}

impl fmt::Display for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// It is a secret, and not to be logged.
impl fmt::Debug for StreamKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StreamKey(..)")
    }
}

impl FromStr for StreamKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_hexadecimal = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hexadecimal {
            return Err(InvalidKey);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| InvalidKey)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_key_is_parsed_back_from_its_text(bits: u128) {
            let key = StreamKey(bits);
            let text = key.to_string();
            prop_assert_eq!(text.len(), 32);
            prop_assert_eq!(text.parse(), Ok(key));
        }
    }

    #[test]
    fn rejects_other_texts() {
        let digits = "0123456789abcdef0123456789abcdef";
        assert!(digits.parse::<StreamKey>().is_ok());
        for text in ["", "+123456789abcdef0123456789abcdef", &digits[1..], &format!("{digits}0")] {
            assert_eq!(text.parse::<StreamKey>(), Err(InvalidKey), "{text}");
        }
    }

    #[test]
    fn keys_differ_and_are_not_shown_in_logs() {
        let [one, two] = [(); 2].map(|()| StreamKey::random());
        assert_ne!(one, two);
        assert!(!format!("{one:?}").contains(&one.to_string()));
    }
}
