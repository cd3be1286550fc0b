//! The servers that can be simulated, as costs and limits.

/// What one server costs per unit of work and how much it holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    pub name: &'static str,
    /// Microseconds to prefill one prompt token.
    pub prefill_us: f64,
    /// Microseconds of every step, whatever is in it: mostly reading the weights.
    pub step_us: f64,
    /// Microseconds per sequence that decodes in the step.
    pub decode_us: f64,
    /// Nanoseconds per token of KV cache that the step reads.
    pub kv_read_ns: f64,
    /// Tokens scheduled per step at most, prefill and decode together.
    pub budget: u32,
    /// Sequences in the batch at most.
    pub max_batch: u32,
    /// Blocks of 16 tokens in the KV cache.
    pub kv_blocks: u32,
    pub prefix_cache: bool,
    /// Prompt and output tokens of one request at most.
    pub context: u32,
}

impl Profile {
    /// The profile of that name, or `None`.
    pub fn named(name: &str) -> Option<&'static Self> {
        PROFILES.iter().find(|profile| profile.name == name)
    }

    /// Every name, in the order of the documentation.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PROFILES.iter().map(|profile| profile.name)
    }

    /// The profile of a bare `sim:`.
    pub fn standard() -> &'static Self {
        &PROFILES[0]
    }
}

/// Orders of magnitude from the hardware: weights read once per step (bytes / bandwidth), KV read per token
/// (128 KiB per token for 8B in 16 bits), two operations per weight and prompt token at about half the peak.
static PROFILES: [Profile; 4] = [
    Profile {
        name: "h100-8b",
        prefill_us: 25.0,
        step_us: 7_500.0,
        decode_us: 20.0,
        kv_read_ns: 40.0,
        budget: 8_192,
        max_batch: 256,
        kv_blocks: 26_000,
        prefix_cache: true,
        context: 32_768,
    },
    Profile {
        name: "l4-8b",
        prefill_us: 280.0,
        step_us: 34_000.0,
        decode_us: 80.0,
        kv_read_ns: 200.0,
        budget: 2_048,
        max_batch: 128,
        kv_blocks: 7_000,
        prefix_cache: true,
        context: 16_384,
    },
    // Four GPUs, tensor-parallel.
    Profile {
        name: "h100-70b",
        prefill_us: 60.0,
        step_us: 17_000.0,
        decode_us: 30.0,
        kv_read_ns: 25.0,
        budget: 8_192,
        max_batch: 256,
        kv_blocks: 30_000,
        prefix_cache: true,
        context: 32_768,
    },
    // For tests of a client: as good as no cost, yet steps still take time.
    Profile {
        name: "fast",
        prefill_us: 0.02,
        step_us: 100.0,
        decode_us: 0.1,
        kv_read_ns: 0.0,
        budget: 16_384,
        max_batch: 1_024,
        kv_blocks: 100_000,
        prefix_cache: true,
        context: 131_072,
    },
];
