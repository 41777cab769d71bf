//! Each example is mounted, read through the file system, and unmounted.

use std::collections::HashMap;
use std::fs;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering;

use super::support::mounted;

#[allow(dead_code, unreachable_pub, reason = "an example has more than its test uses")]
#[path = "../../examples/memory.rs"]
mod memory;

#[allow(dead_code, unreachable_pub, reason = "an example has more than its test uses")]
#[path = "../../examples/mirror.rs"]
mod mirror;

#[allow(dead_code, unreachable_pub, reason = "an example has more than its test uses")]
#[path = "../../examples/http.rs"]
mod http;

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn memory_is_read_and_changed() {
    mounted("memory_is_read_and_changed", |dir| {
        let instance = memory::mount(dir).unwrap();
        assert_eq!(names(dir), ["hello.txt", "poems"]);
        assert_eq!(names(&dir.join("poems")), ["haiku.txt"]);
        assert_eq!(fs::read_to_string(dir.join("hello.txt")).unwrap(), "Hello from nowhere.\n");
        fs::write(dir.join("poems/haiku.txt"), "mine\n").unwrap();
        assert!(!dir.join("nothing").exists());
        instance.stop();
        // What was fetched and changed is there without us; the rest is not.
        assert_eq!(fs::read_to_string(dir.join("hello.txt")).unwrap(), "Hello from nowhere.\n");
        assert_eq!(fs::read_to_string(dir.join("poems/haiku.txt")).unwrap(), "mine\n");
    });
}

#[test]
fn mirror_shows_what_the_source_has() {
    mounted("mirror_shows_what_the_source_has", |dir| {
        let source = tempfile::tempdir().unwrap();
        fs::create_dir(source.path().join("sub")).unwrap();
        let content: Vec<u8> = (0..1_000_000u32).flat_map(u32::to_le_bytes).collect();
        fs::write(source.path().join("sub/large"), &content).unwrap();
        std::os::unix::fs::symlink("sub/large", source.path().join("link")).unwrap();
        let instance = mirror::mount(source.path(), dir).unwrap();
        assert_eq!(names(dir), ["link", "sub"]);
        assert_eq!(fs::read_link(dir.join("link")).unwrap(), Path::new("sub/large"));
        assert!(fs::read(dir.join("link")).unwrap() == content);
        instance.stop();
    });
}

#[test]
fn http_fetches_a_file_once_when_it_is_opened() {
    mounted("http_fetches_a_file_once_when_it_is_opened", |dir| {
        let files: HashMap<&str, &str> = [("/index", "6 a.txt\n5 lost\n"), ("/a.txt", "first\n")].into();
        let (url, requests) = serve(files);
        let instance = http::mount(&url, dir).unwrap();
        assert_eq!(names(dir), ["a.txt", "lost"]);
        assert_eq!(fs::metadata(dir.join("a.txt")).unwrap().len(), 6);
        let before = requests.load(Ordering::SeqCst);
        for _ in 0..3 {
            assert_eq!(fs::read_to_string(dir.join("a.txt")).unwrap(), "first\n");
        }
        assert_eq!(requests.load(Ordering::SeqCst), before + 1);
        // The index names it and the server does not have it.
        assert!(fs::read(dir.join("lost")).is_err());
        assert_eq!(fs::read_to_string(dir.join("a.txt")).unwrap(), "first\n");
        instance.stop();
    });
}

/// A server for some files; its URL, and how many requests it had.
fn serve(files: HashMap<&'static str, &'static str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&requests);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut reader = BufReader::new(&stream);
            let mut request = String::new();
            let _ = reader.read_line(&mut request);
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|length| length > 2) {
                line.clear();
            }
            counted.fetch_add(1, Ordering::SeqCst);
            let path = request.split(' ').nth(1).unwrap_or_default();
            let answer = match files.get(path) {
                Some(text) => format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                    text.len()
                ),
                None => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
            };
            let _ = (&stream).write_all(answer.as_bytes());
        }
    });
    (url, requests)
}
