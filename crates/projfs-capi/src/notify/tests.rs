use super::*;

#[test]
fn what_is_about_to_happen_has_a_notification() {
    let to = RelPathBuf::new("b").unwrap();
    let cases = [
        (PreOperation::ConvertToFull, Some(0x1000)),
        (PreOperation::Delete { kind: ItemKind::Directory }, Some(0x10)),
        (PreOperation::Rename { kind: ItemKind::File, to: to.clone() }, Some(0x20)),
        (PreOperation::SetHardlink { to: to.clone() }, Some(0x40)),
        (PreOperation::OpenForWrite, None),
        (PreOperation::Truncate { size: 1 }, None),
        (PreOperation::SetMetadata { kind: ItemKind::File }, None),
    ];
    for (operation, expected) in cases {
        let what = What::authorize(&operation);
        assert_eq!(what.as_ref().map(|what| what.notification.bits()), expected);
        let Some(what) = what else { continue };
        let moves = matches!(operation, PreOperation::Rename { .. } | PreOperation::SetHardlink { .. });
        assert_eq!(what.destination.is_some(), moves);
        assert_eq!(what.is_directory, matches!(operation, PreOperation::Delete { .. }));
    }
}

#[test]
fn what_has_happened_has_a_notification() {
    let to = RelPathBuf::new("b").unwrap();
    let kind = ItemKind::Directory;
    assert_eq!(What::changed(&NameChange::Created { kind }).notification.bits(), 0x4);
    assert_eq!(What::changed(&NameChange::Overwritten).notification.bits(), 0x8);
    assert_eq!(What::changed(&NameChange::Renamed { kind, to: to.clone() }).notification.bits(), 0x80);
    assert_eq!(What::observe(&PostOperation::HardlinkCreated { to }).notification.bits(), 0x100);
    for (how, expected, is_modified) in [
        (Closed::Unmodified, 0x200, false),
        (Closed::Modified, 0x400, false),
        (Closed::Deleted { modified: false }, 0x800, false),
        (Closed::Deleted { modified: true }, 0x800, true),
    ] {
        let what = What::observe(&PostOperation::Closed { kind, how });
        assert_eq!((what.notification.bits(), what.is_modified), (expected, is_modified));
        assert!(what.is_directory);
    }
}

#[test]
fn a_mask_is_taken_or_kept() {
    assert_eq!(mask(0), MaskChange::Keep);
    assert_eq!(mask(USE_EXISTING_MASK), MaskChange::Keep);
    assert_eq!(mask(0x8000_0000), MaskChange::Keep, "bits that are not known say nothing");
    assert_eq!(mask(0x1), MaskChange::Set(NotifyMask::SUPPRESS_NOTIFICATIONS));
    assert_eq!(mask(0x8000_0202), MaskChange::Set(NotifyMask::from_bits_retain(0x202)));
}

#[test]
fn refusals_count_where_something_can_be_refused() {
    let refused = Completion { result: hresult::ACCESS_DENIED, mask: 2 };
    let (sender, answers) = std::sync::mpsc::channel();
    let unit = || {
        let sender = sender.clone();
        Reply::new(move |answer: Result<(), _>| sender.send(answer.is_ok()).unwrap())
    };
    let with_mask = || {
        let sender = sender.clone();
        Reply::new(move |answer: Result<MaskChange, _>| sender.send(answer.is_ok()).unwrap())
    };
    Answer::May(unit()).send(refused);
    Answer::MayWithMask(with_mask()).send(refused);
    Answer::Mask(with_mask()).send(refused);
    Answer::Heard(unit()).send(refused);
    assert_eq!(answers.try_iter().collect::<Vec<_>>(), [false, false, true, true]);
}
