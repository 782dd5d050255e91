//! HTTPS on the node's own door, with a certificate from files that may be replaced while it runs.

use std::{
    fmt, fs,
    future::Future,
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, SystemTime},
};

use parking_lot::RwLock;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::{
    Accept, TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
    server::TlsStream,
};

/// First byte of whoever greets in TLS: the type of a handshake's record.
const HANDSHAKE: u8 = 22;

/// What who speaks plain HTTP to an address that expects TLS reads.
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
    connection: close\r\n\r\n\
    本地址只接受加密连接，请把网址开头的 http:// 改为 https:// 后重试。\n\
    This address speaks TLS only: use https:// instead of http://.\n";

/// Where the certificate of a door is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// PEM file with the certificate, then those that lead to its authority.
    pub certificate: PathBuf,
    /// PEM file with its private key (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing, or holds no certificate or no key.
    #[error("{path}: {reason}; `tulou tls new` makes a certificate for a network without a domain")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Certificate and key do not belong together, or are of a kind that is not known.
    #[error("{certificate} and {key}: {reason}")]
    Pair {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What is wrong with them.
        reason: String,
    },
}

impl TlsFiles {
    /// Reads both.
    ///
    /// # Errors
    /// - [`TlsError::File`]: the certificate's, then the key's.
    /// - [`TlsError::Pair`].
    fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let file = |path: &Path, reason: String| TlsError::File { path: path.into(), reason };
        let certificates = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| file(&self.certificate, error.to_string()))?;
        if certificates.is_empty() {
            return Err(file(&self.certificate, "there is no certificate in it".into()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| file(&self.key, error.to_string()))?;
        let pair = |error: tokio_rustls::rustls::Error| TlsError::Pair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            reason: error.to_string(),
        };
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .map_err(pair)?
                .with_no_client_auth()
                .with_single_cert(certificates, key)
                .map_err(pair)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(config))
    }

    /// Changes whenever a file does.
    fn stamp(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.certificate, &self.key].map(|path| {
            let about = fs::metadata(path).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }
}

/// The certificate in use. Clones share it.
#[derive(Clone)]
pub(crate) struct Tls {
    files: TlsFiles,
    config: Arc<RwLock<Arc<ServerConfig>>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub(crate) fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let config = Arc::new(RwLock::new(files.read()?));
        Ok(Self { files, config })
    }

    /// Looks at the files for ever. New ones hold from the next connection on; while they cannot be
    /// used, the old ones do.
    pub(crate) async fn follow(self, every: Duration) {
        let mut seen = self.files.stamp();
        loop {
            tokio::time::sleep(every).await;
            let now = self.files.stamp();
            if now != seen {
                seen = now;
                self.renew();
            }
        }
    }

    fn renew(&self) {
        match self.files.read() {
            Ok(config) => {
                *self.config.write() = config;
                tracing::info!(files = ?self.files, "a new certificate is in use");
            }
            Err(error) => {
                tracing::warn!(%error, "the new certificate cannot be used; the old one stays")
            }
        }
    }

    fn accept(&self, socket: Socket) -> Accept<Socket> {
        TlsAcceptor::from(self.config.read().clone()).accept(socket)
    }
}

/// A connection that does not stand still for ever.
pub(crate) type Socket = Pin<Box<TimeoutStream<TcpStream>>>;

/// What a connection speaks.
pub(crate) enum Line {
    /// Plain bytes.
    Plain(Socket),
    /// Nothing came yet; until when something must, and how long it may be silent afterwards.
    Knock(Socket, Tls, Pin<Box<Sleep>>, Duration),
    /// TLS is being agreed on.
    Greeting(Box<Accept<Socket>>, Duration),
    /// TLS.
    Secret(Box<TlsStream<Socket>>),
    /// Nothing any more: TLS could not be agreed on.
    Ended,
}

impl Line {
    /// A connection through this door. Its greeting may stand still for as long as `patience`, what comes
    /// later as long as `silent`.
    pub(crate) fn new(
        mut socket: Socket,
        tls: Option<&Tls>,
        patience: Duration,
        silent: Duration,
    ) -> Self {
        let Some(tls) = tls else {
            socket.as_mut().set_read_timeout_pinned(Some(silent));
            return Self::Plain(socket);
        };
        socket.as_mut().set_read_timeout_pinned(Some(patience));
        Self::Knock(socket, tls.clone(), Box::pin(tokio::time::sleep(patience)), silent)
    }

    /// The socket below, where there is one at hand.
    pub(crate) fn socket(&self) -> Option<&TcpStream> {
        match self {
            Self::Plain(socket) => Some(socket.get_ref()),
            Self::Secret(stream) => Some(stream.get_ref().0.get_ref()),
            Self::Knock(..) | Self::Greeting(..) | Self::Ended => None,
        }
    }

    fn poll_greeted(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Self::Knock(socket, _, until, _) = self {
            if until.as_mut().poll(cx).is_ready() {
                *self = Self::Ended;
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            let mut first = [0];
            let count = ready!(socket.get_ref().poll_peek(cx, &mut ReadBuf::new(&mut first)))?;
            let Self::Knock(socket, tls, _, silent) = std::mem::replace(self, Self::Ended) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            if count > 0 && first[0] != HANDSHAKE {
                explain(socket.get_ref());
                return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
            }
            *self = Self::Greeting(Box::new(tls.accept(socket)), silent);
        }
        let Self::Greeting(accept, silent) = self else { return Poll::Ready(Ok(())) };
        let silent = *silent;
        match ready!(Pin::new(accept.as_mut()).poll(cx)) {
            Ok(mut stream) => {
                stream.get_mut().0.as_mut().set_read_timeout_pinned(Some(silent));
                *self = Self::Secret(Box::new(stream));
                Poll::Ready(Ok(()))
            }
            Err(error) => {
                *self = Self::Ended;
                Poll::Ready(Err(error))
            }
        }
    }
}

/// Tells who speaks plain HTTP what to do. Nobody waits for it: what is left unread of the request would
/// reset the connection before the answer is read, and the answer fits into any buffer.
fn explain(socket: &TcpStream) {
    let _ = socket.try_read(&mut [0; 16 * 1024]);
    let _ = socket.try_write(PLAIN.as_bytes());
}

/// The stream of a line that is past its greeting.
macro_rules! stream {
    ($line:expr, $cx:expr, $stream:ident => $body:expr) => {{
        let line = $line.get_mut();
        ready!(line.poll_greeted($cx))?;
        match line {
            Line::Plain($stream) => $body,
            Line::Secret($stream) => {
                let mut $stream = Pin::new($stream.as_mut());
                $body
            }
            _ => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }};
}

impl AsyncRead for Line {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        stream!(self, cx, stream => stream.as_mut().poll_read(cx, buf))
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        stream!(self, cx, stream => stream.as_mut().poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        stream!(self, cx, stream => stream.as_mut().poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if matches!(*self, Self::Knock(..) | Self::Greeting(..) | Self::Ended) {
            return Poll::Ready(Ok(()));
        }
        stream!(self, cx, stream => stream.as_mut().poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_write_vectored(),
            Self::Secret(stream) => stream.is_write_vectored(),
            Self::Knock(..) | Self::Greeting(..) | Self::Ended => false,
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        stream!(self, cx, stream => stream.as_mut().poll_write_vectored(cx, bytes))
    }
}
