//! The scale of an axis that begins at zero.

/// How many steps an axis has at most.
const MAX_STEPS: f64 = 5.0;

/// Maps values to pixels.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    step: f64,
    steps: u32,
    length: i32,
}

impl Scale {
    /// A scale from zero to at least `max`, on `length` pixels.
    pub fn new(max: f64, length: i32) -> Self {
        let max = if max.is_finite() && max > 0.0 { max } else { 1.0 };
        let least = max / MAX_STEPS;
        let magnitude = 10_f64.powf(least.log10().floor());
        let factors = [1.0, 2.0, 5.0, 10.0];
        let factor = factors.into_iter().find(|factor| factor * magnitude >= least);
        let step = factor.unwrap_or(10.0) * magnitude;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "five at most")]
        let steps = (max / step).ceil() as u32;
        Self { step, steps, length }
    }

    /// Where `value` is.
    pub fn pixels(self, value: f64) -> i32 {
        let end = self.step * f64::from(self.steps);
        #[expect(clippy::cast_possible_truncation, reason = "it is a few hundred at most")]
        let pixels = (value / end * f64::from(self.length)).round() as i32;
        pixels
    }

    /// Ticks and their labels, from zero.
    pub fn ticks(self) -> impl Iterator<Item = (f64, String)> {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is small")]
        let decimals = (-self.step.log10().floor()).max(0.0) as usize;
        (0..=self.steps).map(move |index| {
            let tick = self.step * f64::from(index);
            (tick, format!("{tick:.decimals$}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_up_to_the_maximum() {
        for (max, expected) in [
            (9.9, "0 2 4 6 8 10"),
            (10.0, "0 2 4 6 8 10"),
            (10.1, "0 5 10 15"),
            (0.238, "0.00 0.05 0.10 0.15 0.20 0.25"),
            (1030.0, "0 500 1000 1500"),
            (0.0, "0.0 0.2 0.4 0.6 0.8 1.0"),
        ] {
            let labels: Vec<String> =
                Scale::new(max, 100).ticks().map(|(_, label)| label).collect();
            assert_eq!(labels.join(" "), expected, "{max}");
        }
    }

    #[test]
    fn values_are_in_proportion() {
        let scale = Scale::new(10.0, 200);
        assert_eq!([0.0, 2.5, 10.0].map(|value| scale.pixels(value)), [0, 50, 200]);
    }
}
