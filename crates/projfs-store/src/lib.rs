//! What is known locally: the directory under the mount, its records, its placeholder log and its journal.
