//! What was said of an item comes back, also what was written before there were extended attributes.

use proptest::prelude::*;

use super::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digits).collect()
}

fn back(bytes: &[u8]) -> Decoded<PlaceholderInfo> {
    let mut reader = Reader::new(bytes);
    let info = reader.info()?;
    reader.end()?;
    Ok(info)
}

fn put(info: &PlaceholderInfo) -> Vec<u8> {
    let mut out = Vec::new();
    put_info(&mut out, info);
    out
}

#[test]
fn what_was_written_before_there_were_extended_attributes_is_read() {
    let time = Timestamp { seconds: 1_700_000_000, nanoseconds: 123_456_789 };
    let times = FileTimes {
        creation: Timestamp { seconds: -5, nanoseconds: 7 },
        access: time,
        write: time,
        change: time,
    };
    let version =
        VersionInfo { content: checked_id(&[0xab; 20]).unwrap(), provider: checked_id(&[1, 2, 3]).unwrap() };
    let file = PlaceholderInfo { attributes: 0x2022, times, version, ..PlaceholderInfo::file(123_456) };
    let rows = [
        (
            "01c0c407e913a240090780c49fd50c959aef3a80c49fd50c959aef3a80c49fd50c959aef3a14abababababababababab\
             abababababababababab03010203",
            file.with_mode(0o4751),
        ),
        ("0308746f2f7468657265ff030000000000000000000000", PlaceholderInfo::symlink(*b"to/there")),
        (
            "02ed030080c49fd50c959aef3a80c49fd50c959aef3a80c49fd50c959aef3a80c49fd50c959aef3a0000",
            PlaceholderInfo::directory().with_time(time),
        ),
    ];
    for (hex, info) in rows {
        assert_eq!(back(&bytes(hex)), Ok(info.clone()));
        // And is still written so.
        assert_eq!(put(&info), bytes(hex));
    }
}

#[test]
fn extended_attributes_that_no_item_can_have_are_damage() {
    for name in ["security.capability", "user.projfs", "user."] {
        let mut out = put(&PlaceholderInfo::directory());
        out[0] |= HAS_EXTENDED;
        put_integer(&mut out, 1);
        put_bytes(&mut out, name.as_bytes());
        put_bytes(&mut out, b"value");
        assert!(back(&out).is_err(), "{name}");
    }
    let mut endless = put(&PlaceholderInfo::directory());
    endless[0] |= HAS_EXTENDED;
    put_integer(&mut endless, u64::MAX);
    assert!(back(&endless).is_err());
}

proptest! {
    #[test]
    fn extended_attributes_come_back(
        pairs in prop::collection::btree_map("user\\.[a-oq-z].{0,10}", prop::collection::vec(any::<u8>(), 0..60), 0..8)
    ) {
        let Ok(extended) = ExtendedAttributes::new(pairs) else { return Ok(()) };
        let info = PlaceholderInfo::file(1).with_extended_attributes(extended);
        let out = put(&info);
        prop_assert_eq!(back(&out), Ok(info.clone()));
        if !info.extended.is_empty() {
            for length in 0..out.len() {
                prop_assert!(back(&out[..length]).is_err());
            }
        }
    }
}
