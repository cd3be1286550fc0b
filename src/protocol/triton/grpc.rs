//! `KServe`'s v2 protocol over gRPC: one `ModelStreamInfer` for each request.
//!
//! The body of a response is a row of gRPC's length-prefixed messages (PROTOCOL-HTTP2.md). A status other than OK comes
//! last, as gRPC-Web writes it: a frame whose flag has the highest bit, with `grpc-status` and `grpc-message` as lines.

use prost::Message as _;
use serde_json::{Map, Value};

use super::growth::{self, Growth};
use super::messages::{
    InferParameter, InferTensor, InferTensorContents, ModelInferRequest, ModelInferResponse,
    ModelStreamInferResponse, Parameter,
};
use super::{TEXT_OUTPUT, ask};
use crate::protocol::answer::{Answer, Sink};
use crate::protocol::codec::{CallOptions, Codec, Decode, Event, Tokens};
use crate::protocol::text::Literal;
use crate::protocol::{Api, buffer, errors};
use crate::record::{Ask, Failure, FailureClass};

pub(in crate::protocol) const STREAM_INFER: &dyn Codec = &Grpc;

struct Grpc;

impl Codec for Grpc {
    fn api(&self) -> Api {
        Api::KserveGrpc
    }

    fn path(&self, _model: &str, _stream: bool) -> String {
        "/inference.GRPCInferenceService/ModelStreamInfer".to_owned()
    }

    fn body(&self, ask: &Ask, options: &CallOptions) -> Vec<u8> {
        request(ask, options).encode_to_vec()
    }

    fn stream(&self) -> Box<dyn Decode> {
        Box::<Frames>::default()
    }

    /// A decoupled model can be asked in no other way, streaming or not.
    fn whole(&self) -> Box<dyn Decode> {
        self.stream()
    }

    fn refusal(&self, status: u16, body: &[u8]) -> Failure {
        errors::refusal(status, body)
    }
}

/// Asks Triton to mark the end by a response without outputs.
const WANTS_FINAL: &str = "triton_enable_empty_final_response";

fn request(ask: &Ask, options: &CallOptions) -> ModelInferRequest {
    let (tensors, rest) = ask::inputs(ask, options, Some(options.stream));
    let mut parameters = rest.get("parameters").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    parameters.entry(WANTS_FINAL).or_insert(Value::Bool(true));
    let parameters = parameters.iter().filter_map(|(name, value)| Some((name.clone(), parameter(value)?)));
    ModelInferRequest {
        model_name: ask.model.as_deref().unwrap_or(&options.model).to_owned(),
        id: ask.index.to_string(),
        parameters: parameters.collect(),
        inputs: tensors.into_iter().map(tensor).collect(),
    }
}

/// A scalar as a parameter of the request; none for anything else.
fn parameter(value: &Value) -> Option<InferParameter> {
    let choice = match value {
        Value::Bool(switch) => Parameter::Switch(*switch),
        Value::String(text) => Parameter::Text(text.clone()),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Parameter::Integer(integer),
            None => Parameter::Number(number.as_f64()?),
        },
        _ => return None,
    };
    Some(InferParameter { choice: Some(choice) })
}

fn tensor(ask::Tensor { name, shape, data }: ask::Tensor) -> InferTensor {
    let datatype = data.datatype().to_owned();
    let mut contents = InferTensorContents::default();
    match data {
        ask::Data::Texts(texts) => {
            contents.bytes_contents = texts.into_iter().map(String::into_bytes).collect();
        }
        ask::Data::Integers(integers) => contents.int_contents = integers,
        ask::Data::Floats(floats) => contents.fp32_contents = floats,
        ask::Data::Switches(switches) => contents.bool_contents = switches,
    }
    InferTensor { name, datatype, shape, contents: Some(contents) }
}

/// Reads the messages of one response.
#[derive(Default)]
struct Frames {
    /// The frame that is not complete yet.
    rest: Vec<u8>,
    growth: Growth,
    answer: Answer,
    /// What comes is no row of frames; everything after it is dropped.
    broken: bool,
}

/// Bytes of a message: as many as gRPC's libraries take by default.
const MESSAGE_MAX: usize = 4 << 20;
/// Flag and length before each message.
const PREFIX: usize = 5;
/// The flag of a frame that holds the status.
const STATUS: u8 = 0x80;

impl Decode for Frames {
    fn feed(&mut self, bytes: &[u8], sink: &mut Sink<'_>) {
        let mut held = std::mem::take(&mut self.rest);
        // A frame that lies in one piece is not copied.
        let mut left = if held.is_empty() {
            bytes
        } else {
            held.extend_from_slice(bytes);
            held.as_slice()
        };
        while !self.broken
            && let Some((prefix, after)) = left.split_at_checked(PREFIX)
        {
            let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
            if length > MESSAGE_MAX || !matches!(prefix[0], 0 | STATUS) {
                self.broken = true;
                let words = format!("not a gRPC message of at most {MESSAGE_MAX} bytes");
                self.answer.fail(Failure::new(FailureClass::Malformed, words), sink);
                break;
            }
            let Some((payload, next)) = after.split_at_checked(length) else { break };
            left = next;
            match prefix[0] {
                STATUS => self.status(payload, sink),
                _ => self.message(payload, sink),
            }
        }
        if !self.broken {
            let used = if held.is_empty() { None } else { Some(held.len() - left.len()) };
            match used {
                None => self.rest.extend_from_slice(left),
                Some(used) => {
                    held.drain(..used);
                    self.rest = held;
                }
            }
        }
    }

