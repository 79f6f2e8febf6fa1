//! The server on a thread of this process: for loopback tests, never for measuring.

use super::{Config, raise_descriptor_limit, serve};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A server that runs until this is dropped.
pub struct Running {
    /// Where it listens: loopback, a port that was free.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Starts a server on a free loopback port; it accepts connections when this returns.
///
/// # Errors
/// No port, descriptor or thread could be had.
pub fn start_on_thread(config: Config) -> io::Result<Running> {
    raise_descriptor_limit();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (stop, stopped) = oneshot::channel();
    let thread = std::thread::Builder::new().name("server".into()).spawn(move || {
        tokio::task::LocalSet::new().block_on(&runtime, async {
            tokio::select! {
                // Serving ends by itself only when the listener is unusable: clients see that.
                _ = serve(listener, config) => {}
                _ = stopped => {}
            }
        });
    })?;
    Ok(Running { address, stop: Some(stop), thread: Some(thread) })
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
