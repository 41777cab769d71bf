//! Extended attributes that a provider gives.

use projfs_store::Keep;
use projfs_store::NewKind;
use projfs_store::Place;
use projfs_store::Store;
use projfs_types::EXTENDED_SIZE_MAX;
use projfs_types::ExtendedAttributes;
use projfs_types::FileState;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::PlaceholderId;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::VersionInfo;
use rustix::io::Errno;

use super::Root;
use super::Shell;
use super::at;
use super::at_home;
use super::done;
use super::origin;
use super::path;
use super::place;
use super::promises;
use super::refused;
use super::said;

promises![
    notes_have_extended_attributes,
    placeholders_on_disk_have_what_they_were_given,
    content_has_what_its_placeholder_has,
    content_over_a_stand_in_has_what_that_has,
    parts_that_are_whole_have_what_their_placeholder_has,
    what_becomes_full_keeps_its_extended_attributes,
    what_is_replaced_has_those_of_the_replacement,
    a_directory_is_given_others,
    what_a_directory_has_may_be_more_than_it_can_be_given,
    changes_are_told_with_the_metadata,
    as_many_as_are_allowed_can_be_held,
];

fn of(pairs: &[(&str, &[u8])]) -> ExtendedAttributes {
    ExtendedAttributes::new(pairs.iter().copied()).expect("the suite's attributes are small and the user's")
}

fn red() -> ExtendedAttributes {
    of(&[("user.color", b"red"), ("user.EMPTY", b""), ("user.\u{e4}", b"\0\xff")])
}

fn blue() -> ExtendedAttributes {
    of(&[("user.color", b"blue"), ("user.new", b"1")])
}

/// As many as there may be, in an item of which everything else is long as well.
fn most() -> PlaceholderInfo {
    let room = EXTENDED_SIZE_MAX - 16 - "user.long".len();
    let id = |byte| PlaceholderId::new(&[byte; 128]).expect("128 bytes are allowed");
    let version = VersionInfo { content: id(1), provider: id(2) };
    file().with_version(version).with_extended_attributes(of(&[("user.long", &vec![7; room])]))
}

fn file() -> PlaceholderInfo {
    said(PlaceholderInfo::file(3)).with_extended_attributes(red())
}

fn directory() -> PlaceholderInfo {
    said(PlaceholderInfo::directory()).with_extended_attributes(red())
}

fn hydrated() -> FileState {
    FileState::Hydrated(at_home())
}

fn publish(store: &dyn Store, text: &str, info: &PlaceholderInfo, state: &FileState) {
    let (dir, name) = at(text);
    let number = Number::of_origin(&origin(text));
    done(store.publish(dir, name, &store.content(b"abc"), info, state, number));
}

/// What programs see, which must be what the item says of itself.
#[track_caller]
fn has(store: &dyn Store, text: &str, expected: &ExtendedAttributes) {
    assert_eq!(shown(store, place(text)), *expected, "{text}");
    if let Some(info) = store.there(text).info {
        assert_eq!(info.extended, *expected, "{text}");
    }
}

fn shown(store: &dyn Store, place: Place<'_>) -> ExtendedAttributes {
    let names = done(store.list_xattr(place));
    let names = names.split(|&byte| byte == 0).filter(|name| name.starts_with(b"user."));
    ExtendedAttributes::found(names.map(|name| (name, done(store.get_xattr(place, name)))))
}

fn notes_have_extended_attributes(root: &dyn Root) {
    let store = root.open();
    done(store.note(&origin("a"), &file()));
    done(store.note(&origin("d"), &directory()));
    done(store.note(&origin("changed"), &file()));
    done(store.note(&origin("changed"), &file().with_extended_attributes(blue())));
    done(store.note_all(&[(origin("d/most"), Some(most()))]));
    let check = |store: &dyn Store| {
        assert_eq!(store.noted(&origin("a")), Some(file()));
        assert_eq!(store.noted(&origin("d")), Some(directory()));
        assert_eq!(store.noted(&origin("changed")), Some(file().with_extended_attributes(blue())));
        assert_eq!(store.noted_below(&origin("d"))[0].info, most());
        assert_eq!(store.notes(), 4);
    };
    check(&*store);
    drop(store);
    check(&*root.open());
}