    fn finish(&mut self, clean: bool, sink: &mut Sink<'_>) -> Result<(), Failure> {
        if clean && !self.rest.is_empty() {
            let words = "the body ended inside a message";
            self.answer.fail(Failure::new(FailureClass::Truncated, words), sink);
        }
        self.answer.verdict(clean, "any output")
    }

    fn reset(&mut self) {
        let Self { rest, growth, answer, broken } = self;
        buffer::reset(rest);
        growth.reset();
        (*answer, *broken) = (Answer::default(), false);
    }
}

impl Frames {
    fn message(&mut self, payload: &[u8], sink: &mut Sink<'_>) {
        self.answer.begin();
        let message = match ModelStreamInferResponse::decode(payload) {
            Ok(message) => message,
            Err(error) => {
                let words = format!("not a ModelStreamInferResponse: {error}");
                return self.answer.fail(Failure::new(FailureClass::Malformed, words), sink);
            }
        };
        let ModelStreamInferResponse { error_message, infer_response } = message;
        if !error_message.is_empty() {
            let failure = Failure::new(FailureClass::InStreamError, error_message);
            return self.answer.fail(failure, sink);
        }
        let response = infer_response.unwrap_or_default();
        if is_final(&response) {
            self.answer.end();
        }
        let text = text(response);
        let mut scratch = String::new();
        let literals = self.growth.add(Literal::of(&text, &mut scratch));
        match growth::text(&literals) {
            Some(text) => {
                // Servers without Triton's final response just close the stream.
                self.answer.end();
                self.answer.speak(Tokens { text, visible: true, count: None }, sink);
            }
            None => sink(Event::Idle),
        }
    }

    fn status(&mut self, payload: &[u8], sink: &mut Sink<'_>) {
        let lines = String::from_utf8_lossy(payload);
        let value = |name: &str| {
            lines
                .lines()
                .find_map(|line| Some(line.split_once(':').filter(|(key, _)| *key == name)?.1.trim()))
        };
        let code = value("grpc-status").and_then(|code| code.parse().ok()).unwrap_or(UNKNOWN);
        self.answer.begin();
        let failure = failure(code, value("grpc-message").unwrap_or_default(), self.answer.has_spoken());
        self.answer.fail(failure, sink);
    }
}

/// `UNKNOWN` of google.rpc.Code.
const UNKNOWN: u32 = 2;

/// What a status other than OK means: before any token it is a refusal, of the class that its HTTP status in
/// google.rpc's code.proto has; behind tokens it is an error inside the answer.
fn failure(code: u32, words: &str, has_spoken: bool) -> Failure {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    let class = match code {
        4 => FailureClass::TimeoutTotal,
        14 if has_spoken => FailureClass::Truncated,
        _ if has_spoken => FailureClass::InStreamError,
        8 => FailureClass::Http429,
        1 | 3 | 5 | 6 | 7 | 9 | 10 | 11 | 16 => FailureClass::Http4xx,
        _ => FailureClass::Http5xx,
    };
    let name = NAMES.get(code as usize).copied().unwrap_or("a status of its own");
    Failure::new(class, format!("gRPC status {code} ({name}): {words}"))
}

fn is_final(response: &ModelInferResponse) -> bool {
    let flag = response.parameters.get("triton_final_response");
    flag.is_some_and(|flag| flag.choice == Some(Parameter::Switch(true)))
}

/// The text of a response: that of the output by its usual name, or of the first that holds texts.
fn text(response: ModelInferResponse) -> String {
    let ModelInferResponse { parameters: _, mut outputs, raw_output_contents } = response;
    let is_text = |tensor: &InferTensor| tensor.datatype == "BYTES";
    let named = |tensor: &InferTensor| is_text(tensor) && tensor.name == TEXT_OUTPUT;
    let Some(at) = outputs.iter().position(named).or_else(|| outputs.iter().position(is_text)) else {
        return String::new();
    };
    let elements = match raw_output_contents.get(at) {
        Some(raw) => elements(raw),
        None => outputs.swap_remove(at).contents.unwrap_or_default().bytes_contents,
    };
    elements.iter().map(|element| String::from_utf8_lossy(element)).collect()
}

/// The elements of a raw tensor of texts: each behind its length in four bytes, the lowest first.
fn elements(mut raw: &[u8]) -> Vec<Vec<u8>> {
    let mut elements = Vec::new();
    while let Some((length, rest)) = raw.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let (element, rest) = rest.split_at(length.min(rest.len()));
        elements.push(element.to_vec());
        raw = rest;
    }
    elements
}
