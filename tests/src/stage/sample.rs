//! `View`: what is projected on a stage, before and after a switch, and the tree that is made of it.

use projfs_engine::RenameHow;
use projfs_testkit::model::Op;
use projfs_testkit::model::version_info;
use projfs_testkit::projection::Given;
use projfs_testkit::projection::Projection;
use projfs_types::PlaceholderInfo;
use projfs_types::Timestamp;
use projfs_types::VersionInfo;

use super::Stage;
use super::path;

/// What is projected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// At first.
    Old,
    /// After a switch.
    New,
}

/// A directory whose name leaves no room in the first attribute of a record.
const LONG: &str =
    "a-directory-whose-name-is-so-long-that-an-origin-below-it-does-not-fit-into-the-first-attribute";

/// Every path that has an item in some scenario, before or after.
pub(super) const PATHS: &[&str] = &[
    LONG,
    "bare",
    "d",
    "d/chmodded",
    "d/converted",
    "d/empty",
    "d/fresh",
    "d/gone",
    "d/hydrated",
    "d/large",
    "d/link",
    "d/moved",
    "d/parts",
    "d/placeholder",
    "d/readonly",
    "d/sub",
    "d/sub/x",
    "d/sub/y",
    "d/touched",
    "d/virtual",
    "e",
    "e/f",
    "e/g",
    "hollow",
    "l",
    "l/a",
    "l/b",
    "l/linked",
    "l/moved",
    "l/new",
    "l/new/x",
    "l/new/y",
    "l/none",
    "l/other",
    "l/sl",
    "newdir",
    "notes",
    "notes/big",
];

/// The version that an item is updated to, and its content.
pub(super) const ANOTHER: u64 = 77;
pub(super) const ANOTHER_CONTENT: &[u8] = b"another version";

/// The same as the provider has it.
pub(super) fn another_version() -> VersionInfo {
    version_info(ANOTHER, 0o644, ANOTHER_CONTENT).version
}

impl View {
    /// The tree that the provider has.
    pub fn projection(self) -> Projection {
        let readonly = PlaceholderInfo::file(9).with_mode(0o444);
        let old = Projection::default()
            .directory("d")
            .file("d/virtual", "virtual")
            .file("d/placeholder", "placeholder")
            .file("d/hydrated", "hydrated")
            .with("d/readonly", readonly, b"read only".to_vec())
            .file("d/converted", "to convert")
            .file("d/chmodded", "chmodded")
            .file("d/touched", "touched")
            .file("d/gone", "gone")
            .file("d/empty", "")
            .symlink("d/link", "hydrated")
            .file("d/large", pattern(40_000))
            .file("d/parts", pattern(50_000))
            .directory("d/sub")
            .file("d/sub/x", "x")
            .file("d/sub/y", "y")
            .directory("e")
            .file("e/f", "f")
            .directory("bare")
            .directory("hollow")
            .file("hollow/only", "only")
            .directory(LONG)
            .file(&format!("{LONG}/f"), "moved away")
            .directory("notes")
            .symlink("notes/big", &"n".repeat(4000));
        old.offer(&another_version(), ANOTHER_CONTENT);
        match self {
            Self::Old => old,
            Self::New => {
                for gone in ["d/placeholder", "d/sub", "d/touched"] {
                    old.remove(&path(gone));
                }
                for (number, changed) in
                    ["d/hydrated", "d/readonly", "d/converted", "d/virtual", "d/parts", "e/g"]
                        .iter()
                        .enumerate()
                {
                    let content = format!("another {changed}").into_bytes();
                    let info = PlaceholderInfo::file(content.len() as u64)
                        .with_time(Timestamp::from_seconds(2_000_000 + number as i64))
                        .with_version(VersionInfo::of_content(changed.as_bytes()).unwrap_or_default());
                    old.set(path(changed), Given { info, content });
                }
                old
            }
        }
    }
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| crate::pattern(at as u64)).collect()
}

/// Makes something in every state.
pub(super) fn make(stage: &mut Stage) {
    let write = |at: &str, text: &str| Op::Write { path: path(at), offset: 0, data: text.into() };
    let time = |at: &str| Op::SetTime { path: path(at), seconds: 4_000_000 };
    let stat = |at: &str| Op::Stat { path: path(at) };
    let hydrate = |at: &str| Op::Hydrate { path: path(at) };
    stage.prepare(&[
        stat("d/placeholder"),
        stat("d/sub/x"),
        stat("bare"),
        hydrate("d/hydrated"),
        hydrate("d/readonly"),
        hydrate("d/empty"),
        hydrate("d/touched"),
        hydrate("d/sub/y"),
        time("d/touched"),
        write("d/converted", "converted!"),
        time("d/converted"),
        Op::Chmod { path: path("d/chmodded"), mode: 0o640 },
        Op::SetXattr { path: path("d/chmodded"), name: b"user.a".to_vec(), value: b"1".to_vec() },
        Op::Unlink { path: path("d/gone") },
        Op::Unlink { path: path("hollow/only") },
        Op::Rename { from: path(LONG).join_text("f"), to: path("d/moved"), how: RenameHow::Replace },
        Op::Mkdir { path: path("l"), mode: 0o755 },
        Op::Mkdir { path: path("l/none"), mode: 0o755 },
        Op::Create { path: path("l/a"), mode: 0o644 },
        write("l/a", "a is local"),
        time("l/a"),
        Op::Create { path: path("l/b"), mode: 0o600 },
        write("l/b", "b too"),
        time("l/b"),
        Op::Create { path: path("l/linked"), mode: 0o644 },
        Op::Link { from: path("l/linked"), to: path("l/other") },
        time("l/linked"),
        Op::Symlink { path: path("l/sl"), target: b"a".to_vec() },
    ]);
    for at in ["d", "hollow", "l"] {
        stage.prepare(&[time(at)]);
    }
    stage.read_part("d/parts", 4096, 100).expect("a part can be read");
}

/// Adds a name to a path.
trait JoinText {
    fn join_text(&self, name: &str) -> Self;
}

impl JoinText for projfs_types::RelPathBuf {
    fn join_text(&self, name: &str) -> Self {
        path(&format!("{self}/{name}"))
    }
}
