//! Attributes, plain and extended.

use projfs_store::AttributeChange;
use projfs_store::Keep;
use projfs_store::Leave;
use projfs_store::NewKind;
use projfs_store::Place;
use projfs_store::Time;
use projfs_types::ExtendedAttributes;
use projfs_types::ItemState;
use projfs_types::PlaceholderInfo;
use projfs_types::Timestamp;
use projfs_types::mode;
use rustix::io::Errno;

use super::Root;
use super::Shell;
use super::at;
use super::at_home;
use super::done;
use super::new;
use super::place;
use super::promises;
use super::refused;
use super::said;
use super::symlink;

promises![
    attributes_of_full_items_are_changed,
    attributes_of_placeholders_are_changed_in_the_record_too,
    attributes_of_the_root_are_changed,
    a_new_owner_takes_set_id_bits_away,
    extended_attributes_are_kept,
    extended_attributes_are_made_or_replaced_as_asked,
    our_own_extended_attributes_are_out_of_reach,
    the_trash_has_attributes_too,
];

const CREATE: u32 = 1;
const REPLACE: u32 = 2;

/// A time that no store rounds.
const THEN: Timestamp = Timestamp { seconds: 1_000_000_000, nanoseconds: 500_000_000 };

fn change() -> AttributeChange {
    let new = new(NewKind::File);
    AttributeChange {
        permissions: Some(0o604),
        uid: Some(new.uid),
        gid: Some(new.gid),
        access: Some(Time::At(Timestamp::from_seconds(5))),
        write: Some(Time::At(THEN)),
    }
}

fn attributes_of_full_items_are_changed(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"abc");
    done(store.make("dir", NewKind::Directory));
    for text in ["file", "dir"] {
        let before = store.there(text).stat;
        done(store.set_attributes(place(text), &change()));
        let after = store.there(text).stat;
        assert_eq!(after.mode, before.mode & mode::TYPE | 0o604);
        assert_eq!((after.times.write, after.times.access), (THEN, Timestamp::from_seconds(5)));
        assert_eq!((after.number, after.size), (before.number, before.size));
        let now = AttributeChange { write: Some(Time::Now), ..AttributeChange::default() };
        done(store.set_attributes(place(text), &now));
        let later = store.there(text).stat;
        assert!(later.times.write > THEN);
        assert_eq!((later.mode, later.times.access), (after.mode, after.times.access));
    }
    refused(store.set_attributes(place("missing"), &change()), Errno::NOENT);
}

fn attributes_of_placeholders_are_changed_in_the_record_too(root: &dyn Root) {
    let store = root.open();
    done(store.put("file", &said(PlaceholderInfo::file(9)), &at_home()));
    done(store.put("dir", &said(PlaceholderInfo::directory()), &at_home()));
    let (dir, name) = at("hydrated");
    let info = said(PlaceholderInfo::file(3));
    let state = projfs_types::FileState::Hydrated(at_home());
    let number = projfs_types::Number::of_origin(&super::origin("hydrated"));
    done(store.publish(dir, name, &store.content(b"abc"), &info, &state, number));
    let names = ["file", "dir", "hydrated"];
    let before = names.map(|text| store.there(text));
    for text in names {
        done(store.set_attributes(place(text), &change()));
    }
    drop(store);
    let store = root.open();
    for (text, before) in names.iter().zip(before) {
        let item = store.there(text);
        assert_eq!(item.state, before.state, "{text}");
        assert_eq!(item.stat.mode, before.stat.mode & mode::TYPE | 0o604, "{text}");
        assert_eq!(item.stat.times.write, THEN, "{text}");
        let info = item.info.expect("it is still the provider's");
        assert_eq!((info.mode, info.times.write), (0o604, THEN), "{text}");
        assert_eq!(item.stat.size, before.stat.size, "{text}");
    }
}

fn attributes_of_the_root_are_changed(root: &dyn Root) {
    let store = root.open();
    let change = AttributeChange { permissions: Some(0o700), ..AttributeChange::default() };
    done(store.set_attributes(Place::Root, &change));
    assert_eq!(done(store.look_root()).stat.mode, mode::DIRECTORY | 0o700);
    done(store.set_xattr(Place::Root, b"user.a", b"1", 0));
    assert_eq!(done(store.list_xattr(Place::Root)), b"user.a\0");
}

