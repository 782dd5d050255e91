//! A connection through the door: plain bytes, or TLS once it is agreed on.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::Sleep,
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::{Accept, server::TlsStream};

use super::{Tls, renewals::PROOF};

/// First byte of whoever greets in TLS: the type of a handshake's record.
const HANDSHAKE: u8 = 22;

/// What who speaks plain HTTP to an address that expects TLS reads.
const PLAIN: &str = "HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\n\
    connection: close\r\n\r\n\
    本地址只接受加密连接，请把网址开头的 http:// 改为 https:// 后重试。\n\
    This address speaks TLS only: use https:// instead of http://.\n";

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
            // Whoever looks for a proof has it by now, and nothing else is said over such a connection.
            Ok(stream) if stream.get_ref().1.alpn_protocol() == Some(PROOF) => {
                *self = Self::Ended;
                Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
            }
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