fn placeholders_on_disk_have_what_they_were_given(root: &dyn Root) {
    let store = root.open();
    done(store.put("dir", &directory(), &at_home()));
    done(store.put("dir/file", &file(), &at_home()));
    done(store.put("plain", &said(PlaceholderInfo::file(3)), &at_home()));
    drop(store);
    let store = root.open();
    has(&*store, "dir", &red());
    has(&*store, "dir/file", &red());
    has(&*store, "plain", &ExtendedAttributes::default());
    assert_eq!(store.there("dir").info, Some(directory()));
    assert_eq!(store.there("dir/file").info, Some(file()));
    refused(store.get_xattr(place("dir"), b"user.COLOR"), Errno::NODATA);
    let (dir, name) = at("dir");
    let moved = Projected { metadata: Metadata::Dirty, ..at_home() };
    done(store.set_projected(dir, name, &moved));
    done(store.rename((path(""), name), at("elsewhere"), projfs_store::Leave::Nothing, Keep::Nothing));
    has(&*store, "elsewhere", &red());
    has(&*store, "elsewhere/file", &red());
}

fn content_has_what_its_placeholder_has(root: &dyn Root) {
    let store = root.open();
    store.bury("over-tombstone");
    for text in ["hydrated", "over-tombstone"] {
        publish(&*store, text, &file(), &hydrated());
    }
    publish(&*store, "full", &file(), &FileState::Full);
    drop(store);
    let store = root.open();
    for text in ["hydrated", "over-tombstone", "full"] {
        has(&*store, text, &red());
    }
    assert_eq!(store.there("hydrated").info, Some(file()));
}

fn content_over_a_stand_in_has_what_that_has(root: &dyn Root) {
    let store = root.open();
    done(store.put("clean", &file(), &at_home()));
    publish(&*store, "clean", &file(), &hydrated());
    has(&*store, "clean", &red());
    let dirty = Projected { metadata: Metadata::Dirty, ..at_home() };
    for (text, state) in [("hydrated", FileState::Hydrated(dirty.clone())), ("full", FileState::Full)] {
        done(store.put(text, &file(), &dirty));
        done(store.set_xattr(place(text), b"user.color", b"mine", 0));
        done(store.remove_xattr(place(text), b"user.EMPTY"));
        // What is published was fetched before that.
        publish(&*store, text, &file(), &state);
        has(&*store, text, &of(&[("user.color", b"mine"), ("user.\u{e4}", b"\0\xff")]));
    }
}

fn parts_that_are_whole_have_what_their_placeholder_has(root: &dyn Root) {
    let store = root.open();
    let number = Number::of_origin(&origin("file"));
    let partial = done(store.partial(number, &file()));
    done(partial.file().write_at(0, b"abc"));
    done(partial.mark(0..3));
    done(partial.complete());
    let (dir, name) = at("file");
    done(store.publish(dir, name, &partial.file(), &file(), &hydrated(), number));
    has(&*store, "file", &red());
    assert_eq!(store.there("file").info, Some(file()));
}

fn what_becomes_full_keeps_its_extended_attributes(root: &dyn Root) {
    let store = root.open();
    publish(&*store, "file", &file(), &hydrated());
    done(store.put("dir", &directory(), &at_home()));
    done(store.put("given", &said(PlaceholderInfo::directory()), &at_home()));
    let (dir, name) = at("file");
    done(store.convert(dir, name));
    done(store.convert_directory(dir, at("dir").1));
    done(store.provide_directory(dir, at("given").1, &directory(), &at_home()));
    done(store.convert_directory(dir, at("given").1));
    drop(store);
    let store = root.open();
    for text in ["file", "dir", "given"] {
        assert!(store.there(text).info.is_none(), "{text}");
        has(&*store, text, &red());
    }
}

