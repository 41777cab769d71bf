//! The state machine: its table, row by row, and the document that is printed from it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fmt::Write;

use projfs_engine::Ask;
use projfs_engine::Beneath;
use projfs_engine::ByProvider;
use projfs_engine::Change;
use projfs_engine::Event;
use projfs_engine::Fetch;
use projfs_engine::Found;
use projfs_engine::Inside;
use projfs_engine::Meets;
use projfs_engine::Obstacle;
use projfs_engine::Overwrite;
use projfs_engine::Refusal;
use projfs_engine::SameVersion;
use projfs_engine::Step;
use projfs_engine::Writing;
use projfs_engine::ask;
use projfs_engine::overwrite;
use projfs_engine::step;
use projfs_types::DirectoryState;
use projfs_types::FileState;
use projfs_types::ItemState;
use projfs_types::Metadata;
use projfs_types::Origin;
use projfs_types::Projected;
use projfs_types::RelPathBuf;
use projfs_types::SymlinkState;
use projfs_types::UpdateFailureCauses;
use projfs_types::UpdateFlags;
use projfs_types::VersionInfo;

const EVENTS: [Event; 10] = [
    Event::Look,
    Event::Read,
    Event::Modify,
    Event::Truncate,
    Event::SetMetadata,
    Event::Link,
    Event::Delete,
    Event::Rename,
    Event::Dehydrate,
    Event::Discard,
];

fn projected(metadata: Metadata, moved: bool) -> Projected {
    let origin = if moved { Origin::At(RelPathBuf::new("elsewhere").unwrap().into()) } else { Origin::Here };
    Projected { origin, metadata, ..Projected::clean(VersionInfo::default()) }
}

/// Every state that can be told apart, by name; nothing for what is virtual, or not there.
fn states() -> Vec<(String, Option<ItemState>)> {
    let mut states = vec![("nothing".to_owned(), None), ("virtual".to_owned(), None)];
    let mut add = |kind: &str, make: &dyn Fn(Projected) -> ItemState| {
        for (dirt, metadata) in [("", Metadata::Clean), (", dirty", Metadata::Dirty)] {
            for (place, moved) in [("", false), (", moved", true)] {
                states.push((format!("{kind}{dirt}{place}"), Some(make(projected(metadata, moved)))));
            }
        }
    };
    add("placeholder file", &|p| ItemState::File(FileState::Placeholder(p)));
    add("hydrated file", &|p| ItemState::File(FileState::Hydrated(p)));
    add("placeholder directory", &|p| ItemState::Directory(DirectoryState::Placeholder(p)));
    add("placeholder link", &|p| ItemState::Symlink(SymlinkState::Placeholder(p)));
    states.push(("full file".to_owned(), Some(ItemState::File(FileState::Full))));
    states.push(("full directory".to_owned(), Some(ItemState::Directory(DirectoryState::Full))));
    states.push(("full link".to_owned(), Some(ItemState::Symlink(SymlinkState::Full))));
    states.push(("FIFO, socket, device".to_owned(), Some(ItemState::Special)));
    states.push(("tombstone".to_owned(), Some(ItemState::Tombstone)));
    states
}

fn of(name: &str, beneath: Beneath, event: Event) -> Result<Step, Refusal> {
    let states = states();
    let (_, state) = states.iter().find(|(known, _)| known == name).expect("a state of that name");
    let found = match (name, state) {
        ("virtual", _) => Found::Virtual,
        (_, Some(state)) => Found::Local(state),
        (_, None) => Found::Nothing,
    };
    step(found, beneath, event)
}

fn fetch(fetch: Fetch) -> &'static str {
    match fetch {
        Fetch::Nothing => "",
        Fetch::Placeholder => "ask for metadata",
        Fetch::Data => "fetch content",
        Fetch::Existence => "ask whether it exists",
    }
}

fn change(change: Change) -> &'static str {
    match change {
        Change::Nothing => "",
        Change::Note => "note the placeholder",
        Change::Hydrate => "publish, hydrated",
        Change::Convert => "becomes full",
        Change::Dirty => "becomes dirty",
        Change::Detach => "record the origin",
        Change::RemoveLeavingTombstone => "remove, leave a tombstone",
        Change::Remove => "remove",
        Change::MoveLeavingTombstone => "move, leave a tombstone",
        Change::Move => "move",
        Change::Forget => "drop what is local",
    }
}

