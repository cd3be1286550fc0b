//! Pages of real servers, pages that are none, and windows between them.

mod pages;
mod syntax;
mod windows;
