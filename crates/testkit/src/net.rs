//! 测试用的套接字：名称和用法与 `std::net` 相同，另外记录经过，并且不会超过测试的时间。

use std::io::{self, ErrorKind, Read, Write};
use std::net::{self, Shutdown, SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::timeline::{Arrow, Timeline, Who};
use crate::{DEADLINE, timed_out};

/// 一次 `read_to_end` 最多读这么多：对方不停地发送，也不会占满内存。
const MAX_RECEIVED: u64 = 64 << 20;

/// 测试设定的时限；测试余下的时间更短时，用后者。
#[derive(Default)]
struct Limits {
    read: Mutex<Option<Duration>>,
    write: Mutex<Option<Duration>>,
}

impl Limits {
    /// 在读写之前：`asked` 是测试设定的时限，余下的时间更短时，用 `set` 改为后者。
    fn before(
        asked: &Mutex<Option<Duration>>,
        timeline: &Timeline,
        set: impl Fn(Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        let asked = asked.lock().expect("使用套接字的线程崩溃").unwrap_or(Duration::MAX);
        let limit = timeline.limit(asked);
        if limit.is_zero() {
            return Err(io::Error::new(ErrorKind::TimedOut, "测试的时间已经用完"));
        }
        if limit < asked { set(Some(limit)) } else { Ok(()) }
    }
}

/// 运行 `job`；被信号打断（程序暂停之后继续）就再来一次。
fn uninterrupted<T>(mut job: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match job() {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// 一个连接在经过中的样子；复制的套接字共有它，都关闭了，连接才关闭。
struct Connection {
    timeline: Arc<Timeline>,
    client: Who,
    server: Who,
    /// 发出的数据朝哪一边，收到的数据朝哪一边。
    sent: Arrow,
    received: Arrow,
    limits: Limits,
    ended: AtomicBool,
    closed: AtomicBool,
}

impl Connection {
    fn note(&self, arrow: Arrow, label: &str, bytes: Option<&[u8]>) {
        self.timeline.note((self.client, arrow, self.server), label, bytes);
    }

    /// 记下一次读的结果；它从 `start` 开始。
    fn note_read(&self, result: &io::Result<usize>, buffer: &[u8], start: Instant) {
        match result {
            Ok(0) if buffer.is_empty() || self.ended.swap(true, Relaxed) => {}
            Ok(0) => self.note(self.received, "不再发送（读到 0 字节）", None),
            Ok(n) => {
                let sides = (self.client, self.received, self.server);
                self.timeline.arrived(sides, "", &buffer[..*n]);
            }
            Err(e) => {
                let silence = self.timeline.silence(self.client, self.server).max(start.elapsed());
                note_error(e, start, silence, |arrow, label| {
                    self.note(if arrow { self.received } else { Arrow::None }, label, None);
                });
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.closed.load(Relaxed) {
            self.note(self.sent, "关闭连接", None);
        }
    }
}

/// 记下读的错误：从 `start` 等到现在没有数据，是沉默；`note` 的第一个参数是有没有箭头。
fn note_error(e: &io::Error, start: Instant, silence: Duration, note: impl Fn(bool, &str)) {
    let waited = start.elapsed().as_millis();
    match e.kind() {
        _ if timed_out(e) && waited > 0 => {
            note(false, &format!("沉默 {} ms", silence.as_millis()));
        }
        _ if timed_out(e) => {} // 不阻塞的套接字
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted => note(true, "重置连接"),
        _ => note(true, &format!("出错：{e}")),
    }
}

/// 同 [`std::net::TcpStream`]。
pub struct TcpStream {
    inner: net::TcpStream,
    connection: Arc<Connection>,
}

impl TcpStream {
    /// 由测试连接服务端 `addr`。
    fn new(
        inner: net::TcpStream,
        timeline: Arc<Timeline>,
        ends: [Who; 2],
        client: bool,
    ) -> TcpStream {
        let (sent, received) =
            if client { (Arrow::Right, Arrow::Left) } else { (Arrow::Left, Arrow::Right) };
        let connection = Connection {
            timeline,
            client: ends[0],
            server: ends[1],
            sent,
            received,
            limits: Limits::default(),
            ended: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        TcpStream { inner, connection: Arc::new(connection) }
    }

    /// 同 [`std::net::TcpStream::connect`]，以 [`DEADLINE`] 为限：不接受连接的服务端，等候的队列会满。
    pub fn connect(addr: SocketAddr) -> io::Result<TcpStream> {
        let found = Timeline::find(addr);
        let (timeline, server) = found.unwrap_or_else(|| (Timeline::current(), 0));
        let ends = [Who::Client(timeline.new_client(None), None), Who::Server(server)];
        timeline.note((ends[0], Arrow::Right, ends[1]), "连接", None);
        let limit = timeline.limit(DEADLINE).max(Duration::from_millis(1));
        match net::TcpStream::connect_timeout(&addr, limit) {
            Ok(inner) => Ok(TcpStream::new(inner, timeline, ends, true)),
            Err(e) => {
                timeline.note((ends[0], Arrow::Right, ends[1]), &format!("连接失败：{e}"), None);
                Err(e)
            }
        }
    }

    /// 由测试的服务端 `addr` 接受的连接。
    pub(crate) fn accepted(
        inner: net::TcpStream,
        timeline: Arc<Timeline>,
        addr: SocketAddr,
    ) -> TcpStream {
        let client = timeline.client_of(addr).unwrap_or_else(|| timeline.new_client(None));
        let ends = [Who::Client(client, None), Who::Server(0)];
        timeline.note((ends[0], Arrow::Right, ends[1]), "连接", None);
        TcpStream::new(inner, timeline, ends, false)
    }

    /// 后面 `limit` 之内到达的字节，最多 1000 个；用于失败信息，不算测试的等待。
    pub(crate) fn rest(&self, limit: Duration) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.inner.set_read_timeout(Some(limit));
        let _ = (&self.inner).take(1000).read_to_end(&mut rest);
        if !rest.is_empty() {
            self.connection.note_read(&Ok(rest.len()), &rest, Instant::now());
        }
        rest
    }

    /// 记下：套接字这时重置连接。
    pub(crate) fn note_reset(&self) {
        self.connection.closed.store(true, Relaxed);
        self.connection.note(self.connection.sent, "重置连接", None);
    }

    /// 不记录的套接字，用于 `std` 的函数。
    pub fn as_std(&self) -> &net::TcpStream {
        &self.inner
    }

    fn before_read(&self) -> io::Result<()> {
        let Connection { limits, timeline, .. } = &*self.connection;
        Limits::before(&limits.read, timeline, |limit| self.inner.set_read_timeout(limit))
    }

    fn before_write(&self) -> io::Result<()> {
        let Connection { limits, timeline, .. } = &*self.connection;
        Limits::before(&limits.write, timeline, |limit| self.inner.set_write_timeout(limit))
    }

    /// 同 [`std::net::TcpStream::set_read_timeout`]。
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        *self.connection.limits.read.lock().expect("使用套接字的线程崩溃") = limit;
        self.inner.set_read_timeout(limit)
    }

    /// 同 [`std::net::TcpStream::set_write_timeout`]。
    pub fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        *self.connection.limits.write.lock().expect("使用套接字的线程崩溃") = limit;
        self.inner.set_write_timeout(limit)
    }

    /// 同 [`std::net::TcpStream::shutdown`]。
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let label = match how {
            Shutdown::Write => "关闭写方向",
            Shutdown::Read => "关闭读方向",
            Shutdown::Both => "关闭连接",
        };
        self.connection.note(self.connection.sent, label, None);
        self.inner.shutdown(how)
    }

    /// 同 [`std::net::TcpStream::peek`]。
    pub fn peek(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.before_read()?;
        uninterrupted(|| self.inner.peek(buffer))
    }

    /// 同 [`std::net::TcpStream::try_clone`]。
    pub fn try_clone(&self) -> io::Result<TcpStream> {
        Ok(TcpStream { inner: self.inner.try_clone()?, connection: self.connection.clone() })
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
        let start = Instant::now();
        let result = uninterrupted(|| (&self.inner).read(buffer));
        self.connection.note_read(&result, buffer, start);
        result
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
        uninterrupted(|| (&self.inner).write(data))
    }

    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        // 先记下，再发送：对方的回答就不会画在它之前
        if !data.is_empty() {
            self.connection.note(self.connection.sent, "", Some(data));
        }
        let mut sent = 0;
        while sent < data.len() {
            match self.write(&data[sent..]) {
                Err(e) => {
                    let label = format!("只发出 {sent} 字节：{e}");
                    self.connection.note(self.connection.sent, &label, None);
                    return Err(e);
                }
                Ok(n) => sent += n,
            }
        }
        Ok(())
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

    fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        (&*self).write_all(data)
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
        Ok((TcpStream::accepted(stream, self.timeline.clone(), self.inner.local_addr()?), addr))
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

/// 一个 UDP 套接字在经过中的样子；复制的套接字共有它。
struct Station {
    timeline: Arc<Timeline>,
    local: SocketAddr,
    limits: Limits,
    /// 测试扮演客户端时：它所属的测试（由服务端的地址找到），是第几个客户端，服务端是第几个。
    client: OnceLock<(Arc<Timeline>, usize, usize)>,
}

impl Station {
    /// 对方 `peer` 是服务端，或者曾经是，测试就是客户端。
    fn as_client(&self, peer: Option<SocketAddr>) -> Option<&(Arc<Timeline>, usize, usize)> {
        if let Some((timeline, server)) = peer.and_then(Timeline::find) {
            self.client.get_or_init(|| {
                let number = timeline.new_client(None);
                (timeline, number, server)
            });
        }
        self.client.get()
    }

    /// 记下与 `peer` 的一次收发。
    fn note(&self, sent: bool, peer: Option<SocketAddr>, label: &str, bytes: Option<&[u8]>) {
        let port = peer.map(|addr| addr.port());
        let arrow = |client: bool| if sent == client { Arrow::Right } else { Arrow::Left };
        let arrow = |client| if sent || bytes.is_some() { arrow(client) } else { Arrow::None };
        if let Some(number) = self.timeline.client_of(self.local) {
            let sides = (Who::Client(number, port), arrow(false), Who::Server(0));
            self.timeline.note(sides, label, bytes);
        } else if let Some((timeline, number, server)) = self.as_client(peer) {
            let sides = (Who::Client(*number, None), arrow(true), Who::Server(*server));
            timeline.note(sides, label, bytes);
        } else {
            let sides = (Who::Client(0, port), arrow(false), Who::Stranger);
            self.timeline.note(sides, label, bytes);
        }
    }
}

/// 同 [`std::net::UdpSocket`]。
pub struct UdpSocket {
    inner: net::UdpSocket,
    station: Arc<Station>,
}

impl UdpSocket {
    /// 同 [`std::net::UdpSocket::bind`]。
    pub fn bind(addr: impl ToSocketAddrs) -> io::Result<UdpSocket> {
        let inner = net::UdpSocket::bind(addr)?;
        let station = Station {
            timeline: Timeline::current(),
            local: inner.local_addr()?,
            limits: Limits::default(),
            client: OnceLock::new(),
        };
        Ok(UdpSocket { inner, station: Arc::new(station) })
    }

    /// 不记录的套接字，用于 `std` 的函数。
    pub fn as_std(&self) -> &net::UdpSocket {
        &self.inner
    }

    fn before_read(&self) -> io::Result<()> {
        let timeline = self.station.client.get().map_or(&self.station.timeline, |c| &c.0);
        Limits::before(&self.station.limits.read, timeline, |limit| {
            self.inner.set_read_timeout(limit)
        })
    }

    /// 记下收到的数据报。
    pub(crate) fn note_received(&self, data: &[u8], from: SocketAddr) {
        self.station.note(false, Some(from), "", Some(data));
    }

    /// 记下接收的错误；等待从 `start` 开始。
    fn note_error(&self, e: &io::Error, start: Instant) {
        note_error(e, start, start.elapsed(), |_, label| {
            self.station.note(false, self.inner.peer_addr().ok(), label, None);
        });
    }

    /// 记下数据报 `data`，再用 `send` 发给 `to`。
    fn send_with(
        &self,
        data: &[u8],
        to: io::Result<SocketAddr>,
        send: impl Fn() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let to = to.ok();
        self.station.note(true, to, "", Some(data));
        let result = send();
        if let Err(e) = &result {
            self.station.note(true, to, &format!("发送出错：{e}"), None);
        }
        result
    }

    /// 同 [`std::net::UdpSocket::set_read_timeout`]。
    pub fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        *self.station.limits.read.lock().expect("使用套接字的线程崩溃") = limit;
        self.inner.set_read_timeout(limit)
    }

    /// 同 [`std::net::UdpSocket::connect`]。
    pub fn connect(&self, addr: impl ToSocketAddrs) -> io::Result<()> {
        self.inner.connect(addr)
    }

    /// 同 [`std::net::UdpSocket::send`]。
    pub fn send(&self, data: &[u8]) -> io::Result<usize> {
        self.send_with(data, self.inner.peer_addr(), || self.inner.send(data))
    }

    /// 同 [`std::net::UdpSocket::send_to`]。
    pub fn send_to(&self, data: &[u8], addr: impl ToSocketAddrs) -> io::Result<usize> {
        let addr = addr.to_socket_addrs()?.next().ok_or(ErrorKind::InvalidInput)?;
        self.send_with(data, Ok(addr), || self.inner.send_to(data, addr))
    }

    /// 同 [`std::net::UdpSocket::recv`]。
    pub fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(self.recv_from(buffer)?.0)
    }

    /// 同 [`std::net::UdpSocket::recv_from`]。
    pub fn recv_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.before_read()?;
        let start = Instant::now();
        let result = uninterrupted(|| self.inner.recv_from(buffer));
        match &result {
            Ok((n, from)) => self.note_received(&buffer[..*n], *from),
            Err(e) => self.note_error(e, start),
        }
        result
    }

    /// 同 [`std::net::UdpSocket::peek_from`]。
    pub fn peek_from(&self, buffer: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.before_read()?;
        uninterrupted(|| self.inner.peek_from(buffer))
    }

    /// 同 [`std::net::UdpSocket::try_clone`]。
    pub fn try_clone(&self) -> io::Result<UdpSocket> {
        Ok(UdpSocket { inner: self.inner.try_clone()?, station: self.station.clone() })
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
