//! GPUs of another machine through the binary, by a page like a DCGM exporter's.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Instant;

use crate::stage::Stage;

/// A GPU that draws 400 W by its counter and 410 W by its gauge.
fn exporter() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/metrics", listener.local_addr().unwrap());
    let began = Instant::now();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _head = stream.read(&mut [0; 4096]);
            let labels = "{gpu=\"0\",UUID=\"GPU-far\",modelName=\"NVIDIA H100 80GB HBM3\",Hostname=\"far\"}";
            let millijoules = 400_000.0 * began.elapsed().as_secs_f64();
            let page = format!(
                "DCGM_FI_DEV_GPU_UTIL{labels} 90\nDCGM_FI_DEV_POWER_USAGE{labels} 410\n\
                 DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION{labels} {millijoules}\nDCGM_FI_DEV_XID_ERRORS{labels} 13\n"
            );
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", page.len());
            drop(stream.write_all((head + &page).as_bytes()));
        }
    });
    url
}

#[test]
fn gpus_of_an_exporter_are_read_while_the_level_runs() {
    let (stage, page) = (Stage::new(), exporter());
    let run =
        ["run", "--server", "sim:h100-8b", "--dcgm-url", &page, "--duration", "3s", "--output-len", "8"];
    stage.run(&run).says(0, &[]).prints(&["NVIDIA H100 80GB HBM3", "Energy:"]);
    let result = stage.json("llm-loadtest-results/result.json");
    let gpu = &result["levels"][0]["observed"]["gpus"][0];
    assert_eq!((gpu["uuid"].as_str(), gpu["energy"]["source"].as_str()), (Some("GPU-far"), Some("counter")));
    let watts = gpu["energy"]["joules"].as_f64().unwrap() / gpu["energy"]["seconds"].as_f64().unwrap();
    assert!((watts / 400.0 - 1.0).abs() < 0.05, "{gpu}");
    assert!((gpu["utilization"]["mean"].as_f64().unwrap() - 0.9).abs() < 1e-6, "{gpu}");
    // What the exporter has shown since before the run is no error of this window.
    assert!(gpu["xids"].is_null(), "{gpu}");
}

#[test]
fn an_exporter_that_is_not_there_is_one_line() {
    let stage = Stage::new();
    let page = "http://127.0.0.1:9/metrics";
    let run = ["run", "--server", "sim:fast", "--dcgm-url", page, "-n", "8", "--output-len", "4"];
    stage
        .run(&run)
        .says(0, &[])
        .prints(&["the DCGM exporter at http://127.0.0.1:9/metrics could not be read"]);
    stage.run(&["run", "--server", "sim:fast", "--dcgm-url", "gpu-node"]).says(2, &["--dcgm-url gpu-node"]);
}
