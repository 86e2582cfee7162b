use std::time::Duration;

/// Reads a time such as `500ms` that is neither shorter than `least` nor longer than `most`.
///
/// # Errors
/// Says what would be right.
pub fn parse_time(text: &str, least: Duration, most: Duration) -> Result<Duration, String> {
    let time = humantime::parse_duration(text).ok().filter(|time| (least..=most).contains(time));
    time.ok_or_else(|| {
        let [least, most] = [least, most].map(humantime::format_duration);
        format!("it is a time from {least} to {most}, as in 500ms")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_bounds() {
        let parse = |text| parse_time(text, Duration::from_millis(1), Duration::from_secs(60));
        assert_eq!(parse("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "1", "soon", "0s", "61s", "-1s"] {
            assert!(parse(text).unwrap_err().contains("from 1ms to 1m"), "{text}");
        }
    }
}
