//! A node that gets its certificate from an authority which we did not write, as those who come see it.

use std::{
    io::{Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio_rustls::rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::{
    pebble::{CUSTOMER, Order, Pebble},
    *,
};
use crate::{
    Host, HostOptions,
    host::tests::{found, founding_file, free_port},
};

const NAME: &str = "ledger.guihua.example";
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection of somebody who trusts the authority.
type Line = StreamOwned<ClientConnection, TcpStream>;

/// Somebody who types the name into a browser.
struct Visitor {
    config: Arc<ClientConfig>,
    port: u16,
}

impl Visitor {
    fn new(root: &str, port: u16, protocol: &[u8]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(root.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.to_vec()];
        Self { config: Arc::new(config), port }
    }

    /// A connection, once the node's certificate was found right.
    fn connect(&self) -> Result<Line, std::io::Error> {
        let name = NAME.try_into().unwrap();
        let mut session = ClientConnection::new(self.config.clone(), name).unwrap();
        let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(StreamOwned::new(session, socket))
    }

    /// The first connection that there is, with the node looked after.
    fn wait(&self, host: &mut Host, pebble: &Pebble) -> Line {
        let begun = Instant::now();
        loop {
            match self.connect() {
                Ok(line) => return line,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}: {}", pebble.log()),
            }
            host.tend().unwrap();
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn shown(line: &Line) -> Vec<u8> {
    line.conn.peer_certificates().unwrap()[0].to_vec()
}

/// Asks over a connection and leaves it open.
fn ask(line: &mut Line, path: &str) -> String {
    write!(line, "GET {path} HTTP/1.1\r\nhost: {NAME}\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let count = line.read(&mut piece).unwrap();
        assert!(count > 0, "closed: {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&piece[..count]);
        let text = String::from_utf8_lossy(&answer);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.expect(head).parse::<usize>().unwrap() {
            return text.into_owned();
        }
    }
}

fn figure(metrics: &str, name: &str) -> i64 {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    line.trim().parse().unwrap()
}

fn write_settings(dir: &Path, pebble: &Pebble) {
    let path = dir.join(SETTINGS);
    let mut settings = Settings::read(dir).unwrap();
    settings.node.tls =
        Some(crate::TlsSettings { certificate: None, key: None, acme: Some(acme_of(pebble)) });
    std::fs::write(path, toml::to_string(&settings).unwrap()).unwrap();
}

fn acme_of(pebble: &Pebble) -> AcmeSettings {
    AcmeSettings {
        domains: vec![NAME.into()],
        contact: vec!["office@guihua.example".into()],
        directory: pebble.directory(),
        root: Some(pebble.own_certificate()),
        ..right()
    }
}

/// A founded node, open to others on `port`.
fn home(port: u16) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    found(dir.path(), &founding_file("one", 71, free_port(), port));
    let path = dir.path().join(SETTINGS);
    let text = std::fs::read_to_string(&path).unwrap();
    let open = text.replace(&format!("127.0.0.1:{port}"), &format!("0.0.0.0:{port}"));
    assert_ne!(open, text);
    std::fs::write(path, open).unwrap();
    dir
}

fn open(dir: &Path) -> Host {
    let settings = Settings::read(dir).unwrap();
    let begun = Instant::now();
    // The last answers of a host before it may still be on their way.
    let mut host = loop {
        match Host::open(dir, &settings, HostOptions::default()) {
            Ok(host) => break host,
            Err(error) => assert!(begun.elapsed() < PATIENCE, "{error}"),
        }
        thread::sleep(Duration::from_millis(50));
    };
    host.serve().unwrap();
    host
}

#[test]
fn a_certificate_is_fetched_and_renewed_while_people_are_served() {
    let port = free_port();
    let order = Order { tls_port: port, validity: 8, customers_only: false };
    let Some(pebble) = Pebble::start(&order) else { return };
    let dir = home(port);
    write_settings(dir.path(), &pebble);
    let mut host = open(dir.path());
    let root = pebble.root();
    let visitor = Visitor::new(&root, port, b"http/1.1");
    let mut line = visitor.wait(&mut host, &pebble);
    let first = shown(&line);
    assert!(ask(&mut line, "/healthz").contains("200 OK"));
    let metrics = ask(&mut line, "/metrics");
    let end = figure(&metrics, "tulou_tls_certificate_end_timestamp_seconds");
    assert!((now() - 30..=now() + 8).contains(&end), "{end}");
    let count = |metrics: &str, outcome: &str| {
        let name = format!("tulou_tls_certificate_fetches_total{{outcome=\"{outcome}\"}}");
        figure(metrics, &name)
    };
    let fetched = count(&metrics, "ok");
    assert!(fetched >= 1 && count(&metrics, "failed") == 0, "{}", pebble.log());
    // Who asks for a proof when none is due gets nothing, not even the certificate.
    assert!(Visitor::new(&root, port, b"acme-tls/1").connect().is_err());

    let begun = Instant::now();
    while shown(&visitor.wait(&mut host, &pebble)) == first {
        assert!(begun.elapsed() < PATIENCE, "{}", pebble.log());
        thread::sleep(Duration::from_millis(100));
    }
    let metrics = ask(&mut line, "/metrics");
    assert_eq!(shown(&line), first, "the connection from before the renewal is still the same");
    assert!(figure(&metrics, "tulou_tls_certificate_end_timestamp_seconds") > end);
    assert!(count(&metrics, "ok") > fetched);
}

#[test]
fn while_an_authority_refuses_the_old_certificate_stays() {
    let port = free_port();
    let order = Order { tls_port: port, validity: 86_400, customers_only: false };
    let Some(pebble) = Pebble::start(&order) else { return };
    let dir = home(port);
    write_settings(dir.path(), &pebble);
    let mut host = open(dir.path());
    let visitor = Visitor::new(&pebble.root(), port, b"http/1.1");
    let first = shown(&visitor.wait(&mut host, &pebble));
    drop(host);
    // Another authority, which serves customers alone and looks for the name where nobody is.
    let order = Order { tls_port: free_port(), validity: 86_400, customers_only: true };
    let strict = Pebble::start(&order).unwrap();
    write_settings(dir.path(), &strict);
    let mut host = open(dir.path());
    let begun = Instant::now();
    loop {
        let mut line = visitor.wait(&mut host, &strict);
        assert_eq!(shown(&line), first);
        let failed = "tulou_tls_certificate_fetches_total{outcome=\"failed\"}";
        if figure(&ask(&mut line, "/metrics"), failed) == 1 {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", strict.log());
        thread::sleep(Duration::from_millis(50));
    }
    drop(host);

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let refused = |settings: &AcmeSettings| {
        let acme = Acme::open(dir.path(), settings, ([0, 0, 0, 0], port).into()).unwrap();
        runtime.block_on(acme.fetch(None)).unwrap_err()
    };
    let stranger = refused(&acme_of(&strict)).to_string();
    assert!(stranger.contains("externalAccountRequired"), "{stranger}");
    std::fs::write(dir.path().join("eab.key"), CUSTOMER.1).unwrap();
    let account = ExternalAccount { id: CUSTOMER.0.into(), key: "eab.key".into() };
    let customer = AcmeSettings { external_account: Some(account), ..acme_of(&strict) };
    let unproven = refused(&customer);
    assert!(matches!(unproven, AcmeError::Unproven { .. }), "{unproven}");
    let said = unproven.to_string();
    assert!(said.contains(NAME) && said.contains("port 443"), "{said}");
    let untrusted = AcmeSettings { root: None, ..customer };
    let said = refused(&untrusted).to_string();
    assert!(said.contains("certificate"), "{said}");
    let nobody = AcmeSettings { directory: "https://127.0.0.1:1/dir".into(), ..untrusted };
    let said = refused(&nobody).to_string();
    assert!(said.contains("https://127.0.0.1:1/dir"), "{said}");
    let held = Store::open(dir.path().join("acme")).unwrap().held().unwrap();
    assert_eq!(held.der, first, "nothing was touched");
}
