//! Records come back as they were written; nothing else is taken for one.

use projfs_types::RelPathBuf;
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
            .prop_map(|names| Origin::At(RelPathBuf::new(names.join("/").into_bytes()).unwrap().into())),
    ]
}

/// Those of the inode are not read with the record.
fn extended() -> impl Strategy<Value = (Extended, ExtendedAttributes)> {
    let pair = ("user\\.[a-z]{1,10}", prop::collection::vec(any::<u8>(), 0..100));
    prop_oneof![
        Just((Extended::InInode, ExtendedAttributes::default())),
        prop::collection::vec(pair, 0..5)
            .prop_map(|pairs| (Extended::InRecord, ExtendedAttributes::found(pairs))),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let metadata = (0..=0o7777_u16, any::<u32>(), times(), version(), extended());
    let provided = (kind(), metadata, origin(), any::<bool>(), time()).prop_map(
        |(
            (kind, form),
            (mode, attributes, times, version, (place, extended)),
            origin,
            dirty,
            stored_write,
        )| {
            Recorded::Projected(Provided {
                info: PlaceholderInfo { kind, mode, attributes, times, version, extended },
                extended: place,
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
        extended: Extended::InInode,
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
        extended: Extended::InInode,
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

#[test]
fn what_was_written_before_there_were_extended_attributes_is_read() {
    let bytes = |hex: &str| -> Vec<u8> {
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
    };
    let mut info = PlaceholderInfo::file(123_456).with_mode(0o4751);
    info.attributes = 0x2022;
    info.version = VersionInfo::of_content(&[0xab; 20]).unwrap();
    let stored_write = Timestamp { seconds: 1_700_000_000, nanoseconds: 123_456_789 };
    info.times = FileTimes::all(stored_write);
    let mut provided = Provided {
        info,
        extended: Extended::InInode,
        origin: Origin::Here,
        metadata: Metadata::Clean,
        form: Form::Whole,
        stored_write,
    };
    let record = |provided: &Provided| Record {
        inode: 16_000_000,
        number: Number(u64::MAX),
        item: Recorded::Projected(provided.clone()),
    };
    let one = Encoded {
        first: bytes(
            "0145e909ffffffffffffffff80c8d007a240c0c40780c49fd50c959aef3a0114ababababababababababababababab\
             ababababab34eb32cd",
        ),
        more: None,
    };
    assert_eq!(read(&one), Ok(record(&provided)));
    assert_eq!(record(&provided).encode(0), one, "and is still written so");

    provided.origin = Origin::At(RelPathBuf::new("from/there").unwrap().into());
    provided.info.times.creation = Timestamp { seconds: -5, nanoseconds: 7 };
    provided.info.version.provider = checked_id(&[1, 2, 3]).unwrap();
    provided.metadata = Metadata::Dirty;
    let two = Encoded {
        first: bytes(
            "017de909ffffffffffffffff80c8d007a240c0c40780c49fd50c959aef3a0114ababababababababababababababab\
             ababababab9c266337f6687f79",
        ),
        more: Some((1, bytes("0102030109070303010203040a66726f6d2f7468657265"))),
    };
    assert_eq!(read(&two), Ok(record(&provided)));
    assert_eq!(record(&provided).encode(1), two, "and is still written so");
}

#[test]
fn extended_attributes_are_in_one_place() {
    let mut provided = Provided {
        info: PlaceholderInfo::directory(),
        extended: Extended::InRecord,
        origin: Origin::Here,
        metadata: Metadata::Clean,
        form: Form::Whole,
        stored_write: Timestamp::default(),
    };
    let first = |provided: &Provided| {
        Record { inode: 1, number: Number(2), item: Recorded::Projected(provided.clone()) }.encode(0).first
    };
    let has = |bytes: &[u8]| First::new(bytes).unwrap().has_extended();
    // None at all are what the inode is to have, too.
    let none = first(&provided);
    assert!(!has(&none));
    let read = First::new(&none).unwrap().decode(None).unwrap();
    assert_eq!(read.item, Recorded::Projected(provided.clone()));

    let mut both = none[..none.len() - CHECK].to_vec();
    both[1] |= HAS_EXTENDED;
    both.extend_from_slice(&checksum(&both).to_le_bytes());
    assert!(First::new(&both).unwrap().decode(None).is_err());

    provided.info.extended = ExtendedAttributes::new([("user.a", "1")]).unwrap();
    provided.extended = Extended::InInode;
    assert!(has(&first(&provided)));
}
