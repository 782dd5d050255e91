//! From a query string to ABI values.

use alloy_dyn_abi::{DynSolType, DynSolValue};
use alloy_json_abi::{Function, Param};
use alloy_primitives::U256;
use tulou_primitives::Area;

use super::{
    fail::Fail,
    names::{Unit, snake, unit},
};

/// Items of a list call that says nothing.
const LIMIT_DEFAULT: u64 = 50;

/// Name of an argument in the query string.
pub(crate) fn name(param: &Param, n: usize) -> String {
    if param.name.is_empty() { format!("arg{n}") } else { snake(&param.name) }
}

/// The value an argument has where it is left out; only the cursor and limit of a list have one.
pub(crate) fn default(function: &Function, param: &Param) -> Option<u64> {
    match param.name.as_str() {
        "cursor" if is_list(function) => Some(0),
        "limit" if is_list(function) => Some(LIMIT_DEFAULT),
        _ => None,
    }
}

/// Whether a call pages: `(..., cursor, limit)` to `(items, next)`.
pub(crate) fn is_list(function: &Function) -> bool {
    let inputs: Vec<_> = function.inputs.iter().map(|param| param.name.as_str()).collect();
    let outputs: Vec<_> = function.outputs.iter().map(|param| param.name.as_str()).collect();
    inputs.ends_with(&["cursor", "limit"]) && outputs.last() == Some(&"next")
}

/// Reads all arguments of a call. `pairs` are the decoded pairs of the query string; `reserved` names
/// are not the call's.
///
/// # Errors
/// A bad request that names the argument and says what is expected: unknown, given twice, missing, or
/// not of its type.
pub(crate) fn read(
    function: &Function,
    pairs: &[(String, String)],
    reserved: &[&str],
) -> Result<Vec<DynSolValue>, Fail> {
    let names: Vec<_> =
        function.inputs.iter().enumerate().map(|(n, param)| name(param, n)).collect();
    for (at, (given, _)) in pairs.iter().enumerate() {
        let known = |name: &&String| given == *name || snake(given) == **name;
        let own = names.iter().find(known);
        if own.is_none() && !reserved.contains(&given.as_str()) {
            return Err(Fail::unknown_argument(given, &names));
        }
        if pairs[..at].iter().any(|(earlier, _)| snake(earlier) == snake(given)) {
            return Err(Fail::argument(given, "given twice", "one value"));
        }
    }
    let mut values = Vec::with_capacity(names.len());
    for (param, name) in function.inputs.iter().zip(&names) {
        let text = pairs.iter().find(|(given, _)| snake(given) == *name).map(|(_, text)| text);
        values.push(match (text, default(function, param)) {
            (Some(text), _) => value(param, name, text)?,
            (None, Some(default)) => DynSolValue::Uint(U256::from(default), 64),
            (None, None) => return Err(Fail::argument(name, "missing", &expected(param))),
        });
    }
    Ok(values)
}

fn value(param: &Param, name: &str, text: &str) -> Result<DynSolValue, Fail> {
    let wrong = || Fail::argument(name, &format!("{text:?} does not fit"), &expected(param));
    let kind: DynSolType = param.selector_type().parse().map_err(|_| wrong())?;
    match kind {
        DynSolType::String => Ok(DynSolValue::String(text.to_owned())),
        DynSolType::Uint(bits) => {
            let value = match unit(&param.name) {
                Unit::SquareMetres => U256::from(text.parse::<Area>().map_err(|_| wrong())?.0),
                Unit::Plain => integer(text).ok_or_else(wrong)?,
            };
            if value.bit_len() > bits {
                return Err(wrong());
            }
            Ok(DynSolValue::Uint(value, bits))
        }
        // The library's reader takes units ("1 ether"), which nobody means here.
        _ if text.contains(char::is_whitespace) => Err(wrong()),
        kind => kind.coerce_str(text).map_err(|_| wrong()),
    }
}

/// Decimal or `0x` hexadecimal digits, nothing else.
fn integer(text: &str) -> Option<U256> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    let clean = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
    if clean { U256::from_str_radix(digits, radix.into()).ok() } else { None }
}

/// What an argument should look like, in words.
pub(crate) fn expected(param: &Param) -> String {
    match (param.ty.as_str(), unit(&param.name)) {
        (_, Unit::SquareMetres) => "square metres with at most two decimals, e.g. 89.50".into(),
        ("address", _) => "an address: 0x and 40 hexadecimal digits".into(),
        ("bool", _) => "true or false".into(),
        ("string", _) => "text".into(),
        ("bytes32", _) => "0x and 64 hexadecimal digits".into(),
        ("bytes", _) => "0x and an even number of hexadecimal digits".into(),
        (ty, _) if ty.starts_with("uint") && !ty.ends_with(']') => {
            format!("a whole number, not negative ({ty})")
        }
        (ty, _) if ty.ends_with(']') => format!("a list in brackets, e.g. [1,2] ({ty})"),
        (ty, _) => format!("a value of type {ty}"),
    }
}
