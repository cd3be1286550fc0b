//! `KServe`'s gRPC API, by frames made by hand over HTTP/2.

use bytes::Bytes;
use h2::client;
use serde_json::json;
use tokio::net::TcpStream;

use super::raw::*;
use crate::simulator::http::{Simulator, TruthOutcome};

/// What one call brought: its messages, and its status unless the connection broke.
struct Call {
    messages: Vec<Vec<u8>>,
    status: Option<String>,
    message: Option<String>,
}

/// Sends all messages at once and reads the answer to its end.
fn grpc(sim: &Simulator, method: &str, messages: &[Vec<u8>]) -> Call {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let tcp = TcpStream::connect(sim.base_url().strip_prefix("http://").unwrap()).await.unwrap();
        let (mut sender, connection) = client::handshake(tcp).await.unwrap();
        tokio::spawn(async move { connection.await.unwrap_or_default() });
        let request =
            axum::http::Request::post(format!("{}/inference.GRPCInferenceService/{method}", sim.base_url()))
                .header("content-type", "application/grpc")
                .header("te", "trailers")
                .body(())
                .unwrap();
        let (response, mut stream) = sender.send_request(request, false).unwrap();
        let frames = messages.iter().map(|message| framed(message)).collect::<Vec<_>>().concat();
        stream.send_data(Bytes::from(frames), true).unwrap();
        let response = response.await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["content-type"]),
            (200, &"application/grpc".parse().unwrap())
        );
        let mut body = response.into_body();
        let mut bytes = Vec::new();
        while let Some(Ok(piece)) = body.data().await {
            body.flow_control().release_capacity(piece.len()).unwrap();
            bytes.extend_from_slice(&piece);
        }
        let trailers = body.trailers().await.ok().flatten();
        let of = |name: &str| {
            trailers.as_ref().and_then(|map| map.get(name)).map(|value| value.to_str().unwrap().to_owned())
        };
        Call { messages: unframed(&bytes), status: of("grpc-status"), message: of("grpc-message") }
    })
}

fn framed(message: &[u8]) -> Vec<u8> {
    [&[0], &(message.len() as u32).to_be_bytes()[..], message].concat()
}

fn unframed(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut messages = Vec::new();
    while let Some((head, rest)) = bytes.split_first_chunk::<5>() {
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let (message, after) = rest.split_at(length.min(rest.len()));
        messages.push(message.to_vec());
        bytes = after;
    }
    messages
}

/// A field of bytes shorter than 128.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

/// `ModelInferRequest` for eight words, as Triton's own client writes it: contents raw.
fn infer(id: &str, max_tokens: i32, marks_end: bool) -> Vec<u8> {
    let tensor = |name: &str, datatype: &str| {
        field(5, &[field(1, name.as_bytes()), field(2, datatype.as_bytes()), vec![0x1a, 1, 1]].concat())
    };
    let text = b"one two three four five six seven eight";
    let mut message = [field(1, b"tiny"), field(3, id.as_bytes())].concat();
    if marks_end {
        let flag = field(2, &[8, 1]);
        message.extend(field(4, &[field(1, b"triton_enable_empty_final_response"), flag].concat()));
    }
    message.extend(
        [tensor("text_input", "BYTES"), tensor("max_tokens", "INT32"), tensor("stream", "BOOL")].concat(),
    );
    message.extend(field(7, &[&(text.len() as u32).to_le_bytes()[..], text].concat()));
    message.extend([field(7, &max_tokens.to_le_bytes()), field(7, &[1])].concat());
    message
}

