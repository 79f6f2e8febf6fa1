//! The target's own counters during a run: asked at the ends of intervals, gathered as answers come.
//!
//! Nobody waits for an answer while the load runs. A question that is due while the last one is
//! still under way is skipped; at the end of a phase it is put as soon as that is answered.

use super::EngineError;
use super::control::Beside;
use super::site::Sites;
use super::timeline::Phase;
use crate::clock::Clock;
use crate::model::Nanos;
use crate::scenario::{MetricsPlan, Plan};
use crate::scrape::{self, Answer, Book, Fetcher, Manner, Parts, Picked, Source, Step};

/// Room for the clock of the control thread, which wakes a little after each second.
const SLACK: Nanos = Nanos::from_millis(500);
/// Different warnings of a run; a page that changes each second is not to fill the summary.
const WARNINGS: usize = 32;

/// All pages of a run.
pub(super) struct Scrapes {
    fetcher: Option<Fetcher<Picked>>,
    pages: Vec<Page>,
    taken: Vec<Scrape>,
    warnings: Vec<String>,
    /// The phase of each question.
    marks: Vec<Phase>,
}

/// One page.
pub(super) struct Page {
    pub(super) plan: MetricsPlan,
    pub(super) scrapes: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) answer_bytes_max: u64,
    pub(super) took_max: Nanos,
    /// When it was last asked.
    last: Option<Nanos>,
    /// The end of a phase came while it was still being asked.
    owed: Option<Phase>,
    /// What each series was the sum of at its last value.
    books: Vec<Book>,
}

/// One answered question.
pub(super) struct Scrape {
    pub(super) page: usize,
    /// The phase that it ends, or in which it lies.
    pub(super) phase: Phase,
    pub(super) asked: Nanos,
    pub(super) at: Nanos,
    /// One for each series of the page.
    pub(super) values: Vec<Option<Reading>>,
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) value: f64,
    /// Of a counter: what lies between the last value and this.
    pub(super) step: Step,
}

impl Scrapes {
    /// Makes the plan's pages ready; opens no connection.
    pub(super) fn new(plan: &Plan, sites: &Sites) -> Result<Scrapes, EngineError> {
        let beside = Beside { plan, sites };
        let sources: Vec<Source<Picked>> =
            plan.metrics.iter().map(|page| source(page, &beside)).collect::<Result<_, _>>()?;
        let fetcher = match sources.is_empty() {
            true => None,
            false => Some(Fetcher::start(sources).map_err(|e| EngineError::Worker(e.to_string()))?),
        };
        let pages = plan.metrics.iter().map(Page::new).collect();
        Ok(Scrapes { fetcher, pages, taken: Vec::new(), warnings: Vec::new(), marks: Vec::new() })
    }

    /// Asks every page that is due; all of them when a phase ends.
    pub(super) fn ask(&mut self, phase: Phase, ends_phase: bool) {
        self.collect();
        let now = Clock::Monotonic.now();
        for page in 0..self.pages.len() {
            let due = self.pages[page].last.is_none_or(|at| now + SLACK >= at + self.pages[page].plan.every);
            if due || ends_phase {
                self.put(page, phase, ends_phase);
            }
        }
    }

    fn put(&mut self, page: usize, phase: Phase, ends_phase: bool) {
        let Some(fetcher) = &mut self.fetcher else { return };
        let it = &mut self.pages[page];
        if fetcher.ask(page, self.marks.len(), "") {
            self.marks.push(phase);
            it.scrapes += 1;
            it.last = Some(Clock::Monotonic.now());
            it.owed = None;
        } else {
            it.skipped += 1;
            it.owed = it.owed.or(ends_phase.then_some(phase));
        }
    }

    /// Takes the answers that are there.
    pub(super) fn collect(&mut self) {
        let answers = self.fetcher.as_mut().map(Fetcher::answers).unwrap_or_default();
        for answer in answers {
            self.keep(answer);
        }
    }

    /// Waits for what was asked, at most as long as each page may take. Never while a load runs.
    pub(super) fn settle(&mut self) {
        let most = self.pages.iter().map(|p| p.plan.timeout).max().unwrap_or_default();
        let deadline = Clock::Monotonic.now() + most + SLACK;
        self.collect();
        while let Some(answer) = self.fetcher.as_mut().and_then(|f| f.wait(deadline - Clock::Monotonic.now()))
        {
            self.keep(answer);
        }
    }

    fn keep(&mut self, answer: Answer<Picked>) {
        let (page, phase) = (answer.source, self.marks[answer.mark]);
        let it = &mut self.pages[page];
        it.answer_bytes_max = it.answer_bytes_max.max(answer.bytes as u64);
        it.took_max = it.took_max.max(answer.at - answer.asked);
        let url = it.plan.url.clone();
        match answer.result {
            Err(error) => {
                it.failed += 1;
                self.warn(format!("{url}: {error}"), phase);
            }
            Ok(picked) => {
                let names: Vec<String> = it.plan.series.iter().map(|s| s.name.clone()).collect();
                picked.warnings.into_iter().for_each(|w| self.warn(format!("{url}: {w}"), phase));
                for (name, why) in
                    names.iter().zip(&picked.values).filter_map(|(n, v)| Some((n, v.as_ref().err()?)))
                {
                    self.warn(format!("{url}: no value of {name}: {why}"), phase);
                }
                let books = self.pages[page].books.iter_mut();
                let values = picked.values.iter().zip(&picked.parts).zip(books);
                let reading = |((value, parts), book): ((&Result<f64, String>, &Parts), &mut Book)| {
                    let value = *value.as_ref().ok()?;
                    Some(Reading { value, step: book.step(parts) })
                };
                let values = values.map(reading).collect();
                self.taken.push(Scrape { page, phase, asked: answer.asked, at: answer.at, values });
            }
        }
        if let Some(owed) = self.pages[page].owed.take() {
            self.put(page, owed, true);
        }
    }

    /// Once, with the phase in which it was first so.
    fn warn(&mut self, text: String, phase: Phase) {
        let known = self.warnings.iter().any(|w| w.starts_with(&text));
        if !known && self.warnings.len() < WARNINGS {
            self.warnings.push(format!("{text} (first in phase {})", phase.key()));
        }
    }

    pub(super) fn pages(&self) -> &[Page] {
        &self.pages
    }

    /// Every answered question, in the order of the answers.
    pub(super) fn taken(&self) -> &[Scrape] {
        &self.taken
    }

    pub(super) fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Page {
    fn new(plan: &MetricsPlan) -> Page {
        Page {
            plan: plan.clone(),
            scrapes: 0,
            failed: 0,
            skipped: 0,
            answer_bytes_max: 0,
            took_max: Nanos::ZERO,
            last: None,
            owed: None,
            books: vec![Book::default(); plan.series.len()],
        }
    }
}

fn source(page: &MetricsPlan, beside: &Beside<'_>) -> Result<Source<Picked>, EngineError> {
    let place = beside.place(&page.url, page.ca.as_deref())?;
    let mut headers = page.headers.clone();
    headers
        .extend(page.url.starts_with('/').then(|| ("Host".to_owned(), beside.sites.base.authority.clone())));
    let manner = Manner {
        tls: place.tls,
        at: place.at,
        headers: &headers,
        timeout: page.timeout,
        limit_bytes: page.limit_bytes,
    };
    let (format, series) = (page.format, page.series.clone());
    let read = move |text: &[u8]| scrape::pick(format, text, &series);
    Source::new(&place.url, manner, read)
        .map_err(|e| EngineError::Target(format!("[[metrics]] {}: {e}", page.url)))
}
