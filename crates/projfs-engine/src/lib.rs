//! A projected file system without a mount: nodes, states, commands, listings.
