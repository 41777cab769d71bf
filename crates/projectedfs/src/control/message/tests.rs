//! Messages are the lines that the documentation shows, and are read as they were written.

use super::*;

#[track_caller]
fn is_written<'a, T>(message: &T, line: &'a str)
where
    T: Serialize + Deserialize<'a> + PartialEq + std::fmt::Debug,
{
    assert_eq!(serde_json::to_string(message).unwrap(), line);
    assert_eq!(&serde_json::from_str::<T>(line).unwrap(), message);
}

#[test]
fn questions() {
    is_written(&Question::Status, r#"{"question":"status"}"#);
    let paths = vec!["a/b".to_owned()];
    is_written(&Question::State { paths: paths.clone() }, r#"{"question":"state","paths":["a/b"]}"#);
    let dehydrate = Question::Dehydrate { paths, discard: true };
    is_written(&dehydrate, r#"{"question":"dehydrate","paths":["a/b"],"discard":true}"#);
    is_written(&Question::Unmount { force: false }, r#"{"question":"unmount","force":false}"#);
}

#[test]
fn answers() {
    is_written(&Answer::Done, r#"{"answer":"done"}"#);
    let item = ItemAnswer { path: "a".into(), state: "full".into(), version: None, origin: None };
    is_written(&Answer::Item(item), r#"{"answer":"item","path":"a","state":"full"}"#);
    let failure = Failure { kind: "busy".into(), message: "no".into() };
    is_written(&Answer::Failed(failure), r#"{"answer":"failed","kind":"busy","message":"no"}"#);
}

#[test]
fn any_bytes_survive_as_text() {
    let all: Vec<u8> = (1..=255).collect();
    for bytes in [&b"plain"[..], b"back\\slash", b"\\x41", b"caf\xc3\xa9", b"\xff\xfe\\", &all] {
        assert_eq!(unescape(&escape(bytes)).as_deref(), Some(bytes));
    }
    assert_eq!(escape(b"\xffA\\"), "\\xffA\\\\");
    for wrong in ["\\", "\\y", "\\x4", "\\xzz"] {
        assert_eq!(unescape(wrong), None, "{wrong}");
    }
}
