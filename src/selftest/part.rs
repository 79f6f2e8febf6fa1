//! The table of parts.

use super::SelftestError;
use super::bench::Bench;
use super::parts;

/// How long the parts are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// At most two minutes: on every change.
    Short,
    /// At most ten minutes: by hand, before a release.
    #[default]
    Full,
}

impl Depth {
    /// `short` or `full`.
    pub fn key(self) -> &'static str {
        match self {
            Depth::Short => "short",
            Depth::Full => "full",
        }
    }

    /// One value for each depth.
    pub fn pick<T>(self, short: T, full: T) -> T {
        match self {
            Depth::Short => short,
            Depth::Full => full,
        }
    }
}

/// One part: a file in `parts/` and a row here.
pub struct Part {
    /// `T1` to `T10`.
    pub key: &'static str,
    /// What it proves.
    pub title: &'static str,
    /// The rules of the method that it checks.
    pub rules: &'static [u8],
    /// Does it.
    pub(super) work: fn(&mut Bench<'_>) -> Result<(), SelftestError>,
}

/// All parts in their order.
pub static PARTS: &[&Part] = &[
    &parts::t1::PART,
    &parts::t2::PART,
    &parts::t3::PART,
    &parts::t4::PART,
    &parts::t5::PART,
    &parts::t6::PART,
    &parts::t7::PART,
    &parts::t8::PART,
    &parts::t9::PART,
    &parts::t10::PART,
];

/// The parts of these names, such as `T3`, in the table's order; letters of either case. An unknown
/// name comes back as the error. No names: all.
pub fn choose(names: &[String]) -> Result<Vec<&'static Part>, String> {
    let known = |name: &String| PARTS.iter().any(|p| p.key.eq_ignore_ascii_case(name.trim()));
    if let Some(unknown) = names.iter().find(|n| !known(n)) {
        return Err(unknown.clone());
    }
    let wanted = |p: &&&Part| names.is_empty() || names.iter().any(|n| p.key.eq_ignore_ascii_case(n.trim()));
    Ok(PARTS.iter().filter(wanted).copied().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_chosen_by_name_in_the_order_of_the_table() {
        let keys = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
            choose(&names).map(|parts| parts.iter().map(|p| p.key).collect::<Vec<_>>())
        };
        assert_eq!(keys(&["t5", " T3"]).unwrap(), ["T3", "T5"]);
        assert_eq!(keys(&[]).unwrap().len(), PARTS.len());
        assert_eq!(keys(&["T5", "T11"]).unwrap_err(), "T11");
    }

    #[test]
    fn there_are_ten_parts_in_order_and_each_names_its_rules() {
        let keys: Vec<String> = PARTS.iter().map(|p| p.key.to_owned()).collect();
        assert_eq!(keys, (1..=10).map(|i| format!("T{i}")).collect::<Vec<_>>());
        assert!(PARTS.iter().all(|p| !p.rules.is_empty() && p.rules.iter().all(|r| (1..=27).contains(r))));
    }
}
