//! One line of gRPC: a connection, and the requests that are made on it one after the other.

use std::error::Error as _;
use std::future::{Future, ready};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::task::{Context, Poll};

use bytes::{Buf as _, BufMut as _, Bytes};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::{Channel, Endpoint, Uri};
use tonic::{Code, Request, Status};
use tower_service::Service;

use super::grpc::Place;
use crate::base::Nanos;
use crate::engine::{Call, LineId};
use crate::host::RealClock;
use crate::record::{Failure, FailureClass};

/// Something happened on a line.
pub(super) struct News {
    pub(super) line: LineId,
    pub(super) at: Nanos,
    pub(super) said: Said,
}

pub(super) enum Said {
    Opened,
    /// The response has begun.
    Head,
    Message(Bytes),
    /// The response has ended with a status other than OK.
    Status {
        code: i32,
        message: String,
        is_first: bool,
    },
    End,
    Closed(Failure),
}

impl Said {
    /// As a part of an HTTP/1.1 response in the chunked coding. A message is a chunk with gRPC's own prefix; a status other
    /// than OK is written as gRPC-Web does, in a frame whose flag has the highest bit.
    pub(super) fn frame(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Opened | Self::Closed(_) => {}
            Self::Head => bytes.extend_from_slice(HEAD),
            Self::Message(message) => chunk(0, &message, bytes),
            Self::Status { code, message, is_first } => {
                if is_first {
                    bytes.extend_from_slice(HEAD);
                }
                let line = message.replace(['\r', '\n'], " ");
                let words = format!("grpc-status: {code}\r\ngrpc-message: {line}\r\n");
                chunk(STATUS, words.as_bytes(), bytes);
                bytes.extend_from_slice(END);
            }
            Self::End => bytes.extend_from_slice(END),
        }
    }
}

const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const END: &[u8] = b"0\r\n\r\n";
/// The flag of a frame that holds the status.
const STATUS: u8 = 0x80;

fn chunk(flag: u8, payload: &[u8], bytes: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _infallible = write!(bytes, "{:x}\r\n", payload.len() + 5);
    bytes.push(flag);
    bytes.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(b"\r\n");
}

/// Who hears of a line.
struct Teller {
    line: LineId,
    tell: SyncSender<News>,
    clock: RealClock,
}

impl Teller {
    /// Says it with the instant of right now. Nobody hears it any more only when the run is over.
    fn say(&self, said: Said) {
        let at = self.clock.now();
        drop(self.tell.send(News { line: self.line, at, said }));
    }
}

/// Connects, and makes the requests that come; ends when the connection is lost or the line is given up.
pub(super) async fn serve(
    line: LineId,
    place: Arc<Place>,
    mut calls: Receiver<Call>,
    (tell, clock): (SyncSender<News>, RealClock),
) {
    let teller = Teller { line, tell, clock };
    let mut client = match connect(&place).await {
        Ok(channel) => tonic::client::Grpc::new(channel),
        Err(why) => {
            let words = format!("cannot connect to {}: {why}", place.authority);
            return teller.say(Said::Closed(Failure::new(FailureClass::Connect, words)));
        }
    };
    teller.say(Said::Opened);
    while let Some(call) = calls.recv().await {
        if let Err(why) = answer(&mut client, call, &place, &teller).await {
            let words = format!("connection lost: {why}");
            return teller.say(Said::Closed(Failure::new(FailureClass::Connect, words)));
        }
    }
}

async fn connect(place: &Place) -> Result<Channel, String> {
    let found = place.found.clone()?;
    let endpoint = Endpoint::from_shared(format!("http://{}", place.authority))
        .and_then(|endpoint| endpoint.user_agent(concat!("llm-loadtest/", env!("CARGO_PKG_VERSION"))))
        .map_err(|error| error.to_string())?;
    let once = Once { found: Some(found) };
    endpoint.connect_with_connector(once).await.map_err(|error| innermost(&error))
}

/// One request from its first byte to its status; an error where the connection broke.
async fn answer(
    client: &mut tonic::client::Grpc<Channel>,
    call: Call,
    place: &Place,
    teller: &Teller,
) -> Result<(), String> {
    client.ready().await.map_err(|error| innermost(&error))?;
    let Call { path, body, id } = call;
    let mut request = Request::new(futures_util::stream::once(ready(body)));
    *request.metadata_mut() = place.metadata.clone();
    if let Ok(id) = id.parse() {
        request.metadata_mut().insert("x-request-id", id);
    }
    let path = format!("{}{path}", place.prefix).parse::<Uri>().map_err(|error| error.to_string())?;
    let path = path.path_and_query().cloned().ok_or("no path")?;
    let mut messages = match client.streaming(request, path, Raw).await {
        Ok(response) => response.into_inner(),
        Err(status) => return end(&status, true, teller),
    };
    teller.say(Said::Head);
    loop {
        match messages.message().await {
            Ok(Some(message)) => teller.say(Said::Message(message)),
            Ok(None) => {
                teller.say(Said::End);
                return Ok(());
            }
            Err(status) => return end(&status, false, teller),
        }
    }
}

/// A status that the server sent is its answer; one that was made of an error of the connection is that error.
fn end(status: &Status, is_first: bool, teller: &Teller) -> Result<(), String> {
    if status.source().is_some() {
        return Err(innermost(status));
    }
    let code = if status.code() == Code::Ok { Code::Unknown } else { status.code() };
    let message = status.message().to_owned();
    teller.say(Said::Status { code: i32::from(code), message, is_first });
    Ok(())
}

/// The words of what lies beneath an error.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    innermost.to_string()
}

/// Connects a single time: a connection that the server closed must not be opened anew behind our back, since nobody
/// would count that.
struct Once {
    found: Option<Vec<SocketAddr>>,
}

impl Service<Uri> for Once {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<TcpStream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let found = self.found.take();
        Box::pin(async move {
            let Some(found) = found else {
                return Err(io::Error::new(io::ErrorKind::ConnectionReset, "the server closed it"));
            };
            let stream = TcpStream::connect(found.as_slice()).await?;
            // Without this a request's second packet could wait for the first one's acknowledgement.
            stream.set_nodelay(true)?;
            Ok(TokioIo::new(stream))
        })
    }
}

/// Messages as their bytes: what is in them is another room's matter.
struct Raw;

impl Codec for Raw {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}
