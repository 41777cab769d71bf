//! `ItemName`: the name of one file or directory, checked once.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use ref_cast::RefCast;

/// The longest name of one item, in bytes (`NAME_MAX` of Linux).
pub const NAME_MAX: usize = 255;

/// One component of a path: 1 to [`NAME_MAX`] bytes, without `/` and NUL, and neither `.` nor `..`.
///
/// Names are bytes, as everywhere on Linux; most are UTF-8.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash, RefCast)]
#[repr(transparent)]
pub struct ItemName([u8]);

/// An owned [`ItemName`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemNameBuf(Box<[u8]>);

/// Why some bytes are not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameError {
    /// The name has no bytes.
    Empty,
    /// The name has more than [`NAME_MAX`] bytes.
    TooLong,
    /// The name is `.` or `..`.
    Dots,
    /// The name contains `/`.
    Slash,
    /// The name contains a NUL byte.
    Nul,
}

impl ItemName {
    /// Checks `bytes`.
    ///
    /// # Errors
    /// The rule that `bytes` breaks.
    pub fn new(bytes: &[u8]) -> Result<&Self, NameError> {
        match bytes {
            [] => Err(NameError::Empty),
            b"." | b".." => Err(NameError::Dots),
            _ if bytes.contains(&0) => Err(NameError::Nul),
            _ if bytes.contains(&b'/') => Err(NameError::Slash),
            _ if bytes.len() > NAME_MAX => Err(NameError::TooLong),
            _ => Ok(Self::ref_cast(bytes)),
        }
    }

    /// A component of a path that was checked before.
    pub(crate) fn of_checked(bytes: &[u8]) -> &Self {
        Self::ref_cast(bytes)
    }

    /// The bytes of the name.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl ItemNameBuf {
    /// Checks `bytes`.
    ///
    /// # Errors
    /// The rule that `bytes` breaks.
    pub fn new(bytes: impl AsRef<[u8]>) -> Result<Self, NameError> {
        ItemName::new(bytes.as_ref()).map(ToOwned::to_owned)
    }
}

impl Deref for ItemNameBuf {
    type Target = ItemName;

    fn deref(&self) -> &ItemName {
        ItemName::of_checked(&self.0)
    }
}

impl Borrow<ItemName> for ItemNameBuf {
    fn borrow(&self) -> &ItemName {
        self
    }
}

impl AsRef<ItemName> for ItemNameBuf {
    fn as_ref(&self) -> &ItemName {
        self
    }
}

impl ToOwned for ItemName {
    type Owned = ItemNameBuf;

    fn to_owned(&self) -> ItemNameBuf {
        ItemNameBuf(self.0.into())
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for ItemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Display for ItemNameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for ItemNameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the name is empty",
            Self::TooLong => "the name is longer than 255 bytes",
            Self::Dots => "the name is . or ..",
            Self::Slash => "the name contains a slash",
            Self::Nul => "the name contains a NUL byte",
        })
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests;
