//! The median of several rounds, and how far they lie apart.

/// A figure over all rounds. Tables and the plot both show this.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The median: of an even number of rounds, the mean of the two in the middle.
    pub median: f64,
    /// The lowest round.
    pub min: f64,
    /// The highest round.
    pub max: f64,
}

impl Spread {
    /// The spread of the finite `values`; `None` if there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let median = f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median, min, max })
    }

    /// As in `5.16 (4.90–5.30)`: median, lowest and highest round. If these print alike, the median
    /// alone. They have three significant digits, and at most `max_decimals`.
    pub fn text(self, max_decimals: usize) -> String {
        let decimals = self.decimals(max_decimals);
        let [median, min, max] =
            [self.median, self.min, self.max].map(|value| format!("{value:.decimals$}"));
        if min == max { median } else { format!("{median} ({min}–{max})") }
    }

    /// The median alone, with the same digits.
    pub fn median_text(self, max_decimals: usize) -> String {
        format!("{:.*}", self.decimals(max_decimals), self.median)
    }

    /// More than three significant digits would be noise.
    fn decimals(self, max: usize) -> usize {
        let magnitudes = [100.0, 10.0, 1.0];
        let decimals = magnitudes.into_iter().position(|magnitude| self.median >= magnitude);
        decimals.unwrap_or(magnitudes.len()).min(max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_an_odd_number_of_rounds_is_the_middle_one() {
        let spread = Spread::of([5.3, 4.9, 5.16]).unwrap();
        assert_eq!(spread, Spread { median: 5.16, min: 4.9, max: 5.3 });
        assert_eq!(spread.text(2), "5.16 (4.90–5.30)");
    }

    #[test]
    fn median_of_an_even_number_of_rounds_is_the_mean_of_the_middle_two() {
        let spread = Spread::of([8.0, 1.0, 2.0, 4.0]).unwrap();
        assert_eq!(spread, Spread { median: 3.0, min: 1.0, max: 8.0 });
    }

    #[test]
    fn omits_a_range_that_prints_as_one_value() {
        assert_eq!(Spread::of([7.0]).unwrap().text(1), "7.0");
        assert_eq!(Spread::of([1.001, 1.002]).unwrap().text(2), "1.00");
    }

    #[test]
    fn prints_three_significant_digits() {
        for (value, text) in [
            (0.0216, "0.022"),
            (4.931, "4.93"),
            (46.14, "46.1"),
            (133.63, "134"),
            (1_030.65, "1031"),
            (0.0, "0.000"),
        ] {
            let spread = Spread::of([value]).unwrap();
            assert_eq!(spread.text(3), text);
            assert_eq!(spread.median_text(3), text);
        }
        assert_eq!(Spread::of([98.2, 104.0, 131.5]).unwrap().text(2), "104 (98–132)");
    }

    #[test]
    fn ignores_values_that_are_not_finite() {
        assert_eq!(Spread::of([f64::NAN, f64::INFINITY]), None);
        assert_eq!(Spread::of([f64::NAN, 2.0]), Spread::of([2.0]));
    }
}
