//! HTTPS on the node's own door.

use std::{
    fs,
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tulou_rpc::{Renewals, RpcConfig, RpcContext, ServeError, TlsFiles};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::common::World;

/// An authority of its own, and the files of a certificate by it for 127.0.0.1.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn certify(&self, files: &TlsFiles) {
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        fs::write(&files.certificate, certificate.pem()).unwrap();
        fs::write(&files.key, key.serialize_pem()).unwrap();
    }

    /// A client that trusts this authority alone.
    fn client(&self) -> ureq::Agent {
        let root = Certificate::from_pem(self.pem.as_bytes()).unwrap();
        let roots = RootCerts::Specific(Arc::new(vec![root]));
        let tls = TlsConfig::builder().root_certs(roots).build();
        ureq::Agent::config_builder()
            .tls_config(tls)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into()
    }
}

fn files(dir: &Path) -> TlsFiles {
    TlsFiles::new(dir.join("node.pem"), dir.join("node.key"))
}

/// Calls, on a thread that may wait.
async fn call(client: ureq::Agent, url: String) -> Result<String, ureq::Error> {
    let work = move || {
        let body = r#"{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}"#;
        client.post(&url).content_type("application/json").send(body)?.body_mut().read_to_string()
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// The figures of a door whose certificate its node fetches.
pub(crate) async fn metrics_over_tls(world: &World) -> String {
    let home = tempfile::tempdir().unwrap();
    let (authority, files) = (Authority::new(), files(home.path()));
    authority.certify(&files);
    let tls = TlsFiles { renewals: Some(Renewals::default()), ..files };
    let config = RpcConfig { tls: Some(tls), ..Default::default() };
    let context = RpcContext { config, ..world.context() };
    let server = tulou_rpc::serve_all(([127, 0, 0, 1], 0).into(), vec![context]).await.unwrap();
    let url = format!("https://{}/metrics", server.addr);
    let client = authority.client();
    let get = move || client.get(&url).call().unwrap().body_mut().read_to_string().unwrap();
    let text = tokio::task::spawn_blocking(get).await.unwrap();
    server.stop();
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_say_when_the_certificate_ends_and_how_fetching_goes() {
    let world = World::start(RpcConfig::default()).await;
    assert!(!world.get("/metrics", &[]).await.text().contains("tls_certificate"));
    let text = metrics_over_tls(&world).await;
    // What the certificates of rcgen say where nothing else is asked for: 1 January 4096.
    assert!(text.contains("\ntulou_tls_certificate_end_timestamp_seconds 67090118400\n"), "{text}");
    for outcome in ["ok", "failed"] {
        let line = format!("tulou_tls_certificate_fetches_total{{outcome=\"{outcome}\"}} 0\n");
        assert!(text.contains(&line), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_door_speaks_tls_to_whoever_trusts_its_authority() {
    let home = tempfile::tempdir().unwrap();
    let (authority, files) = (Authority::new(), files(home.path()));
    authority.certify(&files);
    let world = World::start(RpcConfig { tls: Some(files), ..Default::default() }).await;
    let url = format!("https://{}", world.addr());
    let answer = call(authority.client(), url.clone()).await.unwrap();
    assert!(answer.contains(r#""result":"0x"#), "{answer}");
    let stranger = call(Authority::new().client(), url).await.unwrap_err().to_string();
    assert!(stranger.contains("invalid peer certificate"), "{stranger}");
}

#[tokio::test(flavor = "multi_thread")]
async fn new_files_are_in_use_without_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let (first, second, files) = (Authority::new(), Authority::new(), files(home.path()));
    first.certify(&files);
    let tls_look = Duration::from_millis(50);
    let config = RpcConfig { tls: Some(files.clone()), tls_look, ..Default::default() };
    let world = World::start(config).await;
    let url = format!("https://{}", world.addr());
    call(first.client(), url.clone()).await.unwrap();
    // Files that cannot be used change nothing.
    fs::write(&files.certificate, "half a certific").unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    call(first.client(), url.clone()).await.unwrap();
    second.certify(&files);
    let patience = Instant::now() + Duration::from_secs(20);
    while let Err(error) = call(second.client(), url.clone()).await {
        assert!(Instant::now() < patience, "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(call(first.client(), url).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_plain_http_is_told_the_address() {
    let home = tempfile::tempdir().unwrap();
    let (authority, files) = (Authority::new(), files(home.path()));
    authority.certify(&files);
    let world = World::start(RpcConfig { tls: Some(files), ..Default::default() }).await;
    let addr = world.addr();
    let read = move || {
        let mut plain = TcpStream::connect(addr).unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\nhost: ledger.lan\r\n\r\n").unwrap();
        let mut text = String::new();
        plain.read_to_string(&mut text).unwrap();
        text
    };
    let text = tokio::task::spawn_blocking(read).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 400") && text.contains("https://"), "{text}");
    assert!(text.contains("改为 https://"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_greeting_that_never_comes_is_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let (authority, files) = (Authority::new(), files(home.path()));
    authority.certify(&files);
    let stalled = Duration::from_millis(300);
    let config = RpcConfig { tls: Some(files), stalled, ..Default::default() };
    let world = World::start(config).await;
    let addr = world.addr();
    let wait = move || {
        let mut silent = TcpStream::connect(addr).unwrap();
        silent.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        silent.read(&mut [0; 16]).map_err(|error| error.kind())
    };
    // The end of the stream, long before what an open connection may be silent for.
    assert_eq!(tokio::task::spawn_blocking(wait).await.unwrap(), Ok(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_named() {
    let home = tempfile::tempdir().unwrap();
    let (authority, files) = (Authority::new(), files(home.path()));
    let world = World::start(RpcConfig::default()).await;
    let refused = |files: &TlsFiles| {
        let config = RpcConfig { tls: Some(files.clone()), ..Default::default() };
        let context = RpcContext { config, ..world.context() };
        async move {
            let any = ([127, 0, 0, 1], 0).into();
            match tulou_rpc::serve_all(any, vec![context]).await.unwrap_err() {
                ServeError::Tls(error) => error.to_string(),
                other => panic!("{other}"),
            }
        }
    };
    let missing = refused(&files).await;
    assert!(missing.contains("node.pem") && missing.contains("tulou tls new"), "{missing}");
    authority.certify(&files);
    let certificate = fs::read(&files.certificate).unwrap();
    fs::write(&files.certificate, "no certificate").unwrap();
    let empty = refused(&files).await;
    assert!(empty.contains("node.pem: there is no certificate in it"), "{empty}");
    fs::write(&files.certificate, &certificate).unwrap();
    fs::remove_file(&files.key).unwrap();
    assert!(refused(&files).await.contains("node.key"));
    // The key of another certificate.
    authority.certify(&files);
    fs::write(&files.certificate, certificate).unwrap();
    let pair = refused(&files).await;
    assert!(pair.contains("node.pem and ") && pair.contains("node.key: "), "{pair}");
}
