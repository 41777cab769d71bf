//! The table of modes.

use super::Coverage::Partial;
use super::Coverage::Whole;
use super::IoMode::Cached;
use super::IoMode::Closed;
use super::IoMode::Passthrough;
use super::*;

const A: BackingId = BackingId(1);
const B: BackingId = BackingId(2);

#[test]
fn the_first_open_chooses() {
    assert_eq!(Closed.open(Whole, Some(A)), Passthrough { opens: 1, backing: A });
    assert_eq!(Closed.open(Whole, None), Cached { opens: 1 });
    assert_eq!(Closed.open(Partial, Some(A)), Cached { opens: 1 });
    assert_eq!(Closed.open(Partial, None), Cached { opens: 1 });
}

#[test]
fn later_opens_follow() {
    for (coverage, backing) in [(Whole, Some(B)), (Whole, None), (Partial, Some(B)), (Partial, None)] {
        assert_eq!(Cached { opens: 1 }.open(coverage, backing), Cached { opens: 2 });
        let passthrough = Passthrough { opens: 1, backing: A };
        assert_eq!(passthrough.open(coverage, backing), Passthrough { opens: 2, backing: A });
    }
}

#[test]
fn the_last_close_frees() {
    assert_eq!(Cached { opens: 2 }.close(), Cached { opens: 1 });
    assert_eq!(Cached { opens: 1 }.close(), Closed);
    assert_eq!(Passthrough { opens: 2, backing: A }.close(), Passthrough { opens: 1, backing: A });
    assert_eq!(Passthrough { opens: 1, backing: A }.close(), Closed);
    assert_eq!(Closed.close(), Closed);
    assert_eq!(Closed.open(Partial, None).close().open(Whole, Some(B)), Passthrough { opens: 1, backing: B });
}
