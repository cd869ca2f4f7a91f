//! 测试用的套接字：名称和用法与 `std::net` 相同，另外记录经过，并且不会超过测试的时间。

use std::io::{self, ErrorKind, Read, Write};
use std::net::{self, Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::timeline::Timeline;

/// 一次 `read_to_end` 最多读这么多：对方不停地发送，也不会占满内存。
const MAX_RECEIVED: u64 = 64 << 20;

/// 读写的时限：测试设定的，而测试余下的时间更短时，用后者。
struct Limits {
    timeline: Arc<Timeline>,
    read: Mutex<Option<Duration>>,
    write: Mutex<Option<Duration>>,
}

impl Limits {
    fn new(timeline: Arc<Timeline>) -> Limits {
        Limits { timeline, read: Mutex::new(None), write: Mutex::new(None) }
    }

    /// 在读写之前：`asked` 是测试设定的时限，余下的时间更短时，用 `set` 改为后者。
    fn before(
        &self,
        asked: &Mutex<Option<Duration>>,
        set: impl Fn(Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        let asked = asked.lock().expect("使用套接字的线程崩溃").unwrap_or(Duration::MAX);
        let limit = self.timeline.limit(asked);
        if limit.is_zero() {
            return Err(io::Error::new(ErrorKind::TimedOut, "测试的时间已经用完"));
        }
        if limit < asked { set(Some(limit)) } else { Ok(()) }
    }
}

/// 同 [`std::net::TcpStream`]。
pub struct TcpStream {
    inner: net::TcpStream,
    limits: Arc<Limits>,
}

impl TcpStream {
    pub(crate) fn new(inner: net::TcpStream, timeline: Arc<Timeline>) -> TcpStream {
        TcpStream { inner, limits: Arc::new(Limits::new(timeline)) }
    }

    /// 同 [`std::net::TcpStream::connect`]。
    pub fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
        let timeline = Timeline::of(addr);
        net::TcpStream::connect(addr).map(|inner| TcpStream::new(inner, timeline))
    }

    /// 不记录的套接字，用于 `std` 的函数。
    pub fn as_std(&self) -> &net::TcpStream {
        &self.inner
    }

    fn before_read(&self) -> io::Result<()> {
        self.limits.before(&self.limits.read, |limit| self.inner.set_read_timeout(limit))
    }

    fn before_write(&self) -> io::Result<()> {
        self.limits.before(&self.limits.write, |limit| self.inner.set_write_timeout(limit))
    }

    /// 同 [`std::net::TcpStream::set_read_timeout`]。
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        *self.limits.read.lock().expect("使用套接字的线程崩溃") = limit;
        self.inner.set_read_timeout(limit)
    }

    /// 同 [`std::net::TcpStream::set_write_timeout`]。
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        *self.limits.write.lock().expect("使用套接字的线程崩溃") = limit;
        self.inner.set_write_timeout(limit)
    }

    /// 同 [`std::net::TcpStream::shutdown`]。
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.inner.shutdown(how)
    }

    /// 同 [`std::net::TcpStream::peek`]。
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.before_read()?;
        self.inner.peek(buffer)
    }

    /// 同 [`std::net::TcpStream::try_clone`]。
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        Ok(TcpStream { inner: self.inner.try_clone()?, limits: self.limits.clone() })
    }

    /// 同 [`std::net::TcpStream::set_nodelay`]。
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.inner.set_nodelay(nodelay)
    }

    /// 同 [`std::net::TcpStream::set_nonblocking`]。
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.inner.set_nonblocking(nonblocking)
    }

    /// 同 [`std::net::TcpStream::local_addr`]。
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// 同 [`std::net::TcpStream::peer_addr`]。
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.before_read()?;
        (&self.inner).read(buffer)
    }

    fn read_to_end(&mut self, received: &mut Vec<u8>) -> io::Result<usize> {
        let n = Read::take(&mut *self, MAX_RECEIVED).read_to_end(received)?;
        if n as u64 == MAX_RECEIVED {
            return Err(io::Error::other("对方不停地发送"));
        }
        Ok(n)
    }

    fn read_to_string(&mut self, received: &mut String) -> io::Result<usize> {
        let mut bytes = Vec::new();
        let n = self.read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes);
        received.push_str(&text.map_err(|e| io::Error::new(ErrorKind::InvalidData, e))?);
        Ok(n)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.before_write()?;
        (&self.inner).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(()) // TCP 套接字没有自己的缓冲区
    }
}

