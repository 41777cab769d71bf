//! Everything that changes a tree, stopped or refused at every system call that it makes.

#![cfg(target_arch = "x86_64")]
#![allow(clippy::unwrap_used, reason = "a test ends by panicking, its helpers too")]

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use projfs_testkit::model::Random;
use projfs_testkit::say;
use projfs_tests::stage::SCENARIOS;
use projfs_tests::stage::Scenario;

mod full;
mod judge;
mod killed;
mod mounted;
mod refused;
mod rig;

/// Whether all is tried, and not a part.
fn is_long() -> bool {
    std::env::var_os("PROJFS_LONG").is_some()
}

/// The scenarios that are tried: those that `PROJFS_SCENARIO` names, all with `PROJFS_LONG=1`, else these and some others,
/// which `PROJFS_SEED` repeats.
fn scenarios(these: &[&str], some: usize) -> Vec<&'static Scenario> {
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
