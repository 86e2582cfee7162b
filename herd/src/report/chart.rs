use std::error::Error;

use plotters::prelude::*;

/// The size of a chart in pixels.
const SIZE: (u32, u32) = (720, 240);

/// Colours that are legible on light and dark pages.
const LINE: RGBColor = RGBColor(0x2f, 0x81, 0xd6);
const INK: RGBColor = RGBColor(0x80, 0x80, 0x80);

/// A line chart.
#[derive(Debug)]
pub struct Chart<'a> {
    /// The label of the horizontal axis.
    pub x: &'a str,
    /// The label of the vertical axis.
    pub y: &'a str,
    /// Formats values on the horizontal axis.
    pub x_label: fn(f64) -> String,
    /// The points, from left to right.
    pub points: Vec<(f64, f64)>,
}

impl Chart<'_> {
    /// The chart as SVG; `None` if it has fewer than two points.
    pub fn svg(&self) -> Option<String> {
        let mut svg = String::new();
        self.draw(&mut svg).ok()?;
        (self.points.len() > 1).then_some(svg)
    }

    fn draw(&self, svg: &mut String) -> Result<(), Box<dyn Error>> {
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let last = self.points.last().map_or(1.0, |point| point.0).max(f64::MIN_POSITIVE);
        let highest = self.points.iter().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
        let text = ("sans-serif", 12).into_font().color(&INK);
        let mut chart = ChartBuilder::on(&area)
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..last, 0.0..highest * 1.05)?;
        chart
            .configure_mesh()
            .disable_x_mesh()
            .bold_line_style(INK.mix(0.25))
            .light_line_style(TRANSPARENT)
            .axis_style(INK)
            .label_style(text.clone())
            .axis_desc_style(text)
            .x_desc(self.x)
            .y_desc(self.y)
            .x_label_formatter(&|x| (self.x_label)(*x))
            .y_label_formatter(&|y| short(*y))
            .draw()?;
        let points = self.points.iter().copied();
        chart.draw_series(AreaSeries::new(points, 0.0, LINE.mix(0.15)).border_style(LINE))?;
        area.present()?;
        Ok(())
    }
}

/// A number shortened for an axis: 1.5M, 20k.
fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1}M", value / 1e6),
        value if value >= 1e4 => format!("{:.0}k", value / 1e3),
        value if value.fract() == 0.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_charts_with_two_points_or_more() {
        let chart = |points| Chart { x: "seconds", y: "jobs", x_label: |x| format!("{x}"), points };
        let svg = chart(vec![(0.0, 1.0), (1.0, 5.0), (2.0, 3.0)]).svg().unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("seconds") && svg.contains("jobs"));
        assert_eq!(chart(vec![(0.0, 1.0)]).svg(), None);
        assert!(chart(vec![(0.0, 0.0), (1.0, 0.0)]).svg().is_some());
    }
}
