//! What is measured: the file system below, projfs in several ways, and others of its kind.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::program;

/// One of those that are measured.
pub(crate) struct Contestant {
    /// In one word.
    pub(crate) name: &'static str,
    /// What it is.
    pub(crate) what: &'static str,
    pub(crate) kind: Kind,
    /// What has to be installed.
    pub(crate) program: Option<&'static str>,
}

/// How a tree comes to be there.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// It is checked out.
    Native,
    /// It is projected; with these arguments of `projfs mount`.
    Projfs(&'static [&'static str]),
    /// It is checked out elsewhere, and shown.
    Mirror(fn(&Room) -> Command),
    /// It is in an archive, and shown. Nothing can be changed.
    Archive(fn(&Room) -> Command),
}

/// Where a contestant has its things.
pub(crate) struct Room {
    /// Where the tree is seen.
    pub(crate) dir: PathBuf,
    /// Where it is, of a mirror.
    pub(crate) lower: PathBuf,
    /// For what overlays put elsewhere.
    pub(crate) upper: PathBuf,
    pub(crate) scratch: PathBuf,
    /// The tree in archives.
    pub(crate) tar: PathBuf,
    pub(crate) squashfs: PathBuf,
}

pub(crate) const NATIVE: &str = "native";

/// The default of `projfs mount`, which the goals are for.
pub(crate) const DEFAULT: &str = "projfs";

pub(crate) const ALL: [Contestant; 12] = [
    Contestant { name: NATIVE, what: "the file system below", kind: Kind::Native, program: None },
    Contestant {
        name: DEFAULT,
        what: "projfs mount: kept, /dev/fuse, passthrough",
        kind: Kind::Projfs(&[]),
        program: None,
    },
    Contestant {
        name: "projfs-uring",
        what: "--transport io_uring, without a keeper",
        kind: Kind::Projfs(&["--transport", "io_uring", "--keeper", "off"]),
        program: None,
    },
    Contestant {
        name: "projfs-unkept",
        what: "--keeper off --transport classic",
        kind: Kind::Projfs(&["--keeper", "off", "--transport", "classic"]),
        program: None,
    },
    Contestant {
        name: "projfs-cached",
        what: "--passthrough off, as ordinary users have it",
        kind: Kind::Projfs(&["--passthrough", "off"]),
        program: None,
    },
    Contestant { name: "overlayfs", what: "the kernel's", kind: Kind::Mirror(overlayfs), program: None },
    Contestant {
        name: "bindfs",
        what: "bindfs",
        kind: Kind::Mirror(|room| over("bindfs", &[], &room.lower, &room.dir)),
        program: Some("bindfs"),
    },
    Contestant {
        name: "fuse-overlayfs",
        what: "fuse-overlayfs",
        kind: Kind::Mirror(fuse_overlayfs),
        program: Some("fuse-overlayfs"),
    },
    Contestant {
        name: "mergerfs",
        what: "mergerfs, with its page cache on",
        kind: Kind::Mirror(|room| over("mergerfs", &["-o", "cache.files=auto-full"], &room.lower, &room.dir)),
        program: Some("mergerfs"),
    },
    Contestant {
        name: "rclone",
        what: "rclone mount, with a cache for writes",
        kind: Kind::Mirror(rclone),
        program: Some("rclone"),
    },
    Contestant {
        name: "squashfuse",
        what: "squashfuse, of an image by mksquashfs",
        kind: Kind::Archive(|room| over("squashfuse", &[], &room.squashfs, &room.dir)),
        program: Some("squashfuse"),
    },
    Contestant {
        name: "ratarmount",
        what: "ratarmount, of a tar archive",
        kind: Kind::Archive(|room| over("ratarmount", &[], &room.tar, &room.dir)),
        program: Some("ratarmount"),
    },
];

impl Contestant {
    /// Whether it can be changed.
    pub(crate) fn is_writable(&self) -> bool {
        match self.kind {
            Kind::Native | Kind::Projfs(_) | Kind::Mirror(_) => true,
            Kind::Archive(_) => false,
        }
    }

    pub(crate) fn is_projfs(&self) -> bool {
        match self.kind {
            Kind::Projfs(_) => true,
            Kind::Native | Kind::Mirror(_) | Kind::Archive(_) => false,
        }
    }
}

/// Those that can be here, and are asked for. That one is not installed is said.
pub(crate) fn selected(names: &[String]) -> Result<Vec<&'static Contestant>> {
    for name in names {
        if !ALL.iter().any(|contestant| contestant.name == name) {
            anyhow::bail!("nothing is called {name}: see `projfs-bench list`");
        }
    }
    let asked = |contestant: &&Contestant| {
        names.is_empty() || contestant.name == NATIVE || names.iter().any(|name| name == contestant.name)
    };
    let mut here = Vec::new();
    for contestant in ALL.iter().filter(asked) {
        match contestant.program.filter(|program| !program::is_there(program)) {
            None => here.push(contestant),
            Some(program) => println!("SKIPPED {}: {program} is not installed", contestant.name),
        }
    }
    Ok(here)
}

fn over(program: &str, options: &[&str], lower: &Path, dir: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(options).arg(lower).arg(dir);
    command
}

fn layers(room: &Room) -> String {
    let [lower, upper, scratch] = [&room.lower, &room.upper, &room.scratch].map(|path| path.display());
    format!("lowerdir={lower},upperdir={upper},workdir={scratch}")
}

fn overlayfs(room: &Room) -> Command {
    let mut mount = Command::new("mount");
    mount.args(["-t", "overlay", "overlay", "-o", &layers(room)]).arg(&room.dir);
    mount
}

fn fuse_overlayfs(room: &Room) -> Command {
    let mut mount = Command::new("fuse-overlayfs");
    mount.args(["-o", &layers(room)]).arg(&room.dir);
    mount
}

fn rclone(room: &Room) -> Command {
    let mut mount = Command::new("rclone");
    mount.args(["mount", "--daemon", "--links", "--vfs-cache-mode", "writes", "--config", "/dev/null"]);
    mount.arg("--cache-dir").arg(&room.scratch).arg(&room.lower).arg(&room.dir);
    mount
}
