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

/// As people count: `2/4` is index 1 of 4.
impl fmt::Display for ShardDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", u64::from(self.index) + 1, self.count)
    }
}
