//! `stream`, `sse`, `forever_iframe`, `chunked`, `multipart`: one request, an answer without end.
//!
//! They differ in their splitter, in what they ask for and in the cursor they have by default. An
//! answer that ends in due form is opened again by the client; what it has read by then is in its
//! memory, and so is the connection when it may be used again.

mod ask;
mod session;

use super::cursor::Cursor;
use super::{Carrier, LocalBoxFuture, Rhythm, Session};
use crate::model::{Failure, Nanos};
use crate::net::{Dialer, Endpoint};
use crate::scenario::StreamSpec;
use session::StreamSession;

/// An endless answer over HTTP/1.1.
pub struct Stream {
    spec: StreamSpec,
    /// The cursor of a client that has received nothing.
    cursor: Cursor,
}

/// When we end an answer ourselves.
#[derive(Clone, Copy, Debug)]
struct Caps {
    duration: Option<Nanos>,
    events: Option<u64>,
    bytes: Option<u64>,
}

impl Stream {
    /// The carrier with its options. Its path and its body come with each endpoint, where their
    /// templates have been filled in.
    pub fn new(spec: &StreamSpec) -> Stream {
        Stream { spec: spec.clone(), cursor: Cursor::new(&spec.cursor) }
    }

    fn caps(&self) -> Caps {
        let StreamSpec { most_duration: duration, most_events: events, most_bytes: bytes, .. } = self.spec;
        Caps { duration, events, bytes }
    }
}

impl Carrier for Stream {
    fn rhythm(&self) -> Rhythm {
        Rhythm::Push
    }

    fn open<'a>(
        &'a self,
        dial: &'a Dialer,
        to: &'a Endpoint,
    ) -> LocalBoxFuture<'a, Result<Box<dyn Session>, Failure>> {
        Box::pin(async move {
            let asked = self.attach(dial, to).await?;
            Ok(Box::new(StreamSession::new(asked, self.caps(), dial, to)) as Box<dyn Session>)
        })
    }
}
