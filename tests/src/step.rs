//! `projfs-test-step DIR SCENARIO [once|twice|late|LEFT]`: does one thing to a new root in a directory, while somebody watches.
//!
//! It makes the tree in `DIR/root`, writes a byte, reads one, does it, and writes another byte. What came of it, and what
//! is to be seen then, it writes to `DIR/report`. With `once` nothing is looked at, and the process ends as if it were
//! killed; with `twice` it is done again if it failed; with `late` it is done only after everything was looked at. With a
//! number, as with `twice`, but the first time the file system has only so many blocks left.

use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use projfs_store::Existing;
use projfs_store::TreeStore;
use projfs_tests::stage::Act;
use projfs_tests::stage::Answer;
use projfs_tests::stage::Scenario;
use projfs_tests::stage::Seen;
use projfs_tests::stage::Stage;
use projfs_tests::stage::View;
use rustix::fs::FallocateFlags;
use rustix::io::Errno;

/// What is done, with what it needs.
enum Ready {
    Run(Stage, fn(&mut Stage) -> Answer<()>),
    Start(View),
    Mark,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, dir, name, how] = &arguments[..] else { return ExitCode::from(2) };
    let Some(scenario) = Scenario::named(name) else { return ExitCode::from(2) };
    match step(Path::new(dir), scenario, how) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn step(dir: &Path, scenario: &Scenario, how: &str) -> std::io::Result<()> {
    let root = dir.join("root");
    std::fs::create_dir(&root)?;
    let mut ready = match scenario.act {
        Act::Run(act) | Act::Switch(act) => Ready::Run(scenario.prepare(&root), act),
        Act::Start(leave, view) => {
            scenario.prepare(&root).close();
            leave(&root);
            Ready::Start(view)
        }
        Act::Mark => Ready::Mark,
    };
    let mut report = File::create(dir.join("report"))?;
    say_and_wait()?;
    let first = match how.parse() {
        Ok(left) => {
            fill(dir, left)?;
            let first = ready.act(&root, scenario);
            std::fs::remove_file(dir.join("filler"))?;
            first
        }
        Err(_) if how == "late" => Err(Errno::AGAIN),
        Err(_) => ready.act(&root, scenario),
    };
    say()?;
    write_result(&mut report, &first)?;
    if how == "once" {
        // Nothing is closed, as if it were killed.
        std::process::exit(0);
    }
    ready.see().save(&mut report)?;
    let second = if first.is_err() { ready.act(&root, scenario) } else { first };
    write_result(&mut report, &second)?;
    ready.see().save(&mut report)?;
    match ready {
        Ready::Run(stage, _) => stage.close(),
        Ready::Start(_) | Ready::Mark => {}
    }
    Ok(())
}

/// Takes all blocks of the file system but some.
fn fill(dir: &Path, left: u64) -> std::io::Result<()> {
    let filler = File::create(dir.join("filler"))?;
    let block = rustix::fs::fstatvfs(&filler)?.f_frsize;
    let mut length = 0;
    let mut step = 1 << 24;
    while step >= block {
        match rustix::fs::fallocate(&filler, FallocateFlags::empty(), length, step) {
            Ok(()) => length += step,
            Err(Errno::NOSPC) => step /= 2,
            Err(errno) => return Err(errno.into()),
        }
    }
    filler.set_len(length.saturating_sub(left * block))?;
    filler.sync_all()
}

impl Ready {
    fn act(&mut self, root: &Path, scenario: &Scenario) -> Answer<()> {
        match self {
            Self::Run(stage, act) => act(stage),
            Self::Start(view) => Stage::open(root, *view, scenario.journal()).map(Stage::close),
            Self::Mark => TreeStore::mark(root, Existing::Refuse).map(drop).map_err(|error| error.errno()),
        }
    }

    fn see(&mut self) -> Seen {
        match self {
            Self::Run(stage, _) => stage.see(),
            Self::Start(_) | Self::Mark => Seen::default(),
        }
    }
}

fn write_result(report: &mut File, result: &Answer<()>) -> std::io::Result<()> {
    let number = result.map_or_else(Errno::raw_os_error, |()| 0);
    report.write_all(&number.to_le_bytes())
}

fn say() -> std::io::Result<()> {
    let mut out = std::io::stdout();
    out.write_all(b".\n")?;
    out.flush()
}

fn say_and_wait() -> std::io::Result<()> {
    say()?;
    std::io::stdin().read_exact(&mut [0])
}
