use super::*;
use crate::{rounds::Measured, system::System, table, target::Target};

/// Rounds in which Tribune has the higher median of the values, and the lower median of the ratios.
fn results() -> Results {
    let cpu = |system: System, values: [f64; 3]| Measured {
        target: Target::from(system),
        samples: values
            .map(|value| vec![(Metric::CpuPerDelivery, value), (Metric::P99, 2.0 * value)])
            .into(),
        has_failed: false,
    };
    let all = [
        cpu(System::Baseline, [4.0, 5.0, 8.0]),
        cpu(System::Tribune, [4.4, 6.0, 8.8]),
        cpu(System::TaskPerClient, [5.0, 5.5, 9.2]),
    ];
    Results::new("1000 clients, 100 events/s".to_owned(), &all, Some("baseline"))
}

#[test]
fn plot_shows_every_figure_of_the_table() {
    let results = results();
    let (table, svg) = (table::markdown(&results), svg(&[results]).unwrap());
    for (value, ratio) in [
        ("5.00 (4.00–8.00)", "1.00"),
        ("6.00 (4.40–8.80)", "1.10 (1.10–1.20)"),
        ("5.50 (5.00–9.20)", "1.15 (1.10–1.25)"),
        ("12.0 (8.8–17.6)", "1.10 (1.10–1.20)"),
    ] {
        assert!(table.contains(&format!("| {value} | {ratio} |")), "{value}, {ratio}: {table}");
        assert!(svg.contains(&format!("\n{value}\n")), "{value}: {svg}");
        assert!(svg.contains(&format!("\n× {ratio}\n")), "{ratio}: {svg}");
    }
}

#[test]
fn bars_end_at_the_median_and_whiskers_at_the_lowest_and_highest_round() {
    let svg = svg(&[results()]).unwrap();
    // Of ten microseconds on the axis: the median of Tribune's rounds, and the range of them.
    let x = |tenths: i32| NAMES + (BARS * tenths + 50) / 100;
    let bar = format!(r#"<rect x="{NAMES}" y="{}" width="{}""#, 107, x(60) - NAMES);
    assert!(svg.contains(&bar), "{bar}: {svg}");
    let whisker = format!(r#"points="{},115 {},115 ""#, x(44), x(88));
    assert!(svg.contains(&whisker), "{whisker}: {svg}");
}

#[test]
fn labels_have_units() {
    let svg = svg(&[results()]).unwrap();
    for label in ["CPU per delivery (µs)", "p99 latency (ms)", "1000 clients, 100 events/s"] {
        assert!(svg.contains(&format!("\n{label}\n")), "{label}: {svg}");
    }
}
