use tribune_protocol::text::printable;

use super::{chart::Chart, document::Document, json::json, text::text};
use crate::progress::{Row, rate};

/// The style of a page: no external resources, and colours for light and dark screens.
const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
pre { overflow-x: auto; padding: 1rem; border: 1px solid #8886; border-radius: 6px; font-size: .85rem; }
.pass { color: #2a9d4a; } .fail { color: #d64545; }
svg { max-width: 100%; height: auto; }
";

/// The report as a self-contained HTML page with plots, and the JSON document inside.
pub fn html(document: &Document) -> String {
    let title = format!("herd: {} {}", document.mode, document.server);
    let verdict = document.verdict;
    let plots: String = plots(document).iter().map(|(name, chart)| plot(name, chart)).collect();
    let (title, report) = (escaped(&title), escaped(&text(document)));
    let command = escaped(&printable(&shell_words::join(&document.command)));
    // Inside a script element only its end tag has a meaning.
    let json = json(document).replace("</", "<\\/");
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <h1>{title}: <span class=\"{verdict}\">{verdict}</span></h1>\n\
         <pre>{report}</pre>\n{plots}\
         <h2>Command line</h2>\n<pre>{command}</pre>\n\
         <script type=\"application/json\" id=\"report\">{json}</script>\n</html>\n"
    )
}

fn plot(name: &str, chart: &Chart<'_>) -> String {
    let picture = chart.svg().unwrap_or_else(|| "<p>Not enough data for a plot.</p>".to_owned());
    format!("<h2>{name}</h2>\n<figure>{picture}</figure>\n")
}

#[expect(clippy::cast_precision_loss, reason = "it is drawn")]
fn plots(document: &Document) -> [(&'static str, Chart<'static>); 3] {
    let rows = &document.timeline;
    let seconds = |row: &Row| row.t_ms as f64 / 1000.0;
    let deliveries =
        rows.windows(2).map(|pair| (seconds(&pair[1]), rate(&pair[0], &pair[1]))).collect();
    let active = rows.iter().map(|row| (seconds(row), row.active as f64)).collect();
    let latency =
        document.latency_by_nines.iter().map(|&(nines, us)| (nines, us as f64 / 1000.0)).collect();
    let over_time = |y, points| Chart { x: "seconds", y, x_label: |x| format!("{x:.1}"), points };
    [
        (
            "Latency by percentile",
            Chart { x: "percentile", y: "milliseconds", x_label: percentile, points: latency },
        ),
        ("Deliveries over time", over_time("per second", deliveries)),
        ("Active jobs", over_time("jobs", active)),
    ]
}

/// The percentile with this number of nines: 90 with one, 99 with two.
fn percentile(nines: f64) -> String {
    let percent = 100.0 * (1.0 - 10_f64.powf(-nines));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "nines are between 0 and 5"
    )]
    let digits = (nines.ceil() as usize).saturating_sub(2);
    format!("{percent:.digits$}")
}

/// Escapes text for element content. It is used for no attributes, so quotes stay.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_nines_as_percentiles() {
        let named: Vec<String> = [0.0, 1.0, 2.0, 3.0, 4.0].into_iter().map(percentile).collect();
        assert_eq!(named, ["0", "90", "99", "99.9", "99.99"]);
    }

    #[test]
    fn escapes_markup() {
        assert_eq!(escaped("<b>&</b>"), "&lt;b&gt;&amp;&lt;/b&gt;");
    }
}
