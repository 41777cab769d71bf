//! `Timestamp` and `FileTimes`.

/// A moment, in seconds and nanoseconds since 1970-01-01 00:00:00 UTC, as in `struct timespec`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// 0 to 999,999,999, counted forward from `seconds`.
    pub nanoseconds: u32,
}

/// The four times of an item.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FileTimes {
    /// When the item came into being (`btime` of `statx`).
    pub creation: Timestamp,
    /// When it was last read (`atime`).
    pub access: Timestamp,
    /// When its content last changed (`mtime`).
    pub write: Timestamp,
    /// When its content or metadata last changed (`ctime`).
    pub change: Timestamp,
}

impl Timestamp {
    /// `seconds` after 1970, exactly.
    pub fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanoseconds: 0 }
    }
}

impl FileTimes {
    /// All four times the same.
    pub fn all(time: Timestamp) -> Self {
        Self { creation: time, access: time, write: time, change: time }
    }
}

impl From<std::time::SystemTime> for Timestamp {
    fn from(time: std::time::SystemTime) -> Self {
        match time.duration_since(std::time::UNIX_EPOCH) {
            Ok(after) => Self {
                seconds: i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                nanoseconds: after.subsec_nanos(),
            },
            Err(before) => {
                let before = before.duration();
                let seconds = i64::try_from(before.as_secs()).map_or(i64::MIN, |seconds| -seconds);
                match before.subsec_nanos() {
                    0 => Self { seconds, nanoseconds: 0 },
                    nanoseconds => {
                        Self { seconds: seconds.saturating_sub(1), nanoseconds: 1_000_000_000 - nanoseconds }
                    }
                }
            }
        }
    }
}
