//! The table of splitters: the documentation and the tests loop over it.

use crate::scenario::{LengthPrefix, SplitSpec};

/// One splitter.
pub struct SplitterRow {
    /// The key in scenario files.
    pub key: &'static str,
    /// What ends a message, in one line.
    pub about: &'static str,
    /// One of its kind.
    pub example: fn() -> SplitSpec,
}

/// All splitters, in the order in which they are shown.
pub static SPLITTERS: &[SplitterRow] = &[
    SplitterRow { key: "whole", about: "the end of the body", example: || SplitSpec::Whole },
    SplitterRow { key: "chunk", about: "the end of each HTTP chunk", example: || SplitSpec::Chunk },
    SplitterRow { key: "newline", about: "LF, or CR LF", example: || SplitSpec::Delimiter(b"\n".to_vec()) },
    SplitterRow {
        key: "delimiter",
        about: "any bytes that the scenario names",
        example: || SplitSpec::Delimiter(vec![0x1E]),
    },
    SplitterRow {
        key: "sse",
        about: "the empty line behind a Server-Sent Event (HTML standard, 9.2)",
        example: || SplitSpec::Sse,
    },
    SplitterRow {
        key: "multipart",
        about: "the delimiter of multipart/* (RFC 2046), or the part's own Content-Length",
        example: || SplitSpec::Multipart,
    },
    SplitterRow {
        key: "length",
        about: "a length in front: u8, u16, u32 (big or little endian), varint",
        example: || SplitSpec::Length(LengthPrefix::Varint),
    },
    SplitterRow { key: "script", about: "</script>, of a forever iframe", example: || SplitSpec::Script },
    SplitterRow {
        key: "json-array",
        about: "the end of an element of one JSON array",
        example: || SplitSpec::JsonArray,
    },
    SplitterRow {
        key: "json-concat",
        about: "the end of a JSON value; they come one behind the other",
        example: || SplitSpec::JsonConcat,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_has_the_key_of_its_example() {
        for row in SPLITTERS {
            assert_eq!((row.example)().key(), row.key);
        }
    }
}
