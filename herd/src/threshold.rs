use std::{fmt, str::FromStr};

use crate::metric::Metric;

/// A condition under which a run fails, as in `p99>20ms`.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is compared.
    pub metric: Metric,
    operator: Operator,
    /// What it is compared with, in the unit of the metric.
    pub value: f64,
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Threshold {
    /// Whether a run in which the metric was `measured` fails. A metric that was not measured fails,
    /// as it cannot be shown to be within the threshold.
    pub fn is_crossed(&self, measured: Option<f64>) -> bool {
        measured.is_none_or(|measured| match self.operator {
            Operator::Greater => measured > self.value,
            Operator::GreaterOrEqual => measured >= self.value,
            Operator::Less => measured < self.value,
            Operator::LessOrEqual => measured <= self.value,
        })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Threshold {
    type Err = String;

    /// Parses a metric, `>`, `>=`, `<` or `<=`, and a number with its unit.
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || {
            format!(
                "invalid condition {text:?}: expected METRIC, a comparison and a value, as in 'p99>20ms', 'rate<500' or 'errors>0.1%'"
            )
        };
        let at = text.find(['<', '>']).ok_or_else(invalid)?;
        let (name, rest) = text.split_at(at);
        let (sign, value) = match rest.strip_prefix(">=").or_else(|| rest.strip_prefix("<=")) {
            Some(value) => (&rest[..2], value),
            None => rest.split_at(1),
        };
        let operator = match sign {
            ">" => Operator::Greater,
            ">=" => Operator::GreaterOrEqual,
            "<" => Operator::Less,
            _ => Operator::LessOrEqual,
        };
        let value = value.trim();
        let mut metric: Metric = name.trim().parse()?;
        let value = if metric.is_time() {
            parse_microseconds(value)?
        } else if let Some(percent) = value.strip_suffix('%') {
            if metric != Metric::Errors {
                return Err(format!("invalid condition {text:?}: only errors can be in percent"));
            }
            metric = Metric::ErrorPercent;
            parse_number(percent)?
        } else {
            parse_number(value)?
        };
        Ok(Self { metric, operator, value, text: text.to_owned() })
    }
}

/// Parses a time, which may have a fraction, as in `0.5ms`.
fn parse_microseconds(text: &str) -> Result<f64, String> {
    let digits = text.find(|char: char| char.is_alphabetic() || char == 'µ').unwrap_or(text.len());
    let (value, unit) = text.split_at(digits);
    let factor = match unit {
        "us" | "µs" => 1.0,
        "ms" => 1e3,
        "s" => 1e6,
        _ => {
            return Err(format!(
                "invalid time {text:?}: expected a number with us, ms or s, as in 20ms"
            ));
        }
    };
    parse_number(value).map(|value| value * factor)
}

fn parse_number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| format!("invalid number {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{LatencyKind, Quantile};

    fn parse(text: &str) -> (Metric, f64) {
        let threshold: Threshold = text.parse().unwrap();
        assert_eq!(threshold.to_string(), text);
        (threshold.metric, threshold.value)
    }

    #[test]
    fn parses_metrics_operators_and_units() {
        let p99 = Metric::Latency(LatencyKind::Service, Quantile::P99);
        assert_eq!(parse("p99>20ms"), (p99, 20_000.0));
        assert_eq!(parse("p99 >= 0.5ms"), (p99, 500.0));
        let worst = Metric::Latency(LatencyKind::Response, Quantile::Max);
        assert_eq!(parse("response.max>2s"), (worst, 2e6));
        assert_eq!(parse("skew.p99.9>10us"), (Metric::Skew(Quantile::P999), 10.0));
        assert_eq!(parse("rate<500"), (Metric::Rate, 500.0));
        assert_eq!(parse("errors>0.1%"), (Metric::ErrorPercent, 0.1));
        assert_eq!(parse("errors>3"), (Metric::Errors, 3.0));
    }

    #[test]
    fn rejects_invalid_conditions_with_what_is_expected() {
        for (text, part) in [
            ("p99", "as in 'p99>20ms'"),
            ("p98>1ms", "p50, p90, p99, p99.9, max, response.p50"),
            ("ticks.p90>1ms", "ticks.p50, ticks.p99, ticks.max, rate"),
            ("response>1ms", "response.p50"),
            ("skew.rate>1", "skew.p50"),
            ("p99>20", "20ms"),
            ("p99>fast", "20ms"),
            ("rate<5%", "only errors"),
            ("rate<NaN", "invalid number"),
            ("rate<", "invalid number"),
        ] {
            let error = text.parse::<Threshold>().unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn compares_with_its_operator_and_fails_if_unmeasured() {
        let crossed = |text: &str, value| text.parse::<Threshold>().unwrap().is_crossed(value);
        assert!(crossed("rate<500", Some(499.0)) && !crossed("rate<500", Some(500.0)));
        assert!(crossed("lost>=1", Some(1.0)) && !crossed("lost>1", Some(1.0)));
        assert!(crossed("lost<=1", Some(1.0)));
        assert!(crossed("p99>1s", None));
    }
}