impl Read for TcpStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buffer)
    }

    fn read_to_end(&mut self, received: &mut Vec<u8>) -> io::Result<usize> {
        (&*self).read_to_end(received)
    }

    fn read_to_string(&mut self, received: &mut String) -> io::Result<usize> {
        (&*self).read_to_string(received)
    }
}

impl Write for TcpStream {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (&*self).write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// 同 [`std::net::TcpListener`]。
pub struct TcpListener {
    inner: net::TcpListener,
    timeline: Arc<Timeline>,
}

impl TcpListener {
    /// 同 [`std::net::TcpListener::bind`]。
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<TcpListener> {
        let inner = net::TcpListener::bind(addr)?;
        Ok(TcpListener { inner, timeline: Timeline::current() })
    }

    /// 不记录的套接字，用于 `std` 的函数。
    pub fn as_std(&self) -> &net::TcpListener {
        &self.inner
    }

    /// 同 [`std::net::TcpListener::accept`]；没有期限，多半应当用 [`crate::Program::accept`]。
    pub fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, addr) = self.inner.accept()?;
        Ok((TcpStream::new(stream, self.timeline.clone()), addr))
    }

    /// 同 [`std::net::TcpListener::set_nonblocking`]。
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.inner.set_nonblocking(nonblocking)
    }

    /// 同 [`std::net::TcpListener::local_addr`]。
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// 同 [`std::net::UdpSocket`]。
pub struct UdpSocket {
    inner: net::UdpSocket,
    limits: Arc<Limits>,
}

impl UdpSocket {
    /// 同 [`std::net::UdpSocket::bind`]。
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let inner = net::UdpSocket::bind(addr)?;
        Ok(UdpSocket { inner, limits: Arc::new(Limits::new(Timeline::current())) })
    }

    /// 不记录的套接字，用于 `std` 的函数。
    pub fn as_std(&self) -> &net::UdpSocket {
        &self.inner
    }

    fn before_read(&self) -> io::Result<()> {
        self.limits.before(&self.limits.read, |limit| self.inner.set_read_timeout(limit))
    }

    /// 同 [`std::net::UdpSocket::set_read_timeout`]。
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        *self.limits.read.lock().expect("使用套接字的线程崩溃") = limit;
        self.inner.set_read_timeout(limit)
    }

    /// 同 [`std::net::UdpSocket::connect`]。
    pub fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        self.inner.connect(addr)
    }

    /// 同 [`std::net::UdpSocket::send`]。
    pub fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.inner.send(data)
    }

    /// 同 [`std::net::UdpSocket::send_to`]。
    pub fn send_to(&self, data: &[u8], addr: impl ToSocketAddrs) -> io::Result<usize> {
        self.inner.send_to(data, addr)
    }

    /// 同 [`std::net::UdpSocket::recv`]。
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.before_read()?;
        self.inner.recv(buffer)
    }

    /// 同 [`std::net::UdpSocket::recv_from`]。
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.before_read()?;
        self.inner.recv_from(buffer)
    }

    /// 同 [`std::net::UdpSocket::peek_from`]。
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.before_read()?;
        self.inner.peek_from(buffer)
    }

    /// 同 [`std::net::UdpSocket::try_clone`]。
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        Ok(UdpSocket { inner: self.inner.try_clone()?, limits: self.limits.clone() })
    }

    /// 同 [`std::net::UdpSocket::set_nonblocking`]。
    pub fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.inner.set_nonblocking(nonblocking)
    }

    /// 同 [`std::net::UdpSocket::local_addr`]。
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    /// 同 [`std::net::UdpSocket::peer_addr`]。
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }
}
