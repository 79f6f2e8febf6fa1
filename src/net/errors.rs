//! Errors of the system as the closed set of failures.

use super::tls::HandshakeError;
use crate::model::Failure;
use rustix::io::Errno;
use std::io;

/// Why a connection could not be made.
pub fn connect_failure(error: &io::Error) -> Failure {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::CONNREFUSED) => Failure::ConnectRefused,
        Some(Errno::TIMEDOUT) => Failure::ConnectTimeout,
        Some(Errno::HOSTUNREACH | Errno::NETUNREACH) => Failure::Unreachable,
        Some(Errno::ADDRNOTAVAIL | Errno::ADDRINUSE) => Failure::OutOfPorts,
        _ => io_failure(error),
    }
}

/// Why a TLS handshake failed, and what was wrong in words.
pub(super) fn handshake_failure(error: &HandshakeError) -> (Failure, String) {
    match error {
        HandshakeError::Io(error) => (io_failure(error), format!("the TLS handshake broke off: {error}")),
        HandshakeError::Tls(error) => (tls_failure(error), tls_words(error)),
        HandshakeError::Closed => {
            (Failure::TlsFailed, "TLS: the peer closed in the middle of the handshake".to_owned())
        }
    }
}

/// An error of the TLS layer in words, and what would do.
pub(super) fn tls_words(error: &rustls::Error) -> String {
    use rustls::{AlertDescription as Alert, CertificateError, Error};
    let remedy = match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            ": nobody who is trusted signed it; give the file of its CA as `ca`"
        }
        Error::AlertReceived(Alert::CertificateRequired) => {
            ": certificate required; give a client certificate as `cert` and `key`"
        }
        Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
            | Alert::DecryptError
            | Alert::HandshakeFailure,
        ) => ": the target may want another client certificate (`cert` and `key`)",
        _ => "",
    };
    format!("TLS: {error}{remedy}")
}

/// What an error of the TLS layer stands for.
fn tls_failure(error: &rustls::Error) -> Failure {
    match error {
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
            Failure::CertificateRefused
        }
        _ => Failure::TlsFailed,
    }
}

/// Why an open connection failed. A broken pipe is a reset that was noticed while writing.
pub fn io_failure(error: &io::Error) -> Failure {
    if let Some(tls) = error.get_ref().and_then(|e| e.downcast_ref()) {
        return tls_failure(tls);
    }
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED) => Failure::Reset,
        Some(Errno::MFILE | Errno::NFILE) => Failure::OutOfDescriptors,
        Some(Errno::HOSTUNREACH | Errno::NETUNREACH) => Failure::Unreachable,
        _ => match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => Failure::Reset,
            _ => Failure::Io,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_do_is_said_with_the_error() {
        use rustls::{AlertDescription, CertificateError, Error};
        let issuer = Error::InvalidCertificate(CertificateError::UnknownIssuer);
        assert!(tls_words(&issuer).contains("`ca`"), "{}", tls_words(&issuer));
        let alert = tls_words(&Error::AlertReceived(AlertDescription::CertificateRequired));
        assert!(alert.contains("certificate required") && alert.contains("`cert` and `key`"), "{alert}");
        assert_eq!(tls_words(&Error::DecryptError), "TLS: cannot decrypt peer's message");
    }

    fn named(errno: Errno) -> Failure {
        connect_failure(&io::Error::from(errno))
    }

    #[test]
    fn every_errno_of_a_connect_has_its_name() {
        assert_eq!(named(Errno::CONNREFUSED), Failure::ConnectRefused);
        assert_eq!(named(Errno::TIMEDOUT), Failure::ConnectTimeout);
        assert_eq!(named(Errno::HOSTUNREACH), Failure::Unreachable);
        assert_eq!(named(Errno::NETUNREACH), Failure::Unreachable);
        assert_eq!(named(Errno::MFILE), Failure::OutOfDescriptors);
        assert_eq!(named(Errno::NFILE), Failure::OutOfDescriptors);
        assert_eq!(named(Errno::ADDRNOTAVAIL), Failure::OutOfPorts);
        assert_eq!(named(Errno::ADDRINUSE), Failure::OutOfPorts);
        assert_eq!(named(Errno::CONNRESET), Failure::Reset);
        assert_eq!(named(Errno::PERM), Failure::Io);
    }

    #[test]
    fn errors_without_an_errno_are_told_by_their_kind() {
        assert_eq!(io_failure(&io::ErrorKind::BrokenPipe.into()), Failure::Reset);
        assert_eq!(io_failure(&io::ErrorKind::InvalidData.into()), Failure::Io);
        let tls = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::DecryptError);
        assert_eq!(io_failure(&tls), Failure::TlsFailed);
    }
}
