/// Converts a count to a number that can be compared with a limit: exact up to 2^53.
pub fn number<N: TryInto<i64>>(count: N) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "no run counts beyond 2^53")]
    let number = count.try_into().map_or(f64::MAX, |count: i64| count as f64);
    number
}
