//! `switch`: everything at once becomes as another view of the provider has it.
//!
//! The new view is asked first, while the old one is shown. Then, with everybody kept out for a moment, the plan is made
//! once more from what is there by now, and carried out: whoever comes after that sees the new view alone, and a listing
//! that began before goes on to its end with the names of the old one.
//!
//! A crash in that moment leaves items of both views. A mark says so, and the next start brings everything to the view
//! of the provider that it is given, before anybody is let in. So a switch is not undone by a crash but finished.

use std::time::Duration;
use std::time::Instant;

use projfs_provider::CommandHandler;
use projfs_store::Leave;
use projfs_sync::Arc;
use projfs_types::ItemKind;
use projfs_types::NodeId;
use projfs_types::OriginBuf;
use projfs_types::PlaceholderInfo;
use projfs_types::Projected;
use projfs_types::RelPathBuf;
use projfs_types::VersionInfo;

use super::Spot;
use super::plan::Change;
use super::plan::Conflict;
use super::plan::Plan;
use super::plan::Planner;
use super::plan::What;
use super::shown::Shown;
use crate::Engine;
use crate::command::CommandTable;
use crate::enumerate::Listings;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::error::Result;
use crate::flow::Under;
use crate::node::table::Prepared;
use crate::port::Context;

/// What a switch did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switched {
    /// How many items are placeholders of another version now, directories included.
    pub updated: u64,
    /// How many went, since the provider has them no more, or has something else there.
    pub dropped: u64,
    /// What was kept although the provider has another version of it, in order of the paths.
    pub conflicts: Vec<Conflict>,
    /// How long everybody was kept out.
    pub pause: Duration,
}

/// The way from one view to another.
enum Way {
    /// Another handler answers from now on.
    To(Arc<dyn CommandHandler>),
    /// The handler answers in another way than before.
    Within,
}

impl Engine {
    /// Has another handler answer from now on, and makes everything that is local and was not changed here as that one
    /// has it: what has another content id becomes a placeholder of its version, what it does not have goes. What was
    /// changed or made here is kept, and named if the provider's item beneath has changed.
    ///
    /// # Errors
    /// `Invalid` if the handler's traits differ from those of the one before; the provider's, before anything was
    /// changed; the store's: everything may be half-way then, until the next switch or start.
    pub fn switch(&self, context: &Context<'_>, handler: Arc<dyn CommandHandler>) -> Result<Switched> {
        if handler.traits() != self.commands.traits() {
            let why = "the new provider's answers hold in another way than those of the one before";
            return Err(Error { source: Some(why.into()), ..ErrorKind::Invalid.into() });
        }
        self.change_view(context, Way::To(handler))
    }

    /// The same after the handler itself has begun to answer in another way. What it answered before is not known: what
    /// was changed here is named if the provider has anything beneath.
    ///
    /// # Errors
    /// The provider's, before anything was changed; the store's, as in [`switch`](Self::switch).
    pub fn refresh(&self, context: &Context<'_>) -> Result<Switched> {
        self.change_view(context, Way::Within)
    }

    /// Finishes a switch that a crash has interrupted. To be called before anybody is let in.
    ///
    /// # Errors
    /// Those of [`refresh`](Self::refresh).
    pub fn finish_switch(&self, context: &Context<'_>) -> Result<()> {
        if self.store.is_switching()? {
            let done = self.refresh(context)?;
            tracing::info!(done.updated, done.dropped, "finished a switch that was interrupted");
        }
        Ok(())
    }

    fn change_view(&self, context: &Context<'_>, way: Way) -> Result<Switched> {
        let _alone = self.switching.lock();
        let root = self.root_version();
        let collation = self.options.collation;
        let beside = Arc::new(Listings::beside());
        match way {
            Way::Within => {
                let new = Shown::new(Arc::clone(&self.commands), beside, root, collation);
                self.prepare_and_switch(context, new, None, None)
            }
            Way::To(handler) => {
                let threads = self.options.provider_threads.max(1);
                let commands = CommandTable::start(Arc::clone(&handler), threads, self.options.timeouts);
                let commands = commands
                    .map_err(|error| Error { source: Some(error.into()), ..ErrorKind::Unavailable.into() })?;
                // Whoever stops the instance stops this as well.
                let asking = Arc::downgrade(&commands);
                let _stopping = self.commands.stopping().listen(move || {
                    if let Some(commands) = asking.upgrade() {
                        commands.stopping().cancel();
                    }
                });
                let new = Shown::new(Arc::clone(&commands), beside, root.clone(), collation);
                let old = Shown::new(Arc::clone(&self.commands), Arc::clone(&self.listings), root, collation);
                let switched = self.prepare_and_switch(context, new, Some(old), Some(handler));
                commands.stop(Duration::ZERO);
                switched
            }
        }
    }

