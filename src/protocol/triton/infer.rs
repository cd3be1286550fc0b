//! What a response of `KServe`'s v2 protocol over HTTP says: tensors, one of which is the text.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::TEXT_OUTPUT;
use crate::protocol::answer::{Answer, Reader, Sink};
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::text::{Literal, Text};

#[derive(Default)]
pub(super) struct Read;

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow)]
    outputs: Option<Vec<Tensor<'a>>>,
    error: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tensor<'a> {
    #[serde(borrow)]
    name: Literal<'a>,
    datatype: Literal<'a>,
    data: Option<&'a RawValue>,
}

impl Reader for Read {
    const END: &'static str = "outputs";

    fn read(&mut self, document: &str, answer: &mut Answer, sink: &mut Sink<'_>) -> serde_json::Result<bool> {
        let response: Response<'_> = serde_json::from_str(document)?;
        let (None, Some(outputs)) = (response.error, response.outputs) else { return Ok(false) };
        answer.end();
        let is_text = |tensor: &&Tensor<'_>| tensor.datatype.inside() == "BYTES";
        let named = |tensor: &&Tensor<'_>| is_text(tensor) && tensor.name.inside() == TEXT_OUTPUT;
        let tensor = outputs.iter().find(named).or_else(|| outputs.iter().find(is_text));
        let mut texts = match tensor.and_then(|tensor| tensor.data) {
            Some(data) => serde_json::from_str::<Vec<Literal<'_>>>(data.get())?,
            None => Vec::new(),
        };
        texts.retain(|text| !text.is_empty());
        match texts.split_first() {
            Some((first, rest)) => {
                answer.speak(Tokens { text: Text::new(*first, rest), visible: true, count: None }, sink);
            }
            None => sink(Event::Idle),
        }
        Ok(true)
    }

    fn reset(&mut self) {}
}
