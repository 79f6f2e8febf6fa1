//! What a machine for the target costs: the user's own prices, none is built in.

use crate::scenario::units;

/// `[price]`, with what was left out filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceSpec {
    /// Price of one instance for an hour.
    pub instance_hour: f64,
    /// Cores of one instance.
    pub cores: f64,
    /// Memory of one instance, bytes; `None`: memory limits nothing.
    pub memory_bytes: Option<u64>,
    /// Price of 10^9 bytes that leave it; `None`: what is sent is not priced.
    pub egress_gb: Option<f64>,
    /// What prices are in, for people.
    pub currency: String,
    /// The share of an instance (CPU, memory, clients at the objectives) that is to be used.
    pub headroom: f64,
}

/// One core, where none is said: nothing is built upon cores that may not be there.
const CORES: f64 = 1.0;
/// The share of an instance that is planned with.
const HEADROOM: f64 = 0.7;
const CURRENCY: &str = "USD";

/// The keys of a price table.
const KEYS: &str = "instance_hour, cores, memory, egress_gb, currency and headroom";

impl PriceSpec {
    /// An instance of one core at this price, used to 70 %.
    pub fn of_instance(instance_hour: f64) -> PriceSpec {
        PriceSpec {
            instance_hour,
            cores: CORES,
            memory_bytes: None,
            egress_gb: None,
            currency: CURRENCY.to_owned(),
            headroom: HEADROOM,
        }
    }

    /// Reads `instance_hour=0.17,cores=4,memory=16 GiB,egress_gb=0.09`, as a command line has it.
    ///
    /// # Errors
    /// What will not do, in words.
    pub fn parse(text: &str) -> Result<PriceSpec, String> {
        let (mut spec, mut given) = (PriceSpec::of_instance(0.0), Vec::new());
        for part in text.split(',').filter(|part| !part.trim().is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| format!("{part:?} is no key=value"))?;
            let (key, value) = (key.trim(), value.trim());
            if given.contains(&key) {
                return Err(format!("{key} is given twice: leave one of the two out"));
            }
            given.push(key);
            spec.set(key, value)?;
        }
        spec.fault().map_or(Ok(spec), |(key, want)| Err(format!("{key}: want {want}")))
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let number = || value.parse::<f64>().map_err(|_| format!("{key}: {value:?} is no number"));
        match key {
            "instance_hour" => self.instance_hour = number()?,
            "cores" => self.cores = number()?,
            "egress_gb" => self.egress_gb = Some(number()?),
            "headroom" => self.headroom = number()?,
            "currency" => value.clone_into(&mut self.currency),
            "memory" => {
                let bytes = units::parse_size(value);
                self.memory_bytes =
                    Some(bytes.ok_or_else(|| format!("memory: {value:?} is no size such as \"16 GiB\""))?);
            }
            _ => return Err(format!("there is no {key:?} in a price table; there are {KEYS}")),
        }
        Ok(())
    }

    /// The first key that will not do, and what would.
    pub(in crate::scenario) fn fault(&self) -> Option<(&'static str, &'static str)> {
        let within = |v: f64, most: f64| v.is_finite() && v > 0.0 && v <= most;
        if !within(self.instance_hour, 1e6) {
            return Some(("instance_hour", "the price of an instance for an hour, above zero, such as 0.17"));
        }
        if !within(self.cores, 1e4) {
            return Some(("cores", "a number of cores above zero, such as 4"));
        }
        if self.memory_bytes == Some(0) {
            return Some(("memory", "a size above zero, such as \"16 GiB\""));
        }
        if self.egress_gb.is_some_and(|p| !(p.is_finite() && (0.0..=1e6).contains(&p))) {
            return Some(("egress_gb", "the price of 10^9 bytes sent, such as 0.09"));
        }
        let letters = self.currency.chars().count();
        if !(1..=8).contains(&letters) || self.currency.contains(char::is_control) {
            return Some(("currency", "one to eight letters, such as \"USD\""));
        }
        (!within(self.headroom, 1.0)).then_some(("headroom", "a share above 0 and up to 1, such as 0.7"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_on_a_command_line() {
        let told = PriceSpec::parse("instance_hour=0.17, cores=4,memory=16 GiB,egress_gb=0.09").unwrap();
        let wanted = PriceSpec {
            cores: 4.0,
            memory_bytes: Some(16 << 30),
            egress_gb: Some(0.09),
            ..PriceSpec::of_instance(0.17)
        };
        assert_eq!(told, wanted);
        assert_eq!((told.headroom, told.currency.as_str()), (0.7, "USD"));
    }

    #[test]
    fn what_will_not_do_is_named() {
        let told = |text| PriceSpec::parse(text).unwrap_err();
        assert!(told("cores=4").starts_with("instance_hour: want the price"));
        assert!(told("instance_hour=cheap").contains("\"cheap\" is no number"));
        assert!(told("instance_hour=1,core=4").contains("there is no \"core\""));
        assert!(told("instance_hour=1,memory=16").contains("16 GiB"));
        assert!(told("instance_hour=1,memory=0 B").starts_with("memory"));
        assert!(told("instance_hour=1,headroom=1.5").starts_with("headroom"));
        assert!(told("instance_hour=NaN").starts_with("instance_hour"));
        assert!(told("instance_hour=1,egress_gb=-1").starts_with("egress_gb"));
        assert!(told("instance_hour=1,currency=").starts_with("currency"));
        assert!(told("0.17").contains("is no key=value"));
        let twice = "instance_hour is given twice: leave one of the two out";
        assert_eq!(told("instance_hour=0.1, instance_hour =0.2"), twice);
    }
}
