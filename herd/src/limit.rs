use std::{fmt, str::FromStr};

use super::plan::Mode;

/// Something about a run that can be compared with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A quantile of the latency, in microseconds.
    Latency(Clock, Quantile),
    /// A quantile of the time from the first to the last member that got the same event, in
    /// microseconds.
    Skew(Quantile),
    /// Jobs started per second.
    Rate,
    /// Deliveries per second: events that a member received, or echoes.
    Deliveries,
    /// Jobs that failed.
    Errors,
    /// Jobs that failed, in percent of those that were started.
    ErrorPercent,
    /// Events that were lost.
    Lost,
    /// Events that were skipped and announced as such.
    Told,
    /// A quantile of how late ticks came, in microseconds.
    TickLateness(Quantile),
}

/// From when latency is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// From when it was begun.
    Service,
    /// From when it should have been.
    Response,
}

/// How much of a distribution lies below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantile {
    /// Half.
    P50,
    /// Nine of ten.
    P90,
    /// 99 of 100.
    P99,
    /// 999 of 1000.
    P999,
    /// All.
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// What a run must not be, as in `p99>20ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// What is looked at.
    pub metric: Metric,
    comparison: Comparison,
    /// In the unit of the metric.
    pub threshold: f64,
    text: String,
}

impl Limit {
    /// Whether the run, of which `value` says what the metric was, fails. What was not measured
    /// cannot be said to be within a limit.
    pub fn is_crossed(&self, value: Option<f64>) -> bool {
        value.is_none_or(|value| match self.comparison {
            Comparison::Above => value > self.threshold,
            Comparison::AtLeast => value >= self.threshold,
            Comparison::Below => value < self.threshold,
            Comparison::AtMost => value <= self.threshold,
        })
    }
}

