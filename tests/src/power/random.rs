//! Random acts that can be done.

use projfs_testkit::model::Random;

use crate::act::Act;
use crate::model::Model;
use crate::model::Order;
use crate::model::parent;
use crate::site::Through;

/// The longest that is written at once, in bytes.
const LONGEST: usize = 20_000;

/// An act that can be done to what is there now.
pub(crate) fn act(random: &mut Random, model: &Model, order: Order, through: Through) -> Act {
    loop {
        if let Some(act) = attempt(random, model, order, through) {
            return act;
        }
    }
}

fn attempt(random: &mut Random, model: &Model, order: Order, through: Through) -> Option<Act> {
    let all = model.paths();
    let any = |random: &mut Random, directory: bool| {
        let of: Vec<&String> = all.iter().filter(|(_, is)| *is == directory).map(|(path, _)| *path).collect();
        (!of.is_empty()).then(|| of[random.below(of.len())].clone())
    };
    let file = any(random, false);
    let directory = any(random, true)?;
    let within = |name: String| if directory.is_empty() { name } else { format!("{directory}/{name}") };
    let fresh = within(format!("n{}", random.below(12)));
    let is_free = |path: &String| !all.iter().any(|(known, _)| *known == path);
    Some(match random.below(100) {
        0..14 => Act::Read { path: file? },
        14..22 => Act::Create { path: Some(fresh).filter(is_free)?, data: bytes(random) },
        22..32 => {
            let path = file?;
            // Mostly in place.
            let end = model.length(&path) + if random.chance(30) { 2000 } else { 1 };
            let offset = random.below(end);
            Act::Write { path, offset, data: bytes(random) }
        }
        32..36 => Act::Replace { path: file?, data: bytes(random) },
        36..39 => Act::Mkdir { path: Some(fresh).filter(is_free)? },
        39..46 => Act::Unlink { path: file? },
        46..58 => {
            let (from, to) = (file?, if random.chance(70) { fresh } else { any(random, false)? });
            if model.is_same(&from, &to) || all.iter().any(|(path, is)| *is && **path == to) {
                return None;
            }
            Act::Rename { from, to }
        }
        58..61 if order == Order::Whole => {
            let (from, to) = (any(random, true)?, fresh);
            if from.is_empty() || !is_free(&to) || format!("{to}/").starts_with(&format!("{from}/")) {
                return None;
            }
            Act::Rename { from, to }
        }
        61..64 => Act::Link { from: file?, to: Some(fresh).filter(is_free)? },
        64..66 => Act::Chmod { path: file?, mode: 0o600 | (random.below(0o100) as u32) },
        66..78 => {
            // What was changed is worth more than what was not.
            let path = model.changed().filter(|_| random.chance(60)).or(file)?;
            Act::Sync { path, data_only: random.chance(50) }
        }
        78..92 => {
            let recent = model.changed_directory().filter(|_| random.chance(60));
            Act::SyncDirectory { path: recent.unwrap_or(directory) }
        }
        // The kernel does not pass on the `syncfs` of a mount.
        92 if through == Through::Engine && random.chance(50) => Act::SyncAll,
        93..97 => {
            let name = parent(&file.clone()?).to_owned();
            Act::SyncDirectory { path: name }
        }
        _ => Act::Read { path: file? },
    })
}

/// No zeros, which is what a file has where nothing was written.
fn bytes(random: &mut Random) -> Vec<u8> {
    let byte = 1 + u8::try_from(random.below(255)).unwrap_or(0);
    let length = if random.chance(80) { random.below(3000) } else { random.below(LONGEST) };
    vec![byte; length + 1]
}
