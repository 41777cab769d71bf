use projfs_sync::Arc;
use projfs_types::Caller;
use projfs_types::ItemName;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;

use super::AT_A_TIME;
use super::Ahead;
use super::ENOUGH;
use super::LISTING;
use super::LITTLE;
use super::Listing;
use super::PLACES;
use super::Pace;

const CALLER: Caller = Caller { pid: 1, uid: 0, gid: 0 };

fn path(text: &str) -> &RelPath {
    RelPath::new(text.as_bytes()).unwrap()
}

fn name(text: &str) -> &ItemName {
    ItemName::new(text.as_bytes()).unwrap()
}

fn item(text: &str, info: PlaceholderInfo) -> ProjectedItem {
    ProjectedItem::new(name(text).to_owned(), info)
}

/// Of a directory with these directories, and files beside them.
fn listing(directories: &[&str], files: usize) -> Arc<Listing> {
    let mut entries: Vec<_> =
        directories.iter().map(|name| item(name, PlaceholderInfo::directory())).collect();
    entries.extend((0..files).map(|number| item(&format!("file {number}"), PlaceholderInfo::file(1))));
    Listing::new(RelPath::root(), entries, None).ok().unwrap()
}

/// What is asked for next, once.
fn next(ahead: &Ahead, pace: Pace) -> Option<String> {
    ahead.next(pace).map(|wanted| wanted.directory.to_string())
}

fn all(ahead: &Ahead, pace: Pace) -> Vec<String> {
    std::iter::from_fn(|| next(ahead, pace)).collect()
}

#[test]
fn a_walk_goes_down_before_it_goes_on() {
    let ahead = Ahead::new();
    let (root, a) = (listing(&["a", "b", "c"], 2), listing(&["x", "y"], 2));
    let above = Some((RelPath::root(), &root, name("a")));
    assert_eq!(ahead.walk(CALLER, (path("a"), &a), above), Pace::Going);
    assert_eq!(next(&ahead, Pace::Going).unwrap(), "a/x");
    ahead.arrived(path("a/x"), &listing(&["deep"], 0));
    assert_eq!(all(&ahead, Pace::Going), ["a/x/deep", "a/y", "b", "c"]);
}

#[test]
fn what_was_foreseen_is_not_asked_for_again() {
    let ahead = Ahead::new();
    let (a, x) = (listing(&["x"], 0), listing(&["deep"], 0));
    ahead.walk(CALLER, (path("a"), &a), None);
    assert_eq!(all(&ahead, Pace::Going), ["a/x"]);
    let unused = ahead.arrived(path("a/x"), &x);
    assert_eq!(all(&ahead, Pace::Going), ["a/x/deep"]);
    ahead.used(unused, 1);
    assert_eq!(ahead.walk(CALLER, (path("a/x"), &x), Some((path("a"), &a, name("x")))), Pace::Foreseen);
    assert!(all(&ahead, Pace::Going).is_empty());
}

#[test]
fn a_provider_is_asked_for_few_listings_at_a_time() {
    let ahead = Ahead::new();
    let names: Vec<_> = (100..200).map(|number| number.to_string()).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    ahead.walk(CALLER, (path("d"), &listing(&names, 0)), None);
    assert_eq!(all(&ahead, Pace::Going).len(), AT_A_TIME);
    ahead.known();
    assert_eq!(all(&ahead, Pace::Going).len(), 1);
}

#[test]
fn enough_is_enough_until_little_is_left() {
    let ahead = Ahead::new();
    ahead.walk(CALLER, (path("d"), &listing(&["a", "b", "c", "d"], 0)), None);
    let half = ENOUGH / 2 - LISTING;
    let mut unused = Vec::new();
    for directory in ["d/a", "d/b"] {
        assert_eq!(next(&ahead, Pace::Going).unwrap(), directory);
        unused.push(ahead.arrived(path(directory), &listing(&[], half)));
    }
    assert_eq!(next(&ahead, Pace::Going), None, "{ENOUGH} entries lie ready");
    ahead.used(unused[0], half);
    assert_eq!(next(&ahead, Pace::Foreseen), None, "{LITTLE} are left");
    ahead.used(unused[1], half);
    assert_eq!(next(&ahead, Pace::Foreseen).unwrap(), "d/c");
    assert_eq!(next(&ahead, Pace::Foreseen), None, "a thread is at it");
}

#[test]
fn what_another_walk_left_unused_does_not_count() {
    let ahead = Ahead::new();
    ahead.walk(CALLER, (path("d"), &listing(&["a", "b"], 0)), None);
    next(&ahead, Pace::Going).unwrap();
    let unused = ahead.arrived(path("d/a"), &listing(&[], ENOUGH));
    assert_eq!(next(&ahead, Pace::Going), None);
    ahead.walk(CALLER, (path("e"), &listing(&["a", "b"], 0)), None);
    assert_eq!(next(&ahead, Pace::Going).unwrap(), "e/a");
    ahead.used(unused, ENOUGH);
    ahead.arrived(path("e/a"), &listing(&[], ENOUGH));
    assert_eq!(next(&ahead, Pace::Going), None, "what was of the other walk is not taken off this one");
}

#[test]
fn a_provider_that_fails_is_left_alone_until_somebody_comes_unforeseen() {
    let ahead = Ahead::new();
    let d = listing(&["a", "b"], 0);
    ahead.walk(CALLER, (path("d"), &d), None);
    next(&ahead, Pace::Going).unwrap();
    ahead.failed();
    assert_eq!(next(&ahead, Pace::Going), None);
    assert_eq!(ahead.walk(CALLER, (path("d"), &d), None), Pace::Going);
    assert_eq!(next(&ahead, Pace::Going).unwrap(), "d/a");
}

#[test]
fn the_places_that_come_last_are_forgotten_and_found_again() {
    let ahead = Ahead::new();
    let first = listing(&["a"], 0);
    ahead.walk(CALLER, (path("first"), &first), None);
    for number in 0..PLACES {
        ahead.arrived(path(&number.to_string()), &listing(&[], 0));
    }
    assert_eq!(next(&ahead, Pace::Going), None);
    assert_eq!(ahead.walk(CALLER, (path("first"), &first), None), Pace::Going);
    assert_eq!(next(&ahead, Pace::Going).unwrap(), "first/a");
}