impl Metric {
    /// Why there is nothing of it to be measured in a run of this `mode`, where it is planned when jobs
    /// begin if it `has_rate`; `None` if there is.
    pub fn is_missing_in(self, mode: Mode, has_rate: bool) -> Option<&'static str> {
        match (self, mode) {
            (Self::Skew(_) | Self::TickLateness(_) | Self::Told, Mode::Echo) => {
                Some("an echo has no events: it is measured with --mode watch or play")
            }
            (Self::Latency(Clock::Response, _), Mode::Watch) => Some(
                "nothing is asked for when watching: it is measured with --mode play, or echo and --rate",
            ),
            (Self::Latency(Clock::Response, _), Mode::Echo) if !has_rate => {
                Some("only with --rate is it planned when a job should begin")
            }
            _ => None,
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Limit {
    type Err = String;

    /// Reads a metric, `>`, `>=`, `<` or `<=`, and a number with its unit.
    fn from_str(text: &str) -> Result<Self, String> {
        let unclear = || {
            format!(
                "{text:?} is no limit: it is a metric, a comparison and a value, as in 'p99>20ms', 'rate<500' or 'errors>0.1%'"
            )
        };
        let at = text.find(['<', '>']).ok_or_else(unclear)?;
        let (name, rest) = text.split_at(at);
        let (sign, value) = match rest.strip_prefix(">=").or_else(|| rest.strip_prefix("<=")) {
            Some(value) => (&rest[..2], value),
            None => rest.split_at(1),
        };
        let comparison = match sign {
            ">" => Comparison::Above,
            ">=" => Comparison::AtLeast,
            "<" => Comparison::Below,
            _ => Comparison::AtMost,
        };
        let value = value.trim();
        let mut metric = metric(name.trim())?;
        let threshold = if metric.is_time() {
            microseconds(value)?
        } else if let Some(percent) = value.strip_suffix('%') {
            if metric != Metric::Errors {
                return Err(format!("{text:?}: only errors can be in percent"));
            }
            metric = Metric::ErrorPercent;
            number(percent)?
        } else {
            number(value)?
        };
        Ok(Self { metric, comparison, threshold, text: text.to_owned() })
    }
}

impl Metric {
    fn is_time(self) -> bool {
        matches!(self, Self::Latency(..) | Self::Skew(_) | Self::TickLateness(_))
    }
}

/// What is measured with quantiles: what stands before one of them, which there are, and what it is.
type Family = (&'static str, &'static [Quantile], fn(Quantile) -> Metric, &'static str);

const FAMILIES: [Family; 4] = [
    ("", &Quantile::ALL, |quantile| Metric::Latency(Clock::Service, quantile), "the latency"),
    (
        "response.",
        &Quantile::ALL,
        |quantile| Metric::Latency(Clock::Response, quantile),
        "the same from when it should have begun",
    ),
    ("skew.", &Quantile::ALL, Metric::Skew, "from the first to the last that got an event"),
    (
        "ticks.",
        &[Quantile::P50, Quantile::P99, Quantile::Max],
        Metric::TickLateness,
        "how late they came",
    ),
];

/// What is measured as one number.
const NUMBERS: [(&str, Metric, &str); 5] = [
    ("rate", Metric::Rate, "jobs per second"),
    ("deliveries", Metric::Deliveries, "per second"),
    ("errors", Metric::Errors, "a number, or in %"),
    ("lost", Metric::Lost, "events"),
    ("told", Metric::Told, "events that were skipped, and announced as such"),
];

/// The names of all that can be limited, and what each is, in lines for people.
pub fn metrics() -> String {
    let families = FAMILIES.iter().map(|(prefix, quantiles, _, what)| {
        let names: Vec<String> =
            quantiles.iter().map(|quantile| format!("{prefix}{}", quantile.name())).collect();
        format!("  {}: {what}", names.join(", "))
    });
    let numbers = NUMBERS.iter().map(|(name, _, what)| format!("  {name}: {what}"));
    families.chain(numbers).collect::<Vec<_>>().join("\n")
}

/// The names of all that can be limited.
fn names() -> impl Iterator<Item = String> {
    let families = FAMILIES.iter().flat_map(|(prefix, quantiles, ..)| {
        quantiles.iter().map(move |quantile| format!("{prefix}{}", quantile.name()))
    });
    families.chain(NUMBERS.iter().map(|(name, ..)| (*name).to_owned()))
}

fn metric(name: &str) -> Result<Metric, String> {
    let number = NUMBERS.iter().find(|(known, ..)| *known == name).map(|(_, metric, _)| *metric);
    let quantile = || {
        FAMILIES.iter().find_map(|(prefix, quantiles, metric, _)| {
            let quantile = Quantile::named(name.strip_prefix(prefix)?)?;
            quantiles.contains(&quantile).then(|| metric(quantile))
        })
    };
    number.or_else(quantile).ok_or_else(|| {
        let names: Vec<String> = names().collect();
        format!("unknown metric {name:?}: expected one of {}", names.join(", "))
    })
}

impl Quantile {
    const ALL: [Self; 5] = [Self::P50, Self::P90, Self::P99, Self::P999, Self::Max];

    fn name(self) -> &'static str {
        match self {
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Max => "max",
        }
    }

    /// The quantile that is called `name`, or as in the JSON document.
    fn named(name: &str) -> Option<Self> {
        let name = if name == "p999" { "p99.9" } else { name };
        Self::ALL.into_iter().find(|quantile| quantile.name() == name)
    }
}

fn microseconds(text: &str) -> Result<f64, String> {
    // Fractions, as in 0.5ms, too.
    let digits = text.find(|char: char| char.is_alphabetic() || char == 'µ').unwrap_or(text.len());
    let (value, unit) = text.split_at(digits);
    let factor = match unit {
        "us" | "µs" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => {
            return Err(format!("{text:?} is no time: it is a number and us, ms or s, as in 20ms"));
        }
    };
    number(value).map(|value| value * factor)
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("{text:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Metric, f64) {
        let limit: Limit = text.parse().unwrap();
        assert_eq!(limit.to_string(), text);
        (limit.metric, limit.threshold)
    }

    #[test]
    fn limits_are_read() {
        let p99 = Metric::Latency(Clock::Service, Quantile::P99);
        assert_eq!(parse("p99>20ms"), (p99, 20_000.0));
        assert_eq!(parse("p99 >= 0.5ms"), (p99, 500.0));
        let worst = Metric::Latency(Clock::Response, Quantile::Max);
        assert_eq!(parse("response.max>2s"), (worst, 2e6));
        assert_eq!(parse("skew.p99.9>10us"), (Metric::Skew(Quantile::P999), 10.0));
        assert_eq!(parse("rate<500"), (Metric::Rate, 500.0));
        assert_eq!(parse("errors>0.1%"), (Metric::ErrorPercent, 0.1));
        assert_eq!(parse("errors>3"), (Metric::Errors, 3.0));
    }

    #[test]
    fn whatever_is_promised_is_read_as_something_of_its_own() {
        let value = |metric: Metric| if metric.is_time() { "10ms" } else { "10" };
        let mut seen = Vec::new();
        for name in names() {
            let limit: Limit = format!("{name}>{}", value(metric(&name).unwrap())).parse().unwrap();
            assert!(!seen.contains(&limit.metric), "{name} is another one, too");
            seen.push(limit.metric);
            assert!(metrics().contains(&name), "{name} is not in the help");
        }
        assert_eq!(seen.len(), 23);
        assert_eq!(
            parse("p99.9>10ms"),
            (Metric::Latency(Clock::Service, Quantile::P999), 10_000.0)
        );
        assert_eq!(parse("p999>10ms").0, parse("p99.9>10ms").0);
        assert_eq!(parse("response.p99.9>1s").0, parse("response.p999>1s").0);
    }

    #[test]
    fn the_manual_names_each_of_them() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/herd.md");
        let manual = std::fs::read_to_string(path).unwrap();
        for name in names() {
            assert!(manual.contains(&format!("`{name}`")), "{name} is not in docs/herd.md");
        }
    }

    #[test]
    fn what_is_no_limit_is_refused_with_what_would_be() {
        for (text, part) in [
            ("p99", "as in 'p99>20ms'"),
            ("p98>1ms", "p50, p90, p99, p99.9, max, response.p50"),
            ("ticks.p90>1ms", "ticks.p50, ticks.p99, ticks.max, rate"),
            ("response>1ms", "response.p50"),
            ("skew.rate>1", "skew.p50"),
            ("p99>20", "20ms"),
            ("p99>fast", "20ms"),
            ("rate<5%", "only errors"),
            ("rate<NaN", "no number"),
            ("rate<", "no number"),
        ] {
            let error = text.parse::<Limit>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_limit_is_crossed_or_not() {
        let crossed = |text: &str, value| text.parse::<Limit>().unwrap().is_crossed(value);
        assert!(crossed("rate<500", Some(499.0)) && !crossed("rate<500", Some(500.0)));
        assert!(crossed("lost>=1", Some(1.0)) && !crossed("lost>1", Some(1.0)));
        assert!(crossed("lost<=1", Some(1.0)));
        assert!(crossed("p99>1s", None), "nobody knows");
    }
}