    fn prepare_and_switch(
        &self,
        context: &Context<'_>,
        mut new: Shown,
        mut old: Option<Shown>,
        handler: Option<Arc<dyn CommandHandler>>,
    ) -> Result<Switched> {
        let mut marked = false;
        loop {
            let looked = Planner::new(self, &mut new, old.as_mut()).make();
            if ask(context, &mut new, old.as_mut())? {
                continue;
            }
            // Directories move and go while one looks. What is wrong with the store itself shows below, too, where they
            // do not.
            let changes = looked.map_or(true, |plan| !plan.changes.is_empty());
            if !marked && changes {
                self.store.begin_switch()?;
                marked = true;
            }
            let held = self.locks.everything();
            let begin = Instant::now();
            let plan = Planner::new(self, &mut new, old.as_mut()).make()?;
            let incomplete = new.is_incomplete() || old.as_ref().is_some_and(Shown::is_incomplete);
            if incomplete || (!marked && !plan.changes.is_empty()) {
                drop(held);
                ask(context, &mut new, old.as_mut())?;
                continue;
            }
            if let Some(handler) = handler {
                // The old one may go with the last who asks it; not here.
                drop_later(self.commands.set_handler(handler));
            }
            self.listings.adopt(new.into_listings());
            let absent = self.negative.clear();
            let switched = self.carry_out(context, plan);
            let tells = self.kernel.names_changed();
            let nodes = self.nodes.all();
            for (node, _) in nodes.iter().filter(|(_, kind)| *kind == ItemKind::Directory) {
                self.nodes.changed(*node);
            }
            drop(held);
            let pause = begin.elapsed();
            self.tell_all(nodes, tells);
            if !tells {
                absent.into_iter().for_each(|(path, directory)| self.tell_appeared(path, directory));
            }
            let switched = Switched { pause, ..switched? };
            if marked || self.store.is_switching()? {
                self.store.end_switch()?;
            }
            return Ok(switched);
        }
    }

    fn carry_out(&self, context: &Context<'_>, plan: Plan) -> Result<Switched> {
        let mut switched = Switched { conflicts: plan.conflicts, ..Switched::default() };
        let mut notes = Vec::new();
        if !plan.changes.is_empty() {
            // What is virtual has changed too, and nobody knows what of it.
            self.record(context, RelPathBuf::root(), ItemKind::Directory, projfs_types::What::Updated)?;
        }
        for change in plan.changes {
            match &change.what {
                What::Replace(_) | What::Provide(..) | What::Version(_) => switched.updated += 1,
                What::Forget | What::Drop => switched.dropped += 1,
                What::Detach | What::Convert => {}
            }
            self.carry_out_one(context, &change, &mut notes)?;
        }
        self.store.note_all(&notes)?;
        Ok(switched)
    }