fn holds(message: &[u8], part: &[u8]) -> bool {
    message.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_server_and_its_model_are_ready() {
    let sim = sim("&engine=triton");
    for (method, message) in
        [("ServerLive", Vec::new()), ("ServerReady", Vec::new()), ("ModelReady", field(1, b"tiny"))]
    {
        let call = grpc(&sim, method, &[message]);
        assert_eq!((call.messages, call.status.as_deref()), (vec![vec![8, 1]], Some("0")), "{method}");
    }
    assert_eq!(grpc(&sim, "ModelReady", &[field(1, b"nope")]).messages, [Vec::<u8>::new()]);
    let metadata = grpc(&sim, "ModelMetadata", &[field(1, b"tiny")]);
    assert!(holds(&metadata.messages[0], &field(1, b"text_output")));
    let starting = super::raw::sim("&engine=triton&start_ms=60000");
    assert_eq!(grpc(&starting, "ServerReady", &[Vec::new()]).messages, [Vec::<u8>::new()]);
}

#[test]
fn a_stream_sends_a_response_per_token_and_the_end_where_it_is_wished() {
    let sim = sim("&engine=triton");
    let call = grpc(&sim, "ModelStreamInfer", &[infer("r-1", 3, true)]);
    assert_eq!((call.messages.len(), call.status.as_deref()), (4, Some("0")));
    for message in &call.messages {
        // Field 2 is the response, field 3 in it the id.
        assert_eq!(message[0], 0x12);
        assert!(holds(message, &field(3, b"r-1")) && holds(message, b"triton_final_response"));
    }
    let output = field(1, b"text_output");
    let outputs: Vec<bool> = call.messages.iter().map(|message| holds(message, &output)).collect();
    assert_eq!(outputs, [true, true, true, false]);
    assert!(holds(&call.messages[3], &field(2, &[8, 1])) && holds(&call.messages[2], &field(2, &[8, 0])));
    let row = &sim.truth()[0];
    assert_eq!((row.request_id.as_str(), row.prompt_tokens, row.output_tokens), ("r-1", 8, 3));
    assert_eq!(grpc(&sim, "ModelStreamInfer", &[infer("r-2", 3, false)]).messages.len(), 3);
}

#[test]
fn several_requests_share_a_stream_by_their_ids() {
    let sim = sim("&engine=triton");
    let call = grpc(&sim, "ModelStreamInfer", &[infer("r-1", 5, true), infer("r-2", 7, true)]);
    let of = |id: &[u8]| call.messages.iter().filter(|message| holds(message, &field(3, id))).count();
    assert_eq!((of(b"r-1"), of(b"r-2")), (6, 8));
    let mut rows: Vec<_> =
        sim.truth().iter().map(|row| (row.request_id.clone(), row.output_tokens)).collect();
    rows.sort();
    assert_eq!(rows, [("r-1".to_owned(), 5), ("r-2".to_owned(), 7)]);
}

#[test]
fn a_unary_call_answers_once() {
    let call = grpc(&sim(""), "ModelInfer", &[infer("r-1", 3, false)]);
    assert_eq!((call.messages.len(), call.status.as_deref()), (1, Some("0")));
    assert!(
        holds(&call.messages[0], &field(3, b"r-1")) && holds(&call.messages[0], &field(1, b"text_output"))
    );
}

#[test]
fn faults_are_statuses_or_messages_in_the_stream() {
    let status = |query: &str, method: &str, message: Vec<u8>| {
        let call = grpc(&sim(&format!("&engine=triton{query}")), method, &[message]);
        (call.status.unwrap(), call.message.is_some())
    };
    assert_eq!(status("&errors=100%", "ModelInfer", infer("r", 3, false)), ("13".to_owned(), true));
    assert_eq!(status("&reject=100%", "ModelInfer", infer("r", 3, false)), ("14".to_owned(), true));
    assert_eq!(status("", "ModelMetadata", field(1, b"nope")), ("5".to_owned(), true));
    assert_eq!(status("", "ModelInfer", vec![0xff]), ("3".to_owned(), true));
    assert_eq!(status("", "ModelInfer", infer("r", -1, false)), ("3".to_owned(), true));
    assert_eq!(status("", "Nonsense", Vec::new()), ("12".to_owned(), true));

    let sim_broken = sim("&engine=triton&instream=100%");
    let broken = grpc(&sim_broken, "ModelStreamInfer", &[infer("r-1", 9, true)]);
    assert_eq!(broken.status.as_deref(), Some("0"));
    // Field 1 is the error; the response after it is the last.
    assert_eq!(broken.messages[broken.messages.len() - 2][0], 0x0a);
    assert_eq!(sim_broken.truth()[0].outcome, TruthOutcome::StreamError);
    let refused = grpc(&sim("&engine=triton&reject=100%"), "ModelStreamInfer", &[infer("r-1", 9, true)]);
    assert_eq!((refused.messages.len(), refused.messages[0][0]), (1, 0x0a));

    let sim_cut = sim("&engine=triton&cut=100%");
    let cut = grpc(&sim_cut, "ModelStreamInfer", &[infer("r-1", 9, true)]);
    assert!(cut.status.is_none() && !cut.messages.is_empty());
    assert_eq!(sim_cut.truth()[0].outcome, TruthOutcome::Cut);
}

#[test]
fn http_1_is_served_beside_it() {
    let sim = sim("&engine=triton");
    assert_eq!(
        ask(&sim, "/v2/models/tiny/generate", &json!({"text_input": "a", "max_tokens": 1})).status,
        200
    );
}