fn what_is_replaced_has_those_of_the_replacement(root: &dyn Root) {
    let store = root.open();
    done(store.put("stand-in", &file(), &at_home()));
    publish(&*store, "hydrated", &file(), &hydrated());
    store.write("full", b"mine");
    done(store.set_xattr(place("full"), b"user.mine", b"1", 0));
    for text in ["stand-in", "hydrated", "full"] {
        let (dir, name) = at(text);
        let other = file().with_extended_attributes(blue());
        done(store.replace(dir, name, &other, &at_home(), Keep::Nothing));
        has(&*store, text, &blue());
        done(store.replace(dir, name, &said(PlaceholderInfo::file(3)), &at_home(), Keep::Nothing));
        has(&*store, text, &ExtendedAttributes::default());
    }
}

fn a_directory_is_given_others(root: &dyn Root) {
    let store = root.open();
    done(store.make("full", NewKind::Directory));
    done(store.set_xattr(place("full"), b"user.mine", b"1", 0));
    done(store.put("placeholder", &directory(), &at_home()));
    for text in ["full", "placeholder"] {
        for given in [blue(), red(), ExtendedAttributes::default(), red(), blue()] {
            let (dir, name) = at(text);
            let info = directory().with_extended_attributes(given.clone());
            done(store.provide_directory(dir, name, &info, &at_home()));
            has(&*store, text, &given);
        }
    }
    drop(store);
    let store = root.open();
    for text in ["full", "placeholder"] {
        has(&*store, text, &blue());
        done(store.set_xattr(place(text), b"user.mine", b"2", 0));
        done(store.remove_xattr(place(text), b"user.new"));
        has(&*store, text, &of(&[("user.color", b"blue"), ("user.mine", b"2")]));
    }
}

fn what_a_directory_has_may_be_more_than_it_can_be_given(root: &dyn Root) {
    let store = root.open();
    done(store.make("dir", NewKind::Directory));
    let long = vec![7; 2 * EXTENDED_SIZE_MAX];
    done(store.set_xattr(place("dir"), b"user.mine", &long, 0));
    let (dir, name) = at("dir");
    let give = |extended: ExtendedAttributes| {
        let info = said(PlaceholderInfo::directory()).with_extended_attributes(extended);
        store.provide_directory(dir, name, &info, &at_home())
    };
    let own = ExtendedAttributes::found([(b"user.mine", &long)]);
    refused(give(ExtendedAttributes::found([(b"user.other", &long)])), Errno::TOOBIG);
    assert!(store.there("dir").info.is_none());
    done(give(own.clone()));
    has(&*store, "dir", &own);
    done(give(red()));
    has(&*store, "dir", &red());
}

fn changes_are_told_with_the_metadata(root: &dyn Root) {
    let store = root.open();
    done(store.put("file", &said(PlaceholderInfo::file(3)), &at_home()));
    done(store.put("dir", &said(PlaceholderInfo::directory()), &at_home()));
    for text in ["file", "dir"] {
        done(store.set_xattr(place(text), b"user.a", b"1", 0));
        has(&*store, text, &of(&[("user.a", b"1")]));
        done(store.set_xattr(place(text), b"user.b", b"2", 0));
        done(store.remove_xattr(place(text), b"user.a"));
        has(&*store, text, &of(&[("user.b", b"2")]));
        done(store.remove_xattr(place(text), b"user.b"));
        has(&*store, text, &ExtendedAttributes::default());
    }
}

fn as_many_as_are_allowed_can_be_held(root: &dyn Root) {
    let store = root.open();
    let projected = Projected::clean(most().version);
    let dir = most();
    let dir = PlaceholderInfo { kind: projfs_types::PlaceholderKind::Directory, ..dir };
    done(store.put("dir", &dir, &projected));
    done(store.put("file", &most(), &projected));
    publish(&*store, "file", &most(), &FileState::Hydrated(projected.clone()));
    assert_eq!(store.there("file").info, Some(most()));
    // What it has and what it gets are there together for a moment.
    let (_, name) = at("dir");
    let room = EXTENDED_SIZE_MAX - 16 - "user.other".len();
    for given in [of(&[("user.other", &vec![8; room])]), most().extended] {
        let info = dir.clone().with_extended_attributes(given.clone());
        done(store.provide_directory(path(""), name, &info, &projected));
        has(&*store, "dir", &given);
    }
}
