//! What a workflow of GitHub says, and what its API is asked and told: comments, statuses, check runs, files and proposals.

mod client;
mod comments;
mod contents;
mod error;
mod event;
mod marks;
mod propose;
mod pulls;

mod refusal;
mod words;

pub use client::{GitHub, Patience};
pub use comments::{Done, Policy, Posted};
pub use contents::Entry;
pub use error::{Call, GitHubError, Need, Trouble};
pub use event::{Base, Event, PullSource, Repository};
pub use marks::{CheckRun, Conclusion, State, Status};
pub use propose::{Proposal, Proposed, Texts};
pub use pulls::Pull;
