//! What was measured, as a picture.

use std::error::Error;

use plotters::prelude::*;

use crate::{
    load::Work,
    report::{Row, name},
};

/// Pixels of the part for one kind of work.
const WIDTH: u32 = 720;
const HEADING: i32 = 30;
const BAR: i32 = 22;
const LABELS: i32 = 150;

/// Colours that can be read on light and on dark pages.
const INK: RGBColor = RGBColor(0x80, 0x80, 0x80);
const OWN: RGBColor = RGBColor(0x2f, 0x81, 0xd6);
const OTHER: RGBColor = RGBColor(0xa0, 0xa8, 0xb0);

/// Bars of the processor time per delivery, for each work and system: shorter is better.
///
/// # Errors
/// If it cannot be drawn.
pub fn svg(tables: &[(Work, Vec<Row>)]) -> anyhow::Result<String> {
    let mut svg = String::new();
    draw(&mut svg, tables).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(svg)
}

fn draw(svg: &mut String, tables: &[(Work, Vec<Row>)]) -> Result<(), Box<dyn Error>> {
    let height = |rows: &[Row]| HEADING + BAR * i32::try_from(rows.len()).unwrap_or(0) + 12;
    let total: i32 = tables.iter().map(|(_, rows)| height(rows)).sum();
    let area = SVGBackend::with_string(svg, (WIDTH, u32::try_from(total)?)).into_drawing_area();
    let mut top = 0;
    for (work, rows) in tables {
        let heading = format!("{}: processor µs per delivery, and p99", name(*work));
        let text = |size| ("sans-serif", size).into_font().color(&INK);
        area.draw_text(&heading, &text(14), (4, top + 8))?;
        let most = rows.iter().map(|row| row.cost).fold(f64::MIN_POSITIVE, f64::max);
        let mut y = top + HEADING;
        for row in rows {
            let length = length(row.cost, most);
            let colour = if row.system.name() == "tribune" { OWN } else { OTHER };
            let bar = [(LABELS, y), (LABELS + length, y + BAR - 6)];
            area.draw(&Rectangle::new(bar, colour.filled()))?;
            area.draw_text(row.system.name(), &text(13), (4, y + 2))?;
            let value = format!("{:.3} µs, {:.1} ms", row.cost, row.p99_ms);
            area.draw_text(&value, &text(12), (LABELS + length + 6, y + 2))?;
            y += BAR;
        }
        top += height(rows);
    }
    area.present()?;
    Ok(())
}

/// Pixels: in proportion, and the most as long as there is room for.
fn length(cost: f64, most: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "it is between 2 and 420")]
    let pixels = (420.0 * cost / most).max(2.0) as i32;
    pixels
}
