//! Settings end to end: layers in, plan or words out.

mod action;
mod asks;
mod errors;
mod layering;
mod loads;
mod plans;
mod starts;
mod support;
