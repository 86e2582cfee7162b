//! What is told of a run when it is over.

#[cfg(feature = "plots")]
mod chart;
mod csv;
mod diagnosis;
mod document;
#[cfg(feature = "plots")]
mod html;
mod text;

#[cfg(test)]
pub use self::diagnosis::diagnose;
pub use self::document::Document;

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportFormat {
    /// For people, in a terminal.
    Text,
    /// Everything, for programs.
    Json,
    /// How it went over time, as a table.
    Csv,
    /// A page with plots.
    #[cfg(feature = "plots")]
    Html,
}

impl ReportFormat {
    /// The form that the name of a file asks for.
    ///
    /// # Errors
    /// If it asks for none that there is.
    pub fn of(path: &Path) -> Result<Self, String> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(Self::Json),
            Some("csv") => Ok(Self::Csv),
            #[cfg(feature = "plots")]
            Some("html") => Ok(Self::Html),
            #[cfg(not(feature = "plots"))]
            Some("html") => {
                Err("this build has no plots (feature `plots`): use .json or .csv".to_owned())
            }
            _ => Err("expected a name that ends in .html, .json or .csv".to_owned()),
        }
    }
}

/// Writes `document` into the file at `path`.
///
/// # Errors
/// If it cannot be written.
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
        ReportFormat::Json => document.to_json(),
        ReportFormat::Csv => csv::csv(document),
        #[cfg(feature = "plots")]
        ReportFormat::Html => html::html(document),
    }
}
