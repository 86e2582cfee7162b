use std::fs;

/// `SIGHUP`, as Linux numbers it everywhere.
const SIGHUP: u32 = 1;

/// Whether this process was started with the wish to outlive its terminal, as `nohup` does it.
pub fn hang_up_is_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_in_mask(&status, SIGHUP)
}

/// Whether `status`, in the format of proc(5), has the signal in its `SigIgn` mask.
fn is_in_mask(status: &str, number: u32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (number - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_a_bit_for_each_signal() {
        let status = "Name:\tserver\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        let ignored: Vec<u32> = (1..=64).filter(|&number| is_in_mask(status, number)).collect();
        assert_eq!(ignored, [1, 13]);
        assert!(!is_in_mask("", 1));
    }
}
