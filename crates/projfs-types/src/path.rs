//! `RelPath`: any number of names below the root, checked once.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;

use ref_cast::RefCast;

use crate::ItemName;
use crate::NameError;

/// A path relative to the root: names separated by single slashes. The root itself is the empty path.
///
/// Its length is not limited: trees may be deeper than `PATH_MAX`.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash, RefCast)]
#[repr(transparent)]
pub struct RelPath([u8]);

/// An owned [`RelPath`].
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct RelPathBuf(Vec<u8>);

impl RelPath {
    /// The root itself.
    pub fn root() -> &'static Self {
        Self::ref_cast(b"")
    }

    /// Checks `bytes`: empty, or names separated by single slashes.
    ///
    /// # Errors
    /// The rule that the first wrong name breaks; a leading, trailing or doubled slash is an empty name.
    pub fn new(bytes: &[u8]) -> Result<&Self, NameError> {
        if !bytes.is_empty() {
            for component in bytes.split(|&byte| byte == b'/') {
                ItemName::new(component)?;
            }
        }
        Ok(Self::ref_cast(bytes))
    }

    /// The bytes of the path.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The names, from the root down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &ItemName> {
        self.0.split(|&byte| byte == b'/').filter(|name| !name.is_empty()).map(ItemName::of_checked)
    }

    /// The directory that holds the item, and the item's name in it; nothing for the root.
    pub fn split_last(&self) -> Option<(&RelPath, &ItemName)> {
        if self.is_root() {
            return None;
        }
        let name_start = self.0.iter().rposition(|&byte| byte == b'/').map_or(0, |slash| slash + 1);
        let parent = &self.0[..name_start.saturating_sub(1)];
        Some((Self::ref_cast(parent), ItemName::of_checked(&self.0[name_start..])))
    }

    /// The path of `name` in this directory.
    pub fn join(&self, name: &ItemName) -> RelPathBuf {
        let mut path = self.to_owned();
        path.push(name);
        path
    }

    /// What is left of this path below `ancestor`; nothing if it is not below it. Below itself it is the root.
    pub fn strip_prefix(&self, ancestor: &RelPath) -> Option<&RelPath> {
        let rest = self.0.strip_prefix(&ancestor.0)?;
        match rest {
            [] => Some(Self::root()),
            _ if ancestor.is_root() => Some(self),
            [b'/', below @ ..] => Some(Self::ref_cast(below)),
            _ => None,
        }
    }

    /// Whether this path is `ancestor` or lies below it.
    pub fn starts_with(&self, ancestor: &RelPath) -> bool {
        self.strip_prefix(ancestor).is_some()
    }
}

impl RelPathBuf {
    /// The root itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// Checks `bytes`, as [`RelPath::new`] does.
    ///
    /// # Errors
    /// The rule that the first wrong name breaks.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, NameError> {
        let bytes = bytes.into();
        RelPath::new(&bytes)?;
        Ok(Self(bytes))
    }

    /// Goes down to `name`.
    pub fn push(&mut self, name: &ItemName) {
        if !self.0.is_empty() {
            self.0.push(b'/');
        }
        self.0.extend_from_slice(name.as_bytes());
    }
}

impl<'a> FromIterator<&'a ItemName> for RelPathBuf {
    fn from_iter<I: IntoIterator<Item = &'a ItemName>>(names: I) -> Self {
        let mut path = Self::root();
        for name in names {
            path.push(name);
        }
        path
    }
}

impl Deref for RelPathBuf {
    type Target = RelPath;

    fn deref(&self) -> &RelPath {
        RelPath::ref_cast(&self.0)
    }
}

impl Borrow<RelPath> for RelPathBuf {
    fn borrow(&self) -> &RelPath {
        self
    }
}

impl AsRef<RelPath> for RelPathBuf {
    fn as_ref(&self) -> &RelPath {
        self
    }
}

impl ToOwned for RelPath {
    type Owned = RelPathBuf;

    fn to_owned(&self) -> RelPathBuf {
        RelPathBuf(self.0.into())
    }
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Display for RelPathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Debug for RelPathBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests;