/// What an update or a deletion by the provider of an item in this state needs, and does.
fn by_provider(name: &str, by: ByProvider) -> String {
    let states = states();
    let (_, state) = states.iter().find(|(known, _)| known == name).expect("a state of that name");
    let found = match (name, state) {
        ("virtual", _) => Found::Virtual,
        (_, Some(state)) => Found::Local(state),
        (_, None) => Found::Nothing,
    };
    let did = match overwrite(found, by, meets(UpdateFlags::all())) {
        Ok(Overwrite::Replace) => "becomes a placeholder",
        Ok(Overwrite::Drop) => "drop what is local",
        Ok(Overwrite::Nothing) => "-",
        Err(Obstacle::NotFound) => return "*not found*".to_owned(),
        Err(obstacle) => panic!("{name} with everything allowed: {obstacle:?}"),
    };
    match overwrite(found, by, meets(UpdateFlags::empty())) {
        Err(Obstacle::Needs(causes)) => {
            format!("{did}, unless kept for {causes:?}").replace("UpdateFailureCauses", "")
        }
        _ => did.to_owned(),
    }
}

fn meets(allowed: UpdateFlags) -> Meets {
    Meets { version: SameVersion::No, writing: Writing::Permitted, inside: Inside::Nothing, allowed }
}

fn cell(result: Result<Step, Refusal>) -> String {
    match result {
        Ok(step) => match (fetch(step.fetch), change(step.change)) {
            ("", "") => "-".to_owned(),
            ("", only) | (only, "") => only.to_owned(),
            (first, then) => format!("{first}; {then}"),
        },
        Err(Refusal::NotFound) => "*not found*".to_owned(),
        Err(Refusal::IsDirectory) => "*is a directory*".to_owned(),
        Err(Refusal::Unsupported) => "*not possible*".to_owned(),
        Err(Refusal::NotClean) => "*kept*".to_owned(),
    }
}

fn document() -> String {
    let mut text = String::from(
        "# States\n\n\
        Printed from `projfs_engine::step` by a test (`UPDATE_DOCS=1 cargo test -p projfs-engine --test states`).\n\n\
        A cell says what an event asks of the provider, and then changes; `-`: the item is as it must be, and the\n\
        operation acts on it. After each change the function is asked again, until it says `-`. In italics: why the\n\
        event cannot happen; nothing changes then. *Kept* concerns dehydration: the item stays as it is.\n\n\
        What an event does to a name that goes depends on what the provider has beneath it:\n\n\
        | beneath | Delete | Rename |\n|---|---|---|\n",
    );
    for (name, beneath) in
        [("nothing", Beneath::Nothing), ("an item", Beneath::Item), ("not known", Beneath::Unknown)]
    {
        let cells = [Event::Delete, Event::Rename].map(|event| cell(of("full file", beneath, event)));
        writeln!(text, "| {name} | {} |", cells.join(" | ")).unwrap();
    }
    text.push_str("\nIn the table there is an item beneath.\n\n| state |");
    for event in EVENTS {
        write!(text, " {event:?} |").unwrap();
    }
    text.push_str(&format!("\n|---|{}\n", "---|".repeat(EVENTS.len())));
    for (name, _) in states() {
        write!(text, "| {name} |").unwrap();
        for event in EVENTS {
            write!(text, " {} |", cell(of(&name, Beneath::Item, event))).unwrap();
        }
        text.push('\n');
    }
    text.push_str(
        "\nBefore that, a provider that registered for it is asked (`projfs_engine::ask`), and may refuse:\n\n\
        | state | Modify, Truncate | Link | Delete | Rename |\n|---|---|---|---|---|\n",
    );
    for (name, state) in states() {
        let Some(state) = &state else { continue };
        let cells = [Event::Modify, Event::Link, Event::Delete, Event::Rename]
            .map(|event| asked(ask(Found::Local(state), event)));
        writeln!(text, "| {name} | {} |", cells.join(" | ")).unwrap();
    }
    text.push_str(
        "\n## By the provider\n\n\
        Printed from `projfs_engine::overwrite`: what an update to a version with another content id, and a deletion, do.\n\
        What an item is kept for has to be allowed, each by its own flag. An item without a write bit is kept for\n\
        READ_ONLY too; a directory with nothing but tombstones in it for TOMBSTONE (an update fails as not empty), and one\n\
        with items in it is not empty. An update to the same content id does nothing.\n\n\
        | state | Update | Delete |\n|---|---|---|\n",
    );
    for (name, _) in states() {
        let [update, delete] = [ByProvider::Update, ByProvider::Delete].map(|by| by_provider(&name, by));
        writeln!(text, "| {name} | {update} | {delete} |").unwrap();
    }
    text
}

