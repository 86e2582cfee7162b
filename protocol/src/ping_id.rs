use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::{RawValue, to_raw_value};

/// The id of a ping, which its pong returns: a JSON string or number, byte for byte.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct PingId(Box<RawValue>);

impl PingId {
    /// An id with this `value`, if it is a string or a number.
    /// The id `value`, if it is a string or a number.
    pub(crate) fn new(value: Box<RawValue>) -> Option<Self> {
        let scalar = value
            .get()
            .starts_with(|first: char| first == '"' || first == '-' || first.is_ascii_digit());
        scalar.then_some(Self(value))
    }

    /// The JSON text of the id.
    pub fn as_json(&self) -> &str {
        self.0.get()
    }
}

impl From<u64> for PingId {
    fn from(number: u64) -> Self {
        Self(to_raw_value(&number).expect("a number is always JSON"))
    }
}

impl PartialEq for PingId {
    fn eq(&self, other: &Self) -> bool {
        self.as_json() == other.as_json()
    }
}

impl<'de> Deserialize<'de> for PingId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Via a `Value`, as `RawValue` does not work within an internally tagged enum.
        let value = serde_json::Value::deserialize(deserializer)?;
        let raw = to_raw_value(&value).map_err(de::Error::custom)?;
        Self::new(raw).ok_or_else(|| de::Error::custom("an id is a string or a number"))
    }
}
