//! REST and the web app over HTTP.

use crate::common::World;
use serde_json::{Value, json};
use tulou_rpc::RpcConfig;

#[tokio::test(flavor = "multi_thread")]
async fn every_view_of_every_module_is_described_and_reachable() {
    let world = World::start(RpcConfig::default()).await;
    let api = world.get("/api/v1/openapi.json", &[]).await.json();
    assert_eq!(api["openapi"], json!("3.1.0"));
    let paths = api["paths"].as_object().unwrap();
    let views: usize = tulou_modules::ALL
        .iter()
        .map(|module| {
            (module.abi)()
                .functions()
                .filter(|f| f.state_mutability == alloy_json_abi::StateMutability::View)
                .count()
        })
        .sum();
    assert_eq!(paths.len(), views);
    for (path, described) in paths {
        let required = described["get"]["parameters"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|parameter| parameter["required"] == json!(true));
        let query: Vec<_> = required
            .map(|parameter| {
                format!("{}={}", parameter["name"].as_str().unwrap(), sample(parameter))
            })
            .collect();
        let got = world.get(&format!("{path}?{}", query.join("&")), &[]).await;
        assert!(matches!(got.status, 200 | 422), "{path}: {} {}", got.status, got.text());
        if got.status == 200 {
            assert_eq!(got.header("x-tulou-height"), "0", "{path}");
            let schema =
                &described["get"]["responses"]["200"]["content"]["application/json"]["schema"];
            assert_fits(&got.json(), schema, &api, path);
        } else {
            let error = &got.json()["error"];
            assert_eq!(error["code"], json!("refused"), "{path}");
            assert!(!error["message"].as_str().unwrap().is_empty(), "{path}");
        }
    }
}

/// A value that fits a parameter's schema.
pub(crate) fn sample(parameter: &Value) -> String {
    // A proof of nothing: header, certificate, links, index, receipt, path, transaction, path.
    if parameter["name"] == json!("proof") {
        return "(0x,0x,[],0,0x,[],0x,[])".into();
    }
    let schema = &parameter["schema"];
    match (schema["type"].as_str(), schema["pattern"].as_str()) {
        (Some("boolean"), _) => "false".into(),
        (Some("integer"), _) => "0".into(),
        (_, Some("^[0-9]+$")) => "0".into(),
        (_, Some(p)) if p.contains("{40}") => format!("0x{}", "0".repeat(40)),
        (_, Some(p)) if p.contains("{64}") => format!("0x{}", "0".repeat(64)),
        (_, Some(p)) if p.contains("{8}") => format!("0x{}", "0".repeat(8)),
        (_, Some(p)) if p.contains("{2}") => "0.00".into(),
        _ => "0x".into(),
    }
}

