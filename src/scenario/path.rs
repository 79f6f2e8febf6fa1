//! Key paths such as `case[1].poll.every`: how errors and places find each other.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Into a table.
    Key(String),
    /// Into a list, from 0.
    Index(usize),
}

/// Steps from the root of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct KeyPath(pub(super) Vec<Step>);

impl KeyPath {
    /// A path of plain keys, `load.clients`.
    pub(super) fn at(dotted: &str) -> KeyPath {
        KeyPath(dotted.split('.').map(|key| Step::Key(key.to_owned())).collect())
    }

    /// One key further.
    pub(super) fn key(&self, key: &str) -> KeyPath {
        self.then(Step::Key(key.to_owned()))
    }

    /// One item further.
    pub(super) fn index(&self, index: usize) -> KeyPath {
        self.then(Step::Index(index))
    }

    fn then(&self, step: Step) -> KeyPath {
        KeyPath(self.0.iter().cloned().chain([step]).collect())
    }

    /// Whether one is the other or lies in it.
    pub(super) fn touches(&self, other: &KeyPath) -> bool {
        self.0.iter().zip(&other.0).all(|(a, b)| a == b)
    }

    /// Without the list positions at its end: the nearest key.
    pub(super) fn to_key(&self) -> KeyPath {
        let keep = self.0.iter().rposition(|s| matches!(s, Step::Key(_))).map_or(0, |at| at + 1);
        KeyPath(self.0[..keep].to_vec())
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if at == 0 => f.write_str(key)?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::KeyPath;

    #[test]
    fn reads_like_toml() {
        let status = KeyPath::at("case").index(1).key("poll").key("status");
        assert_eq!(status.to_string(), "case[1].poll.status");
        assert_eq!(status.index(3).to_key(), status);
    }

    #[test]
    fn touches_what_is_above_and_below() {
        let case = KeyPath::at("case").index(1);
        assert!(case.touches(&case.key("poll")) && case.key("poll").touches(&case));
        assert!(!case.touches(&KeyPath::at("case").index(0)));
    }
}
