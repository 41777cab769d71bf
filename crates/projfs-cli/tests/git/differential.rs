//! The same sequence in a projected tree and in a plain one gives the same output, exit code, index, tree and files.

use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projfs_testkit::model::Random;

use super::grammar;
use super::origin;
use super::pair::Pair;
use super::pair::git;
use super::support::Work;
use super::support::mounted_for;
use super::written;

/// How long the ordinary run of each test goes on beginning sequences.
const SOON: Duration = Duration::from_secs(12);

/// How long a test may take in all.
const LIMIT: Duration = Duration::from_secs(90);

/// The same with `PROJFS_LONG=1`.
const LONG_LIMIT: Duration = Duration::from_secs(3600);

/// How many steps a generated sequence has.
const STEPS: usize = 14;

/// How many generated sequences there are with `PROJFS_LONG=1`.
const SEQUENCES: usize = 150;

fn is_long() -> bool {
    std::env::var_os("PROJFS_LONG").is_some()
}

fn limit() -> Duration {
    if is_long() { LONG_LIMIT } else { LIMIT }
}

fn seed() -> u64 {
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |moment| moment.as_nanos() as u64);
    std::env::var("PROJFS_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(moment)
}

fn origin(work: &Work) -> std::path::PathBuf {
    std::fs::create_dir_all(work.path("home")).unwrap();
    let origin = work.path("origin");
    origin::make(&origin, &|dir, arguments| git(work, dir, arguments, 1_500_000_000));
    origin
}

#[test]
fn written_sequences_are_the_same() {
    mounted_for("written sequences", limit(), |work| {
        let origin = origin(work);
        let begin = Instant::now();
        // Not always the same ones, if not all.
        let first = usize::try_from(seed() % written::SEQUENCES.len() as u64).unwrap();
        let order = (first..written::SEQUENCES.len()).chain(0..first);
        for number in order {
            if !is_long() && begin.elapsed() > SOON {
                break;
            }
            let sequence = written::SEQUENCES[number];
            println!("sequence {number}: {sequence}");
            let mut pair = Pair::new(work, &origin, &format!("written-{number}"), "main");
            sequence.split("; ").for_each(|line| pair.step(line));
            pair.finish(sequence.contains("grep") || sequence.contains("-index -f -a"));
        }
    });
}

#[test]
fn generated_sequences_are_the_same() {
    mounted_for("generated sequences", limit(), |work| {
        let origin = origin(work);
        let begin = Instant::now();
        let seed = seed();
        for number in 0..SEQUENCES {
            if !is_long() && begin.elapsed() > SOON {
                break;
            }
            let seed = seed.wrapping_add(number as u64);
            println!("PROJFS_SEED={seed}");
            let mut random = Random::new(seed);
            let mut pair = Pair::new(work, &origin, &format!("generated-{seed}"), "base");
            let steps: Vec<String> = (0..STEPS).map(|_| grammar::step(&mut random)).collect();
            steps.iter().for_each(|step| pair.step(step));
            // What a commit that is made again differs in, git reads from the tree to tell it; of the first that is all.
            pair.finish(steps.iter().any(|step| step.contains("--amend")));
        }
    });
}
