use super::*;

type Pairs<'a> = &'a [(&'a [u8], &'a [u8])];

fn of(pairs: Pairs<'_>) -> Result<ExtendedAttributes, ExtendedError> {
    ExtendedAttributes::new(pairs.iter().copied())
}

#[test]
fn they_are_found_by_name_and_in_its_order() {
    let some = of(&[(b"user.b", b"2"), (b"user.a", b""), (b"user.A", b"3")]).unwrap();
    let names: Vec<_> = some.iter().map(|(name, _)| name).collect();
    assert_eq!(names, [&b"user.A"[..], b"user.a", b"user.b"]);
    assert_eq!((some.get(b"user.a"), some.get(b"user.b")), (Some(&b""[..]), Some(&b"2"[..])));
    assert_eq!(some.get(b"user.c"), None);
    assert_eq!((some.len(), some.size()), (3, 3 * (6 + 16) + 2));
    assert_eq!(some, of(&[(b"user.A", b"3"), (b"user.a", b""), (b"user.b", b"2")]).unwrap());
}

#[test]
fn none_are_what_an_item_has_by_default() {
    let none = of(&[]).unwrap();
    assert!(none.is_empty());
    assert_eq!((none.len(), none.iter().count()), (0, 0));
    assert_eq!(none, ExtendedAttributes::default());
    assert_eq!(size_of::<ExtendedAttributes>(), size_of::<usize>());
}

#[test]
fn what_no_item_can_have_is_refused() {
    let longest = [USER_PREFIX, &[b'n'; 250]].concat();
    let longer = [USER_PREFIX, &[b'n'; 251]].concat();
    assert!(of(&[(&longest, b"")]).is_ok());
    let rows: &[(&[u8], ExtendedError)] = &[
        (b"", ExtendedError::NotUser),
        (b"user.", ExtendedError::NotUser),
        (b"User.a", ExtendedError::NotUser),
        (b"security.capability", ExtendedError::NotUser),
        (b"system.posix_acl_access", ExtendedError::NotUser),
        (b"trusted.overlay.opaque", ExtendedError::NotUser),
        (&longer, ExtendedError::NameTooLong),
        (b"user.a\0b", ExtendedError::Nul),
        (b"user.projfs", ExtendedError::Reserved),
        (b"user.projfs.more", ExtendedError::Reserved),
    ];
    for (name, error) in rows {
        assert_eq!(of(&[(b"user.ok", b""), (name, b"1")]), Err(*error), "{name:?}");
    }
    assert_eq!(of(&[(b"user.a", b"1"), (b"user.a", b"2")]), Err(ExtendedError::Repeated));
    assert!(of(&[(b"user.projfsx", b"1")]).is_ok());
}

#[test]
fn their_room_is_bounded() {
    let room = EXTENDED_SIZE_MAX - OVERHEAD - b"user.a".len();
    assert!(of(&[(b"user.a", &vec![0; room])]).is_ok());
    assert_eq!(of(&[(b"user.a", &vec![0; room + 1])]), Err(ExtendedError::TooLarge));
    let many: Vec<_> = (0..100).map(|at| (format!("user.{at}").into_bytes(), b"")).collect();
    assert_eq!(ExtendedAttributes::new(many), Err(ExtendedError::TooLarge));
}

#[test]
fn of_what_is_there_only_what_a_provider_can_give_is_taken() {
    let pairs: Pairs<'_> =
        &[(b"user.b", &[7; 5000]), (b"security.selinux", b"x"), (b"user.projfs", b"x"), (b"user.a", b"1")];
    let found = ExtendedAttributes::found(pairs.iter().copied());
    let names: Vec<_> = found.iter().map(|(name, _)| name).collect();
    assert_eq!(names, [&b"user.a"[..], b"user.b"]);
    assert!(ExtendedAttributes::found([] as [(&[u8], &[u8]); 0]).is_empty());
}
