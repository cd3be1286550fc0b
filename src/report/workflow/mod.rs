//! Text for GitHub's runner: commands on stdout, annotations, outputs, and other people's text that commands nothing.

mod annotations;
mod command;

pub use annotations::{Place, annotations};
pub use command::{command, inert, outputs};
