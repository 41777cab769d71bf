//! What is projected under a name that was left is in another life, and so is all that is below it.

use projfs_types::RelPathBuf;

use super::*;

fn origin(path: &str, life: u32) -> OriginBuf {
    OriginBuf::new(RelPathBuf::new(path).expect("a path"), Life(life))
}

fn name(name: &str) -> &ItemName {
    ItemName::new(name.as_bytes()).expect("a name")
}

/// What is at a path below an origin.
fn at(lives: &Lives, from: OriginBuf, path: &str) -> OriginBuf {
    path.split('/').fold(from, |at, below| lives.origin(&at, name(below)))
}

fn leave(lives: &mut Lives, directory: &OriginBuf, left: &str) {
    let life = lives.next().expect("a life");
    lives.set(directory, name(left), life);
}

#[test]
fn what_is_below_a_name_that_was_left_is_another_too() {
    let mut lives = Lives::default();
    assert_eq!(at(&lives, OriginBuf::root(), "d/e/f"), origin("d/e/f", 0));
    leave(&mut lives, &OriginBuf::root(), "d");
    assert_eq!(at(&lives, OriginBuf::root(), "d/e/f"), origin("d/e/f", 1));
    assert_eq!(at(&lives, OriginBuf::root(), "e"), origin("e", 0));
    // That which has left has what it had.
    assert_eq!(at(&lives, origin("d", 0), "e/f"), origin("d/e/f", 0));
    leave(&mut lives, &origin("d/e", 0), "f");
    assert_eq!(at(&lives, origin("d", 0), "e/f"), origin("d/e/f", 2));
    assert_eq!(at(&lives, OriginBuf::root(), "d/e/f"), origin("d/e/f", 1));
}

#[test]
fn a_life_is_given_once() {
    let mut lives = Lives::default();
    leave(&mut lives, &OriginBuf::root(), "d");
    leave(&mut lives, &OriginBuf::root(), "d");
    assert_eq!(at(&lives, OriginBuf::root(), "d"), origin("d", 2));
    lives.end(&OriginBuf::root());
    leave(&mut lives, &OriginBuf::root(), "d");
    assert_eq!(at(&lives, OriginBuf::root(), "d"), origin("d", 3));
    lives.given(Life(u32::MAX));
    assert_eq!(lives.next(), Err(Errno::OVERFLOW));
}

#[test]
fn what_has_left_a_directory_does_not_end_with_it() {
    let mut lives = Lives::default();
    for left in ["a", "sub", "both"] {
        leave(&mut lives, &origin("d/sub", 0), left);
    }
    leave(&mut lives, &origin("d/other", 0), "a");
    leave(&mut lives, &OriginBuf::root(), "d");
    // One of its directories was taken out of it.
    leave(&mut lives, &origin("d", 0), "sub");
    leave(&mut lives, &origin("d/sub", 6), "b");
    assert!(lives.is_needed_by(&origin("d", 0)));
    lives.end(&origin("d", 0));
    assert_eq!(lives.of(&origin("d/sub", 0), name("a")), Some(Life(1)));
    assert_eq!(lives.of(&origin("d/sub", 6), name("b")), None);
    assert_eq!(lives.of(&origin("d/other", 0), name("a")), None);
    assert_eq!(at(&lives, OriginBuf::root(), "d/sub"), origin("d/sub", 5));
}
