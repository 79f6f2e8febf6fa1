//! The closed set of ways in which an operation fails.

/// Whose failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// The server under test did it.
    Target,
    /// Something between the two did it.
    Network,
    /// pushbench or its machine did it: the run is not the target's fault.
    Harness,
}

impl Side {
    /// The key in results.
    pub const fn key(self) -> &'static str {
        match self {
            Side::Target => "target",
            Side::Network => "network",
            Side::Harness => "harness",
        }
    }
}

macro_rules! failures {
    ($( $(#[doc = $doc:literal])+ $name:ident = $key:literal, $side:ident; )+) => {
        /// Why an operation failed. Closed on purpose: a failure is counted, never free text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
        #[repr(u8)]
        pub enum Failure {
            $( $(#[doc = $doc])+ #[error($key)] $name, )+
        }

        impl Failure {
            /// Every failure, in the order of `self as usize`.
            pub const ALL: &'static [Failure] = &[$( Failure::$name, )+];
            /// How many there are.
            pub const COUNT: usize = Failure::ALL.len();

            /// The key in results; never renamed.
            pub const fn key(self) -> &'static str {
                match self { $( Failure::$name => $key, )+ }
            }

            /// Whose failure it is.
            pub const fn side(self) -> Side {
                match self { $( Failure::$name => Side::$side, )+ }
            }

            /// What it means, for people: the documentation of the variant.
            pub const fn meaning(self) -> &'static str {
                match self { $( Failure::$name => concat!($($doc),+), )+ }
            }
        }
    };
}

failures! {
    /// The target's machine answered the connect with a reset: nothing listens there.
    ConnectRefused = "connect_refused", Target;
    /// No connection within the connect timeout.
    ConnectTimeout = "connect_timeout", Network;
    /// No route to the target.
    Unreachable = "unreachable", Network;
    /// The connection was reset.
    Reset = "reset", Target;
    /// The peer closed before the unit it had begun was whole.
    ClosedEarly = "closed_early", Target;
    /// A kept-alive connection was closed by the peer just as the next request used it.
    StaleConnection = "stale_connection", Target;
    /// No answer within the request timeout.
    Timeout = "timeout", Target;
    /// Answered with a status of the 300s that sends the client elsewhere; never followed.
    Redirect = "redirect", Target;
    /// Answered with a status of the 400s.
    Status4xx = "status_4xx", Target;
    /// Answered with a status of the 500s.
    Status5xx = "status_5xx", Target;
    /// Answered with another status than the scenario expects.
    StatusUnexpected = "status_unexpected", Target;
    /// The answer is not HTTP/1.1.
    BadHttp = "bad_http", Target;
    /// The head of the answer is larger than the limit.
    HeadTooLarge = "head_too_large", Target;
    /// The body of the answer is larger than the limit.
    BodyTooLarge = "body_too_large", Target;
    /// A chunk size that is no number or larger than any body may be.
    BadChunk = "bad_chunk", Target;
    /// The answer to the upgrade is not `101 Switching Protocols` with the right fields.
    UpgradeRefused = "upgrade_refused", Target;
    /// `Sec-WebSocket-Accept` is missing or wrong: something answered that did not read the key.
    BadAccept = "bad_accept", Target;
    /// A frame that breaks RFC 6455.
    BadFrame = "bad_frame", Target;
    /// A text message that is not UTF-8.
    BadUtf8 = "bad_utf8", Target;
    /// A message larger than the limit.
    MessageTooLarge = "message_too_large", Target;
    /// A unit that breaks the framing the scenario names: a bad length, a part without its boundary.
    BadFraming = "bad_framing", Target;
    /// A compressed message that does not inflate.
    BadDeflate = "bad_deflate", Target;
    /// The TLS handshake failed.
    TlsFailed = "tls_failed", Target;
    /// The certificate is not trusted, not valid now, or not for this name.
    CertificateRefused = "certificate_refused", Target;
    /// The session never came to where it can receive: a login or a subscription was not answered as
    /// the scenario expects.
    NotReady = "not_ready", Target;
    /// The peer sent nothing, not even a pong, for as long as the scenario allows.
    DeadPeer = "dead_peer", Target;
    /// A rule of the scenario calls what came a failure.
    RuleFailed = "rule_failed", Target;
    /// The target no longer knows the session that was to go on: what came between is gone.
    ResumeLost = "resume_lost", Target;
    /// Something came that no rule of a strict dialect knows.
    Unmatched = "unmatched", Target;
    /// The rules of the dialect answered one another without end.
    RuleLoop = "rule_loop", Harness;
    /// The transport has no way to send.
    CannotSend = "cannot_send", Harness;
    /// The target closed the session in due form though it was to stay open.
    ClosedByPeer = "closed_by_peer", Target;
    /// An input or output error of another kind.
    Io = "io", Network;
    /// The process has no descriptor left.
    OutOfDescriptors = "out_of_descriptors", Harness;
    /// No local port is left towards the target.
    OutOfPorts = "out_of_ports", Harness;
    /// A message was due while every publishing connection still awaited its answer, or while the way to
    /// the target was full, and was dropped: the target is behind, or `connections` of `[publish]` is too
    /// low.
    PublishBacklog = "publish_backlog", Target;
    /// A message was due while the session that was to carry it was not open.
    NotAttached = "not_attached", Target;
    /// The program that was to publish a message had ended, or no longer read what it was given.
    PublisherEnded = "publisher_ended", Harness;
    /// A client's task panicked: a fault of pushbench, to be reported.
    Panicked = "panicked", Harness;
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use std::collections::HashSet;

    #[test]
    fn keys_are_unique_and_indexes_agree() {
        let keys: HashSet<_> = Failure::ALL.iter().map(|f| f.key()).collect();
        assert_eq!(keys.len(), Failure::COUNT);
        for (i, f) in Failure::ALL.iter().enumerate() {
            assert_eq!(*f as usize, i);
            assert!(!f.meaning().trim().is_empty());
        }
    }
}
