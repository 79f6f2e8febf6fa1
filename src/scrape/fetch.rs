//! Asks URLs on a thread of its own. Whoever asks never waits: an answer is there later, or a reason
//! why there is none. Each URL has at most one question under way, so that a slow one is not
//! hurried and holds nobody else up.

use crate::clock::Clock;
use crate::model::Nanos;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::sync::mpsc as questions;

/// What is made of the bytes of an answer.
type Reader<T> = Box<dyn Fn(&[u8]) -> T + Send>;

/// A URL, and what is made of its answer.
pub struct Source<T> {
    url: reqwest::Url,
    client: reqwest::Client,
    headers: HeaderMap,
    timeout: Nanos,
    limit_bytes: usize,
    read: Reader<T>,
}

/// How a URL is asked.
pub struct Manner<'a> {
    /// How TLS is spoken, should the URL want it.
    pub tls: rustls::ClientConfig,
    /// Where the host of the URL is, when it is not to be looked up.
    pub at: Option<SocketAddr>,
    /// Headers of the request.
    pub headers: &'a [(String, String)],
    /// How long an answer may take, from the question to its last byte.
    pub timeout: Nanos,
    /// Bytes of the longest answer.
    pub limit_bytes: u64,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    /// It took too long.
    #[error("no whole answer within {0}")]
    Timeout(Nanos),
    /// It was longer than is read.
    #[error("the answer is longer than {limit} bytes: {read} bytes were read, and it was given up")]
    TooLong {
        /// What would be read.
        limit: usize,
        /// What was read.
        read: usize,
    },
    /// It was no good answer.
    #[error("the answer was status {0}")]
    Status(u16),
    /// Nobody answered, or the connection broke.
    #[error("{0}")]
    Failed(String),
    /// It cannot be asked at all.
    #[error("cannot be asked: {0}")]
    Setup(String),
}

/// An answer, or why there is none.
#[derive(Debug)]
pub struct Answer<T> {
    /// Which source, in the order in which they were given.
    pub source: usize,
    /// What the question was marked with.
    pub mark: usize,
    /// When it was asked.
    pub asked: Nanos,
    /// When its last byte was there, or it was given up.
    pub at: Nanos,
    /// Bytes of the answer.
    pub bytes: usize,
    /// What was made of it.
    pub result: Result<T, FetchError>,
}

struct Question {
    source: usize,
    mark: usize,
    query: &'static str,
}

/// The thread. It ends when this is dropped; what was under way is given up.
pub struct Fetcher<T> {
    questions: questions::UnboundedSender<Question>,
    answers: mpsc::Receiver<Answer<T>>,
    under_way: Vec<bool>,
}

impl<T> Source<T> {
    /// A URL whose answers `read` makes something of, on the fetcher's thread. Opens no connection.
    ///
    /// # Errors
    /// [`FetchError::Setup`] when URL or headers will not do.
    pub fn new(
        url: &str,
        manner: Manner<'_>,
        read: impl Fn(&[u8]) -> T + Send + 'static,
    ) -> Result<Source<T>, FetchError> {
        let refused = |e: &dyn std::error::Error| FetchError::Setup(root_cause(e));
        let url = reqwest::Url::parse(url).map_err(|e| refused(&e))?;
        let mut headers = HeaderMap::new();
        for (name, value) in manner.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|e| refused(&e))?;
            headers.insert(name, HeaderValue::from_str(value).map_err(|e| refused(&e))?);
        }
        let client = client(&url, manner.at, manner.tls, Duration::from(manner.timeout));
        let client = client.pool_max_idle_per_host(1).build().map_err(|e| refused(&e))?;
        let limit_bytes = usize::try_from(manner.limit_bytes).unwrap_or(usize::MAX);
        Ok(Source { url, client, headers, timeout: manner.timeout, limit_bytes, read: Box::new(read) })
    }

    async fn ask(&self, query: &str) -> (usize, Result<T, FetchError>) {
        let mut url = self.url.clone();
        if !query.is_empty() {
            url.set_query(Some(query));
        }
        let mut body = Vec::new();
        let fetched = self.fetch(url, &mut body).await;
        (body.len(), fetched.map(|()| (self.read)(&body)))
    }

    async fn fetch(&self, url: reqwest::Url, body: &mut Vec<u8>) -> Result<(), FetchError> {
        let sent = self.client.get(url).headers(self.headers.clone()).send().await;
        let failed = |e: reqwest::Error| match e.is_timeout() {
            true => FetchError::Timeout(self.timeout),
            false => FetchError::Failed(root_cause(&e)),
        };
        let mut answer = sent.map_err(failed)?;
        let status = answer.status().as_u16();
        if !(200..300).contains(&status) {
            return Err(FetchError::Status(status));
        }
        let too_long = |read| FetchError::TooLong { limit: self.limit_bytes, read };
        if answer.content_length().is_some_and(|n| n > self.limit_bytes as u64) {
            return Err(too_long(0));
        }
        while let Some(piece) = answer.chunk().await.map_err(failed)? {
            if body.len() + piece.len() > self.limit_bytes {
                let read = body.len() + piece.len();
                return Err(too_long(read));
            }
            body.extend_from_slice(&piece);
        }
        Ok(())
    }
}

