//! A response in one piece, and how any response ended.

use std::borrow::Cow;

use super::wire::Response;
use crate::protocol::codec::{Event, Tokens};
use crate::protocol::errors;
use crate::protocol::text::{Literal, Text};
use crate::protocol::usage::WireUsage;
use crate::protocol::whole::{no_answer, unreadable};
use crate::record::{Failure, FailureClass};

pub(super) fn read(document: &str, sink: &mut dyn FnMut(Event<'_>)) -> Result<(), Failure> {
    let response: Response<'_> =
        serde_json::from_str(document).map_err(|error| unreadable(document, "a response", &error))?;
    let Some(output) = &response.output else { return Err(no_answer(document, "output")) };
    let mut spoke = false;
    for item in output {
        let (texts, visible) = item.texts();
        if let Some((first, rest)) = texts.split_first() {
            spoke = true;
            sink(Event::Tokens(Tokens { text: Text::new(*first, rest), visible, count: None }));
        }
    }
    let usage = response.usage.as_ref().and_then(WireUsage::counts);
    let ended = outcome(&response).map(|reason| sink(Event::Finish(&reason)));
    if let Some(usage) = usage {
        sink(Event::Usage(usage));
    }
    if let Some(timings) = &response.timings {
        sink(Event::Times(timings.times()));
    }
    ended?;
    if spoke || usage.is_some_and(|usage| usage.output.is_some()) {
        Ok(())
    } else {
        Err(Failure::new(FailureClass::Malformed, "no tokens"))
    }
}

/// The reason for which a response ended, in the API's words: `completed`, or why it is incomplete; or its failure.
pub(super) fn outcome<'a>(response: &Response<'a>) -> Result<Cow<'a, str>, Failure> {
    if let Some(error) = response.error.filter(|error| error.get() != "null") {
        return Err(errors::in_stream(error.get().as_bytes()));
    }
    let status = response.status.map_or(Cow::Borrowed("completed"), Literal::text);
    match &*status {
        "completed" => Ok(status),
        "incomplete" => {
            let reason = response.incomplete_details.as_ref().and_then(|details| details.reason);
            Ok(reason.map_or(status, Literal::text))
        }
        "failed" | "cancelled" => {
            let words = format!("the server gave up: status '{status}'");
            Err(Failure::new(FailureClass::InStreamError, words))
        }
        _ => {
            let words = format!("the response has not ended: status '{status}'");
            Err(Failure::new(FailureClass::Malformed, words))
        }
    }
}
