//! Floats in files: what is not finite is written as null (an empty cell), and read back as NaN.
//!
//! JSON has no NaN, and a reader in another language should not meet one in a CSV file either.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub(super) fn serialize<S: Serializer>(value: &f64, to: S) -> Result<S::Ok, S::Error> {
    value.is_finite().then_some(*value).serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(from)?.unwrap_or(f64::NAN))
}

/// The same for values that may be absent: not finite is absent.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub(in super::super) fn serialize<S: Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
        value.filter(|v| v.is_finite()).serialize(to)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
        Option::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use crate::result::{CostRow, Interval, Quantiles, RunResult, Summary, TargetCost};

    #[test]
    fn what_is_not_finite_becomes_null() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let run = RunResult {
                offered_per_s: bad,
                delivery: Quantiles { mean_ns: Some(bad), ..Default::default() },
                ..Default::default()
            };
            let json = serde_json::to_value(&run).unwrap();
            assert!(json["offered_per_s"].is_null() && json["delivery"]["mean_ns"].is_null());
            let back: RunResult = serde_json::from_value(json).unwrap();
            assert!(back.offered_per_s.is_nan());
            assert_eq!(back.delivery.mean_ns, None);
        }
    }

    /// Replaces each float of `json` by null in turn and calls `read` with the result.
    fn each_float_nulled(
        json: &serde_json::Value,
        read: &dyn Fn(serde_json::Value) -> Result<(), String>,
    ) -> usize {
        fn floats(json: &serde_json::Value, path: &str, found: &mut Vec<String>) {
            match json {
                serde_json::Value::Object(o) => {
                    o.iter().for_each(|(k, v)| floats(v, &format!("{path}/{k}"), found))
                }
                serde_json::Value::Array(a) => {
                    a.iter().enumerate().for_each(|(i, v)| floats(v, &format!("{path}/{i}"), found));
                }
                v if v.is_f64() => found.push(path.to_owned()),
                _ => {}
            }
        }
        let mut found = Vec::new();
        floats(json, "", &mut found);
        for path in &found {
            let mut holed = json.clone();
            *holed.pointer_mut(path).unwrap() = serde_json::Value::Null;
            read(holed).unwrap_or_else(|e| panic!("{path}: {e}"));
        }
        found.len()
    }

    #[test]
    fn every_float_of_every_file_may_be_null() {
        let run = RunResult { target_cost: Some(TargetCost::default()), ..Default::default() };
        let summary = serde_json::to_value(Summary { runs: vec![run], ..Default::default() }).unwrap();
        let read = |v| serde_json::from_value::<Summary>(v).map(drop).map_err(|e| e.to_string());
        assert_eq!(each_float_nulled(&summary, &read), 11);
        let read = |v| serde_json::from_value::<Interval>(v).map(drop).map_err(|e| e.to_string());
        assert_eq!(each_float_nulled(&serde_json::to_value(Interval::default()).unwrap(), &read), 2);
        let read = |v| serde_json::from_value::<CostRow>(v).map(drop).map_err(|e| e.to_string());
        assert_eq!(each_float_nulled(&serde_json::to_value(CostRow::default()).unwrap(), &read), 5);
    }
}
