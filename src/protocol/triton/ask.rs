//! How a request is worded: named inputs, which each API writes in its own way.
//!
//! Which inputs there are is the model's choice. TensorRT-LLM's ensemble takes them one by one, with a batch dimension, and
//! repeats the prompt unless told otherwise; the vLLM backend takes sampling parameters as one JSON text; other models are
//! asked for what most have. The user's own fields become inputs, too, by the type of their JSON.

use serde_json::{Map, Value, json};

use crate::protocol::body::merged;
use crate::protocol::{Adapter, Api, CallOptions};
use crate::record::Ask;

/// The body of `/generate` and `/generate_stream`. Whatever is no input of the model becomes a parameter of the request,
/// which models do not look at: so one body serves TensorRT-LLM's ensemble, the vLLM backend and others.
pub(super) fn generate(ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let CallOptions { stream, temperature, extra_body, .. } = options;
    let mut body = Map::new();
    body.insert("text_input".to_owned(), json!(ask.prompt.text()));
    if let Some(tokens) = ask.output_tokens {
        body.insert("max_tokens".to_owned(), json!(tokens));
    }
    body.insert("stream".to_owned(), json!(stream));
    body.insert("exclude_input_in_output".to_owned(), json!(true));
    // The ensemble's older versions require both.
    body.insert("bad_words".to_owned(), json!(""));
    body.insert("stop_words".to_owned(), json!(""));
    if let Some(temperature) = temperature {
        body.insert("temperature".to_owned(), json!(temperature));
    }
    body.insert("sampling_parameters".to_owned(), json!(sampling(ask, options).to_string()));
    Value::Object(merged(body, None, extra_body, ask)).to_string().into_bytes()
}

/// What the vLLM backend reads from its text of sampling parameters.
fn sampling(ask: &Ask, options: &CallOptions) -> Value {
    let fields = options.adapter.fields_in(Api::TritonGenerate);
    let mut sampling = Map::new();
    if let Some(tokens) = ask.output_tokens {
        sampling.insert("max_tokens".to_owned(), json!(tokens));
    }
    if let Some(temperature) = options.temperature {
        sampling.insert("temperature".to_owned(), json!(temperature));
    }
    if options.ignore_eos && fields.ignore_eos {
        sampling.insert("ignore_eos".to_owned(), json!(true));
        if let (Some(tokens), Some(name)) = (ask.output_tokens, fields.min_tokens) {
            sampling.insert(name.to_owned(), json!(tokens));
        }
    }
    Value::Object(sampling)
}

/// An input as `KServe`'s protocol has it.
pub(super) struct Tensor {
    pub(super) name: String,
    pub(super) shape: Vec<i64>,
    pub(super) data: Data,
}

/// The elements of an input.
pub(super) enum Data {
    Texts(Vec<String>),
    Integers(Vec<i32>),
    Floats(Vec<f32>),
    Switches(Vec<bool>),
}

impl Data {
    pub(super) fn datatype(&self) -> &'static str {
        match self {
            Self::Texts(_) => "BYTES",
            Self::Integers(_) => "INT32",
            Self::Floats(_) => "FP32",
            Self::Switches(_) => "BOOL",
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Integers(integers) => integers.len(),
            Self::Floats(floats) => floats.len(),
            Self::Switches(switches) => switches.len(),
        }
    }

    /// A scalar, or a list of scalars of one type; none for anything else.
    fn of(value: &Value) -> Option<Self> {
        let one = std::slice::from_ref(value);
        let values = value.as_array().map_or(one, Vec::as_slice);
        let all = |fits: fn(&Value) -> bool| !values.is_empty() && values.iter().all(fits);
        let integer = |value: &Value| value.as_i64().and_then(|number| i32::try_from(number).ok());
        Some(if all(Value::is_string) {
            Self::Texts(values.iter().filter_map(|value| value.as_str().map(str::to_owned)).collect())
        } else if all(Value::is_boolean) {
            Self::Switches(values.iter().filter_map(Value::as_bool).collect())
        } else if values.iter().all(|value| integer(value).is_some()) && !values.is_empty() {
            Self::Integers(values.iter().filter_map(integer).collect())
        } else if all(Value::is_number) {
            Self::Floats(
                values.iter().filter_map(|value| value.as_f64().map(|number| number as f32)).collect(),
            )
        } else {
            return None;
        })
    }

    fn json(&self) -> Value {
        match self {
            Self::Texts(texts) => json!(texts),
            Self::Integers(integers) => json!(integers),
            Self::Floats(floats) => json!(floats),
            Self::Switches(switches) => json!(switches),
        }
    }
}

/// The inputs of a request, and the fields that are none: objects and lists of objects, for example `parameters`.
/// `stream` is for models that answer bit by bit; none where the API cannot carry that.
pub(super) fn inputs(
    ask: &Ask,
    options: &CallOptions,
    stream: Option<bool>,
) -> (Vec<Tensor>, Map<String, Value>) {
    let CallOptions { temperature, adapter, extra_body, .. } = options;
    let mut fields = Map::new();
    fields.insert("text_input".to_owned(), json!(ask.prompt.text()));
    if let Some(stream) = stream {
        fields.insert("stream".to_owned(), json!(stream));
    }
    if *adapter == Adapter::Vllm {
        fields.insert("sampling_parameters".to_owned(), json!(sampling(ask, options).to_string()));
        fields.insert("exclude_input_in_output".to_owned(), json!(true));
    } else {
        if let Some(tokens) = ask.output_tokens {
            fields.insert("max_tokens".to_owned(), json!(tokens));
        }
        if let Some(temperature) = temperature {
            fields.insert("temperature".to_owned(), json!(temperature));
        }
    }
    if *adapter == Adapter::TrtLlm {
        fields.insert("bad_words".to_owned(), json!(""));
        fields.insert("stop_words".to_owned(), json!(""));
        fields.insert("exclude_input_in_output".to_owned(), json!(true));
    }
    // The ensemble batches, so its inputs have a batch dimension of one.
    let batch: &[i64] = if *adapter == Adapter::TrtLlm { &[1] } else { &[] };
    let (mut tensors, mut rest) = (Vec::new(), Map::new());
    for (name, value) in merged(fields, None, extra_body, ask) {
        match Data::of(&value) {
            Some(data) => {
                let shape = [batch, &[i64::try_from(data.len()).unwrap_or(i64::MAX)]].concat();
                tensors.push(Tensor { name, shape, data });
            }
            None => drop(rest.insert(name, value)),
        }
    }
    (tensors, rest)
}

/// The body of `/infer`.
pub(super) fn infer(ask: &Ask, options: &CallOptions) -> Vec<u8> {
    let (tensors, mut body) = inputs(ask, options, None);
    let inputs = tensors.iter().map(|Tensor { name, shape, data }| {
        json!({"name": name, "shape": shape, "datatype": data.datatype(), "data": data.json()})
    });
    body.entry("inputs").or_insert_with(|| inputs.collect());
    Value::Object(body).to_string().into_bytes()
}
