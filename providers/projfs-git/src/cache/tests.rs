use std::sync::Arc;

use super::TreeCache;
use crate::objects::Id;
use crate::tree::Tree;

fn id(n: u8) -> Id {
    Id::from_bytes(&[n; 20]).unwrap()
}

#[test]
fn what_is_used_stays_and_the_rest_goes() {
    let weight = Tree::default().weight();
    let cache = TreeCache::new(weight * 8);
    for n in 0..200 {
        cache.insert(id(n), Arc::default());
        assert!(cache.get(id(0)).is_some(), "tree 0 is used after each insert, and gone after {n}");
    }
    let kept = (0..200).filter(|&n| cache.get(id(n)).is_some()).count();
    assert!((2..=8).contains(&kept), "{kept} trees were kept");
}

#[test]
fn a_tree_larger_than_half_of_the_memory_is_not_kept() {
    let cache = TreeCache::new(Tree::default().weight());
    cache.insert(id(1), Arc::default());
    assert!(cache.get(id(1)).is_none());
}
