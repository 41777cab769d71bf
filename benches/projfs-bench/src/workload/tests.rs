use std::collections::BTreeSet;

use super::*;
use crate::contestant;

#[test]
fn names_are_used_once() {
    let rows: Vec<String> =
        all().flat_map(|work| work.rows.iter().map(|row| format!("{}{}", work.name, row.name))).collect();
    assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len(), "{rows:?}");
    let names = contestant::ALL.iter().map(|contestant| contestant.name);
    assert_eq!(names.collect::<BTreeSet<_>>().len(), contestant::ALL.len());
}

#[test]
fn what_has_a_ratio_for_a_goal_is_done_natively_too() {
    let native = contestant::ALL.iter().find(|contestant| contestant.name == contestant::NATIVE).unwrap();
    for work in all().filter(|work| work.rows.iter().any(|row| matches!(row.goal, Goal::Times(_)))) {
        assert!(work.who.takes(native), "{}", work.name);
    }
}

#[test]
fn archives_are_not_written_to() {
    for contestant in contestant::ALL.iter().filter(|contestant| !contestant.is_writable()) {
        assert!(Who::All.takes(contestant) && !Who::Writable.takes(contestant), "{}", contestant.name);
        assert!(!Who::Projfs.takes(contestant) && !Who::ProjfsAndNative.takes(contestant));
    }
}
