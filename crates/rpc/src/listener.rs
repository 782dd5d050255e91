//! A listener that holds a bounded number of connections, and none for ever.

use std::{
    io,
    net::{Shutdown, SocketAddr},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::serve::Listener;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_io_timeout::TimeoutStream;

use crate::{
    RpcConfig,
    limits::Seat,
    metrics::Meters,
    node::Shared,
    tls::{Line, Tls},
};

/// What one connection too many reads.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\
    retry-after: 1\r\nconnection: close\r\n\r\n";

/// Places for connections, a fixed number of them.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    all: usize,
}

impl Places {
    pub(crate) fn new(all: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(all)), all }
    }

    /// How many are taken.
    pub(crate) fn taken(&self) -> u64 {
        let taken = self.all.saturating_sub(self.free.available_permits());
        u64::try_from(taken).unwrap_or(u64::MAX)
    }
}

/// Accepts while there are places, and turns away at once when there are none, or none for this
/// caller.
pub(crate) struct Bounded {
    listener: TcpListener,
    shared: Shared,
    patience: Patience,
    tls: Option<Tls>,
}

/// How long a connection may do nothing, each way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    stalled: Duration,
    silent: Duration,
}

impl From<&RpcConfig> for Patience {
    fn from(config: &RpcConfig) -> Self {
        Self { stalled: config.stalled, silent: config.silent }
    }
}

impl Bounded {
    pub(crate) fn new(
        listener: TcpListener,
        shared: Shared,
        patience: Patience,
        tls: Option<Tls>,
    ) -> Self {
        Self { listener, shared, patience, tls }
    }

    fn seat(&self, from: SocketAddr) -> Result<(OwnedSemaphorePermit, Seat), &'static str> {
        let place = self.shared.places.free.clone().try_acquire_owned().map_err(|_| "full")?;
        let seat = self.shared.gate.seat(from).ok_or("address")?;
        Ok((place, seat))
    }
}

impl Listener for Bounded {
    type Io = Seated;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Seated, SocketAddr) {
        loop {
            let (stream, from) = Listener::accept(&mut self.listener).await;
            match self.seat(from) {
                Ok(seats) => {
                    // Answers are short: waiting to fill a packet only costs time.
                    let _ = stream.set_nodelay(true);
                    let meters = self.shared.meters.clone();
                    return (
                        Seated::new(stream, self.patience, self.tls.as_ref(), meters, seats),
                        from,
                    );
                }
                Err(reason) => {
                    self.shared.meters.turned_away(reason);
                    // Nobody waits for this write: a client that does not take it learns by the close.
                    let _ = stream.try_write(FULL);
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection and its places, the server's and the caller's, given back when it closes.
///
/// Who takes nothing of what is sent to it is cut off: whatever waits to be sent would be held for it
/// for ever, and a task with it.
pub(crate) struct Seated {
    stream: Line,
    meters: Meters,
    _seats: (OwnedSemaphorePermit, Seat),
}

impl Seated {
    fn new(
        stream: TcpStream,
        patience: Patience,
        tls: Option<&Tls>,
        meters: Meters,
        seats: (OwnedSemaphorePermit, Seat),
    ) -> Self {
        let mut stream = TimeoutStream::new(stream);
        stream.set_write_timeout(Some(patience.stalled));
        let stream = Line::new(Box::pin(stream), tls, patience.stalled, patience.silent);
        Self { stream, meters, _seats: seats }
    }

    /// Ends both directions where a write was in vain for too long: whoever reads from the connection,
    /// in another task, learns it by that.
    fn judge<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if matches!(&written, Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::TimedOut) {
            self.meters.turned_away("stalled");
            let Some(socket) = self.stream.socket() else { return written };
            let socket = SockRef::from(socket);
            // What the kernel holds for this client is dropped with the socket. Errors mean that the
            // client has gone.
            let _ = socket.set_linger(Some(Duration::ZERO));
            let _ = socket.shutdown(Shutdown::Both);
        }
        written
    }
}

impl std::fmt::Debug for Seated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seated").finish_non_exhaustive()
    }
}

impl AsyncRead for Seated {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Seated {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.judge(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.judge(written)
    }
}
