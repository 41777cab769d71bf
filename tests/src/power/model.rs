//! `Model`: what was done to a tree, act by act.

mod check;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::act::Act;
pub(crate) use check::Cut;
pub(crate) use check::Order;
pub(crate) use check::Seen;

type Id = usize;
type Names = BTreeMap<String, Id>;

/// Everything that was done, act by act.
#[derive(Debug)]
pub(crate) struct Model {
    objects: Vec<Object>,
    /// The names before the first act, and after each.
    names: Vec<Arc<Names>>,
    acts: Vec<Done>,
}

#[derive(Debug)]
struct Done {
    act: Act,
    /// What it was about, when it was begun.
    object: Option<Id>,
}

/// A file or a directory. Moments are counts of acts: what is so at moment 3 is so after the third act.
#[derive(Debug)]
struct Object {
    is_directory: bool,
    projected: bool,
    /// A file's content, from each moment on.
    versions: Vec<(usize, Arc<Vec<u8>>)>,
    /// When a name in a directory changed.
    changes: Vec<usize>,
}

impl Model {
    /// A projected tree, to which nothing was done. Directories have no content.
    pub(crate) fn new(projected: impl IntoIterator<Item = (String, Option<Vec<u8>>)>) -> Self {
        let root = Object { is_directory: true, projected: true, versions: Vec::new(), changes: Vec::new() };
        let mut model = Self { objects: vec![root], names: Vec::new(), acts: Vec::new() };
        let mut names = Names::from([(String::new(), 0)]);
        for (path, content) in projected {
            let id = model.add(content, true, 0);
            names.insert(path, id);
        }
        model.names.push(Arc::new(names));
        model
    }

    fn add(&mut self, content: Option<Vec<u8>>, projected: bool, moment: usize) -> Id {
        let is_directory = content.is_none();
        let versions = content.map(|content| (moment, Arc::new(content))).into_iter().collect();
        self.objects.push(Object { is_directory, projected, versions, changes: Vec::new() });
        self.objects.len() - 1
    }

    fn now(&self) -> &Names {
        &self.names[self.acts.len()]
    }

    /// The content of a file now.
    fn content(&self, id: Id) -> &Arc<Vec<u8>> {
        &self.objects[id].versions[self.objects[id].versions.len() - 1].1
    }

    /// Notes that an act is begun: from now on it may have happened.
    pub(crate) fn begin(&mut self, act: &Act) {
        let moment = self.acts.len() + 1;
        let mut names = Names::clone(self.now());
        let mut object = None;
        match act {
            Act::Read { .. } | Act::Chmod { .. } | Act::SyncAll => {}
            Act::Create { path, data } => {
                let id = self.add(Some(Vec::new()), false, moment);
                self.objects[id].versions.push((moment, Arc::new(data.clone())));
                self.rebind(&mut names, path, Some(id), moment);
            }
            Act::Mkdir { path } => {
                let id = self.add(None, false, moment);
                self.rebind(&mut names, path, Some(id), moment);
            }
            Act::Write { path, offset, data } => {
                let id = names[path];
                let mut content = Vec::clone(self.content(id));
                content.resize(content.len().max(offset + data.len()), 0);
                content[*offset..offset + data.len()].copy_from_slice(data);
                self.objects[id].versions.push((moment, Arc::new(content)));
            }
            Act::Replace { path, data } => {
                let id = names[path];
                self.objects[id].versions.push((moment, Arc::default()));
                self.objects[id].versions.push((moment, Arc::new(data.clone())));
            }
            Act::Unlink { path } => self.rebind(&mut names, path, None, moment),
            Act::Link { from, to } => {
                let id = names[from];
                self.rebind(&mut names, to, Some(id), moment);
            }
            Act::Rename { from, to } => {
                let id = names[from];
                self.rebind(&mut names, from, None, moment);
                self.rebind(&mut names, to, Some(id), moment);
                let below = format!("{from}/");
                let moved = names.range(below.clone()..).map_while(|(path, id)| {
                    path.strip_prefix(&below).map(|rest| (path.clone(), format!("{to}/{rest}"), *id))
                });
                let moved: Vec<_> = moved.collect();
                for (old, new, id) in moved {
                    names.remove(&old);
                    names.insert(new, id);
                }
            }
            Act::Sync { path, .. } | Act::SyncDirectory { path } => object = Some(names[path]),
        }
        self.names.push(Arc::new(names));
        self.acts.push(Done { act: act.clone(), object });
    }

    fn rebind(&mut self, names: &mut Names, path: &str, id: Option<Id>, moment: usize) {
        let parent = names[parent(path)];
        self.objects[parent].changes.push(moment);
        match id {
            Some(id) => names.insert(path.to_owned(), id),
            None => names.remove(path),
        };
    }

    /// What is there now, and whether it is a directory.
    pub(crate) fn paths(&self) -> Vec<(&String, bool)> {
        self.now().iter().map(|(path, id)| (path, self.objects[*id].is_directory)).collect()
    }

    /// How long a file is now.
    pub(crate) fn length(&self, path: &str) -> usize {
        self.content(self.now()[path]).len()
    }

    /// Whether two names lead to one file.
    pub(crate) fn is_same(&self, one: &str, other: &str) -> bool {
        self.now().get(one).is_some_and(|id| self.now().get(other) == Some(id))
    }

    /// A file that was changed not long ago.
    pub(crate) fn changed(&self) -> Option<String> {
        self.acts.iter().rev().take(8).find_map(|done| match &done.act {
            Act::Create { path, .. } | Act::Write { path, .. } | Act::Replace { path, .. } => {
                self.now().contains_key(path).then(|| path.clone())
            }
            _ => None,
        })
    }

    /// A directory in which a name was changed not long ago.
    pub(crate) fn changed_directory(&self) -> Option<String> {
        self.acts.iter().rev().take(8).find_map(|done| match &done.act {
            Act::Create { path, .. }
            | Act::Unlink { path }
            | Act::Rename { to: path, .. }
            | Act::Link { to: path, .. } => {
                self.now().contains_key(parent(path)).then(|| parent(path).to_owned())
            }
            _ => None,
        })
    }

    /// How many acts changed names or content.
    pub(crate) fn changes(&self) -> usize {
        let changes = |done: &&Done| !done.act.is_sync() && !matches!(done.act, Act::Read { .. });
        self.acts.iter().filter(changes).count()
    }

    /// How many acts were begun.
    pub(crate) fn begun(&self) -> usize {
        self.acts.len()
    }
}

/// The directory that a path is in.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
