//! Flags, dispatch, printing and exit codes.

pub mod args;
