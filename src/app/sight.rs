//! Which GPUs a server may run on, as far as they can be seen from here.

use crate::config::{GpuUse, Target};
use crate::telemetry::{GpuFacts, Gpus};

/// Whether there are GPUs to look at.
pub(super) enum Sight {
    Seen(Gpus),
    /// They might be the server's, and why they cannot be seen.
    Blind(String),
    /// They are not the server's, or nobody wants to know.
    Elsewhere,
}

impl Sight {
    /// This machine's GPUs say nothing about a server elsewhere, or about a simulated one, unless they are asked for.
    pub(super) fn of(target: &Target, network_path: &str) -> Self {
        let is_here = match target.gpu {
            GpuUse::Auto => matches!(network_path, "loopback" | "bridge" | "host"),
            GpuUse::Require => true,
            GpuUse::Off => false,
        };
        if !is_here {
            return Self::Elsewhere;
        }
        Gpus::open(target.nvml.as_deref()).map_or_else(Self::Blind, Self::Seen)
    }

    pub(super) fn facts(&self) -> GpuFacts {
        match self {
            Self::Seen(gpus) => gpus.facts(),
            Self::Blind(_) | Self::Elsewhere => GpuFacts::default(),
        }
    }
}
