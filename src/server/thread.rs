//! The server on a thread of this process: for loopback tests, never for measuring.

use super::{BindError, Bound, Config, raise_descriptor_limit};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A server that runs until this is dropped.
pub struct Running {
    /// Where it listens: loopback, a port that was free.
    pub address: SocketAddr,
    /// Where it listens with TLS, when the configuration says that it does.
    pub tls: Option<SocketAddr>,
    /// The certificate of that listener as PEM: self-signed, for `localhost`, 127.0.0.1 and ::1.
    pub certificate: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a server on a free loopback port; it accepts connections when this returns. Where
/// [`Config::tls`] says so it listens with TLS as well.
///
/// # Errors
/// No port, descriptor, certificate or thread could be had.
pub fn start_on_thread(config: Config) -> io::Result<Running> {
    raise_descriptor_limit();
    let bound = Bound::bind((Ipv4Addr::LOCALHOST, 0).into(), config).map_err(|e| match e {
        BindError::Listen { source, .. } => source,
        other => io::Error::other(other),
    })?;
    let (address, tls) = (bound.address(), bound.tls());
    let certificate = bound.certificate().map(str::to_owned);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("server".into()).spawn(move || {
        tokio::task::LocalSet::new().block_on(&runtime, async {
            tokio::select! {
                // Serving ends by itself only when the listener is unusable: clients see that.
                _ = bound.serve() => {}
                _ = stopped => {}
            }
        });
    })?;
    Ok(Running { address, tls, certificate, stop: Some(stop), thread: Some(thread) })
}

impl Drop for Running {
    /// Closes everything and waits for the thread.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server was told on stderr already.
            let _ = thread.join();
        }
    }
}
