//! The run: everyone is prepared, and each workload is run on each in turn.

use std::io::IsTerminal;
use std::io::Write;
use std::sync::Arc;
use std::sync::mpsc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Result;
use anyhow::bail;
use rustix::fs::statvfs;

use crate::Options;
use crate::contestant;
use crate::contestant::Contestant;
use crate::inputs::Inputs;
use crate::place::Place;
use crate::report;
use crate::report::Outcome;
use crate::workload;
use crate::workload::Measured;
use crate::workload::Who;
use crate::workload::Workload;

/// How long what is stuck may take to end once its connection is aborted.
const AFTER_ABORT: Duration = Duration::from_secs(60);

/// What may be taken beside the trees and the files of the contestants, in bytes.
const BESIDE: u64 = 2 << 30;

/// Runs what is asked for, and reports. It is in namespaces of its own.
pub(crate) fn run(options: &Options) -> Result<()> {
    let selected = selected(&options.only)?;
    let contestants = contestant::selected(&options.against)?;
    println!("making what everybody is given");
    let inputs = Arc::new(Inputs::make(options)?);
    check_space(&inputs, options, &contestants)?;
    let begin = report::Conditions::now(options, &inputs)?;
    let mut places = Vec::new();
    for contestant in contestants {
        println!("preparing {}", contestant.name);
        match Place::prepare(contestant, &inputs) {
            Ok(place) => places.push(place),
            Err(error) if contestant.is_projfs() => return Err(error),
            Err(error) => println!("SKIPPED {}: {error:#}", contestant.name),
        }
    }
    let names: Vec<_> = places.iter().map(|place| place.contestant).collect();
    let mut outcomes = Vec::new();
    for workload in selected {
        let outcome = work(workload, &mut places, options)?;
        println!("{}", report::line(&outcome, workload));
        outcomes.push((workload, outcome));
        // Again each time: what was measured is not lost if the run is ended.
        report::write(options, &begin, &names, &outcomes)?;
    }
    let ours = names.iter().filter(|contestant| contestant.is_projfs());
    let failed: Vec<String> = ours
        .flat_map(|ours| {
            let failed = outcomes.iter().filter(|(_, outcome)| outcome.has_failed(ours.name));
            failed.map(|(workload, _)| format!("{} on {}", workload.name, ours.name))
        })
        .collect();
    if !failed.is_empty() {
        bail!("failed, or with another result than others: {}", failed.join(", "));
    }
    Ok(())
}

fn selected(only: &[String]) -> Result<Vec<&'static Workload>> {
    for name in only {
        if !workload::all().any(|workload| workload.name == name) {
            bail!("no workload is called {name}: see `projfs-bench list`");
        }
    }
    Ok(workload::all()
        .filter(|workload| only.is_empty() || only.iter().any(|name| name == workload.name))
        .collect())
}

fn check_space(inputs: &Inputs, options: &Options, contestants: &[&Contestant]) -> Result<()> {
    let tree = inputs.tar.metadata()?.len();
    let part = inputs.part.metadata()?.len() * u64::from(options.repeats);
    let mut needed = BESIDE;
    for contestant in contestants.iter().filter(|contestant| contestant.is_writable()) {
        // The tree and what of it other revisions bring; the part is unpacked and copied, and three times hydrated.
        let hydrates = Who::ProjfsAndNative.takes(contestant);
        needed += tree + tree / 4 + part * if hydrates { 5 } else { 2 } + (inputs.scale.file << 20);
    }
    let space = statvfs(&inputs.work)?;
    let free = space.f_bavail * space.f_frsize;
    if free < needed {
        bail!("it may take {} GiB, and {} GiB are free", needed >> 30, free >> 30);
    }
    Ok(())
}

/// Runs a workload as often as asked on everyone that takes part. Who hangs takes part no more.
fn work(workload: &'static Workload, places: &mut Vec<Arc<Place>>, options: &Options) -> Result<Outcome> {
    let watched = std::io::stdout().is_terminal();
    let mut outcome = Outcome::default();
    for run in 0..options.repeats {
        let mut order: Vec<Arc<Place>> =
            places.iter().filter(|place| workload.who.takes(place.contestant)).cloned().collect();
        // So that nobody always comes after the same other.
        if !order.is_empty() {
            let first = run as usize % order.len();
            order.rotate_left(first);
        }
        for place in order {
            let name = place.contestant.name;
            if outcome.has_error(name) {
                continue;
            }
            if watched {
                print!("\r{:20} {}/{} {name:20}", workload.name, run + 1, options.repeats);
                std::io::stdout().flush()?;
            }
            match once(workload, &place, run, Duration::from_secs(options.limit))? {
                End::Done(Ok(measured)) => outcome.add(name, measured),
                End::Done(Err(error)) => outcome.fail(name, format!("{error:#}")),
                End::Late => {
                    outcome.fail(name, format!("not done after {} s: aborted", options.limit));
                    places.retain(|other| other.contestant.name != name);
                }
            }
        }
    }
    if watched {
        print!("\r{:60}\r", "");
    }
    Ok(outcome)
}

enum End {
    Done(Result<Measured>),
    Late,
}

/// Prepares, runs and finishes a workload once. If it hangs, its connections are aborted; if that does not help, the run
/// ends, and with it everything that was started.
fn once(workload: &'static Workload, place: &Arc<Place>, run: u32, limit: Duration) -> Result<End> {
    let (sender, ended) = mpsc::channel();
    let at_work = Arc::clone(place);
    let begin = Instant::now();
    thread::spawn(move || {
        let place = &*at_work;
        let done = (workload.prepare)(place, run).and_then(|()| (workload.run)(place, run));
        let finished = (workload.finish)(place, run);
        let _ = sender.send(done.and_then(|measured| finished.map(|()| measured)));
    });
    match ended.recv_timeout(limit) {
        Ok(done) => Ok(End::Done(done)),
        Err(RecvTimeoutError::Disconnected) => bail!("{} has panicked", workload.name),
        Err(RecvTimeoutError::Timeout) => {
            println!("\n{} on {} is aborted", workload.name, place.contestant.name);
            place.abort()?;
            if ended.recv_timeout(AFTER_ABORT).is_err() {
                bail!("{} does not end after {} s", workload.name, begin.elapsed().as_secs());
            }
            Ok(End::Late)
        }
    }
}
