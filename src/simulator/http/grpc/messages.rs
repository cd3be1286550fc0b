//! The messages of `inference.GRPCInferenceService` by their field numbers (`KServe`'s `grpc_predict_v2.proto`).

use bytes::Bytes;

use super::proto::{Field, Malformed, Message, fields, varint};

/// A `ModelInferRequest` as far as the model reads it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct InferRequest {
    pub model: String,
    pub id: String,
    pub text: Option<String>,
    pub max_tokens: Option<i64>,
    pub stream: bool,
    /// Triton's parameter `triton_enable_empty_final_response`.
    pub marks_end: bool,
}

/// One input: its name, and its first value where it came inside the tensor.
#[derive(Debug, Default)]
struct Tensor {
    name: String,
    datatype: String,
    value: Option<Value>,
}

#[derive(Debug)]
enum Value {
    Number(i64),
    Text(String),
}

impl InferRequest {
    pub(super) fn read(message: &[u8]) -> Result<Self, Malformed> {
        let mut request = Self::default();
        let (mut tensors, mut raw) = (Vec::new(), Vec::new());
        for (number, field) in fields(message)? {
            match (number, field) {
                (1, Field::Bytes(bytes)) => request.model = utf8(bytes)?,
                (3, Field::Bytes(bytes)) => request.id = utf8(bytes)?,
                (4, Field::Bytes(bytes)) => {
                    request.marks_end |= is_set(bytes, "triton_enable_empty_final_response")?;
                }
                (5, Field::Bytes(bytes)) => tensors.push(Tensor::read(bytes)?),
                (7, Field::Bytes(bytes)) => raw.push(bytes),
                _ => {}
            }
        }
        // Raw contents belong to the tensors in order, or there are none of them at all.
        for (index, tensor) in tensors.into_iter().enumerate() {
            let Tensor { name, datatype, value } = tensor;
            let value = match raw.get(index) {
                Some(bytes) => raw_value(&datatype, bytes)?,
                None => value,
            };
            match (name.as_str(), value) {
                ("text_input", Some(Value::Text(text))) => request.text = Some(text),
                ("max_tokens", Some(Value::Number(count))) => request.max_tokens = Some(count),
                ("stream", Some(Value::Number(flag))) => request.stream = flag != 0,
                _ => {}
            }
        }
        Ok(request)
    }
}

impl Tensor {
    fn read(message: &[u8]) -> Result<Self, Malformed> {
        let mut tensor = Self::default();
        for (number, field) in fields(message)? {
            match (number, field) {
                (1, Field::Bytes(bytes)) => tensor.name = utf8(bytes)?,
                (2, Field::Bytes(bytes)) => tensor.datatype = utf8(bytes)?,
                (5, Field::Bytes(bytes)) => tensor.value = contents(bytes)?,
                _ => {}
            }
        }
        Ok(tensor)
    }
}

/// The first value of an `InferTensorContents`: numbers of any width, packed or not, or bytes.
fn contents(message: &[u8]) -> Result<Option<Value>, Malformed> {
    for (number, field) in fields(message)? {
        match (number, field) {
            (1..=5, Field::Varint(value)) => return Ok(Some(Value::Number(value.cast_signed()))),
            (1..=5, Field::Bytes(mut packed)) if !packed.is_empty() => {
                return Ok(Some(Value::Number(varint(&mut packed)?.cast_signed())));
            }
            (8, Field::Bytes(bytes)) => return Ok(Some(Value::Text(utf8(bytes)?))),
            _ => {}
        }
    }
    Ok(None)
}

/// The first value of a tensor in raw bytes: little-endian, texts with a length of four bytes in front.
fn raw_value(datatype: &str, bytes: &[u8]) -> Result<Option<Value>, Malformed> {
    let number = |width: usize| {
        let mut eight = [0; 8];
        eight[..width].copy_from_slice(bytes.get(..width).ok_or(Malformed)?);
        Ok(Some(Value::Number(i64::from_le_bytes(eight))))
    };
    match datatype {
        "BYTES" => {
            let (length, text) = bytes.split_first_chunk::<4>().ok_or(Malformed)?;
            let text = text.get(..u32::from_le_bytes(*length) as usize).ok_or(Malformed)?;
            Ok(Some(Value::Text(utf8(text)?)))
        }
        "BOOL" | "INT8" | "UINT8" => number(1),
        "INT16" | "UINT16" => number(2),
        // A negative count is wrong in any width, so its sign must survive.
        "INT32" => {
            let four = bytes.first_chunk::<4>().ok_or(Malformed)?;
            Ok(Some(Value::Number(i64::from(i32::from_le_bytes(*four)))))
        }
        "UINT32" => number(4),
        "INT64" | "UINT64" => number(8),
        _ => Ok(None),
    }
}

