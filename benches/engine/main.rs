//! How exact and how fast is the load engine, beside raw sockets on the same machine in the same minute?
//!
//! `cargo bench --bench engine -- [SCENARIO…]` runs a mock server pinned to core 0 and, one after the other on core 1, a raw
//! epoll client and `llm-loadtest run`. It prints medians as Markdown; docs/PERFORMANCE.md says what each scenario is.
//! `RUNS=5` repeats every measurement; `PRIORITY=nice|fifo|none` says how both sides are held against other work on
//! the machine, `BEFORE=path` measures another build of `llm-loadtest` besides, and `BINARY=path` one instead.
//!
//! The binary is its own cast: `engine server …` is the mock, `engine raw …` the raw client, `engine awake` idle work.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a benchmark that cannot set its stage should stop there, and is told what to do by the environment"
)]

#[cfg(target_os = "linux")]
mod clock;
#[cfg(target_os = "linux")]
mod connection;
#[cfg(target_os = "linux")]
mod mock;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod raw;
#[cfg(target_os = "linux")]
mod rows;
#[cfg(target_os = "linux")]
mod scenario;
#[cfg(target_os = "linux")]
mod stage;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
mod truth;
#[cfg(target_os = "linux")]
mod wire;

#[cfg(target_os = "linux")]
fn main() {
    // Cargo adds --bench of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.split_first() {
        Some((role, rest)) if role == "server" => mock::main(rest),
        Some((role, rest)) if role == "raw" => raw::main(rest),
        Some((role, _)) if role == "awake" => stage::stay_awake(),
        _ => scenario::main(&arguments),
    }
}

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("the engine's benchmark needs Linux: epoll, /proc and taskset");
}
