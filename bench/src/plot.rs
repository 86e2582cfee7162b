//! Results as a picture: bars of medians, with the range of all rounds.

use std::error::Error;

use plotters::{
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use crate::{
    metric::Metric,
    results::{Figure, Results, Row},
    scale::Scale,
    system::System,
};

/// What is shown for each system: one panel each, from left to right.
const PANELS: [Metric; 2] = [Metric::CpuPerDelivery, Metric::P99];

/// All lengths are in pixels.
const WIDTH: i32 = 900;
const NAMES: i32 = 112;
const PANEL: i32 = 390;
/// The part of a panel that bars have; the rest is for figures.
const BARS: i32 = 240;
const LEGEND: i32 = 34;
const HEADING: i32 = 30;
const ROW: i32 = 34;
const BAR: i32 = 16;
const AXIS: i32 = 44;
const CAP: i32 = 4;
const LINE: i32 = 15;

/// Sizes of text, of which plotters' SVG backend makes 0.81.
const HEADING_SIZE: i32 = 19;
const LABEL_SIZE: i32 = 16;
const SMALL_SIZE: i32 = 15;

const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);
const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
const FAINT_INK: RGBColor = RGBColor(0x59, 0x59, 0x59);
const GRID: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);

/// Colours that can be told apart with any kind of colour blindness, by Okabe and Ito.
const TRIBUNE: RGBColor = RGBColor(0x00, 0x72, 0xb2);
const BASELINE: RGBColor = RGBColor(0x99, 0x99, 0x99);
const OTHERS: RGBColor = RGBColor(0xe6, 0x9f, 0x00);

type Drawn = Result<(), Box<dyn Error>>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A plot in SVG of the processor time per delivery and the latency, for each kind of work and each
/// system. Shorter bars are better.
///
/// # Errors
/// If it cannot be drawn.
pub fn svg(all: &[Results]) -> anyhow::Result<String> {
    let mut svg = String::new();
    draw(&mut svg, all).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(svg)
}

fn draw(svg: &mut String, all: &[Results]) -> Drawn {
    let height = LEGEND + all.iter().map(height).sum::<i32>();
    let size = (u32::try_from(WIDTH)?, u32::try_from(height)?);
    let area = SVGBackend::with_string(svg, size).into_drawing_area();
    area.fill(&PAPER)?;
    draw_legend(&area, all.iter().find_map(|results| results.reference.as_deref()))?;
    let mut top = LEGEND;
    for results in all {
        draw_results(&area, results, top)?;
        top += self::height(results);
    }
    area.present()?;
    Ok(())
}

fn height(results: &Results) -> i32 {
    HEADING + ROW * rows(results) + AXIS
}

fn rows(results: &Results) -> i32 {
    i32::try_from(results.rows.len()).unwrap_or(0)
}

fn draw_legend(area: &Area<'_>, reference: Option<&str>) -> Drawn {
    let middle = LEGEND / 2;
    let mut left = 10;
    for (colour, label, width) in
        [(BASELINE, "baseline", 98), (TRIBUNE, "Tribune", 92), (OTHERS, "others", 86)]
    {
        area.draw(&Rectangle::new([(left, middle - 5), (left + 14, middle + 5)], colour.filled()))?;
        draw_text(area, label, (left + 20, middle), LABEL_SIZE, HPos::Left, INK)?;
        left += width;
    }
    draw_whisker(area, left, left + 26, middle)?;
    let mut text = "bar: median; line: lowest to highest round".to_owned();
    if let Some(reference) = reference {
        text.push_str("; ×: multiple of the ");
        text.push_str(reference);
        text.push_str(" in the same round");
    }
    draw_text(area, &text, (left + 34, middle), SMALL_SIZE, HPos::Left, INK)
}

