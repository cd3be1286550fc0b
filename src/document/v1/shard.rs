//! Which part of a run a result is.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of `count` parts of a schedule, measured by one of `count` clients at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShardDocument {
    /// From 0.
    pub index: u32,
    pub count: u32,
}

/// As `--shard` is written: `0/4` is the first of four.
impl fmt::Display for ShardDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}