    fn carry_out_one(
        &self,
        context: &Context<'_>,
        change: &Change,
        notes: &mut Vec<(OriginBuf, Option<PlaceholderInfo>)>,
    ) -> Result<()> {
        let (dir, name, under) = (&*change.dir, &*change.name, &change.under);
        let node = self.node_under(dir, name, under);
        let spot = Spot { dir, name, under, node };
        if let Under::OnDisk(_) = under {
            let kind = under.kind().unwrap_or(ItemKind::File);
            self.record(context, dir.path.join(name), kind, projfs_types::What::Updated)?;
        }
        match (&change.what, under) {
            (What::Replace(info), Under::Noted { origin, .. }) => {
                notes.push((origin.clone(), Some(info.clone())));
                self.supersede(under)?;
                self.part_with(&spot, None, self.home_number(&spot))?;
            }
            (What::Replace(info), Under::OnDisk(item)) => {
                self.supersede(under)?;
                self.replace_on_disk(&spot, item, info)?;
            }
            (What::Provide(info, _), Under::Noted { origin, .. }) => {
                notes.push((origin.clone(), Some(info.clone())));
            }
            (What::Provide(info, origin), _) => {
                let projected =
                    Projected { origin: origin.clone(), ..Projected::clean(info.version.clone()) };
                self.store.provide_directory(&dir.path, name, info, &projected)?;
            }
            (What::Version(version), Under::OnDisk(item)) => {
                if let Some(projected) = item.state.projected() {
                    let projected = Projected { version: version.clone(), ..projected.clone() };
                    self.store.set_projected(&dir.path, name, &projected)?;
                }
            }
            (What::Forget | What::Drop, _) => self.carry_out_drop(&spot, &change.what, notes)?,
            (What::Detach, _) => self.detach(dir, name, under)?,
            (What::Convert, _) => {
                // What is in it says where it comes from, and may be taken out.
                self.leave_home(dir, name, under)?;
                self.store.convert_directory(&dir.path, name)?;
                if let Some(node) = node {
                    self.nodes.provide(node, None, Prepared::Dirty);
                }
            }
            (What::Replace(_) | What::Version(_), _) => return Err(ErrorKind::Invalid.into()),
        }
        // Of what has no content its attributes alone change, as those of everything may.
        let has_content = match under {
            Under::OnDisk(_) => under.kind() != Some(ItemKind::Directory),
            Under::Noted { info, .. } => self.is_large(info),
            Under::Nothing | Under::Unknown { .. } => false,
        };
        if let Some(node) = node.filter(|_| has_content) {
            self.kernel.content_changed(node);
        }
        Ok(())
    }

    fn carry_out_drop(
        &self,
        spot: &Spot<'_>,
        what: &What,
        notes: &mut Vec<(OriginBuf, Option<PlaceholderInfo>)>,
    ) -> Result<()> {
        self.supersede(spot.under)?;
        let trash = match spot.under {
            Under::Noted { origin, .. } => {
                notes.push((origin.clone(), None));
                None
            }
            _ => {
                if let Some(home) = self.home(spot.dir, spot.name) {
                    self.store.forget(&home)?;
                }
                self.leave_to_others(spot.dir, spot.name, spot.under)?;
                let keep = self.keep_of(spot.node);
                self.store.remove(&spot.dir.path, spot.name, Leave::Nothing, keep)?
            }
        };
        self.end_directory(spot.dir, spot.name, spot.under);
        let Some(node) = spot.node else { return Ok(()) };
        self.drop_name(node, spot.dir.node, spot.name, trash)?;
        if let What::Drop = what {
            self.kernel.item_gone(spot.dir.node, node, spot.name);
        }
        Ok(())
    }

    /// Tells the kernel that nothing that it knows of these nodes is valid; of their names too, if it cannot be told of
    /// all at once.
    fn tell_all(&self, nodes: Vec<(NodeId, ItemKind)>, names: bool) {
        for (node, kind) in nodes {
            match kind {
                ItemKind::Directory => self.kernel.content_changed(node),
                ItemKind::File | ItemKind::Symlink | ItemKind::Special => {
                    self.kernel.attributes_changed(node);
                }
            }
        }
        if !names {
            for (parent, name) in self.nodes.all_names() {
                self.kernel.entry_changed(parent, &name);
            }
        }
    }

    /// The version that the root was given when it was marked.
    pub(crate) fn root_version(&self) -> VersionInfo {
        let root = self.store.look_root().ok();
        root.and_then(|root| Some(root.state.projected()?.version.clone())).unwrap_or_default()
    }
}

/// Asks for what was looked for; whether anything was.
fn ask(context: &Context<'_>, new: &mut Shown, old: Option<&mut Shown>) -> Result<bool> {
    let mut asked = new.is_incomplete();
    new.ask(context)?;
    if let Some(old) = old {
        asked |= old.is_incomplete();
        old.ask(context)?;
    }
    Ok(asked)
}

/// A provider is dropped by a thread that holds no lock.
fn drop_later(handler: Arc<dyn CommandHandler>) {
    let _ = std::thread::Builder::new().name("projfs-provider-end".into()).spawn(move || drop(handler));
}
