//! The endpoints: which path is what, and what each answers.

use super::channel::{Channel, Subscription};
use super::frame::Opcode;
use super::framing::Framing;
use super::handshake::{self, Refusal};
use super::http::{Method, Request};
use super::port::{Ended, Port};
use super::query;
use super::reply::{self, After};
use super::session::Purpose;
use super::stream;
use super::subscriber::Kind;
use crate::model::Nanos;
use std::rc::Rc;

/// Longest channel name, in bytes.
const NAME_LIMIT: usize = 200;

/// How a connection goes on after an answer.
pub(super) enum Next {
    /// With the next request, or not.
    Request(After),
    /// As a WebSocket, which may be subscribed.
    WebSocket(Purpose, Option<Subscription>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Endpoint {
    Ready,
    Stats,
    Clock,
    Publish,
    Poll,
    Latest,
    LongPoll,
    Subscribe,
    Duplex,
    Echo,
    Stream(Framing),
}

impl Endpoint {
    /// Whether those who ask here receive messages of a channel.
    fn serves_subscribers(self) -> bool {
        use Endpoint::{Clock, Echo, Publish, Ready, Stats};
        !matches!(self, Ready | Stats | Clock | Publish | Echo)
    }
}

/// A status that says why not, with header lines.
pub(super) struct No(&'static str, &'static str);

/// A cursor, a limit or the like that is no number.
pub(super) const BAD_NUMBER: No = No("400 Bad Request", "");
const BAD_KEY: No = No("400 Bad Request", "Sec-WebSocket-Version: 13\r\n");
const NOT_FOUND: No = No("404 Not Found", "");
const ONLY_GET: No = No("405 Method Not Allowed", "Allow: GET\r\n");
const ONLY_STREAM: No = No("405 Method Not Allowed", "Allow: GET, POST\r\n");
const ONLY_PUBLISH: No = No("405 Method Not Allowed", "Allow: POST, PUT, DELETE\r\n");
const UPGRADE: No =
    No("426 Upgrade Required", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
/// Channels are bounded.
pub(super) const TOO_MANY: No = No("503 Service Unavailable", "");
/// HTTP/1.0 has no chunks, and nothing else would divide the messages.
pub(super) const NO_CHUNKS: No = No("505 HTTP Version Not Supported", "");

/// Answers one request.
///
/// # Errors
/// The connection is over.
pub(super) async fn answer(port: &mut Port, mut request: Request) -> Result<Next, Ended> {
    let body = std::mem::take(&mut request.body);
    let path = request.target.split_once('?').map_or(request.target.as_str(), |(path, _)| path);
    let found = find(path);
    if found.is_some_and(|(endpoint, _)| endpoint.serves_subscribers()) {
        port.load();
    }
    let done = match found {
        None => Err(NOT_FOUND),
        Some((endpoint, name)) => match (endpoint, request.method) {
            (Endpoint::Publish, Method::Post | Method::Put) => {
                publish(port, name, &body, request.after).await
            }
            (Endpoint::Publish, Method::Delete) => delete(port, name, request.after),
            (Endpoint::Publish, _) => Err(ONLY_PUBLISH),
            (Endpoint::Stream(framing), Method::Get | Method::Post) => {
                // A stream may last: what was sent along is not looked at and not kept.
                drop(body);
                stream::answer(port, framing, name, &request).await?
            }
            (Endpoint::Stream(_), _) => Err(ONLY_STREAM),
            (_, Method::Get) => get(port, endpoint, name, &request).await?,
            _ => Err(ONLY_GET),
        },
    };
    Ok(done.unwrap_or_else(|no| refuse(port, &no, &request)))
}

/// The endpoint and the channel of a path.
fn find(path: &str) -> Option<(Endpoint, &str)> {
    match path {
        "/ok" => return Some((Endpoint::Ready, "")),
        "/stats" => return Some((Endpoint::Stats, "")),
        "/clock" => return Some((Endpoint::Clock, "")),
        "/echo" => return Some((Endpoint::Echo, "")),
        _ => {}
    }
    let (place, name) = path.strip_prefix('/')?.split_once('/')?;
    let endpoint = match place {
        "pub" => Endpoint::Publish,
        "poll" => Endpoint::Poll,
        "latest" => Endpoint::Latest,
        "lp" => Endpoint::LongPoll,
        "ws" => Endpoint::Subscribe,
        "duplex" => Endpoint::Duplex,
        other => Endpoint::Stream(Framing::named(other)?),
    };
    is_name(name).then_some((endpoint, name))
}

/// Letters, digits and signs that mean nothing in JSON and divide no path; not decoded.
fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=%".contains(&b);
    !name.is_empty() && name.len() <= NAME_LIMIT && name.bytes().all(plain)
}

/// What became of a request, or why nothing did.
pub(super) type Answer = Result<Next, No>;

async fn get(port: &mut Port, endpoint: Endpoint, name: &str, request: &Request) -> Result<Answer, Ended> {
    let Ok(cursor) = query::cursor(request) else { return Ok(Err(BAD_NUMBER)) };
    Ok(match endpoint {
        Endpoint::Poll => poll(port, name, cursor, request.after),
        Endpoint::Latest => latest(port, name, cursor, request.after),
        Endpoint::LongPoll => return long_poll(port, name, cursor, request.after).await,
        Endpoint::Ready => plain(port, "ok\n", "", request.after),
        Endpoint::Stats => {
            let json = port.connection.server().stats_json();
            plain(port, &json, "Content-Type: application/json\r\n", request.after)
        }
        Endpoint::Clock => clock(port, request.after),
        Endpoint::Subscribe | Endpoint::Duplex | Endpoint::Echo => {
            return upgrade(port, endpoint, name, cursor, request).await;
        }
        Endpoint::Publish | Endpoint::Stream(_) => Err(ONLY_PUBLISH),
    })
}

/// Makes an answer in the buffer of the thread and sends it.
fn send(port: &Port, after: After, make: impl FnOnce(&mut Vec<u8>)) -> Next {
    let mut out = port.connection.server().scratch.borrow_mut();
    out.clear();
    make(&mut out);
    port.connection.send(&out);
    Next::Request(after)
}

fn plain(port: &Port, body: &str, headers: &str, after: After) -> Answer {
    Ok(send(port, after, |out| reply::text(out, "200 OK", headers, body, after)))
}

fn refuse(port: &Port, no: &No, request: &Request) -> Next {
    let No(status, headers) = *no;
    let body = if request.method == Method::Head { String::new() } else { format!("{}\n", &status[4..]) };
    send(port, request.after, |out| reply::text(out, status, headers, &body, request.after))
}

fn report(
    port: &Port,
    status: &str,
    (name, sequence, subscribers): (&str, u64, usize),
    after: After,
) -> Next {
    // The alphabet of names needs no escaping.
    let body = format!("{{\"channel\":\"{name}\",\"sequence\":{sequence},\"subscribers\":{subscribers}}}\n");
    let json = "Content-Type: application/json\r\n";
    send(port, after, |out| reply::text(out, status, json, &body, after))
}

async fn publish(port: &Port, name: &str, body: &[u8], after: After) -> Answer {
    let server = Rc::clone(port.connection.server());
    let channel = server.channel(name).ok_or(TOO_MANY)?;
    if let Some(refuse) = server.plan.refuse.filter(|_| server.refuses(&channel)) {
        let (status, words) = (refuse.line(), "refused on purpose\n");
        return Ok(send(port, after, |out| reply::text(out, &status, "", words, after)));
    }
    let subscribers = channel.subscribers();
    let opcode = match std::str::from_utf8(body) {
        Ok(_) => Opcode::Text,
        Err(_) => Opcode::Binary,
    };
    let sequence = server.publish(&channel, (opcode, body), port.read_at).await;
    Ok(report(port, "202 Accepted", (name, sequence, subscribers), after))
}

/// What the server's clock said when the request was read, and says as the answer is made.
fn clock(port: &Port, after: After) -> Answer {
    let server = port.connection.server();
    let origin = server.life.begun_at().unwrap_or_default();
    let told = |now: Nanos| server.plan.clock.map_or(now.0 as i64, |skew| skew.told_ns(now, origin));
    let (received, sent) = (told(port.read_at), told(server.timer.clock().now()));
    let body = format!("{{\"received_ns\":{received},\"sent_ns\":{sent}}}\n");
    plain(port, &body, "Content-Type: application/json\r\n", after)
}

fn delete(port: &Port, name: &str, after: After) -> Answer {
    let channel = port.connection.server().remove(name).ok_or(NOT_FOUND)?;
    let subscribers = channel.close();
    Ok(report(port, "200 OK", (name, channel.newest(), subscribers), after))
}

fn poll(port: &Port, name: &str, cursor: Option<u64>, after: After) -> Answer {
    let server = port.connection.server();
    let channel = server.existing(name);
    let newest = channel.as_ref().map_or(server.base(), |c| c.newest());
    Ok(send(port, after, |out| {
        let Some(cursor) = cursor else { return reply::nothing(out, "204 No Content", newest, after) };
        match channel.and_then(|c| c.read(cursor, after, out)) {
            Some(found) => server.stats.to_polls.add(found.count),
            None => reply::nothing(out, "304 Not Modified", newest, after),
        }
    }))
}

fn latest(port: &Port, name: &str, cursor: Option<u64>, after: After) -> Answer {
    let server = port.connection.server();
    let channel = server.existing(name);
    let newest = channel.as_ref().map_or(server.base(), |c| c.newest());
    Ok(send(port, after, |out| match channel.filter(|c| !c.is_empty()) {
        None => reply::nothing(out, "204 No Content", newest, after),
        Some(channel) => match channel.read_latest(cursor, after, out) {
            Some(_) => server.stats.to_latest.add(1),
            None => reply::nothing(out, "304 Not Modified", newest, after),
        },
    }))
}

async fn long_poll(port: &mut Port, name: &str, cursor: Option<u64>, after: After) -> Result<Answer, Ended> {
    let server = Rc::clone(port.connection.server());
    let Some(channel) = server.channel(name) else { return Ok(Err(TOO_MANY)) };
    let mut found = None;
    if let Some(cursor) = cursor {
        let mut out = server.scratch.borrow_mut();
        out.clear();
        found = channel.read(cursor, after, &mut out);
        if let Some(found) = found {
            server.stats.delivered(Kind::LongPoll(after), found.count);
            port.connection.send(&out);
        }
    }
    if found.is_none() {
        hold(port, &channel, after).await?;
    }
    Ok(Ok(Next::Request(after)))
}

/// Holds the request until the next message is published or the time is over.
async fn hold(port: &mut Port, channel: &Rc<Channel>, after: After) -> Result<(), Ended> {
    let server = Rc::clone(port.connection.server());
    let _waiting = channel.join(&port.connection, Kind::LongPoll(after), 1);
    let deadline = server.timer.clock().now() + server.config.hold;
    port.connection.hold(after == After::Close || !port.input.waiting().is_empty());
    while port.connection.is_held() {
        match server.timer.until(deadline, port.fill_held()).await {
            Some(filled) => filled?,
            None if port.connection.is_held() => {
                let mut out = Vec::new();
                reply::nothing(&mut out, "204 No Content", channel.newest(), after);
                port.connection.release(&out);
            }
            None => {}
        }
        if port.connection.is_held() {
            port.connection.hold(true);
        }
    }
    Ok(())
}

async fn upgrade(
    port: &Port,
    endpoint: Endpoint,
    name: &str,
    cursor: Option<u64>,
    request: &Request,
) -> Result<Answer, Ended> {
    let (welcome, ids) = match welcome(request) {
        Ok(welcome) => welcome,
        Err(no) => return Ok(Err(no)),
    };
    if endpoint == Endpoint::Echo {
        port.connection.send(&handshake::finished(welcome, 0));
        return Ok(Ok(Next::WebSocket(Purpose::Echo, None)));
    }
    let Some(channel) = port.connection.server().channel(name) else { return Ok(Err(TOO_MANY)) };
    let found = stream::found(&channel, cursor);
    // The welcome goes first: a message that overtook it would break the handshake.
    let welcome = handshake::finished(welcome, found.skipped);
    let kind = Kind::WebSocket { ids };
    let subscription = stream::attach(port, &channel, kind, (found, u64::MAX), welcome).await?;
    let purpose = match endpoint {
        Endpoint::Duplex => Purpose::Duplex(channel),
        _ => Purpose::Subscribe,
    };
    Ok(Ok(Next::WebSocket(purpose, subscription)))
}

/// The answer to a handshake, and whether messages are to carry their sequence.
fn welcome(request: &Request) -> Result<(String, bool), No> {
    let welcome = handshake::accept(request.offer.as_deref()).map_err(|refusal| match refusal {
        Refusal::NoUpgrade | Refusal::Version => UPGRADE,
        Refusal::Key => BAD_KEY,
    })?;
    match query::number(query::query(&request.target), "ids") {
        Ok(None | Some(0)) => Ok((welcome, false)),
        Ok(Some(1)) => Ok((welcome, true)),
        _ => Err(BAD_NUMBER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_meaning() {
        assert!(matches!(find("/pub/a"), Some((Endpoint::Publish, "a"))));
        assert!(matches!(find("/duplex/a.b-c_9"), Some((Endpoint::Duplex, "a.b-c_9"))));
        assert!(matches!(find("/sse/a"), Some((Endpoint::Stream(Framing::Sse), "a"))));
        assert!(matches!(find("/ok"), Some((Endpoint::Ready, ""))));
        for none in ["", "/", "ok", "/okay", "/pub", "/pub/", "/pub/a/b", "/pub/a\"b", "/nope/a", "*"] {
            assert!(find(none).is_none(), "{none}");
        }
        assert!(find(&format!("/ws/{}", "x".repeat(200))).is_some());
        assert!(find(&format!("/ws/{}", "x".repeat(201))).is_none());
    }
}
