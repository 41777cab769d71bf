//! The ways requests come in and answers go out.

pub mod classic;
pub mod device;
pub mod placement;
pub mod token;
pub mod uring;

pub use device::Device;
pub use token::Home;
pub use token::Token;
