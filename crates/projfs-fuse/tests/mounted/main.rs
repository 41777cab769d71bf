//! Tests with a real mount. They need root and `/dev/fuse`, and say so where they have not.

#![allow(unreachable_pub, clippy::unwrap_used, reason = "modules of one test program")]

mod memory;
mod options;
mod placement;
mod rig;
mod speed;
mod stop;
mod transports;
