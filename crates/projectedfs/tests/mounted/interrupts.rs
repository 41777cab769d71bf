//! Readers that are killed while the provider does not answer.

use std::ops::Range;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use projectedfs::*;
use rustix::process::Pid;
use rustix::process::Signal;

use super::support::mounted;

/// How soon a killed reader must be gone, and the provider told.
const SOON: Duration = Duration::from_secs(1);

const TEXT: &[u8] = b"prompt\n";

/// Answers at once for every name, and never with the content of those that begin with `never`.
struct Stubborn {
    /// Set by those whose question is held, when they are told that nobody waits.
    told: Arc<Mutex<Vec<String>>>,
    /// How often each content was asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

fn item(name: &str) -> ProjectedItem {
    ProjectedItem::new(ItemNameBuf::new(name).unwrap(), PlaceholderInfo::file(TEXT.len() as u64))
}

impl Provider for Stubborn {
    fn placeholder_info(&self, request: &Request) -> Result<ProjectedItem, ProviderError> {
        Ok(item(&request.path().to_string()))
    }

    fn enumerate(&self, _: &Request) -> Result<DirEntries, ProviderError> {
        DirEntries::unsorted(Vec::new())
    }

    fn file_data(&self, request: &Request, _: Range<u64>, sink: &DataSink) -> Result<(), ProviderError> {
        let name = request.path().to_string();
        self.asked.lock().unwrap().push(name.clone());
        if !name.starts_with("never") {
            return sink.write_at(0, TEXT);
        }
        while !request.cancellation().is_cancelled() {
            std::thread::sleep(Duration::from_millis(1));
        }
        self.told.lock().unwrap().push(name);
        Err(ProviderErrorKind::Cancelled.into())
    }
}

fn reader(path: &Path) -> Child {
    Command::new("cat").arg(path).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Waits until something is so; says whether it came about in time.
fn within(time: Duration, mut so: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + time;
    while !so() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    true
}

fn kill(child: &Child, signal: Signal) {
    rustix::process::kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_killed_reader_is_gone_at_once_and_the_provider_is_told() {
    mounted("a_killed_reader_is_gone_at_once_and_the_provider_is_told", |dir| {
        let (told, asked) = <(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<String>>>)>::default();
        let provider = Stubborn { told: Arc::clone(&told), asked: Arc::clone(&asked) };
        let root = VirtualizationRoot::mark(dir).unwrap();
        let builder = VirtualizationInstance::builder(root).control(Control::Off);
        let instance = builder.provider_threads(4).start(provider).unwrap();
        for (name, signal) in [("never-int", Signal::INT), ("never-kill", Signal::KILL)] {
            let mut child = reader(&dir.join(name));
            assert!(within(SOON, || asked.lock().unwrap().iter().any(|asked| asked == name)), "{name}");
            // Others are not disturbed meanwhile.
            assert_eq!(std::fs::read(dir.join(format!("prompt-{name}"))).unwrap(), TEXT);
            kill(&child, signal);
            assert!(within(SOON, || child.try_wait().unwrap().is_some()), "{name} is still there");
            assert!(within(SOON, || told.lock().unwrap().iter().any(|told| told == name)), "{name}");
        }
        instance.stop();
    });
}

#[test]
fn one_question_serves_all_readers_and_is_withdrawn_with_the_last() {
    mounted("one_question_serves_all_readers_and_is_withdrawn_with_the_last", |dir| {
        let (told, asked) = <(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<String>>>)>::default();
        let provider = Stubborn { told: Arc::clone(&told), asked: Arc::clone(&asked) };
        let root = VirtualizationRoot::mark(dir).unwrap();
        let instance = VirtualizationInstance::builder(root).control(Control::Off).start(provider).unwrap();
        // The last to go waits before any of the others can be the last.
        let mut last = reader(&dir.join("never"));
        assert!(within(SOON, || !asked.lock().unwrap().is_empty()));
        let mut readers: Vec<Child> = (0..19).map(|_| reader(&dir.join("never"))).collect();
        // All of them wait by then, or join those who do.
        std::thread::sleep(Duration::from_millis(200));
        for reader in &mut readers {
            kill(reader, Signal::KILL);
            assert!(within(3 * SOON, || reader.try_wait().unwrap().is_some()));
        }
        assert!(told.lock().unwrap().is_empty(), "somebody still waits");
        kill(&last, Signal::KILL);
        assert!(within(SOON, || last.try_wait().unwrap().is_some()));
        assert!(within(SOON, || !told.lock().unwrap().is_empty()));
        assert_eq!(asked.lock().unwrap().len(), 1);
        instance.stop();
    });
}