fn asked(ask: Ask) -> &'static str {
    match ask {
        Ask::Nothing => "-",
        Ask::ConvertToFull => "convert to full",
        Ask::Delete => "delete",
        Ask::Rename => "rename",
        Ask::SetHardlink => "set a hard link",
    }
}

#[test]
fn every_cause_needs_its_own_flag() {
    use UpdateFailureCauses as Cause;
    let flags = [
        (UpdateFlags::ALLOW_DIRTY_METADATA, Cause::DIRTY_METADATA),
        (UpdateFlags::ALLOW_DIRTY_DATA, Cause::DIRTY_DATA),
        (UpdateFlags::ALLOW_TOMBSTONE, Cause::TOMBSTONE),
        (UpdateFlags::ALLOW_READ_ONLY, Cause::READ_ONLY),
    ];
    for (name, state) in states() {
        let Some(state) = state else { continue };
        let own = match name.as_str() {
            "tombstone" => Cause::TOMBSTONE,
            name if name.starts_with("full") || name.starts_with("FIFO") => Cause::DIRTY_DATA,
            name if name.contains("dirty") => Cause::DIRTY_METADATA,
            _ => Cause::empty(),
        };
        for allowed in (0..0x40).filter_map(UpdateFlags::from_bits) {
            for (writing, inside) in
                [Writing::Permitted, Writing::Forbidden].into_iter().flat_map(|writing| {
                    [Inside::Nothing, Inside::Tombstones, Inside::Items].map(|inside| (writing, inside))
                })
            {
                let has_bits = !matches!(state, ItemState::Symlink(_) | ItemState::Tombstone);
                let read_only =
                    if writing == Writing::Forbidden && has_bits { Cause::READ_ONLY } else { Cause::empty() };
                let inner = if inside == Inside::Tombstones { Cause::TOMBSTONE } else { Cause::empty() };
                let causes = own | read_only | inner;
                let lacking =
                    flags.iter().filter(|(flag, cause)| causes.contains(*cause) && !allowed.contains(*flag));
                let lacking: Cause = lacking.map(|(_, cause)| *cause).collect();
                for by in [ByProvider::Update, ByProvider::Delete] {
                    let meets = Meets { version: SameVersion::No, writing, inside, allowed };
                    let not_empty = inside == Inside::Items
                        || by == ByProvider::Update
                            && !inner.is_empty()
                            && !allowed.contains(UpdateFlags::ALLOW_TOMBSTONE);
                    let expected = match by {
                        _ if not_empty => Err(Obstacle::NotEmpty),
                        _ if !lacking.is_empty() => Err(Obstacle::Needs(lacking)),
                        ByProvider::Update => Ok(Overwrite::Replace),
                        ByProvider::Delete => Ok(Overwrite::Drop),
                    };
                    let found = Found::Local(&state);
                    assert_eq!(overwrite(found, by, meets), expected, "{by:?} of a {name}, {meets:?}");
                    let same = Meets { version: SameVersion::Yes, ..meets };
                    if by == ByProvider::Update && state.projected().is_some() {
                        assert_eq!(overwrite(found, by, same), Ok(Overwrite::Nothing), "whatever is allowed");
                    }
                }
            }
        }
    }
}

#[test]
fn the_document_is_what_the_function_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/states.md");
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(path, document()).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert!(written == document(), "docs/states.md differs: run this test with UPDATE_DOCS=1");
}

fn does(fetch: Fetch, change: Change) -> Result<Step, Refusal> {
    Ok(Step { fetch, change })
}

/// The columns of the table of file transitions: virtual, placeholder, hydrated, dirty, dirty and hydrated, full.
const FILES: [&str; 6] = [
    "virtual",
    "placeholder file",
    "hydrated file",
    "placeholder file, dirty",
    "hydrated file, dirty",
    "full file",
];

fn row(event: Event, expected: [Result<Step, Refusal>; 5]) {
    let first = does(Fetch::Placeholder, Change::Note);
    for (state, expected) in FILES.into_iter().zip([first].into_iter().chain(expected)) {
        assert_eq!(of(state, Beneath::Item, event), expected, "{event:?} of a {state}");
    }
    for state in ["nothing", "tombstone"] {
        assert_eq!(of(state, Beneath::Item, event), Err(Refusal::NotFound), "{event:?} of a {state}");
    }
}

