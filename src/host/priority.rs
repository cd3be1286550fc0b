//! Who goes first on a crowded machine.

/// Lets every other thread of the machine go before the calling one. Where the client has a single core, a thread that writes
/// rows must not make one wait that reads sockets. Without effect outside Linux, or where the system does not allow it.
pub fn stand_back() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::setpriority_process;
        // On Linux, priorities are of threads, and a thread's number is looked up as a process's.
        let _refused = setpriority_process(Some(rustix::thread::gettid()), NICE);
    }
}

/// A tenth of the share of a thread at the usual 0.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;
