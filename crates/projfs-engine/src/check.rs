//! What a provider says of an item, checked.

use projfs_types::EXTENDED_SIZE_MAX;
use projfs_types::ItemKind;
use projfs_types::PlaceholderInfo;
use projfs_types::PlaceholderKind;
use projfs_types::mode;

/// The longest target of a symbolic link, in bytes (`PATH_MAX` less its NUL).
const TARGET_MAX: usize = 4095;

/// The rule that `info` breaks, if any.
pub(crate) fn info(info: &PlaceholderInfo) -> Result<(), &'static str> {
    if u32::from(info.mode) & !mode::PERMISSIONS != 0 {
        return Err("the mode has more than permission bits");
    }
    let times = &info.times;
    if [times.creation, times.access, times.write, times.change]
        .iter()
        .any(|time| time.nanoseconds > 999_999_999)
    {
        return Err("a time has more than 999999999 nanoseconds");
    }
    if info.item_kind() == ItemKind::Symlink && !info.extended.is_empty() {
        return Err("a symbolic link has no extended attributes");
    }
    if info.extended.size() > EXTENDED_SIZE_MAX {
        return Err("the extended attributes take more than 1024 bytes");
    }
    match &info.kind {
        PlaceholderKind::File { size } if i64::try_from(*size).is_err() => Err("the size is above 2^63-1"),
        PlaceholderKind::Symlink { target } if target.is_empty() => Err("the link has no target"),
        PlaceholderKind::Symlink { target } if target.len() > TARGET_MAX => {
            Err("the link's target is longer than 4095 bytes")
        }
        PlaceholderKind::Symlink { target } if target.contains(&0) => {
            Err("the link's target contains a NUL byte")
        }
        PlaceholderKind::File { .. } | PlaceholderKind::Directory | PlaceholderKind::Symlink { .. } => Ok(()),
    }
}
