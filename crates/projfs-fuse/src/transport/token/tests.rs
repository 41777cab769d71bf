//! Tests of the token.

use projfs_sync::Mutex;

use super::*;

#[derive(Default)]
struct Heard(Mutex<Vec<Answer>>);

type Answer = (u32, u64, i32, Vec<u8>);

impl Home for Heard {
    fn answer(&self, slot: u32, unique: u64, error: i32, body: &[u8]) {
        self.0.lock().push((slot, unique, error, body.to_vec()));
    }
}

#[test]
fn answers_exactly_once() {
    let home = Arc::new(Heard::default());
    let token = |unique| Token::new(Arc::clone(&home) as Arc<_>, 3, unique);
    token(1).reply(b"x");
    token(2).error(Errno::INTR);
    drop(token(4));
    let heard = home.0.lock();
    assert_eq!(*heard, [(3, 1, 0, b"x".to_vec()), (3, 2, -4, vec![]), (3, 4, -5, vec![])]);
}
