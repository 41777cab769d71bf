//! `Switch`: the kernel's switch for io_uring.

use std::fs;

const SWITCH: &str = "/sys/module/fuse/parameters/enable_uring";

/// Whether tests may turn it: `PROJFS_URING`, since the switch is the whole machine's.
const LEAVE: &str = "PROJFS_URING";

/// Turned on, and back when dropped. The kernel asks for it only while a mount begins.
pub(crate) struct Switch(Option<String>);

impl Switch {
    /// Whether it is on, or may be turned on.
    pub(crate) fn is_to_be_had() -> bool {
        is_on().is_some_and(|on| on || std::env::var_os(LEAVE).is_some())
    }

    /// Turns it on, if it is not.
    pub(crate) fn on() -> Self {
        if is_on() == Some(true) {
            return Self(None);
        }
        let before = fs::read_to_string(SWITCH).unwrap();
        fs::write(SWITCH, "Y").unwrap();
        Self(Some(before))
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if let Some(before) = &self.0
            && let Err(error) = fs::write(SWITCH, before.trim())
        {
            eprintln!("{SWITCH} was not set back: {error}");
        }
    }
}

fn is_on() -> Option<bool> {
    fs::read_to_string(SWITCH).ok().map(|text| text.starts_with('Y'))
}
