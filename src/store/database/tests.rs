//! The database over real files.
