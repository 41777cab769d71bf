//! What there may be to see after something was done, or was not, and an error told or not.

use projfs_tests::stage::Act;
use projfs_tests::stage::Scenario;
use projfs_tests::stage::Seen;
use rustix::io::Errno;

use crate::rig::How;
use crate::rig::Run;

/// What attempts came to.
#[derive(Default)]
pub(crate) struct Found {
    /// How many were disturbed.
    pub(crate) refusals: usize,
    /// How many failed, with that error.
    pub(crate) failed: usize,
    /// How many were done all the same.
    pub(crate) done: usize,
    /// How many of the failed were at a step that is between before and after.
    pub(crate) between: usize,
    /// How many of the failed were done, and could be done again.
    pub(crate) told_and_done: usize,
    /// How many were done only in part, with nothing to be seen of that but the state.
    pub(crate) later: usize,
    /// At how many looks a directory had another write time, or something another change time.
    pub(crate) times: usize,
    /// What must not be.
    pub(crate) wrong: Vec<String>,
}

/// What is seen at each look: while it runs, when it was done again, and after a restart.
struct Looks([Seen; 3]);

/// What a scenario comes to undisturbed.
pub(crate) struct References {
    scenario: &'static Scenario,
    done: Looks,
    /// Done only after the first look.
    late: Looks,
    between: Vec<Looks>,
}

fn looks(run: &Run) -> Looks {
    let [(_, first), (None, second)] = &run.attempts[..] else {
        panic!(
            "undisturbed, it fails: {:?}",
            run.attempts.iter().map(|attempt| attempt.0).collect::<Vec<_>>()
        );
    };
    Looks([first.clone(), second.clone(), run.look().unwrap()])
}

impl References {
    /// Has `run` carry out what is needed.
    pub(crate) fn new(scenario: &'static Scenario, run: impl Fn(&'static Scenario, How) -> Run) -> Self {
        let between = scenario.between.iter().map(|name| {
            let scenario = Scenario::named(name).expect("there is such a scenario");
            looks(&run(scenario, How::Twice))
        });
        let between = between.collect();
        let [done, late] = [How::Twice, How::Late].map(|how| looks(&run(scenario, how)));
        Self { scenario, done, late, between }
    }

    /// Whether what was disturbed failed with this error and changed nothing, or was done whole; and was done thereafter.
    pub(crate) fn judge(&self, run: &Run, errno: Errno, found: &mut Found) -> Result<(), String> {
        let [(first, seen), (second, again)] = &run.attempts[..] else {
            return Err("it died, or could not be looked at".into());
        };
        let restarted = run.look().map_err(|why| format!("it does not start: {why}"))?;
        let expected = match first {
            None => {
                found.done += 1;
                &self.done
            }
            // Of what was not dehydrated, the reason is not told.
            Some(told) if *told == errno || *told == Errno::AGAIN => {
                found.failed += 1;
                &self.late
            }
            Some(told) => return Err(format!("it came to {told:?}")),
        };
        if let Some(errno) = second {
            return Err(format!("it came to {first:?}, and done again to {errno:?}"));
        }
        let seen =
            [("while it runs", seen), ("when it was done again", again), ("after a restart", &restarted)];
        for (look, (when, seen)) in seen.into_iter().enumerate() {
            if seen.tree == expected.0[look].tree {
                continue;
            }
            if expected.0[look].is_alike(seen) {
                found.times += 1;
            } else if look == 0 && first.is_some() && self.is_between(seen) {
                found.between += 1;
            } else if first.is_some() && self.is_half_switched(look, seen) {
                found.between += usize::from(look == 0);
            } else if first.is_some() && self.done.0[look].is_alike(seen) {
                // It can be done twice, as was just shown.
                found.told_and_done += usize::from(look == 0);
            } else if !self.scenario.shows
                && expected.0[look].without_states().is_alike(&seen.without_states())
            {
                // What shows in nothing else need not be done yet: a large file that could not be made whole is so later.
                found.later += usize::from(look == 0);
            } else {
                return Err(format!(
                    "it came to {first:?}, and {when}\n{}",
                    seen.difference(&expected.0[look])
                ));
            }
        }
        Ok(())
    }

    fn is_between(&self, seen: &Seen) -> bool {
        self.between.iter().any(|one| one.0[0].is_alike(seen))
    }

    /// A switch may be half-way until it is done again. What was looked at meanwhile is hydrated.
    fn is_half_switched(&self, look: usize, seen: &Seen) -> bool {
        let is_arrived = || self.late.0[look].without_states().is_alike(&seen.without_states());
        matches!(self.scenario.act, Act::Switch(_)) && (look == 0 || is_arrived())
    }
}
