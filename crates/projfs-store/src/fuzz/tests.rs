//! What was found by fuzzing stays as it must be.

use projfs_testkit::corpus::replay;
use projfs_types::ExtendedAttributes;
use projfs_types::FileTimes;
use projfs_types::Metadata;
use projfs_types::Number;
use projfs_types::Origin;
use projfs_types::PlaceholderId;
use projfs_types::PlaceholderInfo;
use projfs_types::RelPathBuf;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;

use super::*;
use crate::codec::put_bytes;
use crate::codec::put_info;
use crate::record::Extended;
use crate::record::Form;
use crate::record::Provided;
use crate::record::Record;
use crate::record::Recorded;

fn time(seconds: i64) -> Timestamp {
    Timestamp { seconds, nanoseconds: 5 }
}

fn infos() -> Vec<PlaceholderInfo> {
    let id = |text: &str| PlaceholderId::new(text.as_bytes()).unwrap();
    let version = VersionInfo { content: id("0123456789abcdef0123"), provider: id("p") };
    let mut file = PlaceholderInfo::file(70_000).with_time(time(1_700_000_000));
    file.version = version;
    let mut directory = PlaceholderInfo::directory();
    directory.times = FileTimes { creation: time(-1), ..FileTimes::all(time(9)) };
    directory.extended = ExtendedAttributes::found([("user.a", "value"), ("user.b", "")]);
    let link = PlaceholderInfo::symlink(b"../target".to_vec());
    vec![file, PlaceholderInfo::file(0), directory, link]
}

fn piece(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).unwrap()], bytes].concat()
}

#[test]
fn records_hold() {
    let mut seeds = Vec::new();
    let mut add = |item| {
        let encoded = Record { inode: 123_456, number: Number(1 << 63 | 99), item }.encode(1);
        let covered = encoded.first.len() - if encoded.more.is_some() { 8 } else { 4 };
        let more = encoded.more.map_or(Vec::new(), |(_, more)| piece(&more));
        seeds.push([piece(&encoded.first[..covered]), more].concat());
    };
    add(Recorded::Full { mode: Some(0o644) });
    add(Recorded::Full { mode: None });
    for info in infos() {
        let form = if matches!(info.kind, projfs_types::PlaceholderKind::Symlink { .. }) {
            Form::StandIn
        } else {
            Form::Whole
        };
        let (origin, extended) = match form {
            Form::Whole => (Origin::Here, Extended::InRecord),
            Form::StandIn => (Origin::At(RelPathBuf::new("a/b").unwrap().into()), Extended::InInode),
        };
        let stored_write = info.times.write;
        add(Recorded::Projected(Provided {
            info,
            extended,
            origin,
            metadata: Metadata::Dirty,
            form,
            stored_write,
        }));
    }
    replay("record", record, &seeds);
}

#[test]
fn placeholder_logs_hold() {
    let mut log = Vec::new();
    for (number, info) in infos().iter().enumerate() {
        let mut entry = vec![1];
        put_bytes(&mut entry, format!("d/{}", number % 3).as_bytes());
        put_info(&mut entry, info);
        log.extend(piece(&entry));
    }
    let forgotten = piece(b"\x02\x03d/1");
    replay("placeholder_log", placeholder_log, &[log.clone(), [log, forgotten].concat()]);
}

#[test]
fn journals_hold() {
    let mut seeds = Vec::new();
    for (what, other) in
        [(1, ""), (2, ""), (3, ""), (4, ""), (5, "new/b"), (6, "c"), (7, ""), (8, ""), (9, "d")]
    {
        let path: &[u8] = b"old/a";
        let body =
            [&77_u64.to_le_bytes()[..], &[1 + what % 4, what], &5_u32.to_le_bytes(), path, other.as_bytes()];
        seeds.push(piece(&body.concat()));
    }
    seeds.push(seeds.concat());
    seeds.push([&b"PFSJEPO1"[..], &[1; 8], &[1], &[b'a'; 36]].concat());
    seeds.push([&b"PFSJRDR1"[..], &[1; 8], &[2; 8]].concat());
    replay("journal", journal, &seeds);
}