/// Just enough of JSON Schema for what the description says.
fn assert_fits(value: &Value, schema: &Value, api: &Value, path: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.rsplit('/').next().unwrap();
        return assert_fits(value, &api["components"]["schemas"][name], api, path);
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&json!(kind)), "{path}: {value} is not {schema}");
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        assert_fits(&value[name], field, api, path);
    }
    for item in value.as_array().into_iter().flatten() {
        assert_fits(item, &schema["items"], api, path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_page_and_names_come_in_both_styles() {
    let world = World::start(RpcConfig::default()).await;
    let first = world.get("/api/v1/rules/rules?limit=2", &[]).await.json();
    assert_eq!(first["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(first["next"], json!("2"));
    let mut all = Vec::new();
    let mut cursor = json!("0");
    while let Some(at) = cursor.as_str() {
        let page = world.get(&format!("/api/v1/rules/rules?cursor={at}&limit=7"), &[]).await.json();
        all.extend(page["items"].as_array().unwrap().clone());
        cursor = page["next"].clone();
    }
    let whole = world.get("/api/v1/rules/rules?limit=200", &[]).await.json();
    assert_eq!(whole["items"], json!(all));
    assert_eq!(whole["next"], Value::Null);
    assert_eq!(all[0]["id"], json!("1"));
    assert!(all[0].get("from_at").is_some());
    let snake = world.get("/api/v1/rules/book_hash", &[]).await.json();
    let camel = world.get("/api/v1/rules/bookHash?at=0", &[]).await.json();
    assert_eq!(snake, camel);
    assert_eq!(snake["hash"].as_str().map(str::len), Some(66));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_answered_in_words() {
    let world = World::start(RpcConfig::default()).await;
    let cases = [
        ("/api/v1/rulez/rules", 404, "did you mean rules"),
        ("/api/v1/rules/ruels", 404, "did you mean"),
        ("/api/v1/decisions/cast", 404, "send it as a transaction"),
        ("/api/v2", 404, "see|/api/v1"),
        ("/api/v1/decisions/motion", 400, "\"id\": missing"),
        ("/api/v1/decisions/motion?id=-1", 400, "a whole number"),
        ("/api/v1/decisions/motion?id=1+ether", 400, "a whole number"),
        ("/api/v1/decisions/motion?id=18446744073709551616", 400, "uint64"),
        ("/api/v1/decisions/motion?id=1&id=2", 400, "given twice"),
        ("/api/v1/decisions/motion?id=1&x=2", 400, "not an argument"),
        ("/api/v1/roles/offices_of?account=0x12", 400, "40 hexadecimal"),
        ("/api/v1/rules/rules?at=x", 400, "height"),
        ("/api/v1/rules/rules?at=99", 404, "header not found"),
    ];
    for (path, status, words) in cases {
        let got = world.get(path, &[]).await;
        let message = got.json()["error"]["message"].as_str().unwrap().to_owned();
        assert_eq!(got.status, status, "{path}: {message}");
        assert!(words.split('|').any(|words| message.contains(words)), "{path}: {message}");
    }
    let refused = world.get("/api/v1/decisions/motion?id=7", &[]).await;
    assert_eq!(refused.status, 422);
    let error = &refused.json()["error"];
    assert_eq!(error["code"], json!("refused"));
    assert!(error["message"].as_str().unwrap().contains('7'), "{error}");
    assert!(!error["name"].as_str().unwrap().is_empty(), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn interfaces_are_public() {
    let world = World::start(RpcConfig::default()).await;
    let index = world.get("/api/v1", &[]).await.json();
    assert_eq!(index["modules"].as_array().map(Vec::len), Some(tulou_modules::ALL.len()));
    for path in ["/abi/decisions.json", "/abi/Decisions.json", "/abi/IDecisions.json"] {
        let abi = world.get(path, &[]).await.json();
        let names: Vec<_> =
            abi.as_array().unwrap().iter().filter_map(|item| item["name"].as_str()).collect();
        assert!(names.contains(&"cast"), "{path}");
    }
    let rows = world.get("/abi", &[]).await.json();
    assert_eq!(rows.as_array().unwrap().len(), tulou_modules::ALL.len());
    assert_eq!(world.get(rows[0]["abi"].as_str().unwrap(), &[]).await.status, 200);
    assert_eq!(world.get("/abi/none.json", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_app_is_served_with_strict_headers() {
    let world = World::start(RpcConfig::default()).await;
    for path in ["/", "/motions/7"] {
        let got = world.get(path, &[]).await;
        assert_eq!(got.status, 200, "{path}");
        assert!(got.text().to_lowercase().starts_with("<!doctype html"), "{path}");
        assert_eq!(got.header("cache-control"), "no-cache");
        assert!(got.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(got.header("x-content-type-options"), "nosniff");
        let again = world.get(path, &[("if-none-match", got.header("etag"))]).await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    assert_eq!(world.get("/assets/none.js", &[]).await.status, 404);
    assert_eq!(world.get("/none.txt", &[]).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_connection_too_many_is_told_so() {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };
    let world = World::start(RpcConfig { sockets: 1, ..Default::default() }).await;
    let mut first = TcpStream::connect(world.addr()).await.unwrap();
    first.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut text = [0; 12];
    first.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"HTTP/1.1 200");
    let mut second = TcpStream::connect(world.addr()).await.unwrap();
    let mut text = String::new();
    second.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 503"), "{text}");
    drop(first);
    for _ in 0..100 {
        if world.get("/healthz", &[]).await.status == 200 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the place was not given back");
}
