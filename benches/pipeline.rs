//! The whole job, findings included: mixed traffic, voice, and many small captures one after the other.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a benchmark fails by panicking, and has no interface"
)]

use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use loginloop::pipeline::{Options, analyse};
use loginloop::profile::Profiles;

mod traffic;

const SIZE: u64 = 8 << 20;
const SMALL: usize = 2_000;

fn whole_job(bench: &mut Criterion) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let stories = traffic::stories(&traffic::captures(&folder).expect("captures")).expect("captures can be read");
    let options = Options { profiles: Profiles::builtin(), ..Options::default() };
    let mut group = bench.benchmark_group("analyse");
    group.sample_size(10);
    for (name, mix) in [("mixed", traffic::MIXED), ("voice", traffic::VOICE), ("stories", traffic::STORIES)] {
        let mut capture = Vec::new();
        traffic::write(mix, &stories, SIZE, &mut capture).expect("memory takes it");
        group.throughput(Throughput::Bytes(capture.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| analyse(capture.as_slice(), &options).expect("it is a capture")));
    }
    let small = traffic::small(&stories, SMALL);
    group.throughput(Throughput::Elements(SMALL as u64));
    group.bench_function("2,000 small captures", |bench| {
        bench.iter(|| {
            small.iter().map(|one| analyse(one.as_slice(), &options).expect("a capture").result.devices.len()).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, whole_job);
criterion_main!(benches);
