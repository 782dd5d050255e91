//! OpenAPI 3.1, derived from the same ABIs as the answers.

use alloy_json_abi::{Function, Param};
use serde_json::{Map, Value, json};

use super::{
    Face, args,
    names::{self, Unit, unit},
    shape::key,
};
use crate::{
    natspec::Notices,
    sight::{Judge, Visibility},
};

/// The description of all reads.
pub(crate) fn describe(faces: &[Face], notices: &Notices) -> Value {
    let mut paths = Map::new();
    let mut schemas = Schemas { notices, found: Map::new() };
    for face in faces {
        for function in face.views() {
            let path = format!("/api/v1/{}/{}", face.name, names::snake(&function.name));
            paths.insert(path, json!({ "get": operation(face, function, &mut schemas) }));
        }
    }
    let mut found = schemas.found;
    found.insert("Error".into(), error_schema());
    let tags = faces.iter().map(|face| {
        let about = notices.get(face.name, "interface", &super::interface(face.name));
        json!({ "name": face.name, "description": about.unwrap_or_default() })
    });
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Tulou",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What can be read from this ledger. Derived from the modules' interfaces.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags.collect::<Vec<_>>(),
        "paths": paths,
        "components": {
            "schemas": found,
            "securitySchemes": { "session": {
                "type": "http",
                "scheme": "bearer",
                "description": "the token of POST /api/v1/session; a browser sends the cookie tulou_session instead",
            } },
        },
    })
}

fn operation(face: &Face, function: &Function, schemas: &mut Schemas<'_>) -> Value {
    let mut parameters: Vec<_> = function
        .inputs
        .iter()
        .enumerate()
        .map(|(n, param)| {
            let default = args::default(function, param);
            let mut schema = input_schema(param);
            if let (Some(default), Some(fields)) = (default, schema.as_object_mut()) {
                fields.insert("default".into(), json!(default.to_string()));
            }
            json!({
                "name": args::name(param, n),
                "in": "query",
                "required": default.is_none(),
                "description": args::expected(param),
                "schema": schema,
            })
        })
        .collect();
    if !function.inputs.iter().any(|param| param.name == "at") {
        parameters.push(json!({
            "name": "at",
            "in": "query",
            "required": false,
            "description": "height of an earlier block whose state to read",
            "schema": { "type": "integer", "minimum": 0 },
        }));
    }
    let said = schemas.notices.get(face.name, "function", &function.name).map(str::to_owned);
    let class = Judge { notices: schemas.notices, module: face.name }.call(function);
    let failed = |description: &str| {
        json!({
            "description": description,
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Error" } } },
        })
    };
    json!({
        "tags": [face.name],
        "operationId": format!("{}_{}", face.name, names::snake(&function.name)),
        "summary": said.unwrap_or_else(|| names::words(&function.name)),
        "parameters": parameters,
        "x-visibility": class,
        // A node whose readers are anyone asks for no session.
        "security": if class == Visibility::Public { json!([]) } else { json!([{}, { "session": [] }]) },
        "responses": {
            "200": {
                "description": "the answer",
                "headers": { "x-tulou-height": {
                    "description": "height of the state that was read",
                    "schema": { "type": "integer" },
                } },
                "content": { "application/json": { "schema": answer(face, function, schemas) } },
            },
            "400": failed("an argument is missing or does not fit"),
            "401": failed("members' rows, and nobody has signed in (where the node's readers are members)"),
            "403": failed("members' rows, and the account is no member; or a private row"),
            "404": failed("no such call, or the state is not kept any more"),
            "422": failed("the module refuses, with its reason"),
        },
    })
}

/// The same cases as [`super::shape::answer`].
fn answer(face: &Face, function: &Function, schemas: &mut Schemas<'_>) -> Value {
    if let [output] = function.outputs.as_slice()
        && (output.name.is_empty() || output.ty == "tuple")
    {
        return schemas.of(face.name, output);
    }
    let paged = args::is_list(function);
    let mut properties = Map::new();
    for (n, output) in function.outputs.iter().enumerate() {
        let schema = if paged && output.name == "next" {
            json!({ "type": ["string", "null"], "description": "cursor of the next page, null at the end" })
        } else {
            schemas.of(face.name, output)
        };
        properties.insert(key(output, n), schema);
    }
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({ "type": "object", "properties": properties, "required": required })
}

