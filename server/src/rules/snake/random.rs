use crate::rules::fnv1a::fnv1a;

/// The `SplitMix64` generator: a few lines in any language, and the same numbers on every machine.
///
/// Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014, and
/// <https://prng.di.unimi.it/splitmix64.c>.
#[derive(Clone, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The generator of a round for `purpose`. Generators for different purposes are independent of each
    /// other, so the numbers that one has given do not change those of another.
    pub fn new(seed: u64, purpose: &str) -> Self {
        Self(seed ^ fnv1a(purpose.as_bytes()))
    }

    /// The next number, from 0 to `limit` - 1. `limit` is not 0.
    ///
    /// The remainder favours the lower numbers by less than one part in 10^14, as no limit here is above
    /// 2^16.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        usize::try_from(self.next() % limit).expect("it is below a usize")
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_match_published_ones() {
        let mut random = SplitMix64(1_234_567);
        let want = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!([(); 5].map(|()| random.next()), want);
    }

    #[test]
    fn generators_depend_on_seed_and_purpose() {
        let first = |seed, purpose| SplitMix64::new(seed, purpose).next();
        assert_eq!(first(1, "ann"), first(1, "ann"));
        assert_ne!(first(1, "ann"), first(2, "ann"));
        assert_ne!(first(1, "ann"), first(1, "bob"));
    }

    #[test]
    fn numbers_are_below_the_limit_and_reach_all_of_it() {
        let mut random = SplitMix64::new(7, "x");
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            counts[random.below(10)] += 1;
        }
        assert!(counts.iter().all(|count| (850..1150).contains(count)), "{counts:?}");
    }
}
