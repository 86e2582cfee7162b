//! Results as a table in Markdown.

use crate::{
    metric::Metric,
    results::{Figure, Results, Row},
};

/// What stands for a figure that was not measured.
const UNKNOWN: &str = "?";

/// A heading, and a table with a row for each system.
pub fn markdown(results: &Results) -> String {
    let columns = columns(results);
    let mut text = format!("### {}\n\n", results.title);
    let headings = columns.iter().map(|column| column.heading(results));
    push_line(&mut text, ["system".to_owned()].into_iter().chain(headings));
    let rule = ["---".to_owned()].into_iter().chain(columns.iter().map(|_| "---:".to_owned()));
    push_line(&mut text, rule);
    for row in &results.rows {
        let cells = columns.iter().map(|column| column.cell(row));
        push_line(&mut text, [name(row)].into_iter().chain(cells));
    }
    text
}

#[derive(Clone, Copy)]
enum Column {
    Value(Metric),
    Ratio(Metric),
}

fn columns(results: &Results) -> Vec<Column> {
    let mut metrics: Vec<Metric> =
        results.rows.iter().flat_map(|row| &row.figures).map(|figure| figure.metric).collect();
    metrics.sort_unstable();
    metrics.dedup();
    let columns = metrics.into_iter().flat_map(|metric| {
        let has_ratio = results.reference.is_some() && metric.is_compared();
        [Some(Column::Value(metric)), has_ratio.then_some(Column::Ratio(metric))]
    });
    columns.flatten().collect()
}

impl Column {
    fn heading(self, results: &Results) -> String {
        match self {
            Self::Value(metric) => metric.heading().to_owned(),
            Self::Ratio(_) => format!("× {}", results.reference.as_deref().unwrap_or_default()),
        }
    }

    fn cell(self, row: &Row) -> String {
        let text = match self {
            Self::Value(metric) => row.figure(metric).map(Figure::text),
            Self::Ratio(metric) => row.figure(metric).and_then(Figure::ratio_text),
        };
        text.unwrap_or_else(|| UNKNOWN.to_owned())
    }
}

fn name(row: &Row) -> String {
    match &row.incomplete {
        Some(rounds) => format!("{} ({rounds})", row.name),
        None => row.name.clone(),
    }
}

fn push_line(text: &mut String, cells: impl Iterator<Item = String>) {
    for cell in cells {
        text.push_str("| ");
        text.push_str(&cell);
        text.push(' ');
    }
    text.push_str("|\n");
}
