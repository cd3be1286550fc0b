//! What `.ci/github-api` plants, to see that it would be found.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::fake::{Fake, TOKEN};

/// Only where the description of GitHub's API stands in front of the fake.
#[test]
fn a_wrong_request_is_reported() {
    if std::env::var_os("GITHUB_API_PLANT").is_none() {
        return;
    }
    let fake = Fake::start();
    let front = fake.api_url();
    let mut socket = TcpStream::connect(front.trim_start_matches("http://")).unwrap();
    let body = r#"{"state": "brilliant"}"#;
    let head = format!(
        "POST /repos/o/r/statuses/abc HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    socket.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.contains(r#"["request","body","state"]"#), "{answer}");
    assert_eq!(fake.calls(), ["POST statuses/abc"]);
}