/// Named structs, each described once.
struct Schemas<'a> {
    notices: &'a Notices,
    found: Map<String, Value>,
}

impl Schemas<'_> {
    fn of(&mut self, module: &str, param: &Param) -> Value {
        let Some(end) = param.ty.rfind('[') else { return self.element(module, param) };
        let item = Param { ty: param.ty[..end].to_owned(), ..param.clone() };
        json!({ "type": "array", "items": self.of(module, &item) })
    }

    fn element(&mut self, module: &str, param: &Param) -> Value {
        if param.ty != "tuple" {
            return scalar(param);
        }
        let fields = param.components.iter().map(|field| field.name.clone()).collect();
        let Some(short) = self.notices.struct_name(module, fields).map(str::to_owned) else {
            return self.object(module, param, "");
        };
        let name = format!("{module}.{short}");
        if !self.found.contains_key(&name) {
            let about = self.notices.get(module, "struct", &short).unwrap_or_default().to_owned();
            let schema = self.object(module, param, &about);
            self.found.insert(name.clone(), schema);
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn object(&mut self, module: &str, param: &Param, about: &str) -> Value {
        let mut properties = Map::new();
        let classes = Judge { notices: self.notices, module }.fields(param);
        let least = classes.iter().min().copied();
        for (n, (field, class)) in param.components.iter().zip(&classes).enumerate() {
            let schema = self.of(module, field);
            // Left out for whoever may see the rest of the struct and not this.
            let hidden = Some(*class) > least;
            let schema =
                if hidden { json!({ "oneOf": [schema, { "type": "null" }] }) } else { schema };
            properties.insert(key(field, n), schema);
        }
        let required: Vec<_> = properties.keys().cloned().collect();
        json!({
            "type": "object",
            "description": about,
            "properties": properties,
            "required": required,
        })
    }
}

fn scalar(param: &Param) -> Value {
    let bits = |prefix: &str| param.ty.strip_prefix(prefix).and_then(|n| n.parse::<u32>().ok());
    match (param.ty.as_str(), unit(&param.name)) {
        (_, Unit::SquareMetres) => {
            json!({ "type": "string", "pattern": "^[0-9]+\\.[0-9]{2}$", "description": "square metres" })
        }
        ("bool", _) => json!({ "type": "boolean" }),
        ("string", _) => json!({ "type": "string" }),
        ("address", _) => json!({ "type": "string", "pattern": "^0x[0-9a-fA-F]{40}$" }),
        ("bytes", _) => json!({ "type": "string", "pattern": "^0x([0-9a-f]{2})*$" }),
        (ty, _) if ty.starts_with("bytes") => {
            let digits = 2 * bits("bytes").unwrap_or(32);
            json!({ "type": "string", "pattern": format!("^0x[0-9a-f]{{{digits}}}$") })
        }
        (ty, _) if ty.starts_with("uint") => match bits("uint") {
            Some(bits) if bits <= 32 => json!({ "type": "integer", "minimum": 0 }),
            _ => json!({ "type": "string", "pattern": "^[0-9]+$" }),
        },
        _ => match bits("int") {
            Some(bits) if bits <= 32 => json!({ "type": "integer" }),
            _ => json!({ "type": "string", "pattern": "^-?[0-9]+$" }),
        },
    }
}

fn input_schema(param: &Param) -> Value {
    if param.ty.ends_with(']') || param.ty.starts_with("tuple") {
        return json!({ "type": "string" });
    }
    scalar(param)
}

fn error_schema() -> Value {
    json!({
        "type": "object",
        "required": ["error"],
        "properties": { "error": {
            "type": "object",
            "required": ["code", "name", "message", "data"],
            "properties": {
                "code": { "type": "string", "description": "bad_argument, not_found, refused, unseen, busy or fault" },
                "name": { "type": "string", "description": "the refusal's name in the module's interface" },
                "message": { "type": "string", "description": "for people" },
                "data": { "type": "object", "description": "the refusal's fields" },
            },
        } },
    })
}
