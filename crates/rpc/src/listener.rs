//! A listener that holds a bounded number of connections.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::serve::Listener;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::{limits::Seat, node::Shared};

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
}

impl Bounded {
    pub(crate) fn new(listener: TcpListener, shared: Shared) -> Self {
        Self { listener, shared }
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
                    return (Seated { stream, _seats: seats }, from);
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
#[derive(Debug)]
pub(crate) struct Seated {
    stream: TcpStream,
    _seats: (OwnedSemaphorePermit, Seat),
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
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
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
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }
}
