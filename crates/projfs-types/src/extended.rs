//! `ExtendedAttributes`: what a provider gives an item beside its metadata.

use std::fmt;

/// What the name of an extended attribute of a projected item begins with.
pub const USER_PREFIX: &[u8] = b"user.";

/// The longest name of an extended attribute, in bytes, with its prefix (`XATTR_NAME_MAX` of Linux).
pub const EXTENDED_NAME_MAX: usize = 255;

/// How much room the extended attributes of one item may take, in bytes: for each its name, its value and 16.
///
/// All that is kept of a file beside its content is in one block of its file system, and for the moment in which a
/// directory is given others, they are there with those before.
pub const EXTENDED_SIZE_MAX: usize = 1024;

/// The extended attribute in which a store keeps its own record. Neither it nor what begins with it and a dot is anybody
/// else's.
pub const RECORD_ATTRIBUTE: &str = "user.projfs";

/// What an attribute takes beside name and value, in bytes.
const OVERHEAD: usize = 16;

/// Whether an extended attribute is a store's own.
pub fn is_own_attribute(name: &[u8]) -> bool {
    let rest = name.strip_prefix(RECORD_ATTRIBUTE.as_bytes());
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
}

/// The extended attributes that an item of a provider's comes with: names that begin with `user.`, and values. They are
/// in the order of their names, and each name is there once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtendedAttributes(Option<Box<Held>>);

/// Behind a pointer, as most items have none.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Held(Vec<Attribute>);

type Attribute = (Box<[u8]>, Box<[u8]>);

/// Why some extended attributes cannot be those of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendedError {
    /// A name does not begin with `user.`, or that is all of it.
    NotUser,
    /// A name has more than [`EXTENDED_NAME_MAX`] bytes.
    NameTooLong,
    /// A name contains a NUL byte.
    Nul,
    /// A name is a store's own: `user.projfs`, or begins with `user.projfs.`.
    Reserved,
    /// A name is there twice.
    Repeated,
    /// Together they take more than [`EXTENDED_SIZE_MAX`] bytes.
    TooLarge,
}

impl ExtendedAttributes {
    /// Takes names and values, in any order.
    ///
    /// # Errors
    /// The rule that they break.
    pub fn new<N: AsRef<[u8]>, V: AsRef<[u8]>>(
        attributes: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, ExtendedError> {
        let mut held: Vec<Attribute> = Vec::new();
        for (name, value) in attributes {
            check_name(name.as_ref())?;
            held.push((name.as_ref().into(), value.as_ref().into()));
        }
        held.sort();
        if held.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(ExtendedError::Repeated);
        }
        let all = Self::holding(held);
        if all.size() > EXTENDED_SIZE_MAX { Err(ExtendedError::TooLarge) } else { Ok(all) }
    }

    /// Those among what an item has that could be a provider's, however large they are.
    pub fn found<N: AsRef<[u8]>, V: AsRef<[u8]>>(attributes: impl IntoIterator<Item = (N, V)>) -> Self {
        let mut held: Vec<Attribute> = attributes
            .into_iter()
            .filter(|(name, _)| check_name(name.as_ref()).is_ok())
            .map(|(name, value)| (name.as_ref().into(), value.as_ref().into()))
            .collect();
        held.sort();
        held.dedup_by(|one, other| one.0 == other.0);
        Self::holding(held)
    }

    fn holding(held: Vec<Attribute>) -> Self {
        Self((!held.is_empty()).then(|| Box::new(Held(held))))
    }

    fn held(&self) -> &[Attribute] {
        self.0.as_deref().map_or(&[], |held| &held.0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.held().len()
    }

    /// The value of one.
    pub fn get(&self, name: &[u8]) -> Option<&[u8]> {
        let at = self.held().binary_search_by(|(known, _)| (**known).cmp(name)).ok()?;
        Some(&self.held()[at].1)
    }

    /// Names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.held().iter().map(|(name, value)| (&**name, &**value))
    }

    /// How much room they take, in bytes, as [`EXTENDED_SIZE_MAX`] counts it.
    pub fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.len() + OVERHEAD).sum()
    }
}

fn check_name(name: &[u8]) -> Result<(), ExtendedError> {
    match name.strip_prefix(USER_PREFIX) {
        None | Some([]) => Err(ExtendedError::NotUser),
        Some(_) if name.len() > EXTENDED_NAME_MAX => Err(ExtendedError::NameTooLong),
        Some(rest) if rest.contains(&0) => Err(ExtendedError::Nul),
        Some(_) if is_own_attribute(name) => Err(ExtendedError::Reserved),
        Some(_) => Ok(()),
    }
}

impl fmt::Display for ExtendedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUser => "the name of an extended attribute does not begin with \"user.\"",
            Self::NameTooLong => "the name of an extended attribute is longer than 255 bytes",
            Self::Nul => "the name of an extended attribute contains a NUL byte",
            Self::Reserved => "the name of an extended attribute is reserved for the store",
            Self::Repeated => "an extended attribute is there twice",
            Self::TooLarge => "the extended attributes take more than 1024 bytes",
        })
    }
}

impl std::error::Error for ExtendedError {}

#[cfg(test)]
mod tests;
