//! What is believed of files that are long gone takes no room.

use super::*;

#[test]
fn no_more_are_remembered_than_some() {
    let believed = Believed::default();
    for inode in 0..3 * MOST as u64 {
        believed.add(inode);
        assert!(believed.has(inode));
    }
    assert!(believed.0.read().len() <= MOST);
    believed.forget(3 * MOST as u64 - 1);
    assert!(!believed.has(3 * MOST as u64 - 1));
}
