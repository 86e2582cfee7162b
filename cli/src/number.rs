use std::str::FromStr;

/// Reads a whole number that is not negative.
///
/// # Errors
/// Says what would be right.
pub fn parse_number<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| "it is a whole number, and not negative, as in 100".to_owned())
}
