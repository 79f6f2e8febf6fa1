//! Answers that do not end: a subscription in the body of one response, and what came before it.

use super::channel::{Channel, Found, Subscription};
use super::farewell::Farewell;
use super::frame;
use super::framing::{Form, Framing};
use super::http::Request;
use super::port::{Ended, Port};
use super::query;
use super::reply::{self, After};
use super::route::{Answer, BAD_NUMBER, NO_CHUNKS, Next, No, TOO_MANY};
use super::subscriber::Kind;
use crate::model::Nanos;
use std::rc::Rc;

/// What a request for a stream asks.
struct Asked {
    form: Form,
    cursor: Option<u64>,
    /// Messages until the answer ends.
    limit: u64,
    retry_ms: Option<u64>,
    after: After,
}

impl Asked {
    fn of(framing: Framing, request: &Request) -> Result<Asked, No> {
        if request.old && framing == Framing::Chunked {
            return Err(NO_CHUNKS);
        }
        let query = query::query(&request.target);
        let number = |name| query::number(query, name).map_err(|_| BAD_NUMBER);
        let limit = number("limit")?.unwrap_or(u64::MAX);
        if limit == 0 {
            return Err(BAD_NUMBER);
        }
        Ok(Asked {
            form: Form { framing, chunks: !request.old },
            cursor: query::cursor(request).map_err(|_| BAD_NUMBER)?,
            limit,
            retry_ms: number("retry")?,
            // Without chunks only the end of the connection ends a body.
            after: if request.old { After::Close } else { request.after },
        })
    }
}

/// Answers with a stream; comes back when it ended in due form.
///
/// # Errors
/// The connection is over.
pub(super) async fn answer(
    port: &mut Port,
    framing: Framing,
    name: &str,
    request: &Request,
) -> Result<Answer, Ended> {
    let asked = match Asked::of(framing, request) {
        Ok(asked) => asked,
        Err(no) => return Ok(Err(no)),
    };
    let server = Rc::clone(port.connection.server());
    let Some(channel) = server.channel(name) else { return Ok(Err(TOO_MANY)) };
    let (form, after) = (asked.form, asked.after);
    let found = found(&channel, asked.cursor);
    let mut out = Vec::new();
    let kind = framing.content_type(&server.boundary);
    reply::stream(&mut out, &kind, (found.newest - found.count, found.skipped), form.chunks, after);
    form.begin(&server.boundary, asked.retry_ms, &mut out);
    if let Some(subscription) = attach(port, &channel, Kind::Stream(form), (found, asked.limit), out).await? {
        hold(port, form, after, subscription).await?;
    }
    Ok(Ok(Next::Request(after)))
}

/// What is there for a cursor; without one a subscriber begins with the next message.
pub(super) fn found(channel: &Channel, cursor: Option<u64>) -> Found {
    let nothing = Found { newest: channel.newest(), count: 0, skipped: 0 };
    cursor.map_or(nothing, |cursor| channel.find(cursor))
}

/// Sends `out`, what `found` has, and what is published meanwhile, and attaches when the client has
/// caught up: at most `most` messages. `None` when that was all.
///
/// # Errors
/// The connection is over, also because the client read slower than the history moves on.
pub(super) async fn attach(
    port: &Port,
    channel: &Rc<Channel>,
    kind: Kind,
    (found, most): (Found, u64),
    mut out: Vec<u8>,
) -> Result<Option<Subscription>, Ended> {
    let (connection, server) = (&port.connection, port.connection.server());
    let (mut from, mut left) = (found.newest - found.count, most);
    loop {
        let replayed = channel.replay(from, left, |message| {
            let before = out.len();
            message.add(kind, &server.boundary, &mut out);
            out.len() > before
        });
        if let Some((last, count)) = replayed {
            (from, left) = (last, left - count);
            server.stats.delivered(kind, count);
        }
        let over = left == 0 || !server.is_listed(channel);
        if over {
            end(port, kind, &mut out);
        }
        if !connection.send(&out) {
            return Err(Ended);
        }
        match over {
            true => return Ok(None),
            // No message comes in between: nothing waits from here to the slot.
            false if connection.is_flushed() => return Ok(Some(channel.join(connection, kind, left))),
            false => port.flush().await?,
        }
        out.clear();
        if channel.find(from).skipped > 0 {
            server.stats.slow_dropped.add(1);
            connection.lose();
            return Err(Ended);
        }
    }
}

fn end(port: &Port, kind: Kind, out: &mut Vec<u8>) {
    match kind {
        Kind::Stream(form) => form.end(out),
        _ => {
            out.extend(frame::close(Some(frame::code::GOING_AWAY), "channel deleted"));
            port.connection.send_last(out);
            out.clear();
        }
    }
}

/// Holds the answer until it is complete, with a sign of life now and then.
async fn hold(port: &mut Port, form: Form, after: After, _receiving: Subscription) -> Result<(), Ended> {
    let connection = Rc::clone(&port.connection);
    let server = Rc::clone(connection.server());
    let mut heartbeat = Vec::new();
    let every = match server.config.ping {
        ping if ping > Nanos::ZERO && form.heartbeat(&mut heartbeat) => ping,
        _ => Nanos::MAX,
    };
    let heartbeat: Rc<[u8]> = heartbeat.into();
    connection.set_farewell(Farewell::Stream(form));
    connection.hold(after == After::Close || !port.input.waiting().is_empty());
    port.input.rest();
    let mut next = server.timer.clock().now() + every;
    while connection.is_held() {
        match server.timer.until(next, port.fill_held()).await {
            Some(filled) => filled?,
            None if connection.is_held() => {
                next += every;
                connection.push(&heartbeat);
            }
            None => {}
        }
        if connection.is_held() {
            connection.hold(after == After::Close || !port.input.waiting().is_empty());
        }
    }
    connection.set_farewell(Farewell::Reset);
    Ok(())
}
