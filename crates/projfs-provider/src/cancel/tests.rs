use projfs_sync::atomic::AtomicUsize;

use super::*;

fn counter() -> (Arc<AtomicUsize>, impl Fn() + Send + Sync + 'static) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    (count, move || {
        counted.fetch_add(1, Ordering::SeqCst);
    })
}

#[test]
fn a_token_is_set_once_for_all_its_clones() {
    let token = CancelToken::new();
    let clone = token.clone();
    let (count, call) = counter();
    let _listening = token.listen(call);
    assert!(!clone.is_cancelled());
    clone.cancel();
    clone.cancel();
    assert!(token.is_cancelled());
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn who_listens_late_is_called_at_once() {
    let token = CancelToken::new();
    token.cancel();
    let (count, call) = counter();
    let _listening = token.listen(call);
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn who_no_longer_listens_is_not_called() {
    let token = CancelToken::new();
    let (count, call) = counter();
    let (other_count, other_call) = counter();
    let listening = token.listen(call);
    let _other = token.listen(other_call);
    drop(listening);
    token.cancel();
    assert_eq!((count.load(Ordering::SeqCst), other_count.load(Ordering::SeqCst)), (0, 1));
}

#[test]
fn a_listener_may_use_the_token() {
    let token = CancelToken::new();
    let inner = token.clone();
    let (count, call) = counter();
    let call = std::sync::Arc::new(call);
    let _listening = token.listen(move || {
        let call = std::sync::Arc::clone(&call);
        drop(inner.listen(move || call()));
    });
    token.cancel();
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn no_listener_is_missed_when_both_happen_at_the_same_time() {
    for _ in 0..200 {
        let token = CancelToken::new();
        let cancelling = token.clone();
        let thread = std::thread::spawn(move || cancelling.cancel());
        let (count, call) = counter();
        let listening = token.listen(call);
        thread.join().unwrap();
        assert!(count.load(Ordering::SeqCst) >= 1);
        drop(listening);
    }
}
