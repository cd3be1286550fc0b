//! How a server was started that this tool started, in a file: without the values of its variables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::base::Nanos;
use crate::config::{Gpus, Image, Launch, Starter};

/// A command or an image, and what it was given. The digest of the image that ran stands in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LaunchDocument {
    /// A line of shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// After the image's entrypoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// Variables by name only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_names: Vec<String>,
    /// `all`, `none`, or devices with commas; none: all where the engine could pass them on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpus: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<String>,
    /// Of a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shm_bytes: Option<u64>,
    /// What was asked whether it is ready, where it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready: Option<String>,
    /// Longest wait until it is ready, in whole seconds.
    pub timeout_s: u64,
}

impl From<&Launch> for LaunchDocument {
    fn from(launch: &Launch) -> Self {
        let Launch { starter, env, ready, timeout } = launch;
        let plain = Self {
            command: None,
            image: None,
            args: Vec::new(),
            env_names: env.iter().map(|(name, _)| name.clone()).collect(),
            gpus: None,
            volumes: Vec::new(),
            shm_bytes: None,
            ready: ready.clone(),
            timeout_s: timeout.0.div_ceil(Nanos::from_secs(1.0).0),
        };
        match starter {
            Starter::Command(line) => Self { command: Some(line.clone()), ..plain },
            Starter::Image(Image { name, args, gpus, volumes, shm_bytes, pull: _ }) => Self {
                image: Some(name.clone()),
                args: args.clone(),
                gpus: match gpus {
                    Gpus::Auto => None,
                    Gpus::All => Some("all".to_owned()),
                    Gpus::None => Some("none".to_owned()),
                    Gpus::Devices(devices) => Some(devices.join(",")),
                },
                volumes: volumes.clone(),
                shm_bytes: Some(*shm_bytes),
                ..plain
            },
        }
    }
}
