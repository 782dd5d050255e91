//! From ABI values to JSON with names.

use alloy_dyn_abi::DynSolValue;
use alloy_json_abi::Param;
use alloy_primitives::{I256, U256, hex};
use serde_json::{Map, Value};

use super::names::{Unit, snake, unit};

/// Integers of at most this many bits are JSON numbers; greater ones could lose digits and are text.
const NUMBER_BITS: usize = 32;

/// The answer of a call. One struct stands for itself, several named values are one object, one value
/// without a name is just that value. `paged` turns the cursor `next` into `null` at the end.
pub(crate) fn answer(values: &[DynSolValue], outputs: &[Param], paged: bool) -> Value {
    if let ([value], [output]) = (values, outputs)
        && (output.name.is_empty() || output.ty == "tuple")
    {
        return one(value, output);
    }
    let mut out = Map::new();
    for (n, (value, output)) in values.iter().zip(outputs).enumerate() {
        let last = paged && output.name == "next";
        let end = last && matches!(value, DynSolValue::Uint(next, _) if next.is_zero());
        out.insert(key(output, n), if end { Value::Null } else { one(value, output) });
    }
    Value::Object(out)
}

/// Fields of an error or a struct as an object.
pub(crate) fn fields(values: &[DynSolValue], params: &[Param]) -> Map<String, Value> {
    let named = values.iter().zip(params).enumerate();
    named.map(|(n, (value, param))| (key(param, n), one(value, param))).collect()
}

/// The JSON name of a value; `value0`, `value1`... where the ABI gives none.
pub(crate) fn key(param: &Param, n: usize) -> String {
    if param.name.is_empty() { format!("value{n}") } else { snake(&param.name) }
}

fn one(value: &DynSolValue, param: &Param) -> Value {
    match value {
        DynSolValue::Tuple(values) => Value::Object(fields(values, &param.components)),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            values.iter().map(|value| one(value, param)).collect()
        }
        DynSolValue::Uint(value, bits) => uint(*value, *bits, unit(&param.name)),
        DynSolValue::Int(value, bits) => int(*value, *bits),
        DynSolValue::Bool(value) => Value::Bool(*value),
        DynSolValue::String(value) => Value::String(value.clone()),
        DynSolValue::Address(value) => Value::String(value.to_string()),
        DynSolValue::Bytes(value) => Value::String(hex::encode_prefixed(value)),
        DynSolValue::FixedBytes(word, size) => Value::String(hex::encode_prefixed(&word[..*size])),
        DynSolValue::Function(value) => Value::String(hex::encode_prefixed(value.as_slice())),
    }
}

fn uint(value: U256, bits: usize, unit: Unit) -> Value {
    match unit {
        Unit::SquareMetres => {
            let (whole, cents) = value.div_rem(U256::from(100));
            Value::String(format!("{whole}.{:02}", cents.to::<u64>()))
        }
        Unit::Plain if bits <= NUMBER_BITS => Value::from(value.saturating_to::<u64>()),
        Unit::Plain => Value::String(value.to_string()),
    }
}

fn int(value: I256, bits: usize) -> Value {
    match i64::try_from(value) {
        Ok(small) if bits <= NUMBER_BITS => Value::from(small),
        _ => Value::String(value.to_string()),
    }
}
