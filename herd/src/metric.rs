use std::str::FromStr;

use crate::mode::Mode;

/// A measured quantity that `--fail-if` can compare with a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// A quantile of the latency, in microseconds.
    Latency(LatencyKind, Quantile),
    /// A quantile of the time from the first to the last client that received the same event, in
    /// microseconds.
    Skew(Quantile),
    /// Jobs started per second.
    Rate,
    /// Events and echoes received per second.
    Deliveries,
    /// Failed jobs.
    Errors,
    /// Failed jobs, in percent of the jobs started.
    ErrorPercent,
    /// Events lost.
    Lost,
    /// Events that the server skipped with a `resync` line.
    SkippedNotified,
    /// A quantile of how late clock ticks arrived, in microseconds.
    TickLateness(Quantile),
}

/// From when latency is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencyKind {
    /// From when a job or a move started.
    Service,
    /// From when it was scheduled to start, so that waiting in the queue counts.
    Response,
}

/// A quantile of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantile {
    /// The median.
    P50,
    /// The 90th percentile.
    P90,
    /// The 99th percentile.
    P99,
    /// The 99.9th percentile.
    P999,
    /// The maximum.
    Max,
}

impl Metric {
    /// Why a run in `mode`, with a schedule of starts if `has_rate`, has no such measurement; `None`
    /// if it has.
    pub fn reason_unavailable(self, mode: Mode, has_rate: bool) -> Option<&'static str> {
        match (self, mode) {
            (Self::Skew(_) | Self::TickLateness(_) | Self::SkippedNotified, Mode::Echo) => {
                Some("it is measured with --mode watch or play, as an echo server has no events")
            }
            (Self::Latency(LatencyKind::Response, _), Mode::Watch) => {
                Some("it is measured with --mode play, or with --mode echo and --rate")
            }
            (Self::Latency(LatencyKind::Response, _), Mode::Echo) if !has_rate => {
                Some("it needs the schedule that --rate gives")
            }
            _ => None,
        }
    }

    /// Whether its unit is a time.
    pub fn is_time(self) -> bool {
        matches!(self, Self::Latency(..) | Self::Skew(_) | Self::TickLateness(_))
    }
}

/// Metrics that are quantiles of one distribution: the prefix of their names, which quantiles there
/// are, and what they measure.
type Family = (&'static str, &'static [Quantile], fn(Quantile) -> Metric, &'static str);

const FAMILIES: [Family; 4] = [
    ("", &Quantile::ALL, |quantile| Metric::Latency(LatencyKind::Service, quantile), "latency"),
    (
        "response.",
        &Quantile::ALL,
        |quantile| Metric::Latency(LatencyKind::Response, quantile),
        "latency, counted from when the job or the move was due",
    ),
    (
        "skew.",
        &Quantile::ALL,
        Metric::Skew,
        "time from the first to the last client that received an event",
    ),
    (
        "ticks.",
        &[Quantile::P50, Quantile::P99, Quantile::Max],
        Metric::TickLateness,
        "how late clock ticks arrive",
    ),
];

/// Metrics that are a single number.
const NUMBERS: [(&str, Metric, &str); 5] = [
    ("rate", Metric::Rate, "jobs started per second"),
    ("deliveries", Metric::Deliveries, "events and echoes received per second"),
    ("errors", Metric::Errors, "failed jobs, as a number or a percentage"),
    ("lost", Metric::Lost, "events, echoes or moves lost"),
    (
        "skipped_notified",
        Metric::SkippedNotified,
        "events that the server skipped and announced with a resync",
    ),
];

/// The former name of `skipped_notified`.
const FORMER_SKIPPED_NOTIFIED: &str = "told";

/// All metrics with their descriptions, one line for each family, for a help text.
pub fn describe_metrics() -> String {
    let families = FAMILIES.iter().map(|(prefix, quantiles, _, what)| {
        let names: Vec<String> =
            quantiles.iter().map(|quantile| format!("{prefix}{}", quantile.name())).collect();
        format!("  {}: {what}", names.join(", "))
    });
    let numbers = NUMBERS.iter().map(|(name, _, what)| format!("  {name}: {what}"));
    families.chain(numbers).collect::<Vec<_>>().join("\n")
}

/// The names of all metrics.
fn names() -> impl Iterator<Item = String> {
    let families = FAMILIES.iter().flat_map(|(prefix, quantiles, ..)| {
        quantiles.iter().map(move |quantile| format!("{prefix}{}", quantile.name()))
    });
    families.chain(NUMBERS.iter().map(|(name, ..)| (*name).to_owned()))
}

impl FromStr for Metric {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let number = || NUMBERS.iter().find(|(known, ..)| *known == name).map(|found| found.1);
        let quantile = || {
            FAMILIES.iter().find_map(|(prefix, quantiles, metric, _)| {
                let quantile = Quantile::from_name(name.strip_prefix(prefix)?)?;
                quantiles.contains(&quantile).then(|| metric(quantile))
            })
        };
        let former = || (name == FORMER_SKIPPED_NOTIFIED).then_some(Self::SkippedNotified);
        number().or_else(quantile).or_else(former).ok_or_else(|| {
            let names: Vec<String> = names().collect();
            format!("unknown metric {name:?}: expected one of {}", names.join(", "))
        })
    }
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

    /// Accepts `p999`, the key in the JSON document, for `p99.9` too.
    fn from_name(name: &str) -> Option<Self> {
        let name = if name == "p999" { "p99.9" } else { name };
        Self::ALL.into_iter().find(|quantile| quantile.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_parsed_as_its_own_metric_and_described() {
        let mut seen: Vec<Metric> = Vec::new();
        for name in names() {
            let metric = name.parse().unwrap();
            assert!(!seen.contains(&metric), "{name} is not unique");
            seen.push(metric);
            assert!(describe_metrics().contains(&name), "{name} is not in the help");
        }
        assert_eq!(seen.len(), 23);
        let p999 = Metric::Latency(LatencyKind::Service, Quantile::P999);
        assert_eq!(("p99.9".parse(), "p999".parse()), (Ok(p999), Ok(p999)));
        assert_eq!("response.p99.9".parse::<Metric>(), "response.p999".parse());
    }

    #[test]
    fn accepts_the_former_name_of_skipped_notified() {
        assert_eq!("told".parse(), Ok(Metric::SkippedNotified));
        assert!(!describe_metrics().contains("told"));
    }

    #[test]
    fn the_manual_names_each_metric() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/herd.md");
        let manual = std::fs::read_to_string(path).unwrap();
        for name in names() {
            assert!(manual.contains(&format!("`{name}`")), "{name} is not in docs/herd.md");
        }
    }
}
