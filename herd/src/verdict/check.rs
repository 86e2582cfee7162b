/// What kind of problem a failed check shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// A stream or a reply was not what the protocol promises.
    Stream,
    /// The run did not do what was requested.
    Incomplete,
    /// The generator was the bottleneck.
    Generator,
    /// A `--fail-if` threshold was crossed.
    Threshold,
}

impl Category {
    /// The exit code of a run whose most severe problem is this.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Incomplete => 1,
            Self::Stream => 3,
            Self::Threshold => 4,
            Self::Generator => 5,
        }
    }

    /// Orders categories, the most severe first. Incorrect data comes before slowness, and an
    /// overloaded generator before thresholds, which mean nothing then.
    pub fn rank(self) -> u8 {
        match self {
            Self::Stream => 0,
            Self::Incomplete => 1,
            Self::Generator => 2,
            Self::Threshold => 3,
        }
    }
}

/// A check that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct FailedCheck {
    /// What kind of problem it shows.
    pub category: Category,
    /// The name of the check, as in the JSON document.
    pub check: String,
    /// The largest or smallest value that passes, in the unit of the check.
    pub limit: f64,
    /// The value; `None` if it is unknown.
    pub value: Option<f64>,
}

impl FailedCheck {
    /// A check with this `limit` that failed with `value`.
    pub fn new(category: Category, check: &str, limit: f64, value: f64) -> Self {
        Self { category, check: check.to_owned(), limit, value: Some(value) }
    }
}