/// Whether an entry of `map<string, InferParameter>` is that name with true.
fn is_set(entry: &[u8], name: &str) -> Result<bool, Malformed> {
    let entry = fields(entry)?;
    let named = entry.contains(&(1, Field::Bytes(name.as_bytes())));
    let mut value = false;
    for (number, field) in entry {
        if let (2, Field::Bytes(parameter)) = (number, field) {
            value = fields(parameter)?.contains(&(1, Field::Varint(1)));
        }
    }
    Ok(named && value)
}

fn utf8(bytes: &[u8]) -> Result<String, Malformed> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Malformed)
}

/// One `ModelInferResponse`: the text of some tokens, or none on the response that marks the end.
#[derive(Debug, Clone, Copy)]
pub(super) struct InferResponse<'a> {
    pub model: &'a str,
    pub version: &'a str,
    pub id: &'a str,
    pub text: Option<&'a str>,
    /// The parameter `triton_final_response`, where it was wished for.
    pub is_final: Option<bool>,
}

impl InferResponse<'_> {
    pub(super) fn write(&self) -> Message {
        let Self { model, version, id, text, is_final } = *self;
        let mut message = Message::default().text(1, model).text(2, version).text(3, id);
        if let Some(is_final) = is_final {
            let value = Message::default().varint(1, u64::from(is_final));
            let entry = Message::default().text(1, "triton_final_response").message(2, &value);
            message = message.message(4, &entry);
        }
        if let Some(text) = text {
            // A shape of one, packed.
            let output = Message::default().text(1, "text_output").text(2, "BYTES").bytes(3, &[1]);
            let raw = [&(text.len() as u32).to_le_bytes()[..], text.as_bytes()].concat();
            message = message.message(5, &output).bytes(6, &raw);
        }
        message
    }

    /// As one message of `ModelStreamInfer`.
    pub(super) fn streamed(&self) -> Bytes {
        Message::default().message(2, &self.write()).finish()
    }
}

/// The message of `ModelStreamInfer` that tells an error; the response in it says whose.
pub(super) fn stream_error(error: &str, model: &str, id: &str) -> Bytes {
    let response = InferResponse { model, version: "", id, text: None, is_final: None };
    Message::default().text(1, error).message(2, &response.write()).finish()
}

/// `ServerLive`, `ServerReady`, `ModelReady`: one flag, left out where it is false.
pub(super) fn flag(value: bool) -> Bytes {
    if value { Message::default().varint(1, 1).finish() } else { Bytes::new() }
}

pub(super) fn server_metadata(version: &str) -> Bytes {
    let extensions = ["sequence", "model_repository", "parameters", "statistics"];
    let message = Message::default().text(1, "triton").text(2, version);
    extensions.into_iter().fold(message, |message, name| message.text(3, name)).finish()
}

pub(super) fn model_metadata(model: &str, version: &str) -> Bytes {
    let tensor =
        |(name, datatype): (&str, &str)| Message::default().text(1, name).text(2, datatype).bytes(3, &[1]);
    let message = Message::default().text(1, model).text(2, version).text(3, "python");
    let inputs = [("text_input", "BYTES"), ("max_tokens", "INT32"), ("stream", "BOOL")];
    inputs
        .into_iter()
        .fold(message, |message, input| message.message(4, &tensor(input)))
        .message(5, &tensor(("text_output", "BYTES")))
        .finish()
}

/// The name in a request that carries little else (`ModelReady`, `ModelMetadata`).
pub(super) fn name_of(message: &[u8]) -> Result<String, Malformed> {
    let found = fields(message)?;
    let name = found.iter().find_map(|(number, field)| match (number, field) {
        (1, Field::Bytes(bytes)) => Some(*bytes),
        _ => None,
    });
    utf8(name.unwrap_or_default())
}
