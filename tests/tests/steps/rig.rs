//! One run of a scenario, by a process of its own, in a new root.

use std::collections::VecDeque;
use std::fs;
use std::fs::File;
use std::io::ErrorKind;
use std::io::Read;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::LazyLock;
use std::sync::Mutex;
use std::thread;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projfs_store::Existing;
use projfs_store::StoreError;
use projfs_store::StoreErrorKind;
use projfs_store::TreeStore;
use projfs_testkit::model::Random;
use projfs_testkit::say;
use projfs_tests::stage::Act;
use projfs_tests::stage::SCENARIOS;
use projfs_tests::stage::Scenario;
use projfs_tests::stage::Seen;
use projfs_tests::stage::Stage;
use projfs_tests::stage::View;
use projfs_tests::trace::Followed;
use projfs_tests::trace::Strike;
use projfs_tests::trace::Tracer;
use rustix::io::Errno;
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_projfs-test-step");

/// Whether all is tried, and not a part.
pub(crate) fn is_long() -> bool {
    std::env::var_os("PROJFS_LONG").is_some()
}

/// The scenarios that are tried: those that `PROJFS_SCENARIO` names, all with `PROJFS_LONG=1`, else these and some others,
/// which `PROJFS_SEED` repeats.
pub(crate) fn scenarios(these: &[&str], some: usize) -> Vec<&'static Scenario> {
    if let Ok(wanted) = std::env::var("PROJFS_SCENARIO") {
        let is_wanted = |name: &str| wanted.split(',').any(|one| one == name);
        return SCENARIOS.iter().filter(|scenario| is_wanted(scenario.name)).collect();
    }
    let all: Vec<_> = SCENARIOS.iter().collect();
    if is_long() {
        return all;
    }
    let asked = std::env::var("PROJFS_SEED").ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = asked.unwrap_or(now);
    say(format!("{these:?} and {some} of {} operations, PROJFS_SEED={seed}", all.len()));
    let mut random = Random::new(seed);
    let (mut chosen, mut all): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|scenario| these.contains(&scenario.name));
    let others = (0..some).map(|_| all.swap_remove(random.below(all.len())));
    chosen.extend(others);
    chosen
}

/// How a scenario is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// Once; then the process goes on, or is dead.
    Once,
    /// Again, if it failed.
    Twice,
    /// Only after everything was looked at.
    Late,
    /// Again, if it failed, which it did when there were so many blocks left.
    Full(u64),
}

/// What was done, and what was seen by the one who did it.
pub(crate) struct Run {
    dir: TempDir,
    scenario: &'static Scenario,
    /// The calls, and whether the blow fell.
    pub(crate) followed: Followed,
    /// What each attempt came to, and what there was to see then.
    pub(crate) attempts: Vec<(Option<Errno>, Seen)>,
    /// How much was in the journal before.
    journal: u64,
}

/// Runs a scenario with a blow, or without.
pub(crate) fn run(scenario: &'static Scenario, how: How, strike: Strike) -> Run {
    run_in(&place(), scenario, how, strike)
}

/// Where roots are made: in memory, which takes a quarter of the time, unless all is tried.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    static HOLDS_ROOTS: LazyLock<bool> = LazyLock::new(|| {
        let dir = tempfile::tempdir_in("/dev/shm");
        dir.is_ok_and(|dir| TreeStore::mark(dir.path(), Existing::Refuse).is_ok())
    });
    if !is_long() && *HOLDS_ROOTS { memory.to_owned() } else { std::env::temp_dir() }
}

