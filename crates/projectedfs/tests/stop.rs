//! Many who wait, and the end: in a process of its own, whose threads and descriptors can be counted.

#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

#[path = "mounted/support.rs"]
mod support;

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::OnceLock;
use std::sync::Weak;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::time::Instant;

use projectedfs::*;

use support::mounted;

/// What `VirtualizationInstance::stop` promises.
const STOP: Duration = Duration::from_secs(7);

/// How soon a killed reader must be gone, and whatever else is due at once.
const SOON: Duration = Duration::from_secs(3);

const TEXT: &[u8] = b"what all of them wait for\n";

/// One test at a time, for the sake of what is counted.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// What all threads share.
#[derive(Default)]
struct Desk {
    released: AtomicBool,
    asked: AtomicUsize,
    instance: OnceLock<Weak<VirtualizationInstance>>,
}

/// Gives no content until it is released, whoever is cancelled meanwhile; stops its instance when it is asked for `stop`.
struct Blocked(Arc<Desk>);

impl Provider for Blocked {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        let (_, name) = request.path().split_last().ok_or_else(ProviderError::not_found)?;
        Ok(ProjectedItem::new(name.to_owned(), PlaceholderInfo::file(TEXT.len() as u64)))
    }

    fn enumerate(&self, _: &Request) -> Result<DirEntries, ProviderError> {
        DirEntries::unsorted(Vec::new())
    }

    fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        if request.path().as_bytes() == b"stop" {
            self.0.instance.get().and_then(Weak::upgrade).unwrap().stop();
        } else {
            until("it is released", Duration::from_secs(50), || self.0.released.load(Ordering::SeqCst));
        }
        sink.write_at(0, TEXT)
    }
}

fn until(what: &str, time: Duration, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + time;
    while !so() {
        assert!(Instant::now() < end, "not within {time:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn start(dir: &Path, desk: &Arc<Desk>) -> Arc<VirtualizationInstance> {
    let root = VirtualizationRoot::mark(dir).unwrap();
    let builder = VirtualizationInstance::builder(root).control(Control::Off).provider_threads(64);
    let instance = Arc::new(builder.start(Blocked(Arc::clone(desk))).unwrap());
    assert!(desk.instance.set(Arc::downgrade(&instance)).is_ok());
    instance
}

fn reader(path: &Path) -> Child {
    Command::new("cat").arg(path).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Whether a process waits for an answer of a FUSE file system.
fn waits(child: &Child) -> bool {
    fs::read_to_string(format!("/proc/{}/wchan", child.id()))
        .is_ok_and(|place| place == "request_wait_answer")
}

fn wait_for_end(reader: &mut Child) -> bool {
    let mut status = None;
    until("a reader ends", SOON, || {
        status = reader.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap().success()
}

/// The threads that an instance makes, and the descriptors of this process.
fn held() -> (Vec<String>, usize) {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    let names = names.filter(|name| name.starts_with("projfs-")).collect();
    (names, fs::read_dir("/proc/self/fd").unwrap().count())
}

fn nothing_is_left(before: usize) {
    until("its threads end", SOON, || held().0.is_empty());
    until("its descriptors are closed", SOON, || held().1 <= before);
}

#[test]
fn of_a_hundred_readers_the_last_gets_what_one_question_brings() {
    let _alone = alone();
    mounted("of_a_hundred_readers_the_last_gets_what_one_question_brings", |dir| {
        let desk = Arc::new(Desk::default());
        let instance = start(dir, &desk);
        let mut readers: Vec<_> = (0..100).map(|_| reader(&dir.join("file"))).collect();
        until("all of them wait", 10 * SOON, || readers.iter().all(waits));
        let last = readers.split_off(99).pop().unwrap();
        for reader in &mut readers {
            reader.kill().unwrap();
            assert!(!wait_for_end(reader));
        }
        assert!(waits(&last));
        desk.released.store(true, Ordering::SeqCst);
        let output = last.wait_with_output().unwrap();
        assert_eq!((output.stdout.as_slice(), output.status.success()), (TEXT, true));
        assert_eq!(desk.asked.load(Ordering::SeqCst), 1);
        instance.stop();
    });
}

#[test]
fn a_stop_with_fifty_blocked_callbacks_leaves_nothing_and_the_next_start_works() {
    let _alone = alone();
    mounted("a_stop_with_fifty_blocked_callbacks_leaves_nothing_and_the_next_start_works", |dir| {
        let before = held().1;
        let desk = Arc::new(Desk::default());
        let instance = start(dir, &desk);
        let mut readers: Vec<_> = (0..50).map(|number| reader(&dir.join(number.to_string()))).collect();
        until("all callbacks are in flight", 10 * SOON, || desk.asked.load(Ordering::SeqCst) == 50);
        let begin = Instant::now();
        // Twice at once, and once more.
        std::thread::scope(|scope| {
            scope.spawn(|| instance.stop());
            instance.stop();
        });
        instance.stop();
        let took = begin.elapsed();
        support::say(&format!("a stop with 50 blocked callbacks took {took:?}"));
        assert!(took < STOP, "{took:?}");
        assert!(!readers.iter_mut().any(wait_for_end), "somebody got content");
        drop(readers);
        assert_eq!(fs::read_dir(dir).unwrap().count(), 1, "nothing half is there");
        // The provider still holds its threads. The root is free all the same.
        let next = Arc::new(Desk { released: AtomicBool::new(true), ..Desk::default() });
        let again = start(dir, &next);
        assert_eq!(fs::read(dir.join("7")).unwrap(), TEXT);
        desk.released.store(true, Ordering::SeqCst);
        again.stop();
        drop((again, instance));
        nothing_is_left(before);
        until("the provider is dropped", SOON, || Arc::strong_count(&desk) == 1);
    });
}

#[test]
fn an_instance_can_be_stopped_from_inside_a_callback() {
    let _alone = alone();
    mounted("an_instance_can_be_stopped_from_inside_a_callback", |dir| {
        let before = held().1;
        let desk = Arc::new(Desk::default());
        let instance = start(dir, &desk);
        let begin = Instant::now();
        let mut reader = reader(&dir.join("stop"));
        instance.wait();
        assert!(begin.elapsed() < STOP, "{:?}", begin.elapsed());
        assert!(!wait_for_end(&mut reader));
        drop((instance, reader));
        nothing_is_left(before);
    });
}

#[test]
fn an_instance_that_is_dropped_while_its_provider_blocks_is_gone() {
    let _alone = alone();
    mounted("an_instance_that_is_dropped_while_its_provider_blocks_is_gone", |dir| {
        let before = held().1;
        let desk = Arc::new(Desk::default());
        let instance = start(dir, &desk);
        let mut reader = reader(&dir.join("file"));
        until("the callback is in flight", SOON, || desk.asked.load(Ordering::SeqCst) == 1);
        let begin = Instant::now();
        drop(instance);
        assert!(begin.elapsed() < STOP, "{:?}", begin.elapsed());
        assert!(!wait_for_end(&mut reader));
        drop(reader);
        desk.released.store(true, Ordering::SeqCst);
        nothing_is_left(before);
        assert_eq!(Arc::strong_count(&desk), 1, "the provider is dropped");
    });
}
