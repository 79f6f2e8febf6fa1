//! A WebSocket after its handshake.

use super::channel::{Channel, Subscription};
use super::farewell::Farewell;
use super::frame::{self, Assembler, Incoming, Opcode, code};
use super::port::{Ended, Port};
use super::push::Fate;
use crate::model::Nanos;
use std::rc::Rc;

/// What a WebSocket is for.
pub(super) enum Purpose {
    /// Receives what is published to a channel; may not send messages.
    Subscribe,
    /// Receives, and publishes what the client sends.
    Duplex(Rc<Channel>),
    /// Gets its own messages back.
    Echo,
}

/// Speaks WebSocket until one side closes; no subscriber any more when this comes back.
///
/// # Errors
/// The connection is over, or is to be finished when its fate says so.
pub(super) async fn run(
    port: &mut Port,
    purpose: Purpose,
    subscription: Option<Subscription>,
) -> Result<(), Ended> {
    port.connection.set_farewell(Farewell::WebSocket);
    let done = listen(port, &purpose).await;
    drop(subscription);
    done
}

async fn listen(port: &mut Port, purpose: &Purpose) -> Result<(), Ended> {
    let mut assembler = Assembler::default();
    let server = Rc::clone(port.connection.server());
    let every = match server.config.ping {
        Nanos::ZERO => Nanos::MAX,
        ping => ping,
    };
    let mut next_ping = server.timer.clock().now() + every;
    loop {
        while let Some(incoming) = next(port, &mut assembler) {
            if !obey(port, purpose, incoming).await {
                return Ok(());
            }
            // Publishing may have taken its turns: what else has come is of no use to a lost cause.
            if port.connection.fate() != Fate::Open {
                return Err(Ended);
            }
        }
        port.input.rest();
        match server.timer.until(next_ping, port.fill()).await {
            Some(filled) => filled?,
            None => {
                next_ping += every;
                port.connection.send(&frame::encode(Opcode::Ping, b"").0);
            }
        }
    }
}

/// What has come in whole; a broken frame comes as the code to close with.
fn next(port: &mut Port, assembler: &mut Assembler) -> Option<Result<Incoming, u16>> {
    assembler.next(&mut port.input).transpose()
}

/// Does what the client wants; whether to go on.
async fn obey(port: &Port, purpose: &Purpose, incoming: Result<Incoming, u16>) -> bool {
    let connection = &port.connection;
    match incoming {
        Ok(Incoming::Message(opcode, message)) => match purpose {
            Purpose::Echo => connection.send(&frame::encode(opcode, &message).0),
            Purpose::Duplex(channel) => {
                // There is no answer that could say so: one that is refused is not taken.
                if !connection.server().refuses(channel) {
                    connection.server().publish(channel, (opcode, &message), port.read_at).await;
                }
                true
            }
            Purpose::Subscribe => {
                connection.send_last(&frame::close(Some(code::POLICY), "subscribers do not send"));
                false
            }
        },
        Ok(Incoming::Ping(payload)) => connection.send(&frame::encode(Opcode::Pong, &payload).0),
        Ok(Incoming::Pong) => true,
        Ok(Incoming::Close(code)) => {
            connection.send_last(&frame::close(code, ""));
            false
        }
        Err(code) => {
            connection.send_last(&frame::close(Some(code), ""));
            false
        }
    }
}
