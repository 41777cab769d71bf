//! Directories are found again, however many there are.
