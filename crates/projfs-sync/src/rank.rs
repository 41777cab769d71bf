//! `Rank`: which locks may be taken while which are held.

/// Where a lock stands in `docs/locking.md`. One may be taken while those above it are held, never the other way round.
/// Locks of one rank have an order among themselves, whichever it is: two that are taken in both orders are a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// Ending a session. Held while its threads end, who do not take it.
    Stop,
    /// Switching the view. Held while the provider is asked.
    Switch,
    /// What goes by names.
    Namespace,
    /// The items of a directory. Several are taken in the order of their addresses.
    Directory,
    /// Tables, each locked for one lookup or insert. What is made without a rank is of this one.
    Table,
    /// The store's own.
    Store,
    /// What a kept mount remembers.
    Memory,
}
