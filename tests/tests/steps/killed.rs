//! Killed at every call that changes something: afterwards the tree is as before, or as after.

use projfs_store::StoreError;
use projfs_store::StoreErrorKind;
use projfs_store::fsck;
use projfs_testkit::say;
use projfs_tests::stage::Act;
use projfs_tests::stage::CONTROLS;
use projfs_tests::stage::Scenario;
use projfs_tests::stage::Seen;
use projfs_tests::stage::View;
use projfs_tests::trace::Blow;
use projfs_tests::trace::Counted;
use projfs_tests::trace::Strike;

use crate::rig::How;
use crate::rig::Run;
use crate::rig::each;
use crate::rig::patiently;
use crate::rig::run;
use crate::rig::scenarios;

/// Where something half done was seen once.
const ALWAYS: &[&str] = &["utimens-hydrated", "register-reader", "rename-directory-over-empty"];

/// What one scenario came to.
#[derive(Default)]
struct Found {
    kills: usize,
    before: usize,
    after: usize,
    between: usize,
    times: usize,
    wrong: Vec<String>,
}

fn kill(scenario: &'static Scenario, at: usize) -> Run {
    run(scenario, How::Once, Strike { counted: Counted::Changing, at, blow: Blow::Kill })
}

fn after(name: &str) -> Seen {
    let scenario = Scenario::named(name).expect("there is such a scenario");
    kill(scenario, 0).look().unwrap()
}

/// Whether a journal has all that it had before, and of what is new no more than there is.
fn is_journal(seen: &[String], before: &[String], after: &[String]) -> bool {
    let added = after.len().saturating_sub(before.len());
    let is_whole = |count: usize| {
        let whole: Vec<_> =
            before.iter().chain(&after[after.len() - added..]).take(before.len() + count).collect();
        // The oldest may have been dropped.
        seen.len() <= whole.len() && whole[whole.len() - seen.len()..].iter().copied().eq(seen)
    };
    (0..=added).any(is_whole) || seen == after
}

fn check(scenario: &'static Scenario) -> Found {
    let mut found = Found::default();
    let undisturbed = kill(scenario, 0);
    let calls = undisturbed.followed.calls.len();
    if let Some((Some(errno), _)) = undisturbed.attempts.first() {
        found.wrong.push(format!("{}: undisturbed, it fails: {errno}", scenario.name));
        return found;
    }
    let after_it = undisturbed.look().unwrap();
    let before = if calls == 0 { after_it.clone() } else { kill(scenario, 1).look().unwrap() };
    let between: Vec<_> = scenario.between.iter().map(|name| after(name)).collect();
    if std::env::var_os("PROJFS_SHOW").is_some() {
        eprintln!("{}: {:?}\n{}", scenario.name, undisturbed.followed.calls, after_it.difference(&before));
    }
    for seen in [&before, &after_it] {
        found.wrong.extend(seen.tree.lines().filter(|line| line.contains("cannot be")).map(str::to_owned));
    }
    let changes = scenario.shows;
    if changes && before == after_it {
        found.wrong.push(format!("{}: it changes nothing that is seen", scenario.name));
    }
    for at in 2..=calls + 1 {
        let killed = kill(scenario, at);
        let what = format!("{}: killed before call {at} of {:?}", scenario.name, undisturbed.followed.calls);
        found.kills += 1;
        let left = matches!(scenario.act, Act::Start(..));
        if let Err(why) = check_root(&killed, left, at % 2 == 0) {
            found.wrong.push(format!("{what}: {why}"));
        }
        match killed.look() {
            Err(why) => found.wrong.push(format!("{what}: it does not start: {why}")),
            Ok(seen) => {
                // Who finishes a switch says so once more.
                let repeats = matches!(scenario.act, Act::Switch(_) | Act::Start(_, View::New));
                let told = is_journal(&seen.journal, &before.journal, &after_it.journal);
                if !(told || repeats && seen.journal.len() > before.journal.len()) {
                    found.wrong.push(format!("{what}: the journal has {:#?}", seen.journal));
                }
                if seen.tree == after_it.tree {
                    found.after += 1;
                    if changes
                        && after_it.journal.len() > before.journal.len()
                        && seen.journal == before.journal
                    {
                        found.wrong.push(format!("{what}: the journal omits it"));
                    }
                } else if seen.tree == before.tree {
                    found.before += 1;
                } else if between.iter().any(|between| between.tree == seen.tree) {
                    found.between += 1;
                } else if [&before, &after_it].into_iter().chain(&between).any(|one| one.is_alike(&seen)) {
                    found.times += 1;
                } else {
                    let (from, to) = (seen.difference(&before), seen.difference(&after_it));
                    found.wrong.push(format!("{what}: not before\n{from}  nor after\n{to}"));
                }
            }
        }
    }
    found
}

/// A check finds no more than leftovers; mending makes an end of them.
fn check_root(killed: &Run, left: bool, mend: bool) -> Result<(), String> {
    let root = killed.root();
    let is_in_use = |error: &StoreError| error.kind == StoreErrorKind::InUse;
    let check = |mode| match patiently(is_in_use, || fsck::run(&root, mode)) {
        Err(error) if error.kind == StoreErrorKind::NotARoot => Ok(Vec::new()),
        other => other.map_err(|error| format!("the check fails: {error}")),
    };
    for finding in check(fsck::Mode::Check)? {
        match finding.trouble {
            fsck::Trouble::Leftover | fsck::Trouble::DamagedParts(_) => {}
            // What was left behind on purpose.
            fsck::Trouble::DamagedLog(_) if left => {}
            other => return Err(format!("the check finds {other:?} at {}", finding.path)),
        }
    }
    if mend {
        check(fsck::Mode::Mend)?;
        let left = check(fsck::Mode::Check)?;
        if !left.is_empty() {
            return Err(format!("mending leaves {left:?}"));
        }
    }
    Ok(())
}

#[test]
fn a_kill_at_every_call_leaves_what_was_before_or_after() {
    let found = each(scenarios(ALWAYS, 12), check);
    let sum = |of: fn(&Found) -> usize| found.iter().map(of).sum::<usize>();
    let wrong: Vec<_> = found.iter().flat_map(|found| &found.wrong).collect();
    say(format!(
        "{} operations, {} kills: {} before, {} after, {} between, {} with another time of a directory or change, {} wrong",
        found.len(),
        sum(|found| found.kills),
        sum(|found| found.before),
        sum(|found| found.after),
        sum(|found| found.between),
        sum(|found| found.times),
        wrong.len(),
    ));
    for wrong in &wrong {
        eprintln!("{wrong}");
    }
    assert!(wrong.is_empty());
}

#[test]
fn two_steps_are_found_out() {
    let found = check(&CONTROLS[0]);
    assert!(found.wrong.iter().any(|wrong| wrong.contains("nor after")), "{:?}", found.wrong);
}
