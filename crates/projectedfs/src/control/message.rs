//! What is said over the control socket.
//!
//! Every message is one JSON object on one line. Paths are below the root and are text: bytes that are not UTF-8
//! are written `\xHH`, and a backslash is doubled.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

/// What is asked of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "question", rename_all = "kebab-case")]
pub enum Question {
    /// How it is: one `status`.
    Status,
    /// The states of items: an `item` each.
    State {
        /// The items.
        paths: Vec<String>,
    },
    /// What is local of an item, without asking the provider: one `on-disk`.
    OnDisk {
        /// The item.
        path: String,
    },
    /// Fetch files: a `fetched` each.
    Hydrate {
        /// Files, and directories with all that is in them.
        paths: Vec<String>,
    },
    /// Make items virtual again: an `item` or `kept` each.
    Dehydrate {
        /// Files, and directories with all that is in them.
        paths: Vec<String>,
        /// Local changes are given up.
        discard: bool,
    },
    /// Tell of changes: a `change` each or `gone`, and after some of them a `cursor`.
    Watch {
        /// The cursor from which on; those that happen from now on if there is none. `start` is the first there is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
        /// End after what there is, with a `cursor`; else go on as they happen, without end.
        #[serde(default)]
        once: bool,
    },
    /// How much of the disk the root takes: one `disk-use`.
    DiskUse,
    /// Have the process replaced by the program that is at its path now. The connection may end without an answer.
    Upgrade,
    /// Unmount and end.
    Unmount {
        /// Also if programs use the mount.
        force: bool,
    },
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum Answer {
    /// How the instance is.
    Status(Box<Status>),
    /// The state of an item, or that it has changed.
    Item(ItemAnswer),
    /// What is local of an item.
    OnDisk {
        /// The bits of `PRJ_FILE_STATE`.
        state: u32,
    },
    /// A file is there now.
    Fetched {
        /// The file.
        path: String,
    },
    /// An item is virtual now.
    Virtual {
        /// The item.
        path: String,
    },
    /// An item was left as it is.
    Kept {
        /// The item.
        path: String,
        /// Why.
        reason: String,
    },
    /// Something happened to an item.
    Change {
        /// Its number in the journal.
        sequence: u64,
        /// What happened: `created`, `modified`, `metadata`, `converted`, `renamed`, `exchanged`, `linked`, `deleted`,
        /// `updated`.
        what: String,
        /// `file`, `directory`, `symlink` or `special`.
        kind: String,
        /// The item; its old path if it was renamed.
        path: String,
        /// Its new path, its new name, or the path of what it was exchanged with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        to: Option<String>,
    },
    /// Changes were lost: look at everything once.
    Gone {
        /// Where to go on.
        cursor: String,
    },
    /// All up to here was told.
    Cursor {
        /// Where to go on.
        cursor: String,
        /// The files that are open for writing: they may be changing.
        writing: Vec<String>,
    },
    /// How much of the disk the root takes.
    DiskUse {
        /// In bytes, with everything that is below the mount.
        bytes: u64,
    },
    /// The last: all was done.
    Done,
    /// The last: it could not be done.
    Failed(Failure),
}

/// The state of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemAnswer {
    /// The item.
    pub path: String,
    /// `virtual`, `placeholder`, `hydrated`, `dirty`, `full` or `tombstone`.
    pub state: String,
    /// The content id that the provider gave it, escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Where in the projection it comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// Why something could not be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// `not-found`, `path-not-found`, `busy`, `stopped`, `refused` or `failed`.
    pub kind: String,
    /// For people.
    pub message: String,
}

/// How an instance is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The process.
    pub pid: u32,
    /// The root.
    pub root: String,
    /// What is projected.
    pub source: String,
    /// The root's identity.
    pub instance: String,
    /// When it was mounted, in seconds since 1970.
    pub started: u64,
    /// How requests come: `io_uring` or `/dev/fuse`.
    pub transport: String,
    /// How content of files that are there is read: `passthrough` or `through the daemon`.
    pub data_path: String,
    /// What holds the mount while the process is replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeper: Option<KeeperStatus>,
    /// Every feature, and what is in force.
    pub features: Vec<Feature>,
    /// Items by state; virtual ones are not counted.
    pub states: Vec<StateCount>,
    /// How often the provider was asked each question.
    pub provider_calls: BTreeMap<String, u64>,
    /// Files fetched since the start.
    pub hydrated_files: u64,
    /// Bytes fetched since the start.
    pub hydrated_bytes: u64,
    /// Nodes that the kernel refers to.
    pub nodes: u64,
    /// Files that are open.
    pub open_files: u64,
    /// Requests that wait.
    pub waiting: u64,
}

/// What holds the mount while the process is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeeperStatus {
    /// Its process.
    pub pid: u32,
    /// How often it has started the daemon again.
    pub restarts: u32,
    /// What it starts, escaped.
    pub program: String,
    /// In which format the daemon leaves what the next one must know.
    pub format: u8,
}

/// One feature of the connection to the kernel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Feature {
    /// What it is about.
    pub name: String,
    /// What is in force.
    pub value: String,
}

/// How many items are in a state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCount {
    /// The state.
    pub state: String,
    /// How many.
    pub count: u64,
}

/// Bytes as text: UTF-8 as it is, a backslash doubled, other bytes as `\xHH`.
pub fn escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(&chunk.valid().replace('\\', "\\\\"));
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

/// The bytes that [`escape`] made this text of; nothing if it made no such text.
pub fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                after
            }
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                bytes.push(u8::try_from(digit(high)? * 16 + digit(low)?).ok()?);
                after
            }
            (b'\\', _) => return None,
            _ => {
                bytes.push(*first);
                after
            }
        };
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
