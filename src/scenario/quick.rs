//! The form without a file: flags become a scenario that could be saved as one.

use super::{Overrides, Plan, ScenarioErrors};
use crate::model::Nanos;
use crate::scenario::units;
use toml::{Table, Value};

/// `pushbench run --transport websocket --target ws://127.0.0.1:9000/ws/news --clients 1000`
#[derive(Clone, Debug, Default)]
pub struct Quick {
    /// One of [`Quick::TRANSPORTS`], with `-` or `_`.
    pub transport: String,
    /// URL to attach to; its path may hold `${channel}`. `None`: the bundled server with its own
    /// paths and a publisher.
    pub target: Option<String>,
    /// Virtual clients; `None`: 100.
    pub clients: Option<u32>,
    /// Length of the measure phase; `None`: 10 s.
    pub duration: Option<Nanos>,
    /// URL that takes a message by POST; its path may hold `${channel}`.
    pub publish: Option<String>,
    /// Messages a second on each channel, such as `20/s`; `None`: 20/s.
    pub rate: Option<String>,
    /// Bytes of a message, such as `64 B`.
    pub payload: Option<String>,
    /// How many channels.
    pub channels: Option<u32>,
    /// Period of `poll`, such as `1s`.
    pub every: Option<String>,
    /// Seed of every random choice.
    pub seed: Option<u64>,
    /// Whether an address that is neither loopback nor private may be driven.
    pub allow_remote: bool,
}

/// A plan from flags alone.
///
/// # Errors
/// Everything that is wrong at once, as for a file; the lines shown are those of the scenario that
/// the flags stand for.
pub fn quick(args: &Quick) -> Result<Plan, ScenarioErrors> {
    let faults = faults(args);
    if !faults.is_empty() {
        return Err(ScenarioErrors::of_command_line(faults));
    }
    let text = toml::to_string(&args.scenario()).expect("tables of text and numbers are TOML");
    let mut plan = super::parse("command line", &text, &Overrides::default())?;
    if args.publish.is_none() && args.target.is_some() {
        plan.notes = vec![
            "no --publish: connections and bytes are measured; delivery time and loss need --publish URL"
                .into(),
        ];
    }
    Ok(plan)
}

/// What is wrong with the flags as flags.
fn faults(args: &Quick) -> Vec<String> {
    let mut faults = Vec::new();
    if args.carrier().is_none() {
        let names = Quick::TRANSPORTS.join(", ");
        faults.push(format!("`--transport` is \"{}\"; want {}", args.transport, names));
    }
    for (flag, url) in [("--target", &args.target), ("--publish", &args.publish)] {
        if url.as_ref().is_some_and(|u| !u.contains("://")) {
            faults.push(format!("`{flag}` wants a URL, such as http://127.0.0.1:9000/path"));
        }
    }
    if args.every.is_some() && args.carrier() != Some("poll") {
        faults.push("`--every` is the period of `--transport poll`".to_owned());
    }
    if args.target.is_none() && args.publish.is_some() {
        faults.push("`--publish` needs `--target`: the bundled server has its own publisher".to_owned());
    }
    let feed = [
        ("--rate", args.rate.is_some()),
        ("--payload", args.payload.is_some()),
        ("--channels", args.channels.is_some()),
    ];
    for (flag, _) in feed.iter().filter(|(_, given)| *given && !args.publishes()) {
        faults.push(format!("`{flag}` tells of the feed, and there is none: give --publish URL too"));
    }
    faults
}

impl Quick {
    /// The transports of the quick form. `stream` is none of them: it needs a splitter.
    pub const TRANSPORTS: [&'static str; 7] =
        ["poll", "long_poll", "sse", "forever_iframe", "chunked", "multipart", "websocket"];

    fn carrier(&self) -> Option<&'static str> {
        let name = self.transport.replace('-', "_");
        Quick::TRANSPORTS.into_iter().find(|known| *known == name)
    }

    fn publishes(&self) -> bool {
        self.publish.is_some() || self.target.is_none()
    }

    /// The scenario that the flags stand for.
    fn scenario(&self) -> Table {
        let mut root = Table::new();
        let carrier = self.carrier().unwrap_or("websocket");
        let place = self.target.as_deref().map_or("the bundled server", |url| url);
        root.insert("title".into(), format!("quick: {carrier} against {place}").into());
        put(&mut root, "seed", self.seed.map(number));
        if let Some(url) = &self.target {
            let mut target = Table::new();
            target.insert("base".into(), split(url).0.into());
            target.insert("allow_remote".into(), self.allow_remote.into());
            root.insert("target".into(), target.into());
        }
        if self.publishes() {
            root.insert("publish".into(), self.feed().into());
        }
        let mut load = Table::new();
        load.insert("clients".into(), i64::from(self.clients.unwrap_or(100)).into());
        put(&mut load, "measure", self.duration.map(|d| units::show_duration(d).into()));
        root.insert("load".into(), load.into());
        root.insert("case".into(), Value::Array(vec![self.case(carrier).into()]));
        root
    }

    fn feed(&self) -> Table {
        let (base, path) = self.publish.as_deref().map_or((None, "/pub/${channel}"), |url| {
            let (base, path) = split(url);
            (Some(base), path)
        });
        let mut http = Table::new();
        http.insert("post".into(), path.into());
        put(
            &mut http,
            "base",
            base.filter(|b| self.target.as_deref().is_none_or(|t| split(t).0 != *b)).map(Value::from),
        );
        let mut feed = Table::new();
        feed.insert("http".into(), http.into());
        feed.insert("rate".into(), self.rate.as_deref().unwrap_or("20/s").into());
        put(&mut feed, "channels", self.channels.map(|n| i64::from(n).into()));
        put(&mut feed, "payload", self.payload.as_deref().map(Value::from));
        feed
    }

    fn case(&self, carrier: &str) -> Table {
        let (key, own) = match carrier {
            "poll" => ("get", "/poll/${channel}"),
            "long_poll" => ("get", "/lp/${channel}"),
            "sse" => ("get", "/sse/${channel}"),
            "forever_iframe" => ("get", "/iframe/${channel}"),
            "chunked" => ("get", "/chunked/${channel}"),
            "multipart" => ("get", "/multipart/${channel}"),
            _ => ("path", "/ws/${channel}"),
        };
        let mut options = Table::new();
        options.insert(key.into(), self.target.as_deref().map_or(own, |url| split(url).1).into());
        put(&mut options, "every", self.every.as_deref().map(Value::from));
        let mut case = Table::new();
        case.insert("name".into(), carrier.replace('_', " ").into());
        case.insert(carrier.into(), options.into());
        case
    }
}

fn put(table: &mut Table, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        table.insert(key.to_owned(), value);
    }
}

fn number(n: u64) -> Value {
    Value::Integer(i64::try_from(n).unwrap_or(i64::MAX))
}

/// A URL into scheme, host and port, and path with query.
fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    match url[host..].find(['/', '?']) {
        Some(at) => url.split_at(host + at),
        None => (url, "/"),
    }
}
