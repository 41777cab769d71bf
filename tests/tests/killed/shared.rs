//! The directory that all workers share: every deed has its entry, and every entry its deed.

use std::collections::BTreeMap;

use projfs_tests::Deed;
use projfs_tests::Verb;
use projfs_types::JournalEntry;
use projfs_types::What;

use super::Log;
use super::check::names;

/// What can be told of an entry by the deed alone. What is opened or changed by a name may have another by then, or none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Created(String),
    Deleted(String),
    Renamed(String, String),
    Exchanged(String, String),
    Metadata,
    Modified,
}

/// Checks the entries; which of them may have come to nothing.
pub(super) fn check(logs: &[Log], entries: &[(usize, &JournalEntry)]) -> Result<Vec<usize>, String> {
    let done = count(logs.iter().flat_map(|log| &log.done).filter_map(told_by));
    let in_flight = count(logs.iter().filter_map(|log| log.in_flight.as_ref()).filter_map(told_by));
    let opened = logs.iter().flat_map(|log| &log.done).filter(|deed| opens(deed)).count();
    let opening = logs.iter().filter_map(|log| log.in_flight.as_ref()).filter(|deed| opens(deed)).count();
    let mut told: BTreeMap<Told, Vec<usize>> = BTreeMap::new();
    for (at, entry) in entries {
        let path = entry.path.to_string();
        let what = match &entry.what {
            What::Created => Told::Created(path),
            What::Deleted => Told::Deleted(path),
            What::Renamed { to } => Told::Renamed(path, to.to_string()),
            What::Exchanged { with } => Told::Exchanged(path, with.to_string()),
            What::Metadata => Told::Metadata,
            What::Modified => Told::Modified,
            // Of a file of the provider's that is opened for writing.
            What::Converted => continue,
            What::Linked { .. } | What::Updated => return Err(format!("nobody did {entry:?}")),
        };
        told.entry(what).or_default().push(*at);
    }

    let takes_name = |what: &&Told| matches!(what, Told::Deleted(_) | Told::Renamed(..));
    let lost =
        told.iter().filter(|(what, _)| takes_name(what)).map(|(_, entries)| entries.len()).sum::<usize>();
    let nothing = Vec::new();
    let mut in_doubt = Vec::new();
    for what in done.keys().chain(in_flight.keys()).chain(told.keys()) {
        let (done, in_flight) = (done.get(what).unwrap_or(&0), in_flight.get(what).unwrap_or(&0));
        let entries = told.get(what).unwrap_or(&nothing);
        // There is an entry for the open and one for the close, which may be late. A new file has the second alone.
        let closes = if *what == Told::Modified { opened + opening } else { 0 };
        // What lost its name between being found and being changed is nobody's to hear of.
        let unheard = if matches!(what, Told::Modified | Told::Metadata) { lost } else { 0 };
        if entries.len() + unheard < *done || entries.len() > done + in_flight + closes {
            return Err(format!(
                "{what:?} was done {done} times, in flight {in_flight} times, and told {entries:?}"
            ));
        }
        in_doubt.extend(entries.iter().skip(*done));
    }
    in_doubt.retain(|at| entries.iter().any(|(known, entry)| known == at && names(entry)));
    in_doubt.sort_unstable();
    in_doubt.dedup();
    Ok(in_doubt)
}

fn count(told: impl Iterator<Item = Told>) -> BTreeMap<Told, usize> {
    let mut counts = BTreeMap::new();
    told.for_each(|told| *counts.entry(told).or_default() += 1);
    counts
}

/// The entry that a deed in the shared directory must have.
fn told_by(deed: &Deed) -> Option<Told> {
    let Deed { verb, path, other } = deed.clone();
    if !path.starts_with("shared/") {
        return None;
    }
    match verb {
        Verb::Create | Verb::Nameless | Verb::Mkdir | Verb::Symlink | Verb::Mkfifo => {
            Some(Told::Created(path))
        }
        Verb::Append | Verb::Truncate | Verb::Allocate | Verb::Copy => Some(Told::Modified),
        Verb::Chmod | Verb::SetXattr => Some(Told::Metadata),
        Verb::Unlink | Verb::Rmdir => Some(Told::Deleted(path)),
        Verb::Rename | Verb::Exchange if path == other => None,
        Verb::Rename => Some(Told::Renamed(path, other)),
        Verb::Exchange => Some(Told::Exchanged(path, other)),
        // Nobody gives a second name there: with two names of one file, a rename may be none.
        Verb::Link => None,
    }
}

/// Whether a deed opens a file of the shared directory for writing.
fn opens(deed: &Deed) -> bool {
    let writes = matches!(
        deed.verb,
        Verb::Create | Verb::Nameless | Verb::Append | Verb::Truncate | Verb::Allocate | Verb::Copy
    );
    writes && deed.path.starts_with("shared/")
}
