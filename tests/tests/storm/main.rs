//! Eight processes do random things to one tree, while the provider goes on to other versions, takes content back, and
//! its daemon is stopped and started. Nobody waits for ever, and at rest the whole tree is what it must be.
//!
//! What must be is in `check.rs`. `PROJFS_SEED` repeats what is done, though not when; `PROJFS_LONG=1` goes on for ten
//! minutes with each of three seeds.

#![allow(clippy::unwrap_used, reason = "a test ends by panicking, its helpers too")]

mod check;
mod stall;

use std::io::BufRead;
use std::io::BufReader;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projfs_testkit::model::Random;
use projfs_testkit::say;
use projfs_tests::Mounted;
use projfs_tests::OWNERS;
use projfs_tests::Options;
use projfs_tests::PROJECTED;
use projfs_tests::Strictness;
use projfs_tests::Tally;
use projfs_tests::Tree;

use check::Expected;

const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-mount");
const WORKER: &str = env!("CARGO_BIN_EXE_projfs-test-storm");

/// How long no process may come forward.
const PATIENCE: Duration = Duration::from_secs(60);

/// How much is done.
struct Extent {
    seeds: u64,
    /// For each seed.
    time: Duration,
    /// By each process, between one rest and the next.
    operations: usize,
}

/// What a process of the storm says.
enum Said {
    /// It goes on.
    Progress,
    /// The last content that it wrote into a file.
    Wrote { number: u64, sequence: u64 },
    /// It has ended.
    Ended(Result<Tally, String>),
}

/// What was done in all.
#[derive(Debug, Default)]
struct Figures {
    rests: usize,
    done: u64,
    refused: u64,
    orders: u64,
    files: usize,
}

#[test]
fn a_storm_leaves_what_was_last_written_and_every_name_once() {
    let long = std::env::var_os("PROJFS_LONG").is_some();
    let extent = match long {
        true => Extent { seeds: 3, time: Duration::from_secs(600), operations: 4_000 },
        false => Extent { seeds: 1, time: Duration::from_secs(2), operations: 600 },
    };
    let asked = std::env::var("PROJFS_SEED").ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let first = asked.unwrap_or(now);
    for seed in (0..extent.seeds).map(|more| first.wrapping_add(more)) {
        let every = Options::every(Tree::Storm);
        for options in &every {
            say(format!("{options:?}: PROJFS_SEED={seed}"));
            let Some(mut mounted) = Mounted::new(PROGRAM, *options) else { return };
            let time = extent.time / u32::try_from(every.len()).unwrap();
            let figures = storm(&mut mounted, &mut Random::new(seed), time, extent.operations);
            say(format!("{figures:?}"));
            assert!(figures.done > figures.refused / 8, "{figures:?}: too little comes about");
        }
    }
}

fn storm(mounted: &mut Mounted, random: &mut Random, time: Duration, operations: usize) -> Figures {
    let end = Instant::now() + time;
    let mut figures = Figures::default();
    let mut expected = Expected::new(PROJECTED);
    let mut generation = 1;
    loop {
        let strictness = [Strictness::Counted, Strictness::Replacing][figures.rests % 2];
        round(mounted, random, strictness, operations, &mut generation, &mut expected, &mut figures);
        expected.generation = generation;
        let tree = check::walk(&mounted.root());
        expected.check(&tree).unwrap_or_else(|why| panic!("at rest {}: {why}", figures.rests));
        mounted.restart(PROGRAM);
        let again = check::walk(&mounted.root());
        if let Some(why) = check::difference(&tree, &again) {
            panic!("after a restart at rest {}: {why}", figures.rests);
        }
        figures.rests += 1;
        figures.files = tree.len();
        if Instant::now() >= end {
            return figures;
        }
    }
}

