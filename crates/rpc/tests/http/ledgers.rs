//! Several ledgers behind one port.

use crate::common::{World, transfer};
use serde_json::json;
use tulou_rpc::{RpcConfig, ServeError};

#[tokio::test(flavor = "multi_thread")]
async fn each_ledger_has_a_path_and_the_first_one_the_root() {
    let (first, second) = World::pair("guihua", "meiyuan").await;
    second.mine();
    let height = |path: &'static str| {
        let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber" });
        let post = first.post_to(path, request.to_string());
        async move { post.await.json()["result"].clone() }
    };
    assert_eq!(height("/").await, json!("0x0"));
    assert_eq!(height("/l/guihua/rpc").await, json!("0x0"));
    assert_eq!(height("/l/meiyuan/rpc").await, json!("0x1"));
    assert_eq!(height("/l/meiyuan").await, json!("0x1"));
    for (path, height) in [("", "0"), ("/l/guihua", "0"), ("/l/meiyuan", "1")] {
        let got = first.get(&format!("{path}/api/v1/rules/book_hash"), &[]).await;
        assert_eq!(got.header("x-tulou-height"), height, "{path}");
        let ready = first.get(&format!("{path}/readyz"), &[]).await;
        assert_eq!(ready.json()["height"].to_string(), height, "{path}");
    }
    // What one ledger takes, the other knows nothing of.
    let params = json!([transfer(0)]);
    let send =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": params });
    assert_eq!(first.post_to("/l/meiyuan/rpc", send.to_string()).await.status, 200);
    assert_eq!((first.mempool.stats().pending, second.mempool.stats().pending), (0, 1));
    let figures = first.get("/metrics", &[]).await.text();
    crate::metrics::families(&figures);
    for line in
        ["tulou_head_height{ledger=\"guihua\"} 0", "tulou_head_height{ledger=\"meiyuan\"} 1"]
    {
        assert!(figures.contains(line), "{line}");
    }
    let none = first.get("/l/none/api/v1/rules/book_hash", &[]).await;
    assert!(none.header("x-tulou-height").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_must_fit_a_path_and_differ() {
    let world = World::start(RpcConfig::default()).await;
    let context = |name: &str| tulou_rpc::RpcContext { name: name.into(), ..world.context() };
    let any = ([127, 0, 0, 1], 0).into();
    for names in [&["a", "a"][..], &["a", "A"], &["a/b"], &["{a}"], &["", ""]] {
        let contexts = names.iter().map(|name| context(name)).collect();
        let refused = tulou_rpc::serve_all(any, contexts).await.unwrap_err();
        assert!(matches!(refused, ServeError::Name(_)), "{names:?}: {refused}");
    }
    let refused = tulou_rpc::serve_all(any, Vec::new()).await.unwrap_err();
    assert!(matches!(refused, ServeError::NoLedger), "{refused}");
}
