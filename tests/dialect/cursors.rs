//! Every place that a cursor is read from, into every place that it goes to.

use super::fake::{Client, Peer, on_a_worker, serve};
use pushbench::transport::Event;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

/// How a source is written in a scenario, and the answer that brings the value `m-7`.
struct Source {
    name: &'static str,
    carrier: &'static str,
    key: &'static str,
    fields: &'static str,
    body: &'static str,
}

const SOURCES: &[Source] = &[
    Source {
        name: "header",
        carrier: "long_poll",
        key: r#"header = "X-Next""#,
        fields: "x-next: m-7\r\n",
        body: "x",
    },
    Source {
        name: "pointer",
        carrier: "poll",
        key: r#"pointer = "/next/0""#,
        fields: "",
        body: r#"{"data":1,"next":["m-7"]}"#,
    },
    Source {
        name: "regex",
        carrier: "long_poll",
        key: r#"regex = "next=([^;]+);""#,
        fields: "",
        body: "a next=m-7; b",
    },
    Source {
        name: "sse",
        carrier: "sse",
        key: r#"sse = "id""#,
        fields: "Content-Type: text/event-stream\r\n",
        body: "id: m-6\ndata: a\n\nid: m-7\ndata: b\n\n",
    },
    Source {
        name: "part",
        carrier: "multipart",
        key: r#"part_header = "ETAG""#,
        fields: "Content-Type: multipart/mixed; boundary=b\r\n",
        body: "--b\r\nEtag: m-7\r\n\r\none\r\n--b--\r\n",
    },
];

/// How a destination is written, the body of the request, and what a request with `VALUE` holds.
const DESTINATIONS: &[(&str, &str, &str)] = &[
    (r#"into_header = "X-Since""#, "{}", "\r\nX-Since: VALUE\r\n"),
    (r#"into_query = "since""#, "{}", "?since=VALUE HTTP/1.1\r\n"),
    ("into_body = true", r#"{"since":${json(cursor)}}"#, "\r\n\r\n{\"since\":\"VALUE\"}"),
    ("into_body = true", "after ${cursor}", "\r\n\r\nafter VALUE"),
];

type Requests = Arc<Mutex<Vec<String>>>;

/// Answers each path with what its source brings, and keeps the requests.
fn server() -> (SocketAddr, Requests) {
    let requests = Requests::default();
    let kept = Arc::clone(&requests);
    let script = move |peer: &mut Peer, _| {
        loop {
            let request = peer.request();
            let Some(source) = SOURCES.iter().find(|s| request.starts_with(&format!("POST /{}", s.name)))
            else {
                return;
            };
            kept.lock().unwrap().push(request);
            peer.answer(200, source.fields, source.body);
        }
    };
    (serve(script), requests)
}

fn case(source: &Source, (into, body, _): &(&str, &str, &str)) -> String {
    let Source { name, carrier, key, .. } = source;
    // The body alone makes a dialect where it names the cursor.
    let vars = if body.contains("cursor") { "" } else { "vars = { unused = \"1\" }\n" };
    format!(
        "{carrier} = {{ post = \"/{name}\", body = '{body}', cursor = {{ {key}, {into}, initial = \"0\" }} }}\n{vars}"
    )
}

/// Two requests of one client: those of a stream are two sessions.
async fn ask_twice(source: &Source, client: &mut Client) {
    client.open().await.unwrap();
    if source.carrier.contains("poll") {
        client.ask().await.unwrap();
        return client.ask().await.unwrap();
    }
    assert_eq!(client.until_over().await, Ok(Event::Ended), "{}", client.detail());
    client.open().await.unwrap();
}

#[test]
fn a_cursor_goes_from_wherever_it_is_read_to_wherever_it_is_told() {
    let (address, requests) = server();
    on_a_worker(async {
        for source in SOURCES {
            for destination in DESTINATIONS {
                ask_twice(source, &mut Client::new(&case(source, destination), address)).await;
                let seen = std::mem::take(&mut *requests.lock().unwrap());
                let want = |value| destination.2.replace("VALUE", value);
                assert_eq!(seen.len(), 2, "{seen:?}");
                for (request, value) in seen.iter().zip(["0", "m-7"]) {
                    let told = request.matches(&want(value)).count();
                    assert_eq!(told, 1, "{} to {}: {request}", source.name, destination.0);
                }
            }
        }
    });
}

#[test]
fn without_a_start_value_the_first_body_names_nothing() {
    let (address, requests) = server();
    let case = r#"
        long_poll = { post = "/regex", body = "[${cursor}]", cursor = { regex = "next=([^;]+)", into_body = true } }
    "#;
    on_a_worker(async {
        ask_twice(&SOURCES[2], &mut Client::new(case, address)).await;
        let seen = requests.lock().unwrap();
        assert!(seen[0].ends_with("\r\n\r\n[]") && seen[1].ends_with("\r\n\r\n[m-7]"), "{seen:?}");
    });
}
