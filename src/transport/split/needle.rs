//! Finds bytes in a body that comes in pieces.

use std::rc::Rc;

/// The bytes looked for; never empty.
#[derive(Clone, Debug)]
pub(super) struct Needle(Rc<[u8]>);

impl Needle {
    pub(super) fn new(bytes: &[u8]) -> Needle {
        Needle(bytes.into())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a needle begins like this.
    pub(super) fn starts_with(&self, bytes: &[u8]) -> bool {
        self.0.starts_with(bytes)
    }

    /// Behind which byte of `input` the first needle ends that does not end in `before`, the bytes
    /// in front of `input`.
    pub(super) fn end(&self, before: &[u8], input: &[u8]) -> Option<usize> {
        self.across(before, input).or_else(|| {
            let found = match &*self.0 {
                [one] => memchr::memchr(*one, input),
                many => memchr::memmem::find(input, many),
            };
            found.map(|at| at + self.len())
        })
    }

    /// One that begins in `before`: the earliest has most of it there.
    fn across(&self, before: &[u8], input: &[u8]) -> Option<usize> {
        if before.is_empty() {
            return None;
        }
        (1..self.len()).rev().find_map(|there| {
            let (head, tail) = self.0.split_at(there);
            (before.ends_with(head) && input.starts_with(tail)).then_some(tail.len())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Needle;

    #[test]
    fn a_needle_is_found_wherever_it_is_cut() {
        let needle = Needle::new(b"aab");
        for cut in 0..=4 {
            let (before, input) = b"aaab".split_at(cut);
            let found = needle.end(before, input).map(|n| n + cut);
            assert_eq!(found, (cut < 4).then_some(4), "cut at {cut}");
        }
        assert_eq!(needle.end(b"aa", b"a"), None);
    }
}
