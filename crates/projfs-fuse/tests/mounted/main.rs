//! Tests with a real mount. They need root and `/dev/fuse`, and say so where they have not.

mod memory;
mod rig;
mod speed;
mod stop;
mod transports;
