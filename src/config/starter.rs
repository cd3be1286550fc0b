//! The file that `llm-loadtest init` writes.

/// A commented, complete configuration whose target is the built-in simulator.
pub fn starter() -> &'static str {
    include_str!("starter.yaml")
}
