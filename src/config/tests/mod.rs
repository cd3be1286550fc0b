//! Settings end to end: layers in, plan or words out.

mod errors;
mod layering;
mod plans;
mod support;
