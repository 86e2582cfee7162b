//! The report of a run: one document, in several formats.

#[cfg(feature = "plots")]
mod chart;
mod csv;
mod document;
#[cfg(feature = "plots")]
mod html;
mod json;
mod text;

pub use self::document::Document;

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// A format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// For people, in a terminal.
    Text,
    /// The whole document, for programs.
    Json,
    /// The progress over time, as a table.
    Csv,
    /// A page with plots.
    #[cfg(feature = "plots")]
    Html,
}

impl ReportFormat {
    /// The format for a file, by the extension of its name.
    ///
    /// # Errors
    /// If there is no such format, or not in this build.
    pub fn of(path: &Path) -> Result<Self, String> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            #[cfg(feature = "plots")]
            Some("html") => Ok(Self::Html),
            #[cfg(not(feature = "plots"))]
            Some("html") => Err(
                "this build has no plots (it lacks the feature `plots`): expected .json or .csv"
                    .to_owned(),
            ),
            _ => Err("expected a name that ends in .html, .json or .csv".to_owned()),
        }
    }
}

/// Writes `document` to the file at `path`.
///
/// # Errors
/// If the file cannot be written.
pub fn save(document: &Document, path: &Path, format: ReportFormat) -> io::Result<()> {
    fs::write(path, render(document, format))
}

/// Prints `document` on standard output.
///
/// # Errors
/// If it cannot be written.
pub fn print(document: &Document, format: ReportFormat) -> io::Result<()> {
    io::stdout().write_all(render(document, format).as_bytes())
}

fn render(document: &Document, format: ReportFormat) -> String {
    match format {
        ReportFormat::Text => text::text(document),
        ReportFormat::Json => json::json(document),
        ReportFormat::Csv => csv::csv(document),
        #[cfg(feature = "plots")]
        ReportFormat::Html => html::html(document),
    }
}
