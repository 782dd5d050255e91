//! A small HTTP server in front of a node that answers as a test tells it to.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use serde_json::{Value, json};
use tulou_client::Rpc;

/// Answers until it is dropped.
pub(crate) struct Proxy {
    url: String,
    stopped: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port. `answer` is given the node, the method and the parameters; `None` is
    /// answered as an error.
    pub(crate) fn start(
        node: Rpc,
        answer: impl Fn(&Rpc, &str, &Value) -> Option<Value> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let stopped = Arc::new(AtomicBool::new(false));
        let seen = stopped.clone();
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if seen.load(Ordering::SeqCst) {
                    return;
                }
                // A client that goes away is no concern of the others.
                let _ = stream.and_then(|stream| serve(stream, &node, &answer));
            }
        });
        Self { url, stopped, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // One more connection wakes the thread.
        let _ = TcpStream::connect(self.url.trim_start_matches("http://"));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// One request, one answer.
fn serve(
    stream: TcpStream,
    node: &Rpc,
    answer: &impl Fn(&Rpc, &str, &Value) -> Option<Value>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(&stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let line = line.trim().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let method = request["method"].as_str().unwrap_or_default();
    let said = match answer(node, method, &request["params"]) {
        Some(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
        None => {
            let error = json!({ "code": -32000, "message": "not here" });
            json!({ "jsonrpc": "2.0", "id": request["id"], "error": error })
        }
    };
    let said = said.to_string();
    write!(
        &stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{said}",
        said.len()
    )?;
    (&stream).flush()
}
