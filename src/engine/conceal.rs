//! The one place where what a run came to loses what came from the environment: before it is handed
//! to anybody who keeps or prints it.

use super::{EngineError, Observer, Progress};
use crate::result::Results;
use crate::scenario::{RunPlan, Secrets};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The result of a run or of a ladder without secrets, in whichever of its texts they stand. Keys stay, and so does a word
/// that only happens to be a secret where nothing but certain words can stand.
pub(super) fn result<T: Serialize + DeserializeOwned + Default>(secrets: &Secrets, run: T) -> T {
    if secrets.is_empty() {
        return run;
    }
    let Ok(Value::Object(mut whole)) = serde_json::to_value(&run) else { return T::default() };
    let keys: Vec<String> = whole.keys().cloned().collect();
    for key in keys {
        let mut hidden = whole[&key].clone();
        secrets.hide_all(&mut hidden);
        let changed = hidden != whole[&key];
        let alone = Value::Object([(key.clone(), hidden.clone())].into_iter().collect());
        if changed && serde_json::from_value::<T>(alone).is_ok() {
            whole.insert(key, hidden);
        }
    }
    serde_json::from_value(Value::Object(whole)).unwrap_or_default()
}

/// The error without secrets.
pub(super) fn error(secrets: &Secrets, error: EngineError) -> EngineError {
    let hide = |text: String| secrets.hide(&text);
    match error {
        EngineError::Target(text) => EngineError::Target(hide(text)),
        EngineError::Publisher(text) => EngineError::Publisher(hide(text)),
        EngineError::Refused(text) => EngineError::Refused(hide(text)),
        EngineError::Tls(text) => EngineError::Tls(hide(text)),
        EngineError::Probe(text) => EngineError::Probe(hide(text)),
        EngineError::Preflight(text) => EngineError::Preflight(hide(text)),
        EngineError::Worker(text) => EngineError::Worker(hide(text)),
        EngineError::Keep(error) => EngineError::Keep(error),
        EngineError::Interrupted => EngineError::Interrupted,
    }
}

/// Tells an observer the same without secrets.
pub(super) struct Discreet<'a> {
    pub(super) secrets: &'a Secrets,
    pub(super) observer: &'a mut dyn Observer,
}

impl Observer for Discreet<'_> {
    fn run_begins(&mut self, index: usize, total: usize, run: &RunPlan) {
        self.observer.run_begins(index, total, run);
    }

    fn waiting(&mut self, what: &str) {
        self.observer.waiting(&self.secrets.hide(what));
    }

    fn progress(&mut self, progress: &Progress) {
        self.observer.progress(progress);
    }

    fn run_ended(&mut self, results: &Results) -> std::io::Result<()> {
        self.observer.run_ended(results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{CloseDetail, RunResult};
    use crate::scenario::{Overrides, parse};

    /// Secrets of a plan whose title holds `PATH`, which every environment has.
    fn secrets() -> (Secrets, String) {
        let text = "title = \"${env:PATH}\"\n[load]\nclients = 1\nmeasure = \"1 s\"\n\
                    [[case]]\nname = \"one\"\nwebsocket = { path = \"/\" }\n";
        let plan = parse("x.toml", text, &Overrides::default()).unwrap();
        (plan.secrets, std::env::var("PATH").unwrap())
    }

    #[test]
    fn no_text_of_a_result_holds_a_secret_and_all_else_stays() {
        let (secrets, secret) = secrets();
        let with = |s: &str| RunResult {
            case: "a".into(),
            reasons: vec![format!("x {s}")],
            notes: vec![format!("exec {s} ended")],
            failure_details: [("not_ready".to_owned(), format!("body \"{s}\""))].into(),
            close_details: vec![CloseDetail { reason: s.to_owned(), ..CloseDetail::default() }],
            published: 7,
            measured_s: 0.1,
            ..RunResult::default()
        };
        assert_eq!(result(&secrets, with(&secret)), with("<env>"));
        assert_eq!(result(&Secrets::default(), with(&secret)), with(&secret));
    }

    #[test]
    fn errors_hold_none_either() {
        let (secrets, secret) = secrets();
        let told = error(&secrets, EngineError::Target(format!("GET /x?{secret}: 403"))).to_string();
        assert_eq!(told, "failed to start the target: GET /x?<env>: 403");
    }
}
