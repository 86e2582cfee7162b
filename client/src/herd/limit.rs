use std::{fmt, str::FromStr};

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

fn metric(name: &str) -> Result<Metric, String> {
    let known = match name {
        "rate" => Some(Metric::Rate),
        "deliveries" => Some(Metric::Deliveries),
        "errors" => Some(Metric::Errors),
        "lost" => Some(Metric::Lost),
        "told" => Some(Metric::Told),
        _ => match name.split_once('.') {
            None => quantile(name).map(|quantile| Metric::Latency(Clock::Service, quantile)),
            Some(("response", name)) => {
                quantile(name).map(|quantile| Metric::Latency(Clock::Response, quantile))
            }
            Some(("skew", name)) => quantile(name).map(Metric::Skew),
            Some(("ticks", name)) => quantile(name)
                .filter(|quantile| {
                    matches!(quantile, Quantile::P50 | Quantile::P99 | Quantile::Max)
                })
                .map(Metric::TickLateness),
            Some(_) => None,
        },
    };
    known.ok_or_else(|| {
        format!(
            "{name:?} is nothing that is measured: there are p50, p90, p99, p999 and max (of latency), the same of \
             response and skew (as in skew.p99), ticks.p50, ticks.p99 and ticks.max, rate, deliveries, errors, lost and told"
        )
    })
}

fn quantile(name: &str) -> Option<Quantile> {
    Some(match name {
        "p50" => Quantile::P50,
        "p90" => Quantile::P90,
        "p99" => Quantile::P99,
        "p999" | "p99.9" => Quantile::P999,
        "max" => Quantile::Max,
        _ => return None,
    })
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
    fn what_is_no_limit_is_refused_with_what_would_be() {
        for (text, part) in [
            ("p99", "as in 'p99>20ms'"),
            ("p98>1ms", "p50, p90"),
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
