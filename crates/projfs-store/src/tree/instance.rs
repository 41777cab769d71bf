//! `Identity` and `Process`: who a root is, and what we may do.

use std::fmt;

use projfs_types::PlaceholderId;
use projfs_types::VersionInfo;
use rustix::io::Errno;
use rustix::rand::GetRandomFlags;
use rustix::thread::CapabilitySet;

use crate::codec::Damage;

const FORMAT: &str = "projfs root 1";

/// Before the version in the instance file.
const VERSION: &str = "version ";

/// What a root is given when it is marked, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Who it is.
    pub id: InstanceId,
    /// Which version of the provider's root directory it stands for.
    pub version: VersionInfo,
}

/// The GUID of a root, a random one unless the root was marked with another.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct InstanceId([u8; 16]);

impl InstanceId {
    /// A new one (version 4 of RFC 9562).
    ///
    /// # Errors
    /// The system's, if it gives no random numbers.
    pub fn random() -> Result<Self, Errno> {
        let mut bytes = [0; 16];
        let length = rustix::rand::getrandom(&mut bytes[..], GetRandomFlags::empty())?;
        if length != bytes.len() {
            return Err(Errno::IO);
        }
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Ok(Self(bytes))
    }

    /// The id with these sixteen bytes, in the order of the text.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes, in the order of the text.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let digits: Vec<u8> = text.bytes().filter(|&byte| byte != b'-').collect();
        let mut bytes = [0; 16];
        let (pairs, []) = digits.as_chunks::<2>() else { return None };
        if pairs.len() != bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            let high = char::from(pair[0]).to_digit(16)?;
            let low = char::from(pair[1]).to_digit(16)?;
            *byte = u8::try_from(high * 16 + low).ok()?;
        }
        let id = Self(bytes);
        (id.to_string() == text).then_some(id)
    }
}

impl Identity {
    /// What is in the file that makes a directory a root.
    pub(crate) fn file_text(&self) -> String {
        let mut text = format!("{FORMAT}\n{}\n", self.id);
        if self.version != VersionInfo::default() {
            let [content, provider] = [&self.version.content, &self.version.provider].map(hexadecimal);
            text.push_str(&format!("{VERSION}{content} {provider}\n"));
        }
        text
    }

    /// The identity in such a file.
    pub(crate) fn of_file_text(text: &[u8]) -> Result<Self, Damage> {
        let text = std::str::from_utf8(text).map_err(|_| Damage("the instance file is no text"))?;
        let mut lines = text.lines();
        if lines.next() != Some(FORMAT) {
            return Err(Damage("the instance file has an unknown format"));
        }
        let id = lines.next().and_then(InstanceId::parse).ok_or(Damage("the instance file has no id"))?;
        let version = match lines.next() {
            None => VersionInfo::default(),
            Some(line) => version_of(line).ok_or(Damage("the instance file has more than an id"))?,
        };
        if lines.next().is_some() {
            return Err(Damage("the instance file has more than an id and a version"));
        }
        Ok(Self { id, version })
    }
}

fn hexadecimal(id: &PlaceholderId) -> String {
    match id.as_bytes() {
        [] => "-".to_owned(),
        bytes => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

fn version_of(line: &str) -> Option<VersionInfo> {
    let (content, provider) = line.strip_prefix(VERSION)?.split_once(' ')?;
    let id = |text: &str| {
        let digits = if text == "-" { "" } else { text };
        let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
        let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        PlaceholderId::new(&pairs.iter().map(byte).collect::<Option<Vec<u8>>>()?).ok()
    };
    Some(VersionInfo { content: id(content)?, provider: id(provider)? })
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, byte) in self.0.iter().enumerate() {
            if matches!(position, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What this process makes by itself, and what it may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Process {
    /// Who owns what it makes.
    pub(crate) uid: u32,
    /// And which group.
    pub(crate) gid: u32,
    /// What it cannot give in the mode of what it makes.
    pub(crate) umask: u32,
    /// Whether permission bits do not bind it.
    pub(crate) overrides_permissions: bool,
    /// Whether it can give what it makes to others.
    pub(crate) gives_away: bool,
}

impl Process {
    /// This one, now.
    pub(crate) fn current() -> Result<Self, Errno> {
        let capabilities = rustix::thread::capabilities(None)?;
        Ok(Self {
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
            umask: umask(),
            overrides_permissions: capabilities.effective.contains(CapabilitySet::DAC_OVERRIDE),
            gives_away: capabilities.effective.contains(CapabilitySet::CHOWN),
        })
    }

    /// The permission bits that a full item has on disk, where they differ from those it shows.
    pub(crate) fn lifted(self, shown: u32, needed: u32) -> Option<u32> {
        let kept = self.overrides_permissions || shown & needed == needed;
        (!kept).then_some(shown | needed)
    }
}

/// The mask, read without changing it: it belongs to the whole process. Unknown, it masks everything.
fn umask() -> u32 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    mask.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(0o777)
}
