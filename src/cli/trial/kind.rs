//! A kind of a preset tried directly: the scenario that stands for it. It publishes nothing: what comes
//! is the target's own.

use crate::scenario;
use std::path::Path;
use toml::Value;

/// The preset and kind that a name stands for, when it is no file: `mine.toml#websocket`, or one that is
/// shipped, `nchan.sse`.
pub(super) fn named(file: &Path) -> Option<&str> {
    let name = file.to_str().filter(|_| !file.exists())?;
    let shipped = name.split_once('.').is_some_and(|(stem, _)| scenario::preset(stem).is_some());
    (name.contains('#') || shipped).then_some(name)
}

/// A scenario with this kind for its case. Whom it drives is said by `--target`.
pub(super) fn scenario_of(named: &str) -> String {
    let quoted = |text: String| Value::String(text).to_string();
    format!(
        "title = {}\n[target]\nbase = \"http://127.0.0.1:1\"\n[load]\nclients = 1\n\
         [[case]]\nname = \"kind\"\npreset = {}\n",
        quoted(format!("Does {named} work?")),
        quoted(named.to_owned())
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_from_files() {
        assert_eq!(named(Path::new("mine.toml#websocket")), Some("mine.toml#websocket"));
        assert_eq!(named(Path::new("nchan.sse")), Some("nchan.sse"));
        assert_eq!((named(Path::new("nowhere.toml")), named(Path::new("Cargo.toml"))), (None, None));
    }
}
