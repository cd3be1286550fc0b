//! How an engine is asked for GPUs: by NVIDIA's runtime, or by names of the Container Device Interface (CDI).

use bollard::models::{DeviceRequest, SystemInfo};

use crate::config::Gpus;

/// What to ask for, and what that means in a sentence.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) request: Option<DeviceRequest>,
    pub(super) sentence: String,
}

const CDI: &str = "nvidia.com/gpu";

pub(super) fn request(gpus: &Gpus, engine: &SystemInfo) -> Asked {
    let has_runtime = engine.runtimes.iter().flatten().any(|(name, _)| name == "nvidia");
    let devices = engine.discovered_devices.iter().flatten();
    let has_cdi = devices.filter_map(|device| device.id.as_ref()).any(|id| id.starts_with(CDI));
    let (ids, words) = match gpus {
        Gpus::None => return none("none, as asked"),
        Gpus::Auto if !has_runtime && !has_cdi => {
            return none(
                "none: the container engine knows no NVIDIA runtime; --server-gpus all asks for them anyway",
            );
        }
        Gpus::Auto | Gpus::All => (Vec::new(), "all".to_owned()),
        Gpus::Devices(devices) => (devices.clone(), devices.join(",")),
    };
    let request = if has_cdi && !has_runtime {
        let ids = if ids.is_empty() { vec!["all".to_owned()] } else { ids };
        DeviceRequest {
            driver: Some("cdi".to_owned()),
            device_ids: Some(ids.iter().map(|id| format!("{CDI}={id}")).collect()),
            ..DeviceRequest::default()
        }
    } else {
        DeviceRequest {
            count: ids.is_empty().then_some(-1),
            device_ids: (!ids.is_empty()).then_some(ids),
            capabilities: Some(vec![vec!["gpu".to_owned()]]),
            ..DeviceRequest::default()
        }
    };
    Asked { request: Some(request), sentence: format!("GPUs of the server's container: {words}") }
}

fn none(why: &str) -> Asked {
    Asked { request: None, sentence: format!("GPUs of the server's container: {why}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(gpus: &Gpus, info: &str) -> String {
        let Asked { request, sentence } = request(gpus, &serde_json::from_str(info).unwrap());
        let request = request.map(|request| serde_json::to_string(&request).unwrap());
        format!("{} {}", sentence.rsplit(": ").next().unwrap(), request.unwrap_or_default())
    }

    #[test]
    fn engines_are_asked_in_the_way_they_know() {
        let runtime = r#"{"Runtimes": {"runc": {}, "nvidia": {}}}"#;
        let cdi = r#"{"DiscoveredDevices": [{"Source": "cdi", "ID": "nvidia.com/gpu=0"}]}"#;
        let two = Gpus::Devices(vec!["0".to_owned(), "1".to_owned()]);
        insta::assert_snapshot!(
            [
                asked(&Gpus::Auto, "{}"),
                asked(&Gpus::Auto, runtime),
                asked(&Gpus::Auto, cdi),
                asked(&Gpus::All, "{}"),
                asked(&Gpus::None, runtime),
                asked(&two, runtime),
                asked(&two, cdi),
            ]
            .join("\n"),
            @r#"
        the container engine knows no NVIDIA runtime; --server-gpus all asks for them anyway 
        all {"Count":-1,"Capabilities":[["gpu"]]}
        all {"Driver":"cdi","DeviceIDs":["nvidia.com/gpu=all"]}
        all {"Count":-1,"Capabilities":[["gpu"]]}
        none, as asked 
        0,1 {"DeviceIDs":["0","1"],"Capabilities":[["gpu"]]}
        0,1 {"Driver":"cdi","DeviceIDs":["nvidia.com/gpu=0","nvidia.com/gpu=1"]}
        "#
        );
    }
}
