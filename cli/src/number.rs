use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

const FORM: &str = "expected a whole number, not negative, as in 100";

/// Parses a whole number that is not negative.
///
/// # Errors
/// Says what was expected.
pub fn parse_number<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let expected = if is_number { "expected a smaller number" } else { FORM };
        expected.to_owned()
    })
}

/// Parses a whole number within `range`.
///
/// # Errors
/// Says what was expected.
pub fn parse_number_within<N>(text: &str, range: RangeInclusive<N>) -> Result<N, String>
where
    N: FromStr + Display + PartialOrd,
{
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| {
        let (min, max) = range.into_inner();
        format!("expected a whole number from {min} to {max}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_fractions_and_negative_numbers() {
        assert_eq!(parse_number("3"), Ok(3_u32));
        for text in ["", "-1", "1.5", "many"] {
            assert_eq!(parse_number::<u32>(text).unwrap_err(), FORM, "{text:?}");
        }
        assert_eq!(parse_number::<u32>("99999999999").unwrap_err(), "expected a smaller number");
    }

    #[test]
    fn rejects_numbers_out_of_range() {
        assert_eq!(parse_number_within("3", 1..=16_u32), Ok(3));
        for text in ["", "0", "17", "-1", "1.5", "many", "99999999999"] {
            let error = parse_number_within(text, 1..=16_u32).unwrap_err();
            assert_eq!(error, "expected a whole number from 1 to 16", "{text:?}");
        }
    }
}
