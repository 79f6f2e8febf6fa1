//! Percent-encoding (RFC 3986, section 2.1): the only encoder there is.

/// Appends the bytes, all but the unreserved characters of RFC 3986, section 2.3, encoded.
pub fn percent_encode(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            percent(byte, out);
        }
    }
}

/// Appends `%` and two hexadecimal digits.
pub fn percent(byte: u8, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_but_the_unreserved_is_encoded() {
        let mut out = Vec::new();
        percent_encode("aZ9-._~ /é".as_bytes(), &mut out);
        assert_eq!(out, b"aZ9-._~%20%2F%C3%A9");
    }
}
