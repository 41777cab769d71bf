//! `Names`: the names by which an item was seen.

use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::NodeId;

/// Almost every item has one name.
pub(super) enum Names {
    None,
    One(NodeId, ItemNameBuf),
    Many(Vec<(NodeId, ItemNameBuf)>),
}

impl Names {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(super) fn are_several(&self) -> bool {
        matches!(self, Self::Many(names) if names.len() > 1)
    }

    pub(super) fn first(&self) -> Option<(NodeId, &ItemName)> {
        match self {
            Self::None => None,
            Self::One(parent, name) => Some((*parent, name)),
            Self::Many(names) => names.first().map(|(parent, name)| (*parent, &**name)),
        }
    }

    pub(super) fn contains(&self, parent: NodeId, name: &ItemName) -> bool {
        match self {
            Self::None => false,
            Self::One(one, known) => *one == parent && **known == *name,
            Self::Many(names) => names.iter().any(|(one, known)| *one == parent && **known == *name),
        }
    }

    /// Adds a name; false if it was there.
    pub(super) fn add(&mut self, parent: NodeId, name: &ItemName) -> bool {
        if self.contains(parent, name) {
            return false;
        }
        let new = (parent, name.to_owned());
        *self = match std::mem::replace(self, Self::None) {
            Self::None => Self::One(new.0, new.1),
            Self::One(one, known) => Self::Many(vec![new, (one, known)]),
            Self::Many(mut names) => {
                names.insert(0, new);
                Self::Many(names)
            }
        };
        true
    }

    /// Removes a name; false if it was not there.
    pub(super) fn remove(&mut self, parent: NodeId, name: &ItemName) -> bool {
        if !self.contains(parent, name) {
            return false;
        }
        *self = match std::mem::replace(self, Self::None) {
            Self::None | Self::One(..) => Self::None,
            Self::Many(mut names) => {
                names.retain(|(one, known)| !(*one == parent && **known == *name));
                match names.pop() {
                    Some((one, known)) if names.is_empty() => Self::One(one, known),
                    Some(last) => {
                        names.push(last);
                        Self::Many(names)
                    }
                    None => Self::None,
                }
            }
        };
        true
    }

    /// These names.
    pub(super) fn of(mut names: Vec<(NodeId, ItemNameBuf)>) -> Self {
        match names.pop() {
            None => Self::None,
            Some((parent, name)) if names.is_empty() => Self::One(parent, name),
            Some(last) => {
                names.push(last);
                Self::Many(names)
            }
        }
    }

    /// All of them, the latest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, &ItemName)> {
        let names = match self {
            Self::None => (None, &[][..]),
            Self::One(parent, name) => (Some((*parent, &**name)), &[][..]),
            Self::Many(names) => (None, &names[..]),
        };
        names.0.into_iter().chain(names.1.iter().map(|(parent, name)| (*parent, &**name)))
    }

    pub(super) fn parents(&self) -> Vec<NodeId> {
        match self {
            Self::None => Vec::new(),
            Self::One(parent, _) => vec![*parent],
            Self::Many(names) => names.iter().map(|(parent, _)| *parent).collect(),
        }
    }
}
