//! Listings: what is projected, what is on disk, and the two merged.

mod ahead;
mod listing;
mod merge;
mod scan;
#[cfg(all(test, projfs_model))]
mod schedules;

pub(crate) use listing::Listing;
pub(crate) use listing::Listings;
pub(crate) use merge::Snapshot;
pub(crate) use merge::SnapshotEntry;