fn draw_results(area: &Area<'_>, results: &Results, top: i32) -> Drawn {
    draw_text(area, &results.title, (10, top + 14), HEADING_SIZE, HPos::Left, INK)?;
    for (row, y) in results.rows.iter().zip(middles(top)) {
        let shift = if row.incomplete.is_some() { LINE / 2 } else { 0 };
        draw_text(area, &row.name, (NAMES - 8, y - shift), LABEL_SIZE, HPos::Right, INK)?;
        let rounds = row.incomplete.as_deref().unwrap_or_default();
        draw_text(area, rounds, (NAMES - 8, y + shift), SMALL_SIZE, HPos::Right, FAINT_INK)?;
    }
    for (metric, left) in PANELS.into_iter().zip((NAMES..).step_by(usize::try_from(PANEL)?)) {
        let max = results.rows.iter().filter_map(|row| row.figure(metric));
        let max = max.map(|figure| figure.value.max).fold(0.0, f64::max);
        let scale = Scale::new(max, BARS);
        draw_axis(area, metric, scale, left, top + HEADING, rows(results))?;
        for (row, y) in results.rows.iter().zip(middles(top)) {
            if let Some(figure) = row.figure(metric) {
                draw_bar(area, row, figure, scale, (left, y))?;
                draw_figure(area, figure, (left + BARS + 10, y))?;
            }
        }
    }
    Ok(())
}

/// The middles of all rows, from the first.
fn middles(top: i32) -> impl Iterator<Item = i32> {
    (0..).map(move |index| top + HEADING + ROW * index + ROW / 2)
}

fn draw_axis(
    area: &Area<'_>,
    metric: Metric,
    scale: Scale,
    left: i32,
    top: i32,
    rows: i32,
) -> Drawn {
    let bottom = top + ROW * rows;
    for (tick, label) in scale.ticks() {
        let x = left + scale.pixels(tick);
        area.draw(&PathElement::new([(x, top), (x, bottom)], GRID))?;
        draw_text(area, &label, (x, bottom + 9), SMALL_SIZE, HPos::Center, FAINT_INK)?;
    }
    draw_text(area, metric.heading(), (left + BARS / 2, bottom + 25), LABEL_SIZE, HPos::Center, INK)
}

fn draw_bar(
    area: &Area<'_>,
    row: &Row,
    figure: &Figure,
    scale: Scale,
    (left, y): (i32, i32),
) -> Drawn {
    let [median, min, max] = [figure.value.median, figure.value.min, figure.value.max]
        .map(|value| left + scale.pixels(value));
    let colour = match row.system {
        System::Tribune => TRIBUNE,
        System::Baseline => BASELINE,
        _ => OTHERS,
    };
    let bar = [(left, y - BAR / 2), (median.max(left + 1), y + BAR / 2)];
    area.draw(&Rectangle::new(bar, colour.filled()))?;
    draw_whisker(area, min, max, y)
}

fn draw_whisker(area: &Area<'_>, min: i32, max: i32, y: i32) -> Drawn {
    let style = INK.stroke_width(1);
    for line in
        [[(min, y), (max, y)], [(min, y - CAP), (min, y + CAP)], [(max, y - CAP), (max, y + CAP)]]
    {
        area.draw(&PathElement::new(line, style))?;
    }
    Ok(())
}

/// The same figures as in the table.
fn draw_figure(area: &Area<'_>, figure: &Figure, (x, y): (i32, i32)) -> Drawn {
    let Some(ratio) = figure.ratio_text() else {
        return draw_text(area, &figure.text(), (x, y), LABEL_SIZE, HPos::Left, INK);
    };
    draw_text(area, &figure.text(), (x, y - LINE / 2), LABEL_SIZE, HPos::Left, INK)?;
    draw_text(area, &format!("× {ratio}"), (x, y + LINE / 2), SMALL_SIZE, HPos::Left, FAINT_INK)
}

/// `text` at half its height.
fn draw_text(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    size: i32,
    anchor: HPos,
    colour: RGBColor,
) -> Drawn {
    let style = ("sans-serif", size).into_font().color(&colour);
    area.draw_text(text, &style.pos(Pos::new(anchor, VPos::Center)), at)?;
    Ok(())
}

#[cfg(test)]
mod tests;
