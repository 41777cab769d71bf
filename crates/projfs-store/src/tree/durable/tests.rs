//! What is owed is owed by all until it is paid.

use super::*;

fn path(text: &str) -> RelPathBuf {
    RelPathBuf::new(text).unwrap()
}

fn names(owed: &Owed) -> Option<Vec<String>> {
    match &owed.what {
        Names::Of(names) => Some(names.iter().map(ToString::to_string).collect()),
        Names::All => None,
    }
}

fn made(paths: &[&str]) -> Unsynced {
    let unsynced = Unsynced::default();
    paths.iter().for_each(|text| unsynced.add(path(text)));
    unsynced
}

#[test]
fn two_syncs_at_a_time_both_owe_the_names_on_their_way() {
    let unsynced = made(&["a", "a/b", "c"]);
    let (one, other) = (unsynced.owed(&path("a/b")), unsynced.owed(&path("a/b")));
    assert_eq!(names(&one), Some(vec!["a/b".to_owned(), "a".to_owned()]));
    assert_eq!(names(&other), names(&one));
    unsynced.paid(&one);
    assert_eq!(names(&unsynced.owed(&path("a/b"))), Some(vec![]));
    assert_eq!(names(&unsynced.owed(&path("c"))), Some(vec!["c".to_owned()]));
}

#[test]
fn what_is_made_while_it_is_paid_is_owed_again() {
    let unsynced = made(&["a"]);
    let owed = unsynced.owed(&path("a"));
    unsynced.add(path("a"));
    unsynced.paid(&owed);
    assert_eq!(names(&unsynced.owed(&path("a"))), Some(vec!["a".to_owned()]));
    let all = unsynced.all();
    unsynced.add(path("b"));
    unsynced.paid(&all);
    assert_eq!(names(&unsynced.owed(&path("a"))), Some(vec![]));
    assert_eq!(names(&unsynced.owed(&path("b"))), Some(vec!["b".to_owned()]));
}

#[test]
fn after_a_move_everything_is_owed_until_everything_is_paid() {
    let unsynced = made(&["a"]);
    unsynced.moved();
    let owed = unsynced.owed(&path("c"));
    assert_eq!(names(&owed), None);
    unsynced.add(path("d"));
    unsynced.moved();
    unsynced.paid(&owed);
    assert_eq!(names(&unsynced.owed(&path("c"))), None, "there was another move");
    unsynced.paid(&unsynced.all());
    assert_eq!(names(&unsynced.owed(&path("c"))), Some(vec![]));
    unsynced.moved();
    assert_eq!(names(&unsynced.owed(&path("c"))), Some(vec![]), "nothing was owed that could have moved");
}
