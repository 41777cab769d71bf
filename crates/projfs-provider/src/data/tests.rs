use super::*;

#[derive(Default)]
struct Memory(Mutex<Vec<u8>>);

impl DataTarget for Memory {
    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let mut content = self.0.lock();
        let start = offset as usize;
        let end = start + data.len();
        if content.len() < end {
            content.resize(end, b'.');
        }
        content[start..end].copy_from_slice(data);
        Ok(())
    }
}

struct Full;

impl DataTarget for Full {
    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }
}

fn sink(size: u64) -> (DataSink, Arc<Memory>, CancelToken) {
    let memory = Arc::new(Memory::default());
    let cancel = CancelToken::new();
    (DataSink::new(Arc::clone(&memory) as Arc<dyn DataTarget>, size, cancel.clone()), memory, cancel)
}

fn kind<T>(result: Result<T, ProviderError>) -> Option<ProviderErrorKind> {
    result.err().map(|error| error.kind)
}

#[test]
fn bytes_come_in_any_order_and_more_than_once() {
    let (sink, memory, _) = sink(9);
    for (offset, data) in [(6, "ghi"), (0, "abc"), (2, "cde"), (5, "f"), (9, ""), (0, "abc")] {
        sink.write_at(offset, data.as_bytes()).unwrap();
    }
    assert_eq!(*memory.0.lock(), b"abcdefghi");
    assert!(sink.received().covers(&(0..9)));
}

#[test]
fn what_did_not_come_is_known() {
    let (sink, _, _) = sink(9);
    sink.clone().write_at(6, b"ghi").unwrap();
    sink.write_at(0, b"ab").unwrap();
    assert_eq!(sink.received().missing(0..9), [2..6]);
}

#[test]
fn nothing_is_taken_beyond_the_size() {
    let (sink, memory, _) = sink(3);
    for (offset, data) in [(0, "abcd"), (3, "d"), (4, ""), (u64::MAX, "ab"), (u64::MAX - 1, "ab")] {
        let result = sink.write_at(offset, data.as_bytes());
        assert_eq!(kind(result), Some(ProviderErrorKind::InvalidInput), "{offset}");
    }
    assert!(memory.0.lock().is_empty());
    assert_eq!(sink.received().iter().count(), 0);
}

#[test]
fn nothing_is_taken_once_cancelled() {
    let (sink, memory, cancel) = sink(3);
    sink.write_at(0, b"a").unwrap();
    cancel.cancel();
    assert_eq!(kind(sink.write_at(1, b"b")), Some(ProviderErrorKind::Cancelled));
    let copied = sink.copy_from(&mut &b"bc"[..], 1..3);
    assert_eq!(kind(copied), Some(ProviderErrorKind::Cancelled));
    assert_eq!(*memory.0.lock(), b"a");
}

#[test]
fn what_cannot_be_stored_was_not_received() {
    let sink = DataSink::new(Arc::new(Full), 3, CancelToken::new());
    assert_eq!(kind(sink.write_at(0, b"abc")), Some(ProviderErrorKind::NoSpace));
    assert!(!sink.received().covers(&(0..1)));
}

#[test]
fn a_reader_fills_exactly_the_range() {
    let size = COPY_SIZE as u64 * 2 + 7;
    let (sink, memory, _) = sink(size);
    sink.copy_from(&mut io::repeat(b'x'), 5..size).unwrap();
    assert!(sink.received().missing(0..size) == [0..5]);
    assert!(memory.0.lock()[5..].iter().all(|&byte| byte == b'x'));
    sink.copy_from(&mut io::empty(), 3..3).unwrap();
    assert_eq!(kind(sink.copy_from(&mut &b"abc"[..], 0..4)), Some(ProviderErrorKind::Io));
}

#[test]
fn nothing_is_taken_after_the_answer() {
    let (sink, memory, _) = sink(4);
    let kept = sink.clone();
    sink.write_at(0, b"ab").unwrap();
    sink.close();
    assert_eq!(kind(kept.write_at(0, b"xy")), Some(ProviderErrorKind::Cancelled));
    assert_eq!(kept.received().missing(0..4), [2..4]);
    assert_eq!(memory.0.lock()[..2], *b"ab");
}
