//! The endpoints: which path is what, and what each answers.

use super::channel::{Channel, Kind, Subscription};
use super::frame::Opcode;
use super::handshake::{self, Refusal};
use super::http::{Method, Request};
use super::port::{Ended, Port};
use super::reply::{self, After};
use super::session::Purpose;
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
    Publish,
    Poll,
    Latest,
    LongPoll,
    Subscribe,
    Duplex,
    Echo,
}

/// A status that says why not, with header lines.
struct No(&'static str, &'static str);

const BAD_CURSOR: No = No("400 Bad Request", "");
const BAD_KEY: No = No("400 Bad Request", "Sec-WebSocket-Version: 13\r\n");
const NOT_FOUND: No = No("404 Not Found", "");
const ONLY_GET: No = No("405 Method Not Allowed", "Allow: GET\r\n");
const ONLY_PUBLISH: No = No("405 Method Not Allowed", "Allow: POST, PUT, DELETE\r\n");
const UPGRADE: No =
    No("426 Upgrade Required", "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n");
const TOO_MANY: No = No("503 Service Unavailable", "");

/// Answers one request.
///
/// # Errors
/// The connection is over.
pub(super) async fn answer(port: &mut Port, request: Request) -> Result<Next, Ended> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let done = match find(path) {
        None => Err(NOT_FOUND),
        Some((endpoint, name)) => match (endpoint, request.method) {
            (Endpoint::Publish, Method::Post | Method::Put) => publish(port, name, &request).await,
            (Endpoint::Publish, Method::Delete) => delete(port, name, request.after),
            (Endpoint::Publish, _) => Err(ONLY_PUBLISH),
            (_, Method::Get) => get(port, endpoint, name, query, &request).await?,
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
        _ => return None,
    };
    is_name(name).then_some((endpoint, name))
}

/// Letters, digits and signs that mean nothing in JSON and divide no path; not decoded.
fn is_name(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~:@!$&'()*+,;=%".contains(&b);
    !name.is_empty() && name.len() <= NAME_LIMIT && name.bytes().all(plain)
}

type Answer = Result<Next, No>;

async fn get(
    port: &mut Port,
    endpoint: Endpoint,
    name: &str,
    query: &str,
    request: &Request,
) -> Result<Answer, Ended> {
    let cursor = match cursor(request.if_none_match.as_deref(), query) {
        Ok(cursor) => cursor,
        Err(no) => return Ok(Err(no)),
    };
    Ok(match endpoint {
        Endpoint::Poll => poll(port, name, cursor, request.after),
        Endpoint::Latest => latest(port, name, cursor, request.after),
        Endpoint::LongPoll => return long_poll(port, name, cursor, request.after).await,
        Endpoint::Ready => plain(port, "ok\n", "", request.after),
        Endpoint::Stats => {
            let json = port.connection.server().stats_json();
            plain(port, &json, "Content-Type: application/json\r\n", request.after)
        }
        Endpoint::Subscribe | Endpoint::Duplex | Endpoint::Echo => upgrade(port, endpoint, name, request),
        Endpoint::Publish => Err(ONLY_PUBLISH),
    })
}

/// The cursor of a request: the header first, else `after` of the query; `None` without either.
fn cursor(header: Option<&str>, query: &str) -> Result<Option<u64>, No> {
    let given = match header {
        Some(tag) => {
            let tag = tag.strip_prefix("W/").unwrap_or(tag);
            Some(tag.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(tag))
        }
        None => query.split('&').find_map(|pair| pair.strip_prefix("after=")),
    };
    match given {
        None | Some("") => Ok(None),
        // Loud, because guessing would lose messages or send them twice.
        Some(text) => text.parse().map(Some).map_err(|_| BAD_CURSOR),
    }
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

async fn publish(port: &Port, name: &str, request: &Request) -> Answer {
    let server = Rc::clone(port.connection.server());
    let channel = server.channel(name).ok_or(TOO_MANY)?;
    let subscribers = channel.subscribers();
    let opcode = match std::str::from_utf8(&request.body) {
        Ok(_) => Opcode::Text,
        Err(_) => Opcode::Binary,
    };
    let sequence = server.publish(&channel, opcode, &request.body).await;
    Ok(report(port, "202 Accepted", (name, sequence, subscribers), request.after))
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
            server.stats.to_long_polls.add(found.count);
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
    let _waiting = channel.join(&port.connection, Kind::LongPoll(after));
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

fn upgrade(port: &Port, endpoint: Endpoint, name: &str, request: &Request) -> Answer {
    let welcome = handshake::accept(request.offer.as_deref()).map_err(|refusal| match refusal {
        Refusal::NoUpgrade | Refusal::Version => UPGRADE,
        Refusal::Key => BAD_KEY,
    })?;
    let server = port.connection.server();
    let channel = match endpoint {
        Endpoint::Echo => None,
        _ => Some(server.channel(name).ok_or(TOO_MANY)?),
    };
    // The welcome goes first: a message that overtook it would break the handshake.
    port.connection.send(welcome.as_bytes());
    let Some(channel) = channel else { return Ok(Next::WebSocket(Purpose::Echo, None)) };
    let subscription = channel.join(&port.connection, Kind::WebSocket);
    let purpose = match endpoint {
        Endpoint::Duplex => Purpose::Duplex(channel),
        _ => Purpose::Subscribe,
    };
    Ok(Next::WebSocket(purpose, Some(subscription)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_one_meaning() {
        assert!(matches!(find("/pub/a"), Some((Endpoint::Publish, "a"))));
        assert!(matches!(find("/duplex/a.b-c_9"), Some((Endpoint::Duplex, "a.b-c_9"))));
        assert!(matches!(find("/ok"), Some((Endpoint::Ready, ""))));
        for none in ["", "/", "ok", "/okay", "/pub", "/pub/", "/pub/a/b", "/pub/a\"b", "/nope/a", "*"] {
            assert!(find(none).is_none(), "{none}");
        }
        assert!(find(&format!("/ws/{}", "x".repeat(200))).is_some());
        assert!(find(&format!("/ws/{}", "x".repeat(201))).is_none());
    }

    #[test]
    fn the_header_goes_before_the_query() {
        let read = |header, query| cursor(header, query).map_err(|_| "bad");
        assert_eq!(read(None, ""), Ok(None));
        assert_eq!(read(None, "x=1&after=7"), Ok(Some(7)));
        assert_eq!(read(None, "after="), Ok(None));
        assert_eq!(read(Some("\"5\""), "after=7"), Ok(Some(5)));
        assert_eq!(read(Some("W/\"5\""), ""), Ok(Some(5)));
        assert_eq!(read(Some("5"), ""), Ok(Some(5)));
        assert_eq!(read(Some("\"x\""), ""), Err("bad"));
        assert_eq!(read(None, "after=-1"), Err("bad"));
    }
}
