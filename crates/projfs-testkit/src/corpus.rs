//! The corpora of the fuzz targets, in ordinary tests: what was found once, and a few random changes of it.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::model::Random;

/// How many changes of inputs are tried in all.
const CHANGED: usize = 4000;

/// Has a fuzz target take its seeds, every file of its corpus and random changes of these. The environment variable
/// `PROJFS_SEEDS` names a directory where the seeds are written to, for a corpus to begin with.
///
/// # Panics
/// As the target does, which is printed with its input and the seed of the random numbers (`PROJFS_SEED` repeats them); if
/// there is no corpus.
pub fn replay(name: &str, target: fn(&[u8]), seeds: &[Vec<u8>]) {
    if let Some(dir) = std::env::var_os("PROJFS_SEEDS") {
        let dir = PathBuf::from(dir).join(name);
        fs::create_dir_all(&dir).expect("a directory for seeds");
        for (number, seed) in seeds.iter().enumerate() {
            fs::write(dir.join(format!("seed{number}")), seed).expect("a seed");
        }
    }
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let files = fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
    let mut paths: Vec<PathBuf> = files.map(|file| file.expect("a file of the corpus").path()).collect();
    paths.sort();
    let read = |path: &PathBuf| fs::read(path).expect("a file of the corpus");
    let inputs: Vec<Vec<u8>> = seeds.iter().cloned().chain(paths.iter().map(read)).collect();
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seed = std::env::var("PROJFS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(now);
    for input in &inputs {
        attempt(target, input, seed);
    }
    let mut random = Random::new(seed);
    for _ in 0..CHANGED {
        attempt(target, &changed(&mut random, &inputs), seed);
    }
}

/// Prints the input if the target panics.
fn attempt(target: fn(&[u8]), input: &[u8], seed: u64) {
    struct Told<'a>(&'a [u8], u64);
    impl Drop for Told<'_> {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("PROJFS_SEED={}, the input: {:02x?}", self.1, self.0);
            }
        }
    }
    let _told = Told(input, seed);
    target(input);
}

/// One of the inputs, with a few changes.
fn changed(random: &mut Random, inputs: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = inputs[random.below(inputs.len())].clone();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len() + 1);
        let end = (at + 1 + random.below(8)).min(bytes.len());
        match random.below(6) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.insert(at, random.number() as u8),
            3 => {
                let copied = bytes[at..end].to_vec();
                bytes.splice(at..at, copied);
            }
            4 => {
                let other = &inputs[random.below(inputs.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[at.min(other.len())..]);
            }
            _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
    bytes
}
