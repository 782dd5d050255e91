//! Many people with the app open: WebSockets that follow the chain and say nothing.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use soketto::{
    Incoming,
    handshake::{Client, ServerResponse},
};
use tokio::{net::TcpStream, runtime::Runtime, sync::Semaphore, task::JoinSet};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};

/// Handshakes at a time: more only wait in the kernel's queue, which drops them when it is full.
const AT_A_TIME: usize = 64;
/// Files that a process needs beside its connections.
const FILES: usize = 512;
/// Longest wait for all of them to be there.
const PATIENCE: Duration = Duration::from_secs(120);

/// Whether a client takes what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ears {
    /// Reads everything at once.
    Open,
    /// Subscribes and never reads again.
    Shut,
}

/// WebSockets that subscribed. They close with the value.
pub struct Crowd {
    open: Arc<AtomicUsize>,
    heard: Arc<AtomicUsize>,
    // Ends every client's task when it goes.
    _runtime: Runtime,
}

impl Crowd {
    /// Connects so many clients to a node and subscribes each of them to `topic`, as `eth_subscribe`
    /// names it; whole transactions where that is `newPendingTransactions`.
    ///
    /// # Errors
    /// A connection fails or is refused, or not all of them stand within two minutes.
    pub fn gather(url: &str, clients: usize, topic: &str, ears: Ears) -> io::Result<Self> {
        if clients > Self::most() {
            let most = Self::most();
            return Err(io::Error::other(format!("{clients} clients: the system allows {most}")));
        }
        let addr: SocketAddr = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .parse()
            .map_err(|_| io::Error::other(format!("{url} is no http://address:port")))?;
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (open, heard) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let line = json!({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe",
            "params": if topic == "newPendingTransactions" { json!([topic, true]) } else { json!([topic]) }})
        .to_string();
        let doors = Arc::new(Semaphore::new(AT_A_TIME));
        let all = async {
            let mut coming = JoinSet::new();
            for _ in 0..clients {
                let (doors, line) = (doors.clone(), line.clone());
                let (open, heard) = (open.clone(), heard.clone());
                coming.spawn(async move {
                    let _turn = doors.acquire().await.map_err(io::Error::other)?;
                    let wire = enter(addr, line, ears).await?;
                    open.fetch_add(1, Ordering::Relaxed);
                    tokio::spawn(listen(wire, open, heard));
                    Ok::<_, io::Error>(())
                });
            }
            while let Some(come) = coming.join_next().await {
                come.map_err(io::Error::other)??;
            }
            Ok::<_, io::Error>(())
        };
        runtime
            .block_on(async { tokio::time::timeout(PATIENCE, all).await })
            .map_err(|_| io::Error::other(format!("{clients} clients were not there in time")))??;
        Ok(Self { open, heard, _runtime: runtime })
    }

    /// How many clients the system lets this process have, some files for everything else left. Asks for
    /// as many as it may.
    pub fn most() -> usize {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        usize::try_from(files).unwrap_or(usize::MAX).saturating_sub(FILES)
    }

    /// How many connections stand. One with shut ears counts as long as nobody has cut it.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Messages that came, all clients together, the answers to their subscriptions among them.
    pub fn heard(&self) -> usize {
        self.heard.load(Ordering::Relaxed)
    }
}

impl std::fmt::Debug for Crowd {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Crowd").field("open", &self.open()).finish_non_exhaustive()
    }
}

type Socket = Compat<TcpStream>;

/// A connection that has asked for its subscription.
struct Wire {
    sender: soketto::Sender<Socket>,
    receiver: soketto::Receiver<Socket>,
    /// The same socket once more, to ask the kernel whether it still stands; for those who do not read.
    socket: Option<std::net::TcpStream>,
}

async fn enter(addr: SocketAddr, line: String, ears: Ears) -> io::Result<Wire> {
    let stream = TcpStream::connect(addr).await?.into_std()?;
    let socket = (ears == Ears::Shut).then(|| stream.try_clone()).transpose()?;
    let stream = TcpStream::from_std(stream)?;
    let host = addr.to_string();
    let mut client = Client::new(stream.compat(), &host, "/");
    match client.handshake().await.map_err(io::Error::other)? {
        ServerResponse::Accepted { .. } => {}
        ServerResponse::Redirect { status_code, .. } | ServerResponse::Rejected { status_code } => {
            return Err(io::Error::other(format!("a WebSocket was refused: {status_code}")));
        }
    }
    let (mut sender, receiver) = client.into_builder().finish();
    sender.send_text_owned(line).await.map_err(io::Error::other)?;
    sender.flush().await.map_err(io::Error::other)?;
    Ok(Wire { sender, receiver, socket })
}

async fn listen(mut wire: Wire, open: Arc<AtomicUsize>, heard: Arc<AtomicUsize>) {
    match wire.socket {
        None => {
            let mut message = Vec::new();
            // Pings are answered by the receiver.
            while let Ok(Incoming::Data(_) | Incoming::Pong(_)) =
                wire.receiver.receive(&mut message).await
            {
                message.clear();
                heard.fetch_add(1, Ordering::Relaxed);
            }
        }
        Some(socket) => {
            while !matches!(socket.take_error(), Ok(Some(_)) | Err(_)) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    open.fetch_sub(1, Ordering::Relaxed);
    drop(wire.sender);
}
