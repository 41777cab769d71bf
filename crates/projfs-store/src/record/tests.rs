//! Records come back as they were written; nothing else is taken for one.

use proptest::prelude::*;

use super::*;

fn read(encoded: &Encoded) -> Decoded<Record> {
    let first = First::new(&encoded.first)?;
    assert_eq!(first.slot(), encoded.more.as_ref().map(|(slot, _)| *slot));
    first.decode(encoded.more.as_ref().map(|(_, more)| more.as_slice()))
}

fn time() -> impl Strategy<Value = Timestamp> {
    (any::<i64>(), 0..1_000_000_000_u32).prop_map(|(seconds, nanoseconds)| Timestamp { seconds, nanoseconds })
}

fn times() -> impl Strategy<Value = FileTimes> {
    prop_oneof![
        time().prop_map(FileTimes::all),
        (time(), time(), time(), time()).prop_map(|(creation, access, write, change)| FileTimes {
            creation,
            access,
            write,
            change
        })
    ]
}

fn kind() -> impl Strategy<Value = (PlaceholderKind, Form)> {
    prop_oneof![
        (0..=i64::MAX.cast_unsigned(), any::<bool>()).prop_map(|(size, whole)| {
            (PlaceholderKind::File { size }, if whole { Form::Whole } else { Form::StandIn })
        }),
        Just((PlaceholderKind::Directory, Form::Whole)),
        prop::collection::vec(1..=255_u8, 1..300)
            .prop_map(|target| (PlaceholderKind::Symlink { target: target.into() }, Form::StandIn)),
    ]
}

fn version() -> impl Strategy<Value = VersionInfo> {
    let id = || prop::collection::vec(any::<u8>(), 0..=128);
    (id(), id()).prop_map(|(content, provider)| VersionInfo {
        content: checked_id(&content).unwrap(),
        provider: checked_id(&provider).unwrap(),
    })
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![
        Just(Origin::Here),
        prop::collection::vec("[a-z]{1,20}", 0..10)
            .prop_map(|names| Origin::At(RelPathBuf::new(names.join("/").into_bytes()).unwrap())),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let provided =
        (kind(), 0..=0o7777_u16, any::<u32>(), times(), version(), origin(), any::<bool>(), time()).prop_map(
            |((kind, form), mode, attributes, times, version, origin, dirty, stored_write)| {
                Recorded::Projected(Provided {
                    info: PlaceholderInfo { kind, mode, attributes, times, version },
                    origin,
                    metadata: if dirty { Metadata::Dirty } else { Metadata::Clean },
                    form,
                    stored_write,
                })
            },
        );
    let full = prop::option::of(0..=0o7777_u16).prop_map(|mode| Recorded::Full { mode });
    (any::<u64>(), any::<u64>(), prop_oneof![3 => provided, 1 => full])
        .prop_map(|(inode, number, item)| Record { inode, number: Number(number), item })
}

proptest! {
    #[test]
    fn a_record_comes_back(record in record(), slot in 0..2_usize) {
        let encoded = record.encode(slot);
        prop_assert!(encoded.first.len() <= LENGTH);
        prop_assert_eq!(read(&encoded), Ok(record));
    }

    #[test]
    fn garbage_is_no_record(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        if let Ok(first) = First::new(&bytes) {
            let _ = first.decode(Some(&bytes));
        }
    }

    /// With a right checksum, so that what is behind it is tried too.
    #[test]
    fn well_sealed_garbage_does_no_harm(
        mut bytes in prop::collection::vec(any::<u8>(), 2..60),
        more in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        bytes[0] = VERSION;
        bytes.extend_from_slice(&checksum(&bytes).to_le_bytes());
        if let Ok(first) = First::new(&bytes) {
            let _ = first.decode(Some(&more));
        }
    }

    #[test]
    fn a_changed_byte_is_noticed(record in record(), place in any::<prop::sample::Index>(), with in 1..=255_u8) {
        let mut encoded = record.encode(0);
        let at = place.index(encoded.first.len());
        encoded.first[at] ^= with;
        prop_assert!(First::new(&encoded.first).is_err());
    }
}

#[test]
fn a_sha1_version_needs_one_attribute() {
    let mut info = PlaceholderInfo::file(123_456);
    info.version = VersionInfo::of_content(&[0xab; 20]).unwrap();
    let stored_write = Timestamp { seconds: 1_700_000_000, nanoseconds: 123_456_789 };
    info.times = FileTimes::all(stored_write);
    let item = Recorded::Projected(Provided {
        info,
        origin: Origin::Here,
        metadata: Metadata::Clean,
        form: Form::Whole,
        stored_write,
    });
    let encoded = Record { inode: 16_000_000, number: Number(u64::MAX), item }.encode(0);
    assert!(encoded.more.is_none(), "{encoded:?}");
}

#[test]
fn the_second_attribute_must_be_the_right_one() {
    let info = PlaceholderInfo::symlink(vec![b'x'; 200]);
    let item = Recorded::Projected(Provided {
        stored_write: info.times.write,
        info,
        origin: Origin::Here,
        metadata: Metadata::Clean,
        form: Form::StandIn,
    });
    let encoded = Record { inode: 1, number: Number(2), item }.encode(1);
    let (slot, more) = encoded.more.clone().unwrap();
    assert_eq!(slot, 1);
    assert!(First::new(&encoded.first).unwrap().decode(None).is_err());
    assert!(First::new(&encoded.first).unwrap().decode(Some(&more[1..])).is_err());
}
