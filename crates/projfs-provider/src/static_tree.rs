//! `StaticTree`: an immutable tree for providers that know all their paths up front.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;

use projfs_types::ItemKind;
use projfs_types::ItemName;
use projfs_types::ItemNameBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::ProjectedItem;
use projfs_types::RelPath;
use projfs_types::RelPathBuf;
use projfs_types::collation;

use crate::DirEntries;
use crate::ProviderError;
use crate::ProviderErrorKind;

/// An immutable tree of items, each with whatever the provider needs to find its content (`T`).
#[derive(Debug)]
pub struct StaticTree<T> {
    /// The root first.
    nodes: Vec<Node<T, Children>>,
}

/// Takes the items of a [`StaticTree`], in any order.
#[derive(Debug)]
pub struct StaticTreeBuilder<T> {
    implied: PlaceholderInfo,
    nodes: Vec<Node<T, HashMap<ItemNameBuf, usize>>>,
}

/// Names with the indexes of their nodes, in collation order.
type Children = Vec<(ItemNameBuf, usize)>;

#[derive(Debug)]
struct Node<T, C> {
    info: PlaceholderInfo,
    /// Nothing for a directory that is only implied by what is in it.
    payload: Option<T>,
    children: C,
}

/// An item does not fit into the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The item.
    pub path: RelPathBuf,
    /// Why it does not fit.
    pub kind: ConflictKind,
}

/// Why an item does not fit into a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConflictKind {
    /// It is the root, which is there anyway.
    Root,
    /// The path is taken.
    Twice,
    /// Something above it is no directory.
    BelowAFile,
    /// There are items below it, and it is no directory.
    AboveItems,
}

impl<T> StaticTree<T> {
    /// A tree without items. Directories that are only implied by what is in them will have mode 0755 and no
    /// time; [`StaticTreeBuilder::implied`] changes that.
    pub fn builder() -> StaticTreeBuilder<T> {
        let implied = PlaceholderInfo::directory();
        let root = Node { info: implied.clone(), payload: None, children: HashMap::new() };
        StaticTreeBuilder { implied, nodes: vec![root] }
    }

    /// What was inserted with the item at `path`.
    ///
    /// # Errors
    /// `NotFound` if nothing was inserted there.
    pub fn get(&self, path: &RelPath) -> Result<&T, ProviderError> {
        self.node(path).and_then(|(node, _)| node.payload.as_ref()).ok_or_else(ProviderError::not_found)
    }

    /// Describes the item at `path`, as [`Provider::placeholder_info`](crate::Provider::placeholder_info) must.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn item(&self, path: &RelPath) -> Result<ProjectedItem, ProviderError> {
        let found = self.node(path).and_then(|(node, name)| Some((node, name?)));
        let (node, name) = found.ok_or_else(ProviderError::not_found)?;
        Ok(ProjectedItem::new(name.to_owned(), node.info.clone()))
    }

    /// Lists the directory at `path`, as [`Provider::enumerate`](crate::Provider::enumerate) must.
    ///
    /// # Errors
    /// `NotFound` if there is no such directory.
    pub fn list(&self, path: &RelPath) -> Result<DirEntries, ProviderError> {
        let directory = self.node(path).filter(|(node, _)| node.info.item_kind() == ItemKind::Directory);
        let (directory, _) = directory.ok_or_else(ProviderError::not_found)?;
        let items = directory.children.iter();
        let items =
            items.map(|(name, node)| ProjectedItem::new(name.clone(), self.nodes[*node].info.clone()));
        DirEntries::sorted(items.collect())
    }

    /// The node at `path` and, unless it is the root, its name.
    fn node(&self, path: &RelPath) -> Option<(&Node<T, Children>, Option<&ItemName>)> {
        let mut found = (self.nodes.first()?, None);
        for wanted in path.components() {
            let children = &found.0.children;
            let index = children.binary_search_by(|(name, _)| collation::compare(name, wanted)).ok()?;
            let (name, node) = &children[index];
            found = (&self.nodes[*node], Some(&**name));
        }
        Some(found)
    }
}

impl<T> StaticTreeBuilder<T> {
    /// Sets what directories look like that are only implied by what is in them, from here on.
    #[must_use]
    pub fn implied(self, directory: PlaceholderInfo) -> Self {
        Self { implied: directory, ..self }
    }

    /// Inserts an item. Directories above it that are not there are implied until they are inserted themselves.
    ///
    /// # Errors
    /// The first [`Conflict`]; the item is not inserted then, though directories above it may be.
    pub fn insert(&mut self, path: &RelPath, info: PlaceholderInfo, payload: T) -> Result<(), Conflict> {
        let conflict = |kind| Conflict { path: path.to_owned(), kind };
        let (parent, name) = path.split_last().ok_or_else(|| conflict(ConflictKind::Root))?;
        let mut directory = 0;
        for component in parent.components() {
            directory = self.child(directory, component);
            if self.nodes[directory].info.item_kind() != ItemKind::Directory {
                return Err(conflict(ConflictKind::BelowAFile));
            }
        }
        let known = self.nodes.len();
        let index = self.child(directory, name);
        let node = &mut self.nodes[index];
        if index < known {
            match (&node.payload, info.item_kind()) {
                (Some(_), _) => return Err(conflict(ConflictKind::Twice)),
                (None, ItemKind::Directory) => {}
                (None, ItemKind::File | ItemKind::Symlink | ItemKind::Special) => {
                    return Err(conflict(ConflictKind::AboveItems));
                }
            }
        }
        node.info = info;
        node.payload = Some(payload);
        Ok(())
    }

    /// Completes the tree.
    pub fn build(self) -> StaticTree<T> {
        let nodes = self.nodes.into_iter().map(|node| {
            let mut children: Vec<_> = node.children.into_iter().collect();
            children.sort_by(|(one, _), (other, _)| collation::compare(one, other));
            Node { info: node.info, payload: node.payload, children }
        });
        StaticTree { nodes: nodes.collect() }
    }

    /// The child `name` of a node; an implied directory if there was none.
    fn child(&mut self, parent: usize, name: &ItemName) -> usize {
        let next = self.nodes.len();
        match self.nodes[parent].children.entry(name.to_owned()) {
            Entry::Occupied(child) => *child.get(),
            Entry::Vacant(place) => {
                place.insert(next);
                let info = self.implied.clone();
                self.nodes.push(Node { info, payload: None, children: HashMap::new() });
                next
            }
        }
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match self.kind {
            ConflictKind::Root => f.write_str("the root cannot be inserted"),
            ConflictKind::Twice => write!(f, "{path:?} is there twice"),
            ConflictKind::BelowAFile => write!(f, "something above {path:?} is no directory"),
            ConflictKind::AboveItems => write!(f, "{path:?} is no directory, and there are items below it"),
        }
    }
}

impl std::error::Error for Conflict {}

impl From<Conflict> for ProviderError {
    fn from(conflict: Conflict) -> Self {
        Self::new(ProviderErrorKind::InvalidInput, conflict.to_string())
    }
}

#[cfg(test)]
mod tests;
