//! What all decoders are held against: real samples.

pub(super) mod samples;

use std::path::{Path, PathBuf};

use super::http1::{Part, Responses};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/wire")
}

/// The bytes of a sample in tests/fixtures/wire.
pub(super) fn sample(name: &str) -> Vec<u8> {
    std::fs::read(root().join(name)).unwrap()
}

/// Status and body of a sample that is a whole HTTP response.
pub(super) fn response(name: &str) -> (u16, Vec<u8>) {
    let bytes = sample(name);
    let (mut responses, mut left) = (Responses::default(), bytes.as_slice());
    let (mut status, mut body) = (0, Vec::new());
    while let Some(part) = responses.next(&mut left) {
        match part {
            Part::Head { status: code } => status = code,
            Part::Body(piece) => body.extend_from_slice(piece),
            Part::End => break,
            Part::Broken(why) => panic!("{name}: {why}"),
        }
    }
    (status, body)
}

#[test]
fn no_sample_of_triton_is_forgotten() {
    let read = [include_str!("../triton/tests/http.rs"), include_str!("../triton/tests/grpc.rs")];
    for entry in std::fs::read_dir(root().join("triton")).unwrap() {
        let name = format!("triton/{}", entry.unwrap().file_name().to_string_lossy());
        // Pages of metrics are read elsewhere.
        assert!(name.contains("/metrics") || read.iter().any(|text| text.contains(&name)), "{name}");
    }
}
