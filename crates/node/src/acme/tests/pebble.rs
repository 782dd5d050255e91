//! Let's Encrypt's own test server, a process of its own: an authority that we did not write.

use std::{
    fs, io,
    net::{TcpStream, UdpSocket},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rcgen::{CertificateParams, KeyPair};
use serde_json::json;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use crate::host::tests::free_port;

/// A customer of the authority, and the key that it prints for it.
pub(super) const CUSTOMER: (&str, &str) =
    ("kid-1", "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W");

/// What to start.
pub(super) struct Order {
    /// Port on which the names are looked for.
    pub(super) tls_port: u16,
    /// Seconds that a certificate holds.
    pub(super) validity: u64,
    /// Whether only customers are served.
    pub(super) customers_only: bool,
}

/// The authority, and a name server that knows every name as this machine. Both end with the value.
pub(super) struct Pebble {
    processes: Vec<Child>,
    port: u16,
    management: u16,
    dir: tempfile::TempDir,
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Pebble {
    /// Starts it; `None`, with a word of it, where it is not installed.
    pub(super) fn start(order: &Order) -> Option<Self> {
        let [port, management, dns, dns_management] = [(); 4].map(|()| free_port());
        let dir = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let own = params.self_signed(&key).unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("own.pem"), own.pem()).unwrap();
        fs::write(at("own.key"), key.serialize_pem()).unwrap();
        let config = json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": at("own.pem"),
            "privateKey": at("own.key"),
            "httpPort": 1,
            "tlsPort": order.tls_port,
            "certificateValidityPeriod": order.validity,
            "externalAccountBindingRequired": order.customers_only,
            "externalAccountMACKeys": {CUSTOMER.0: CUSTOMER.1},
        }});
        fs::write(at("config.json"), config.to_string()).unwrap();
        let names = ["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-dns01"];
        let mut names = names.map(str::to_owned).to_vec();
        names.push(format!("127.0.0.1:{dns}"));
        names.extend(["-management".to_owned(), format!("127.0.0.1:{dns_management}")]);
        let processes = match run(dir.path(), "pebble-challtestsrv", &names) {
            Ok(names) => vec![names],
            Err(error) => {
                eprintln!("NOT TESTED: pebble is not installed (apt-get install pebble): {error}");
                return None;
            }
        };
        let mut this = Self { processes, port, management, dir };
        let config = this.dir.path().join("config.json").display().to_string();
        let arguments = ["-config".into(), config, "-dnsserver".into(), format!("127.0.0.1:{dns}")];
        this.processes.push(run(this.dir.path(), "pebble", &arguments).unwrap());
        this.wait(dns);
        Some(this)
    }

    fn wait(&self, dns: u16) {
        let begun = Instant::now();
        let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        // A port that somebody holds cannot be had.
        let is_taken = || UdpSocket::bind(("127.0.0.1", dns)).is_err();
        while !answers(self.port) || !answers(self.management) || !is_taken() {
            assert!(begun.elapsed() < Duration::from_secs(20), "{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// What it has said.
    pub(super) fn log(&self) -> String {
        let read = |name| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
        read("pebble-challtestsrv") + &read("pebble")
    }

    pub(super) fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port)
    }

    /// What the directory is trusted by.
    pub(super) fn own_certificate(&self) -> PathBuf {
        self.dir.path().join("own.pem")
    }

    /// What the certificates it signs are trusted by, in PEM.
    pub(super) fn root(&self) -> String {
        let url = format!("https://127.0.0.1:{}/roots/0", self.management);
        let mut answer = trusting(&self.own_certificate()).get(&url).call().unwrap();
        answer.body_mut().read_to_string().unwrap()
    }
}

/// Starts a program whose output goes into a file of its name.
fn run(dir: &Path, program: &str, arguments: &[String]) -> io::Result<Child> {
    let log = fs::File::create(dir.join(program))?;
    let mut command = Command::new(program);
    // No pauses, no chance, and each order is proven anew.
    command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "0");
    command.env("PEBBLE_AUTHZREUSE", "0").args(arguments);
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()
}

fn trusting(certificate: &Path) -> ureq::Agent {
    let root = Certificate::from_pem(&fs::read(certificate).unwrap()).unwrap();
    let roots = RootCerts::Specific(std::sync::Arc::new(vec![root]));
    let tls = TlsConfig::builder().root_certs(roots).build();
    ureq::Agent::config_builder().tls_config(tls).build().into()
}