/// Everybody at work, until all are done.
fn round(
    mounted: &mut Mounted,
    random: &mut Random,
    strictness: Strictness,
    operations: usize,
    generation: &mut u64,
    expected: &mut Expected,
    figures: &mut Figures,
) {
    let children: Vec<Child> = (0..OWNERS)
        .map(|number| {
            let mut command = Command::new(WORKER);
            command.arg(mounted.root()).arg(number.to_string()).arg(random.number().to_string());
            command.arg(if strictness == Strictness::Counted { "strict" } else { "replacing" });
            command.arg(expected.sequences[number].to_string()).arg(operations.to_string());
            command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    let watched: Vec<u32> = children.iter().map(Child::id).chain([mounted.daemon()]).collect();
    let connection = mounted.connection();
    let (sender, said) = mpsc::channel();
    let (events, turns) = mpsc::channel();
    std::thread::scope(|scope| {
        for (number, child) in children.into_iter().enumerate() {
            let sender = sender.clone();
            scope.spawn(move || listen(number, child, &sender));
        }
        drop(sender);
        // Whoever gives orders may himself be held up.
        let ended = scope.spawn(move || {
            let mut ended = Vec::new();
            loop {
                match said.recv_timeout(PATIENCE) {
                    Ok((number, Said::Ended(result))) => ended.push((number, result, Vec::new())),
                    Ok((number, Said::Wrote { number: file, sequence })) => {
                        ended.push((number, Ok(Tally::default()), vec![(file, sequence)]));
                    }
                    Ok((_, Said::Progress)) => drop(events.send(())),
                    Err(mpsc::RecvTimeoutError::Disconnected) => return ended,
                    Err(mpsc::RecvTimeoutError::Timeout) => {
                        stall::say_where(&watched);
                        stall::end(connection, &watched);
                        panic!("nobody came forward for {PATIENCE:?}");
                    }
                }
            }
        });
        while turns.recv().is_ok() {
            // An order may take longer than it takes others to come forward.
            while turns.try_recv().is_ok() {}
            let order = order(random, generation);
            let answer = mounted.order(&order);
            figures.orders += 1;
            assert!(check::is_usual(&answer), "{order}: {answer}");
        }
        for (number, result, wrote) in ended.join().unwrap() {
            let tally = result.unwrap_or_else(|why| panic!("{why}"));
            expected.add(number, &tally, &wrote);
            figures.done += tally.done;
            figures.refused += tally.refused;
        }
    });
}

/// What the provider does next.
fn order(random: &mut Random, generation: &mut u64) -> String {
    let mut path = || {
        let directories = ["a", "b", "c", "a/a", "a/b", "b/a", "b/b", "c/a", "c/b", "d", "d/a", "a/d"];
        let directory = directories[random.below(directories.len())];
        format!("{directory}/p{}-{}", random.below(OWNERS), random.below(2))
    };
    let path = path();
    match random.below(100) {
        0..50 => {
            *generation += 1;
            format!("update {path} {generation}")
        }
        50..85 => format!("dehydrate {path}"),
        85..90 => format!("dehydrate {}", path.split('/').next().unwrap()),
        90..97 => "clear".to_owned(),
        _ => {
            *generation += 1;
            format!("switch {generation}")
        }
    }
}

fn listen(number: usize, mut child: Child, sender: &mpsc::Sender<(usize, Said)>) {
    let mut last = String::from("it said nothing");
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let said = match line.split(' ').collect::<Vec<_>>()[..] {
            ["."] => Said::Progress,
            ["wrote", file, sequence] => {
                Said::Wrote { number: file.parse().unwrap(), sequence: sequence.parse().unwrap() }
            }
            _ => {
                last = line;
                continue;
            }
        };
        let _ = sender.send((number, said));
    }
    let status = child.wait().unwrap();
    let tally = last.parse().map_err(|()| last).and_then(|tally| match status.success() {
        true => Ok(tally),
        false => Err(format!("process {number}: {status}")),
    });
    let _ = sender.send((number, Said::Ended(tally)));
}
