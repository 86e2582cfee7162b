//! How long the pure parts take. `cargo bench -p tribune-bench`.

use divan::Bencher;
use tribune_bench::pure::{PARTS, Pure};

fn main() {
    divan::main();
}

#[divan::bench(args = PARTS.map(|(name, _)| name))]
fn part(bencher: Bencher<'_, '_>, name: &str) {
    let (_, part) = PARTS.into_iter().find(|(known, _)| *known == name).expect("it is one of them");
    let mut pure = Pure::default();
    bencher.bench_local(|| part(&mut pure));
}