/// The same in a root below a directory.
#[expect(clippy::zombie_processes, reason = "the tracer waits for it")]
pub(crate) fn run_in(place: &Path, scenario: &'static Scenario, how: How, strike: Strike) -> Run {
    let dir = tempfile::Builder::new().prefix("projfs-steps-").tempdir_in(place).unwrap();
    let word = match how {
        How::Once => "once".to_owned(),
        How::Twice => "twice".to_owned(),
        How::Late => "late".to_owned(),
        How::Full(left) => left.to_string(),
    };
    let mut child = Command::new(PROGRAM)
        .arg(dir.path())
        .args([scenario.name, &word])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    output.read_exact(&mut [0; 2]).expect("the scenario can be prepared");
    let journal = journal_length(&dir);
    let tracer = Tracer::seize(child.id(), strike).unwrap();
    input.write_all(b".").unwrap();
    // It reaps the child.
    let followed = tracer.follow().unwrap();
    let attempts = read_report(&mut File::open(dir.path().join("report")).unwrap());
    Run { dir, scenario, followed, attempts, journal }
}

fn read_report(report: &mut File) -> Vec<(Option<Errno>, Seen)> {
    let mut attempts = Vec::new();
    loop {
        let mut number = [0; 4];
        match report.read_exact(&mut number) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return attempts,
            Err(error) => panic!("the report cannot be read: {error}"),
        }
        let number = i32::from_le_bytes(number);
        let errno = (number != 0).then(|| Errno::from_raw_os_error(number));
        // One that ended there has not looked at anything.
        attempts.push((errno, Seen::load(report).unwrap_or_default()));
    }
}

fn journal_length(dir: &TempDir) -> u64 {
    let files = fs::read_dir(dir.path().join("root/.projfs/journal"));
    files.map_or(0, |files| files.flatten().filter_map(|file| Some(file.metadata().ok()?.len())).sum())
}

impl Run {
    /// The root.
    pub(crate) fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// Starts again on what there is now, and looks at everything.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn look(&self) -> Result<Seen, String> {
        let root = self.root();
        let view = match self.scenario.act {
            Act::Run(_) | Act::Mark => View::Old,
            Act::Start(_, view) => view,
            // Who has the switch recorded has the new view.
            Act::Switch(_) if journal_length(&self.dir) == self.journal => View::Old,
            Act::Switch(_) => View::New,
        };
        if let Act::Mark = self.scenario.act {
            let is_in_use = |error: &StoreError| error.kind == StoreErrorKind::InUse;
            match patiently(is_in_use, || TreeStore::open(&root).map(drop)) {
                Err(error) if error.kind == StoreErrorKind::NotARoot => {
                    TreeStore::mark(&root, Existing::Refuse).map_err(|error| format!("marking: {error}"))?;
                    return Ok(Seen { tree: "no root\n".to_owned(), journal: Vec::new() });
                }
                Err(error) => return Err(error.to_string()),
                Ok(()) => {}
            }
        }
        let open = || Stage::open(&root, view, self.scenario.journal());
        let mut stage = patiently(|errno| *errno == Errno::BUSY, open).map_err(|errno| errno.to_string())?;
        let seen = stage.see();
        stage.close();
        Ok(seen)
    }
}

/// Tries again as long as a root is in use: a process that another thread begins has what is open here, for a moment, and
/// the locks with it.
pub(crate) fn patiently<T, E>(
    is_in_use: impl Fn(&E) -> bool,
    open: impl Fn() -> Result<T, E>,
) -> Result<T, E> {
    // Each waits for a tenth of a second by itself.
    const TRIES: usize = 100;
    let mut tries = (0..TRIES).map(|_| open());
    tries.find(|opened| !opened.as_ref().is_err_and(&is_in_use)).unwrap_or_else(open)
}

/// Has some threads do `work` for each of `items`; what they find.
pub(crate) fn each<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let queue = Mutex::new(VecDeque::from(items));
    let next = || queue.lock().unwrap().pop_front();
    let threads = thread::available_parallelism().map_or(2, |count| count.get() + 1);
    thread::scope(|scope| {
        let work = &work;
        let next = &next;
        let worker = move || {
            let mut results = Vec::new();
            while let Some(item) = next() {
                results.push(work(item));
            }
            results
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}
