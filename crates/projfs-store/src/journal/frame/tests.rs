use proptest::prelude::*;

use super::*;

fn path() -> impl Strategy<Value = RelPathBuf> {
    // Bytes that are neither a slash nor NUL, and never dots alone: any such component is a name.
    let name = prop::collection::vec(0x30_u8..=0xff, 1..20);
    prop::collection::vec(name, 0..5).prop_map(|names| RelPathBuf::new(names.join(&b'/')).unwrap())
}

fn entry() -> impl Strategy<Value = JournalEntry> {
    let kind =
        prop::sample::select(vec![ItemKind::File, ItemKind::Directory, ItemKind::Symlink, ItemKind::Special]);
    let what = prop_oneof![
        Just(What::Created),
        Just(What::Modified),
        Just(What::Metadata),
        Just(What::Converted),
        path().prop_map(|to| What::Renamed { to }),
        path().prop_map(|with| What::Exchanged { with }),
        path().prop_map(|to| What::Linked { to }),
        Just(What::Deleted),
        Just(What::Updated),
    ];
    (path(), kind, what, any::<u64>()).prop_map(|(path, kind, what, request)| JournalEntry {
        path,
        kind,
        what,
        request,
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        entry in entry(), epoch: u64, sequence: u64, rest in prop::collection::vec(any::<u8>(), 0..40)
    ) {
        let mut bytes = encode(epoch, sequence, &entry).unwrap();
        let length = bytes.len();
        bytes.extend(rest);
        prop_assert_eq!(decode(epoch, &bytes), Some(Frame { sequence, entry, length }));
    }

    #[test]
    fn what_is_cut_off_is_not_read(entry in entry(), epoch: u64, sequence: u64) {
        let bytes = encode(epoch, sequence, &entry).unwrap();
        for length in 0..bytes.len() {
            prop_assert_eq!(decode(epoch, &bytes[..length]), None);
        }
    }

    #[test]
    fn what_is_damaged_or_of_another_epoch_is_not_read(
        entry in entry(), epoch: u64, at: prop::sample::Index, bit in 0..8_u8
    ) {
        let mut bytes = encode(epoch, 1, &entry).unwrap();
        prop_assert_eq!(decode(epoch.wrapping_add(1), &bytes), None);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert_eq!(decode(epoch, &bytes), None);
    }

    #[test]
    fn any_bytes_may_be_looked_at(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        decode(0, &bytes);
    }
}

#[test]
fn zeros_are_no_entry() {
    assert_eq!(decode(0, &[0; 64]), None);
}