fn a_new_owner_takes_set_id_bits_away(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"abc");
    done(store.put("stand-in", &said(PlaceholderInfo::file(9)), &at_home()));
    for text in ["file", "stand-in"] {
        let bits = AttributeChange { permissions: Some(0o6755), ..AttributeChange::default() };
        done(store.set_attributes(place(text), &bits));
        assert_eq!(store.there(text).stat.mode, mode::FILE | 0o6755, "{text}");
        let owner = AttributeChange { permissions: None, access: None, write: None, ..change() };
        done(store.set_attributes(place(text), &owner));
        assert_eq!(store.there(text).stat.mode, mode::FILE | 0o755, "{text}");
    }
}

fn extended_attributes_are_kept(root: &dyn Root) {
    let store = root.open();
    store.write("full", b"");
    done(store.make("dir", NewKind::Directory));
    done(store.put("stand-in", &said(PlaceholderInfo::file(9)), &at_home()));
    done(store.put("projected", &said(PlaceholderInfo::directory()), &at_home()));
    let names = ["full", "dir", "stand-in", "projected"];
    for text in names {
        done(store.set_xattr(place(text), b"user.a", b"1", 0));
        done(store.set_xattr(place(text), b"user.b", b"", 0));
        done(store.set_xattr(place(text), b"user.a", b"2", 0));
    }
    drop(store);
    let store = root.open();
    for text in names {
        assert_eq!(done(store.get_xattr(place(text), b"user.a")), b"2", "{text}");
        let list = done(store.list_xattr(place(text)));
        let mut list = list.split_inclusive(|byte| *byte == 0).collect::<Vec<_>>();
        list.sort_unstable();
        assert_eq!(list, [b"user.a\0", b"user.b\0"], "{text}");
        done(store.remove_xattr(place(text), b"user.a"));
        refused(store.get_xattr(place(text), b"user.a"), Errno::NODATA);
        refused(store.remove_xattr(place(text), b"user.a"), Errno::NODATA);
    }
    assert!(matches!(store.there("stand-in").state, ItemState::File(_)));
    done(store.make("link", symlink("x")));
    refused(store.set_xattr(place("link"), b"user.a", b"", 0), Errno::PERM);
}

fn extended_attributes_are_made_or_replaced_as_asked(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"");
    let file = place("file");
    refused(store.set_xattr(file, b"user.a", b"1", REPLACE), Errno::NODATA);
    done(store.set_xattr(file, b"user.a", b"1", CREATE));
    refused(store.set_xattr(file, b"user.a", b"2", CREATE), Errno::EXIST);
    done(store.set_xattr(file, b"user.a", b"3", REPLACE));
    assert_eq!(done(store.get_xattr(file, b"user.a")), b"3");
    refused(store.set_xattr(file, b"nowhere.a", b"", 0), Errno::OPNOTSUPP);
    refused(store.get_xattr(place("missing"), b"user.a"), Errno::NOENT);
}

fn our_own_extended_attributes_are_out_of_reach(root: &dyn Root) {
    let store = root.open();
    store.write("full", b"");
    done(store.put("stand-in", &said(PlaceholderInfo::file(9)), &at_home()));
    for text in ["full", "stand-in"] {
        for ours in [&b"user.projfs"[..], b"user.projfs.more"] {
            refused(store.set_xattr(place(text), ours, b"", 0), Errno::PERM);
            refused(store.remove_xattr(place(text), ours), Errno::PERM);
            refused(store.get_xattr(place(text), ours), Errno::NODATA);
        }
        assert_eq!(done(store.list_xattr(place(text))), b"");
        done(store.set_xattr(place(text), b"user.projfsx", b"", 0));
    }
    let not_ours = ExtendedAttributes::found([("user.projfsx", "")]);
    let info = said(PlaceholderInfo::file(9)).with_extended_attributes(not_ours);
    assert_eq!(store.there("stand-in").info, Some(info));
}

fn the_trash_has_attributes_too(root: &dyn Root) {
    let store = root.open();
    store.write("file", b"abc");
    let (dir, name) = at("file");
    let id = done(store.remove(dir, name, Leave::Nothing, Keep::Trash)).expect("it was to be kept");
    let trash = Place::Trash(id);
    done(store.set_attributes(trash, &change()));
    done(store.set_xattr(trash, b"user.a", b"1", 0));
    assert_eq!(done(store.get_xattr(trash, b"user.a")), b"1");
    assert_eq!(done(store.look_trash(id)).stat.mode, mode::FILE | 0o604);
}
