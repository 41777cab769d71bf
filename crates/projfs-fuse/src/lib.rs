//! Carries a projected file system to the Linux kernel over /dev/fuse.
