//! Numbers of a JSON document, by pointer (RFC 6901).

use serde_json::Value;

/// The sum of the numbers at these pointers.
///
/// # Errors
/// In words, when one is not there or is no number.
pub(super) fn sum(document: &Value, pointers: &[String]) -> Result<f64, String> {
    pointers.iter().map(|pointer| at(document, pointer)).sum()
}

fn at(document: &Value, pointer: &str) -> Result<f64, String> {
    let value = document.pointer(pointer).ok_or_else(|| format!("there is nothing at {pointer:?}"))?;
    let text = match value {
        Value::Number(n) => return n.as_f64().ok_or_else(|| format!("{n} at {pointer:?} is too large")),
        // Numbers of 64 bits are often written as text, since JavaScript would round them.
        Value::String(text) => text,
        other => return Err(format!("at {pointer:?} stands {}, no number", kind(other))),
    };
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let number = text.parse().ok().filter(|_| digits);
    number.ok_or_else(|| format!("at {pointer:?} stands a text, no number"))
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
        Value::Number(_) | Value::String(_) => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varz(pointers: &[&str]) -> Result<f64, String> {
        let document = serde_json::from_str(include_str!("fixtures/varz.json")).unwrap();
        sum(&document, &pointers.iter().map(|p| (*p).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn nats_tells_numbers_at_pointers() {
        assert_eq!(varz(&["/out_msgs"]), Ok(8_002_400.0));
        assert_eq!(varz(&["/cpu"]), Ok(12.5));
        assert_eq!(varz(&["/in_msgs", "/http_req_stats/~1varz"]), Ok(40_024.0));
    }

    #[test]
    fn what_is_no_number_is_said() {
        assert_eq!(varz(&["/in_msgs", "/nope"]), Err("there is nothing at \"/nope\"".to_owned()));
        assert_eq!(varz(&["/version"]), Err("at \"/version\" stands a text, no number".to_owned()));
        assert_eq!(
            varz(&["/http_req_stats"]),
            Err("at \"/http_req_stats\" stands an object, no number".to_owned())
        );
        let text = serde_json::json!({"n": "18446744073709551615"});
        assert_eq!(sum(&text, &["/n".to_owned()]), Ok(18_446_744_073_709_551_615.0));
    }
}
