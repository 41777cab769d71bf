//! What a source of files and directories implements, and how it is asked.
