//! `VersionInfo`: which version of an item a placeholder stands for.

/// The longest content or provider id, in bytes (`PRJ_PLACEHOLDER_ID_LENGTH`).
pub const PLACEHOLDER_ID_LENGTH: usize = 128;

/// Up to 128 opaque bytes. Trailing zeros do not count, as in `PRJ_PLACEHOLDER_VERSION_INFO`, whose
/// unused bytes are zero.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PlaceholderId(Box<[u8]>);

/// The id is longer than [`PLACEHOLDER_ID_LENGTH`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdTooLong;

/// The provider's identification of one version of an item (`PRJ_PLACEHOLDER_VERSION_INFO`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VersionInfo {
    /// Tells versions of one path apart: a hash, a commit, a time.
    pub content: PlaceholderId,
    /// For the provider's free use.
    pub provider: PlaceholderId,
}

impl PlaceholderId {
    /// Takes over up to 128 bytes.
    ///
    /// # Errors
    /// More than 128 bytes without trailing zeros.
    pub fn new(bytes: &[u8]) -> Result<Self, IdTooLong> {
        let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
        if used > PLACEHOLDER_ID_LENGTH {
            return Err(IdTooLong);
        }
        Ok(Self(bytes[..used].into()))
    }

    /// The bytes, without trailing zeros.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl VersionInfo {
    /// A version known by its content id alone.
    ///
    /// # Errors
    /// More than 128 bytes without trailing zeros.
    pub fn of_content(bytes: &[u8]) -> Result<Self, IdTooLong> {
        Ok(Self { content: PlaceholderId::new(bytes)?, provider: PlaceholderId::default() })
    }
}

impl std::fmt::Display for IdTooLong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the id is longer than 128 bytes")
    }
}

impl std::error::Error for IdTooLong {}
