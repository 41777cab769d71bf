//! Names that an item has left: what is projected there is another, with notes and numbers of its own.

use projfs_types::DirectoryState;
use projfs_types::ItemState;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;

use super::Root;
use super::at;
use super::at_home;
use super::done;
use super::name;
use super::origin;
use super::path;
use super::promises;
use super::said;

promises![
    a_name_that_was_left_is_of_another_life,
    lives_have_notes_of_their_own,
    what_is_put_at_home_has_the_number_of_its_life,
    a_fresh_origin_is_nobody_elses,
    an_end_is_that_of_what_is_in_it_alone,
];

fn a_name_that_was_left_is_of_another_life(root: &dyn Root) {
    let store = root.open();
    assert_eq!(store.origin(&origin("d"), name("f")), origin("d/f"));
    done(store.leave(&OriginBuf::root(), name("d")));
    let now = store.origin(&OriginBuf::root(), name("d"));
    assert_eq!(now.path(), origin("d").path());
    assert_ne!(now, origin("d"));
    assert_eq!(store.origin(&now, name("f")).life(), now.life());
    assert_eq!(store.origin(&origin("d"), name("f")), origin("d/f"));
    assert_ne!(Number::of_origin(&now), Number::of_origin(&origin("d")));
    drop(store);
    let store = root.open();
    assert_eq!(store.origin(&OriginBuf::root(), name("d")), now);
    done(store.leave(&OriginBuf::root(), name("d")));
    let again = store.origin(&OriginBuf::root(), name("d"));
    assert!(again != now && again != origin("d"));
}

fn lives_have_notes_of_their_own(root: &dyn Root) {
    let store = root.open();
    for text in ["d", "d/left", "d/stays"] {
        done(store.note(&origin(text), &said(PlaceholderInfo::file(1))));
    }
    done(store.leave(&origin("d"), name("left")));
    let names = |store: &dyn projfs_store::Store, directory: &OriginBuf| {
        let mut names: Vec<_> = store.noted_names(directory).iter().map(ToString::to_string).collect();
        names.sort();
        assert_eq!(store.noted_below(directory).len(), names.len());
        names
    };
    assert_eq!(names(&*store, &origin("d")), ["stays"]);
    let left = store.origin(&origin("d"), name("left"));
    assert_eq!(store.noted(&left), None);
    done(store.note(&left, &said(PlaceholderInfo::file(2))));
    assert_eq!(names(&*store, &origin("d")), ["left", "stays"]);
    assert_eq!(store.noted(&origin("d/left")), Some(said(PlaceholderInfo::file(1))));
    done(store.leave(&OriginBuf::root(), name("d")));
    let other = store.origin(&OriginBuf::root(), name("d"));
    assert!(names(&*store, &other).is_empty());
    drop(store);
    let store = root.open();
    assert_eq!(names(&*store, &origin("d")), ["left", "stays"]);
    assert_eq!(store.noted(&left), Some(said(PlaceholderInfo::file(2))));
    assert!(names(&*store, &other).is_empty());
}

fn what_is_put_at_home_has_the_number_of_its_life(root: &dyn Root) {
    let store = root.open();
    done(store.leave(&OriginBuf::root(), name("d")));
    let now = store.origin(&OriginBuf::root(), name("d"));
    let moved = Projected { origin: Origin::At(origin("d")), ..at_home() };
    let info = said(PlaceholderInfo::directory());
    for (text, projected) in [("d", at_home()), ("moved", moved.clone())] {
        let (dir, name) = at(text);
        done(store.put_directory(dir, name, &info, &projected));
        let file = said(PlaceholderInfo::file(1));
        done(store.put_stand_in(path(text), super::name("f"), &file, &at_home()));
    }
    let number = |dir: &str, name: &str| {
        let item = done(store.look(path(dir), super::name(name))).expect("an item");
        item.stat.number
    };
    assert_eq!(number("d", "f"), Number::of_origin(&store.origin(&now, name("f"))));
    assert_eq!(number("moved", "f"), Number::of_origin(&origin("d/f")));
    // The life is in the record, too.
    let put = Projected { origin: Origin::At(now.clone()), ..at_home() };
    done(store.set_projected(path(""), name("moved"), &put));
    drop(store);
    let item = done(root.open().look(path(""), name("moved"))).expect("an item");
    assert!(matches!(item.state, ItemState::Directory(DirectoryState::Placeholder(now)) if now == put));
}

fn a_fresh_origin_is_nobody_elses(root: &dyn Root) {
    let store = root.open();
    let first = done(store.fresh_origin(path("d/f")));
    drop(store);
    let store = root.open();
    let second = done(store.fresh_origin(path("d/f")));
    done(store.leave(&origin("d"), name("f")));
    let third = store.origin(&origin("d"), name("f"));
    let mut all = [origin("d/f"), first, second, third];
    all.sort();
    assert!(all.windows(2).all(|pair| pair[0] != pair[1]), "{all:?}");
}

fn an_end_is_that_of_what_is_in_it_alone(root: &dyn Root) {
    let store = root.open();
    for (directory, left) in [("d/sub", "a"), ("d/other", "a"), ("d", "sub"), ("", "d")] {
        done(store.leave(&path(directory).into(), name(left)));
    }
    let sub = store.origin(&origin("d/sub"), name("a"));
    done(store.end_origin(&origin("d")));
    drop(store);
    let store = root.open();
    assert_eq!(store.origin(&origin("d/sub"), name("a")), sub, "which was taken out before");
    assert_eq!(store.origin(&origin("d/other"), name("a")), origin("d/other/a"), "which nobody asks for");
    assert_ne!(store.origin(&OriginBuf::root(), name("d")), origin("d"));
}