/// Asks for `url` alone: never through a proxy, never following a redirect, and where it has been found
/// already, at that address.
pub fn client(
    url: &reqwest::Url,
    at: Option<SocketAddr>,
    tls: rustls::ClientConfig,
    timeout: Duration,
) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(timeout)
        .tls_backend_preconfigured(tls);
    match at.zip(url.host_str()) {
        Some((address, host)) => builder.resolve(host, address),
        None => builder,
    }
}

/// The innermost reason of an error, in its own words.
pub fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

impl<T: Send + 'static> Fetcher<T> {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there is none to be had.
    pub fn start(sources: Vec<Source<T>>) -> io::Result<Fetcher<T>> {
        let (ask, inbox) = questions::unbounded_channel();
        let (tell, answers) = mpsc::channel();
        let under_way = vec![false; sources.len()];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("scrape".into()).spawn(move || {
            let local = tokio::task::LocalSet::new();
            local.block_on(&runtime, serve(sources, inbox, tell));
            drop(local);
            // A name that is still being looked up would be waited for.
            runtime.shutdown_background();
        })?;
        Ok(Fetcher { questions: ask, answers, under_way })
    }

    /// Asks a source, with this query string in place of its own (empty: as it is). Never blocks.
    /// `false`: its last question is still under way, and this one was not put.
    pub fn ask(&mut self, source: usize, mark: usize, query: &'static str) -> bool {
        let free = self.under_way.get(source) == Some(&false);
        if free {
            self.under_way[source] = self.questions.send(Question { source, mark, query }).is_ok();
        }
        free
    }

    /// Whether a source's question is under way.
    pub fn is_asked(&self, source: usize) -> bool {
        self.under_way.get(source) == Some(&true)
    }

    /// The answers that are there. Never blocks.
    pub fn answers(&mut self) -> Vec<Answer<T>> {
        let mut all = Vec::new();
        while let Ok(answer) = self.answers.try_recv() {
            self.under_way[answer.source] = false;
            all.push(answer);
        }
        all
    }

    /// Waits for one answer, at most so long; `None` when none is under way or none came. Never called
    /// while a load runs.
    pub fn wait(&mut self, most: Nanos) -> Option<Answer<T>> {
        if !self.under_way.contains(&true) {
            return None;
        }
        let answer = self.answers.recv_timeout(Duration::from(most)).ok()?;
        self.under_way[answer.source] = false;
        Some(answer)
    }
}

async fn serve<T: 'static>(
    sources: Vec<Source<T>>,
    mut inbox: questions::UnboundedReceiver<Question>,
    tell: mpsc::Sender<Answer<T>>,
) {
    let sources = Rc::new(sources);
    while let Some(Question { source, mark, query }) = inbox.recv().await {
        let (sources, tell) = (Rc::clone(&sources), tell.clone());
        tokio::task::spawn_local(async move {
            let asked = Clock::Monotonic.now();
            let (bytes, result) = sources[source].ask(query).await;
            let at = Clock::Monotonic.now();
            // Nobody listens any more when the run is over.
            let _ = tell.send(Answer { source, mark, asked, at, bytes, result });
        });
    }
}

#[cfg(test)]
mod tests;