#[test]
fn file_transitions() {
    let nothing = does(Fetch::Nothing, Change::Nothing);
    let hydrate = does(Fetch::Data, Change::Hydrate);
    let fetch_and_convert = does(Fetch::Data, Change::Convert);
    let convert = does(Fetch::Nothing, Change::Convert);
    let dirty = does(Fetch::Nothing, Change::Dirty);
    let tombstone = does(Fetch::Nothing, Change::RemoveLeavingTombstone);
    let moved = does(Fetch::Nothing, Change::MoveLeavingTombstone);
    row(Event::Look, [nothing; 5]);
    row(Event::Read, [hydrate, nothing, hydrate, nothing, nothing]);
    row(Event::SetMetadata, [dirty, dirty, nothing, nothing, nothing]);
    row(Event::Modify, [fetch_and_convert, convert, fetch_and_convert, convert, nothing]);
    row(Event::Truncate, [convert, convert, convert, convert, nothing]);
    row(Event::Delete, [tombstone; 5]);
    row(Event::Rename, [moved; 5]);
}

#[test]
fn a_name_that_goes_leaves_a_tombstone_only_over_something() {
    for state in FILES.into_iter().skip(1).chain(["full directory", "placeholder directory", "full link"]) {
        let at = |beneath, event| of(state, beneath, event);
        assert_eq!(at(Beneath::Nothing, Event::Delete), does(Fetch::Nothing, Change::Remove));
        assert_eq!(at(Beneath::Nothing, Event::Rename), does(Fetch::Nothing, Change::Move));
        assert_eq!(at(Beneath::Unknown, Event::Delete), does(Fetch::Existence, Change::Nothing));
        assert_eq!(at(Beneath::Unknown, Event::Rename), does(Fetch::Existence, Change::Nothing));
    }
}

#[test]
fn directory_transitions() {
    let nothing = does(Fetch::Nothing, Change::Nothing);
    let states = ["placeholder directory", "placeholder directory, dirty", "full directory"];
    for state in states {
        assert_eq!(of(state, Beneath::Item, Event::Look), nothing);
        for event in [Event::Read, Event::Modify, Event::Truncate, Event::Link] {
            assert_eq!(of(state, Beneath::Item, event), Err(Refusal::IsDirectory));
        }
    }
    let [clean, dirty, full] = states.map(|state| of(state, Beneath::Item, Event::SetMetadata));
    assert_eq!((clean, dirty, full), (does(Fetch::Nothing, Change::Dirty), nothing, nothing));
}

#[test]
fn what_was_changed_or_made_here_is_not_dehydrated() {
    let forget = does(Fetch::Nothing, Change::Forget);
    for state in ["placeholder file", "hydrated file", "placeholder link"] {
        assert_eq!(of(state, Beneath::Item, Event::Dehydrate), forget, "{state}");
    }
    for state in ["hydrated file, dirty", "hydrated file, moved", "full file", "full link"] {
        assert_eq!(of(state, Beneath::Item, Event::Dehydrate), Err(Refusal::NotClean), "{state}");
        assert_eq!(of(state, Beneath::Item, Event::Discard), forget, "{state}");
        assert_eq!(of(state, Beneath::Nothing, Event::Discard), Err(Refusal::NotClean), "{state}");
    }
}

/// Whatever an event changes, it leads in a few steps to a state in which it has no further effect, or is refused.
#[test]
fn every_event_settles() {
    for (name, _) in states() {
        for event in EVENTS {
            let mut at = name.clone();
            for _ in 0..4 {
                let Ok(Step { change, .. }) = of(&at, Beneath::Item, event) else { break };
                let dirty = if at.contains(", dirty") { ", dirty" } else { "" };
                at = match change {
                    Change::Nothing => break,
                    Change::Note => "placeholder file".to_owned(),
                    Change::Hydrate => format!("hydrated file{dirty}"),
                    Change::Convert => "full file".to_owned(),
                    Change::Dirty if at.ends_with(", moved") => {
                        format!("{}, dirty, moved", at.trim_end_matches(", moved"))
                    }
                    Change::Dirty => format!("{at}, dirty"),
                    Change::Detach => format!("{at}, moved"),
                    Change::Forget | Change::Remove | Change::RemoveLeavingTombstone => {
                        "tombstone".to_owned()
                    }
                    Change::Move | Change::MoveLeavingTombstone => "tombstone".to_owned(),
                };
            }
            let last = of(&at, Beneath::Item, event);
            assert!(
                last.is_err() || last == does(Fetch::Nothing, Change::Nothing),
                "{event:?} of a {name} ends in {at} with {last:?}"
            );
        }
    }
}
