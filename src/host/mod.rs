//! This machine: files, clock, environment.

pub mod files;
