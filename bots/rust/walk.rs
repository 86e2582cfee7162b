//! A bot that only prints moves: ten steps in random directions, and then it is done.
//!
//!     rustc -O walk.rs && ./walk

use std::collections::hash_map::RandomState;
use std::env;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::thread;
use std::time::Duration;

fn main() -> io::Result<()> {
    let name = env::args().nth(1).unwrap_or("rs-walk".to_owned());
    for _ in 0..10 {
        // The standard library has no random numbers, but each of these states has random keys.
        let random = RandomState::new().build_hasher().finish();
        let direction = ["N", "S", "E", "W"][(random % 4) as usize];
        // One move per line: a direction and the name of the player. Rust sends each line at once. A
        // BufWriter around standard output would not: call its flush after each line.
        writeln!(io::stdout(), "{direction} {name}")?;
        thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}
