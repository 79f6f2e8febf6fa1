//! What the frame library sees of a connection.

use std::io::{self, Read, Write};

/// The bytes of one read, and a place for what the library wants written.
pub(super) struct Feed<'r, 'w> {
    pub(super) unread: &'r [u8],
    pub(super) out: &'w mut Vec<u8>,
}

impl Read for Feed<'_, '_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Read::read(&mut self.unread, into)
    }
}

impl Write for Feed<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(self.out, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
