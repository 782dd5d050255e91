//! The files in `deploy/` speak of figures that exist.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use crate::{
    common::{Seen, World},
    metrics::families,
    tls::metrics_over_tls,
};
use serde_json::{Value, json};
use tulou_rpc::{OtherVault, RpcConfig, VaultFigures, VaultMeters};

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// All names of figures that a query speaks of.
fn names(query: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = query.split(|c: char| !is_word(c));
    words
        .filter(|word| word.starts_with("tulou_") || word.starts_with("process_"))
        .map(str::to_owned)
        .collect()
}

/// All names of samples of a node that has been asked something.
async fn samples() -> BTreeSet<String> {
    let vault = VaultMeters::default();
    vault.looked(VaultFigures { others: vec![OtherVault::default()], ..Default::default() });
    let config = RpcConfig { vault: Some(vault), ..Default::default() };
    let world = World::watched(config, Some(Arc::new(Seen::default()))).await;
    world.ask("eth_chainId", json!([])).await;
    let text = world.get("/metrics", &[]).await.text();
    let mut names = BTreeSet::new();
    let by_tls = metrics_over_tls(&world).await;
    for (name, family) in families(&text).into_iter().chain(families(&by_tls)) {
        let suffixes: &[&str] = match family.kind() {
            "counter" => &["_total"],
            "histogram" => &["_bucket", "_sum", "_count"],
            "info" => &["_info"],
            _ => &[""],
        };
        names.extend(suffixes.iter().map(|suffix| format!("{name}{suffix}")));
    }
    names
}

/// Every query of the dashboard, with the title of its panel.
fn queries(dashboard: &Value) -> Vec<(String, String)> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let mut queries = Vec::new();
    for panel in panels.filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap().to_owned();
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty(), "{title}: shows nothing");
        for target in targets {
            queries.push((title.clone(), target["expr"].as_str().unwrap().to_owned()));
        }
    }
    queries
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_shows_figures_that_exist() {
    let dashboard: Value = serde_json::from_str(&read("grafana/tulou.json")).unwrap();
    let known = samples().await;
    let mut used = BTreeSet::new();
    for (title, query) in queries(&dashboard) {
        let names = names(&query);
        assert!(!names.is_empty(), "{title}: {query}");
        let missing: Vec<_> = names.difference(&known).collect();
        assert!(missing.is_empty(), "{title}: no {missing:?}");
        used.extend(names);
    }
    assert!(used.len() > 25, "{used:?}");
    for variable in dashboard["templating"]["list"].as_array().unwrap() {
        let query = variable["query"]["query"].as_str().unwrap_or_default();
        assert!(names(query).is_subset(&known), "{query}");
    }
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "two panels have one id");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_alerts_speak_of_figures_that_exist_and_say_what_to_do() {
    let text = read("prometheus/alerts.yml");
    let book = fs::read_to_string(deploy("../docs/operating.md")).unwrap();
    let known = samples().await;
    let rules: Vec<&str> = text.split("      - alert: ").skip(1).collect();
    assert!(rules.len() > 10, "{}", rules.len());
    let mut seen = BTreeSet::new();
    for rule in rules {
        let name = rule.lines().next().unwrap();
        assert!(seen.insert(name), "{name} is there twice");
        for key in ["expr", "labels: { severity", "summary", "description"] {
            assert!(rule.contains(&format!(" {key}: ")), "{name}: no {key}");
        }
        let query = rule.lines().find_map(|line| line.trim().strip_prefix("expr: ")).unwrap();
        let missing: Vec<_> = names(query).difference(&known).cloned().collect();
        assert!(missing.is_empty(), "{name}: no {missing:?}");
        assert!(book.contains(name), "{name} is not explained in docs/operating.md");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_figure_is_in_the_book() {
    let book = fs::read_to_string(deploy("../docs/operating.md")).unwrap();
    for sample in samples().await {
        let Some(name) = sample.strip_prefix("tulou_") else { continue };
        let parts = ["_bucket", "_sum", "_count"];
        let name = parts.iter().fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
        assert!(name.starts_with("engine_") || book.contains(&format!("`{name}")), "{name}");
    }
}

/// Where Prometheus is installed its own tool has the last word.
#[test]
fn promtool_takes_the_rules() {
    for (verb, file) in
        [("rules", "prometheus/alerts.yml"), ("config", "prometheus/prometheus.yml")]
    {
        match Command::new("promtool").args(["check", verb]).arg(deploy(file)).output() {
            Ok(output) => {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success(), "{file}: {said}");
            }
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        }
    }
}

/// Where systemd is installed its own tool has the last word. It cannot know where the program is.
#[test]
fn systemd_takes_the_service() {
    let unit = deploy("systemd/tulou.service");
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(unit).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let wrong: Vec<_> =
                said.lines().filter(|line| line.contains("tulou.service")).collect();
            let known = |line: &&&str| line.contains("is not executable");
            let unknown: Vec<_> = wrong.iter().filter(|line| !known(line)).collect();
            assert!(unknown.is_empty(), "{unknown:?}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
}
