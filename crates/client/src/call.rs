//! `<module>.<call>` with arguments as text, derived from the modules' interfaces.

use alloy_dyn_abi::{DynSolValue, FunctionExt, JsonAbiExt, Specifier};
use alloy_json_abi::{Function, StateMutability};
use alloy_primitives::{Address, Bytes};
use serde_json::{Map, Value};
use tulou_modules::{ALL, Module};

use crate::rpc::hex_text;

/// A call that cannot be made as it was written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// Not of the form `<module>.<call>`.
    #[error("expected <module>.<call>, for example registry.totals; got {0:?}")]
    NotACall(String),
    /// No such module.
    #[error("no module {name:?}; there are: {known}")]
    UnknownModule {
        /// The name as given.
        name: String,
        /// Names that exist.
        known: String,
    },
    /// No such call.
    #[error("module {module} has no call {name:?}; it has: {known}")]
    UnknownCall {
        /// The module.
        module: String,
        /// The name as given.
        name: String,
        /// Names that exist.
        known: String,
    },
    /// Too few or too many arguments.
    #[error("{usage}: expected {expected} arguments, got {got}")]
    ArgumentCount {
        /// The call with its parameters.
        usage: String,
        /// Arguments it takes.
        expected: usize,
        /// Arguments given.
        got: usize,
    },
    /// An argument of another type.
    #[error("argument {name} must be {ty}, got {text:?}")]
    BadArgument {
        /// Name of the parameter.
        name: String,
        /// Its Solidity type.
        ty: String,
        /// The text as given.
        text: String,
    },
}

/// A call with its arguments, ready to be sent.
#[derive(Clone, Debug)]
pub struct Invocation {
    module: &'static Module,
    function: Function,
    /// ABI-encoded selector and arguments.
    pub data: Bytes,
}

impl Invocation {
    /// Reads `<module>.<call>` and its arguments. Call names may be written `camelCase` or
    /// `snake_case`; arrays and structs as in Solidity: `[1,2]`, `(1,0xab)`.
    ///
    /// # Errors
    /// In this order: [`CallError::NotACall`], [`CallError::UnknownModule`],
    /// [`CallError::UnknownCall`], [`CallError::ArgumentCount`], [`CallError::BadArgument`].
    pub fn parse(path: &str, arguments: &[String]) -> Result<Self, CallError> {
        let (module, call) =
            path.split_once('.').ok_or_else(|| CallError::NotACall(path.to_owned()))?;
        let module =
            ALL.iter().find(|m| m.name == module).ok_or_else(|| CallError::UnknownModule {
                name: module.to_owned(),
                known: ALL.iter().map(|m| m.name).collect::<Vec<_>>().join(", "),
            })?;
        let abi = (module.abi)();
        let plain = |name: &str| name.replace('_', "").to_lowercase();
        let function = abi
            .functions()
            .find(|f| plain(&f.name) == plain(call))
            .ok_or_else(|| CallError::UnknownCall {
                module: module.name.to_owned(),
                name: call.to_owned(),
                known: abi.functions().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", "),
            })?
            .clone();
        let values = coerce(&function, arguments)?;
        let data = function.abi_encode_input(&values).map_err(|e| CallError::BadArgument {
            name: function.name.clone(),
            ty: function.signature(),
            text: e.to_string(),
        })?;
        Ok(Self { module, function, data: data.into() })
    }

    /// Where the call goes.
    pub fn address(&self) -> Address {
        self.module.address
    }

    /// Whether it only reads.
    pub fn is_view(&self) -> bool {
        matches!(self.function.state_mutability, StateMutability::View | StateMutability::Pure)
    }

    /// The answer as JSON, fields under the names of the interface.
    pub fn answer(&self, output: &[u8]) -> Option<Value> {
        let values = self.function.abi_decode_output(output).ok()?;
        let outputs = &self.function.outputs;
        if let ([value], [output]) = (values.as_slice(), outputs.as_slice()) {
            return Some(json(value, &output.components));
        }
        Some(object(outputs, &values))
    }
}

fn coerce(function: &Function, arguments: &[String]) -> Result<Vec<DynSolValue>, CallError> {
    if function.inputs.len() != arguments.len() {
        let parameters: Vec<String> =
            function.inputs.iter().map(|i| format!("{} {}", i.ty, i.name)).collect();
        return Err(CallError::ArgumentCount {
            usage: format!("{}({})", function.name, parameters.join(", ")),
            expected: function.inputs.len(),
            got: arguments.len(),
        });
    }
    let bad = |input: &alloy_json_abi::Param, text: &String| CallError::BadArgument {
        name: input.name.clone(),
        ty: input.ty.clone(),
        text: text.clone(),
    };
    function
        .inputs
        .iter()
        .zip(arguments)
        .map(|(input, text)| {
            let ty = input.resolve().map_err(|_| bad(input, text))?;
            ty.coerce_str(text).map_err(|_| bad(input, text))
        })
        .collect()
}

fn object(params: &[alloy_json_abi::Param], values: &[DynSolValue]) -> Value {
    let mut fields = Map::new();
    for (i, (param, value)) in params.iter().zip(values).enumerate() {
        let name = if param.name.is_empty() { i.to_string() } else { param.name.clone() };
        fields.insert(name, json(value, &param.components));
    }
    Value::Object(fields)
}

fn json(value: &DynSolValue, components: &[alloy_json_abi::Param]) -> Value {
    match value {
        DynSolValue::Bool(b) => Value::Bool(*b),
        DynSolValue::Tuple(values) => object(components, values),
        DynSolValue::Array(values) | DynSolValue::FixedArray(values) => {
            Value::Array(values.iter().map(|v| json(v, components)).collect())
        }
        DynSolValue::Uint(number, bits) if *bits <= 32 => {
            Value::from(number.saturating_to::<u64>())
        }
        other => Value::String(shown(other)),
    }
}

/// One value as text.
pub(crate) fn shown(value: &DynSolValue) -> String {
    match value {
        DynSolValue::Bool(b) => b.to_string(),
        DynSolValue::Int(n, _) => n.to_string(),
        DynSolValue::Uint(n, _) => n.to_string(),
        DynSolValue::FixedBytes(word, size) => hex_text(&word[..*size]),
        DynSolValue::Address(a) => a.to_string(),
        DynSolValue::Function(f) => hex_text(f.as_slice()),
        DynSolValue::Bytes(b) => hex_text(b),
        DynSolValue::String(s) => s.clone(),
        DynSolValue::Array(v) | DynSolValue::FixedArray(v) | DynSolValue::Tuple(v) => {
            format!("[{}]", v.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
    }
}
