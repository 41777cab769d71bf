//! Refused at every call: what is done fails with that error and changes nothing, or is done whole; and it can be done
//! thereafter.

use projfs_testkit::say;
use projfs_tests::stage::CONTROLS;
use projfs_tests::stage::Scenario;
use projfs_tests::trace::Blow;
use projfs_tests::trace::Counted;
use projfs_tests::trace::Strike;
use rustix::io::Errno;

use crate::judge::Found;
use crate::judge::References;
use crate::rig::How;
use crate::rig::Run;
use crate::rig::each;
use crate::rig::is_long;
use crate::rig::run;
use crate::rig::scenarios;

const ERRNOS: [Errno; 6] = [Errno::NOSPC, Errno::DQUOT, Errno::IO, Errno::ROFS, Errno::MFILE, Errno::NOMEM];

/// Where an error was told once although all was done.
const ALWAYS: &[&str] = &["mkdir-over-tombstone", "link", "unlink-placeholder", "sync-two-handles"];

fn refuse(scenario: &'static Scenario, how: How, at: usize, errno: Errno) -> Run {
    run(scenario, how, Strike { counted: Counted::All, at, blow: Blow::Refuse(errno) })
}

fn check(scenario: &'static Scenario, all: bool) -> Found {
    let mut found = Found::default();
    let calls = refuse(scenario, How::Twice, 0, Errno::IO).followed.calls;
    let references = References::new(scenario, |scenario, how| refuse(scenario, how, 0, Errno::IO));
    for at in 1..=calls.len() {
        for (number, &errno) in ERRNOS.iter().enumerate() {
            // Not all: at each call another.
            if !all && number != at % ERRNOS.len() {
                continue;
            }
            let refused = refuse(scenario, How::Twice, at, errno);
            if !refused.followed.struck {
                continue;
            }
            found.refusals += 1;
            if let Err(why) = references.judge(&refused, errno, &mut found) {
                let call = calls[at - 1];
                found
                    .wrong
                    .push(format!("{}: call {at}, {call}, fails with {errno:?}: {why}", scenario.name));
            }
        }
    }
    eprintln!("{}: {} refusals of {} calls", scenario.name, found.refusals, calls.len());
    found
}

/// Says what was found.
pub(crate) fn sum_up(found: &[Found]) {
    let sum = |of: fn(&Found) -> usize| found.iter().map(of).sum::<usize>();
    let wrong: Vec<_> = found.iter().flat_map(|found| &found.wrong).collect();
    say(format!(
        "{} operations, {} refusals: {} failed ({} of them done, and could be done again; {} between), {} done all the \
         same ({} of them later); {} looks with another time, {} wrong",
        found.len(),
        sum(|found| found.refusals),
        sum(|found| found.failed),
        sum(|found| found.told_and_done),
        sum(|found| found.between),
        sum(|found| found.done),
        sum(|found| found.later),
        sum(|found| found.times),
        wrong.len(),
    ));
    wrong.iter().for_each(|wrong| eprintln!("{wrong}"));
    assert!(wrong.is_empty());
}

#[test]
fn an_error_of_any_call_is_told_and_leaves_what_was_before_or_after() {
    sum_up(&each(scenarios(ALWAYS, 2), |scenario| check(scenario, is_long())));
}

#[test]
fn a_swallowed_error_is_found_out() {
    let found = check(&CONTROLS[1], false);
    assert!(found.wrong.iter().any(|wrong| wrong.contains("while it runs")), "{:?}", found.wrong);
}
