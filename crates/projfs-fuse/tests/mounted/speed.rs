//! Latencies, printed; run with `--ignored --nocapture`, in release mode.

use std::path::Path;
use std::time::Instant;

use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::StatxFlags;

use super::memory::Content;
use super::memory::Memory;
use super::rig::BOTH;
use super::rig::Rig;

fn report(what: &str, mut measured: impl FnMut()) {
    let mut times: Vec<_> = (0..20_000)
        .map(|_| {
            let begin = Instant::now();
            measured();
            begin.elapsed().as_nanos() as f64 / 1000.0
        })
        .collect();
    times.sort_unstable_by(f64::total_cmp);
    let mean = times.iter().sum::<f64>() / times.len() as f64;
    eprintln!("{what}: mean {mean:.1} p50 {:.1} p99 {:.1} us", times[10_000], times[19_800]);
}

fn ask(path: &Path) {
    rustix::fs::statx(CWD, path, AtFlags::STATX_FORCE_SYNC, StatxFlags::BASIC_STATS).unwrap();
}

#[test]
#[ignore = "a measurement"]
fn latencies() {
    let store = tempfile::NamedTempFile::new().unwrap();
    let backed = || Content::Backed(store.path().to_owned());
    for transport in BOTH {
        let files = [("a", Content::Bytes(b"x".into())), ("backed", backed())];
        let Some(rig) = Rig::new(transport, Memory::new(files)) else { return };
        let (a, missing, backed) = (rig.path("a"), rig.path("missing"), rig.path("backed"));
        report(&format!("{transport:?} getattr"), || ask(&a));
        report(&format!("{transport:?} missing name"), || {
            assert!(!missing.exists());
        });
        report(&format!("{transport:?} open+close, passthrough"), || {
            drop(std::fs::File::open(&backed).unwrap());
        });
    }
}
