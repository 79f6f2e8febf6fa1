//! The descriptor limit of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open descriptors to the hard one; gives what it is now (`None`: no
/// limit). A failure leaves it as it was.
pub fn raise_descriptor_limit() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
        // Refused only where a sandbox forbids the call; what was allowed stays allowed.
        let _ = setrlimit(Resource::Nofile, raised);
    }
    getrlimit(Resource::Nofile).current
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_becomes_hard() {
        assert_eq!(raise_descriptor_limit(), getrlimit(Resource::Nofile).maximum);
    }
}
