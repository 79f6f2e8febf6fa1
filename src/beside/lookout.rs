//! What is told at which path: `/v1/reading` and `/v1/about`, as JSON.

use super::reader::{Reader, Taken, Unread};
use crate::clock::Clock;
use crate::probe::{About, Depth, Probe, TOLD_SCHEMA, ToldReading};
use crate::server::{Clerk, Question, Reply};
use serde::Serialize;
use std::io;

/// Tells what one probe reads.
pub struct Lookout {
    reader: Reader,
    about: About,
}

impl Lookout {
    /// Of this probe, which from now on lives on a thread of its own; `reads` says in words what it looks
    /// at. Reads nothing yet.
    ///
    /// # Errors
    /// There can be no thread.
    pub fn new(probe: Box<dyn Probe>, reads: Vec<String>) -> io::Result<Lookout> {
        let began_ns = Clock::Monotonic.now().0;
        let about = About { began_ns, ..About::of_this_machine(reads) };
        Ok(Lookout { reader: Reader::start(probe)?, about })
    }

    /// What there is to be read now, a line a process, or why there is nothing.
    pub async fn first_look(&self) -> Result<Vec<String>, String> {
        let taken = self.reader.read(Depth::Thorough).await.map_err(|e| e.to_string())?;
        taken.cost.map(|_| taken.found)
    }

    async fn reading(&self, question: Question<'_>) -> Reply {
        let Some(depth) = depth(question.query) else {
            return Reply::senseless("want ?depth=light, full or thorough");
        };
        match self.reader.read(depth).await {
            Ok(taken) => json(&self.told(taken, question)),
            Err(why @ (Unread::Busy | Unread::Ended)) => Reply::unavailable(&why.to_string()),
        }
    }

    fn told(&self, taken: Taken, question: Question<'_>) -> ToldReading {
        let (cost, error) = match taken.cost {
            Ok(cost) => (Some(cost), None),
            Err(error) => (None, Some(error)),
        };
        ToldReading {
            schema: TOLD_SCHEMA.to_owned(),
            began_ns: self.about.began_ns,
            received_ns: question.received.0,
            sent_ns: Clock::Monotonic.now().0,
            cost,
            found: taken.found,
            warnings: taken.warnings,
            error,
        }
    }
}

impl Clerk for Lookout {
    async fn answer(&self, question: Question<'_>) -> Reply {
        match question.path {
            "/v1/reading" => self.reading(question).await,
            "/v1/about" => json(&About {
                received_ns: question.received.0,
                sent_ns: Clock::Monotonic.now().0,
                ..self.about.clone()
            }),
            _ => Reply::unknown("there is /v1/reading and /v1/about"),
        }
    }
}

fn json(told: &impl Serialize) -> Reply {
    Reply::json(serde_json::to_string(told).expect("what is told are plain values"))
}

/// `None`: it asks for something else.
fn depth(query: &str) -> Option<Depth> {
    match query {
        "" | "depth=light" => Some(Depth::Light),
        "depth=full" => Some(Depth::Full),
        "depth=thorough" => Some(Depth::Thorough),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cost, Nanos};
    use crate::probe::ProbeError;

    struct Some7;

    impl Probe for Some7 {
        fn read(&mut self, depth: Depth) -> Result<Cost, ProbeError> {
            match depth {
                Depth::Thorough => Err(ProbeError::NobodyNamed { missing: "no 7".into() }),
                _ => Ok(Cost { processes: 7, at: Clock::Monotonic.now(), ..Cost::default() }),
            }
        }

        fn found(&self) -> Vec<String> {
            vec!["7 it".into()]
        }
    }

    fn ask(path: &str, query: &str) -> Reply {
        let lookout = Lookout::new(Box::new(Some7), vec!["pid 7".into()]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(lookout.answer(Question { path, query, received: Nanos(5) }))
    }

    #[test]
    fn readings_are_told_with_what_was_found_and_when() {
        let told: ToldReading = serde_json::from_str(ask("/v1/reading", "depth=full").body()).unwrap();
        assert_eq!((told.schema.as_str(), told.received_ns), (TOLD_SCHEMA, 5));
        let cost = told.cost.unwrap();
        assert!(cost.processes == 7 && told.began_ns <= cost.at.0 && cost.at.0 <= told.sent_ns);
        assert_eq!((told.found, told.error), (vec!["7 it".to_owned()], None));
    }

    #[test]
    fn why_there_is_no_reading_is_told_in_its_place() {
        let told: ToldReading = serde_json::from_str(ask("/v1/reading", "depth=thorough").body()).unwrap();
        assert!(told.cost.is_none() && told.error.unwrap().ends_with("no 7"));
    }

    #[test]
    fn who_tells_is_told_and_nothing_else_is_there() {
        let about: About = serde_json::from_str(ask("/v1/about", "").body()).unwrap();
        assert!(about.is_this_machine() && about.reads == ["pid 7"] && about.began_ns > 0);
        assert_eq!(ask("/v1/reading", "depth=deep"), Reply::senseless("want ?depth=light, full or thorough"));
        assert!(
            matches!(ask("/v2", ""), reply if reply == Reply::unknown("there is /v1/reading and /v1/about"))
        );
    }
}
