//! Projects a commit of a local Git repository.
