//! `Conversion`: what a checkout makes of a blob, and how a version tells it.

mod encoding;
mod ident;

use std::borrow::Cow;

use gix::filter::plumbing::eol;

use crate::objects::Id;
use crate::objects::Unreadable;

pub(crate) use self::encoding::is_utf8;

/// What a checkout makes of a blob. It depends on attributes and configuration; which file has which is known from the
/// version of its placeholder, so that it stays what it was announced to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Conversion {
    pub(crate) line_ends: LineEnds,
    pub(crate) ident: Ident,
    /// What text is encoded in, if that is not UTF-8.
    pub(crate) encoding: Option<Name>,
    /// The filter driver that it goes through.
    pub(crate) filter: Option<Name>,
}

/// A name as an attribute has it.
type Name = Box<[u8]>;

/// What becomes of the ends of lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum LineEnds {
    #[default]
    Kept,
    /// A carriage return before each.
    Crlf,
    /// The same, if the content is text and has no carriage return yet.
    CrlfInText,
}

/// Whether `$Id$` becomes the id of the blob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) enum Ident {
    #[default]
    Kept,
    Expanded,
}

/// The longest name of an encoding or of a filter, in bytes: both fit into a version.
const NAME_MAX: usize = 40;

impl Conversion {
    /// Nothing if it does nothing.
    ///
    /// # Errors
    /// A name that does not fit into a version.
    pub(crate) fn checked(self) -> Result<Option<Self>, Unreadable> {
        let long = [&self.encoding, &self.filter].into_iter().flatten().find(|name| name.len() > NAME_MAX);
        match long {
            Some(name) => {
                let name = String::from_utf8_lossy(name).into_owned();
                Err(Unreadable::broken(format!("the name of its filter or encoding is too long: {name}")))
            }
            None => Ok(Some(self).filter(|conversion| *conversion != Self::default())),
        }
    }

    /// Everything but the filter driver, which comes after it.
    ///
    /// # Errors
    /// An encoding that is not known here.
    pub(crate) fn apply<'a>(&self, blob: &'a [u8], id: Id) -> Result<Cow<'a, [u8]>, Unreadable> {
        let mut content = Cow::Borrowed(blob);
        if let Some(expanded) = (self.ident == Ident::Expanded).then(|| ident::expand(&content, id)).flatten()
        {
            content = Cow::Owned(expanded);
        }
        let digest = match self.line_ends {
            LineEnds::Kept => None,
            LineEnds::Crlf => Some(eol::AttributesDigest::TextCrlf),
            LineEnds::CrlfInText => Some(eol::AttributesDigest::TextAutoCrlf),
        };
        if let Some(digest) = digest {
            let mut converted = Vec::new();
            let changed =
                eol::convert_to_worktree(&content, digest, &mut converted, eol::Configuration::default());
            if changed.map_err(|error| Unreadable::broken(format!("{error:#}")))? {
                content = Cow::Owned(converted);
            }
        }
        if let Some(name) = &self.encoding
            && let Some(encoded) = encoding::encode(&content, name)?
        {
            content = Cow::Owned(encoded);
        }
        Ok(content)
    }

    /// For a version: flags, then both names, each after its length.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let line_ends = match self.line_ends {
            LineEnds::Kept => 0,
            LineEnds::Crlf => 1,
            LineEnds::CrlfInText => 2,
        };
        let ident = match self.ident {
            Ident::Kept => 0,
            Ident::Expanded => 4,
        };
        let mut bytes = vec![line_ends | ident];
        for name in [&self.encoding, &self.filter] {
            let name = name.as_deref().unwrap_or_default();
            // Checked: at most NAME_MAX.
            bytes.push(name.len() as u8);
            bytes.extend_from_slice(name);
        }
        // A version ends with no zero.
        bytes.push(END);
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) made; nothing for anything else.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&flags, rest) = bytes.split_first()?;
        let (encoding, rest) = name(rest)?;
        let (filter, rest) = name(rest)?;
        let line_ends = match flags & 3 {
            0 => LineEnds::Kept,
            1 => LineEnds::Crlf,
            2 => LineEnds::CrlfInText,
            _ => return None,
        };
        let ident = if flags & 4 == 0 { Ident::Kept } else { Ident::Expanded };
        (rest == [END] && flags < 8).then_some(Self { line_ends, ident, encoding, filter })
    }
}

/// The last byte of a conversion in a version.
const END: u8 = b'.';

/// A name after its length, and what follows.
fn name(bytes: &[u8]) -> Option<(Option<Name>, &[u8])> {
    let (&length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(length.into())?;
    Some(((length > 0).then(|| name.into()), rest))
}

#[cfg(test)]
mod tests;
