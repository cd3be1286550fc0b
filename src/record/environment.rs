//! Where a measurement was made: what two results must share to be compared.

/// One GPU as NVML names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gpu {
    pub name: String,
    /// Total memory in bytes.
    pub memory: u64,
}

/// The machine, the server and the path between them. Nothing here is secret.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `llm-loadtest` version.
    pub tool: String,
    pub os: String,
    pub cpu: String,
    pub cpu_cores: u32,
    pub memory_bytes: u64,
    pub container: bool,
    /// GPUs seen by NVML on this machine; empty when none are visible.
    pub gpus: Vec<Gpu>,
    pub gpu_driver: Option<String>,
    /// The name of the hardware under test that baselines are keyed by: given by the user, the simulator's profile,
    /// or derived from the GPUs; `unknown` otherwise.
    pub hardware: String,
    /// `Server` header, engine and version where the server says so.
    pub server: Option<String>,
    /// The image of a server that this tool started in a container, with its digest.
    pub image: Option<String>,
    /// `simulated`; `loopback`; `bridge` to a container that this tool started; `host` from a container to its machine;
    /// `service` from a container to another one by its name; `network` otherwise.
    pub network_path: String,
    /// Model name that the server answered with.
    pub model: String,
}
