//! Names that the provider said do not exist: remembered, covered, forgotten.

use projfs_provider::Lifetime;
use projfs_types::ItemName;
use projfs_types::NodeId;
use projfs_types::RelPathBuf;

use crate::Engine;
use crate::engine::NegativePaths;
use crate::negative::Generation;
use crate::negative::Kept;
use crate::node::table::DirView;

impl Engine {
    /// Remembers that the provider has nothing at a path, if that is wanted.
    pub(crate) fn keep_absent(
        &self,
        origin: RelPathBuf,
        directory: NodeId,
        name: &ItemName,
        asked: Generation,
    ) {
        let wanted = match self.options.negative_paths {
            NegativePaths::AsLifetime => self.commands.traits().lifetime == Lifetime::Stable,
            NegativePaths::Remember => true,
            NegativePaths::Ask => false,
        };
        if !wanted {
            return;
        }
        match self.negative.insert(origin, directory, asked) {
            Kept::Yes => {}
            Kept::Instead(gone) => {
                gone.into_iter().for_each(|(path, directory)| self.tell_appeared(path, directory));
            }
            // The kernel must not remember it either; what it is told comes after the answer to its question.
            Kept::No => self.kernel.entry_changed(directory, name),
        }
    }

    /// Something is under a name now.
    pub(crate) fn appeared(&self, dir: &DirView, name: &ItemName) {
        if let Some(projection) = &dir.projection {
            self.negative.remove(&projection.join(name), self.options.collation);
        }
    }

    /// Forgets which names the provider said do not exist, here and in the kernel, and every listing that is kept
    /// (`PrjClearNegativePathCache`). Answers that are on their way are not remembered. How many names there were.
    pub fn clear_negative_path_cache(&self) -> u64 {
        let gone = self.negative.clear();
        self.listings.clear();
        let count = gone.len() as u64;
        for (path, directory) in gone {
            self.tell_appeared(path, directory);
        }
        // Kernels that can be told so forget names of which nothing is known here, too.
        self.kernel.names_changed();
        count
    }

    pub(super) fn tell_appeared(&self, path: RelPathBuf, directory: NodeId) {
        if let Some((_, name)) = path.split_last() {
            self.kernel.entry_changed(directory, name);
        }
    }
}
