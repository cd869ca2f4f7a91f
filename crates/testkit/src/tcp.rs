//! 测试扮演的 TCP 一方：连接服务端的客户端，或者接受客户端的服务端。

use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::draw::Bytes;
use crate::program::Program;
use crate::timeline::{Sides, Who};
use crate::world::{Outcome, PAUSE, Rule, START, Source, World};

/// 对方怎样结束了连接。
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Closed,
    Reset,
}

/// 测试与程序之间的一个连接，由测试的一方使用；离开作用域时关闭。
pub struct Peer(Rc<Inner>);

struct Inner {
    rule: Rule,
    program: Program,
    client: Who,
    server: Who,
    /// 测试发出的、收到的数据的箭头。
    sent: &'static str,
    received: &'static str,
    stream: RefCell<Option<TcpStream>>,
    /// 已经到达、画过、还没有读的字节。
    seen: Cell<usize>,
    /// 最近一段到达的时间。
    arrived: Cell<Instant>,
    end: Cell<Option<End>>,
    /// 还没有收到过什么。
    silent: Cell<bool>,
}

/// 现在做不了，以后再试。
fn would_block(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

impl Inner {
    fn sides(&self, arrow: &'static str) -> Sides {
        (self.client, arrow, self.server)
    }

    fn note(&self, arrow: &'static str, label: &str, bytes: Option<&[u8]>) {
        self.rule.note(self.sides(arrow), label, bytes);
    }

    /// 对方重置了连接；返回是不是刚刚得知。
    fn note_reset(&self) -> bool {
        let new = self.end.replace(Some(End::Reset)) != Some(End::Reset);
        if new {
            self.note(self.received, "重置连接", None);
        }
        new
    }

    /// 读出 `n` 个已经看到的字节。
    fn take(&self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.seen.set(self.seen.get() - n);
        let read = self.stream.borrow().as_ref().map(|mut stream| stream.read_exact(&mut bytes));
        if matches!(read, Some(Ok(()))) { bytes } else { Vec::new() } // 刚刚被重置
    }
}

impl Source for Inner {
    fn look(&self) -> bool {
        let stream = self.stream.borrow();
        let Some(stream) = stream.as_ref() else { return false };
        if self.end.get().is_some() {
            // 不再发送之后还可能重置，这时读到的仍然是 0 字节，只有套接字的错误说明它
            return matches!(stream.take_error(), Ok(Some(_))) && self.note_reset();
        }
        let mut buffer = self.rule.0.buffer.borrow_mut();
        match stream.peek(&mut buffer) {
            Ok(0) => {
                self.note(self.received, "不再发送（0 字节）", None);
                self.end.set(Some(End::Closed));
            }
            Ok(n) if n > self.seen.get() => {
                let new = &buffer[self.seen.get()..n];
                self.rule.0.timeline.borrow_mut().arrived(self.sides(self.received), new);
                self.seen.set(n);
                self.silent.set(false);
                self.arrived.set(Instant::now());
            }
            Err(e) if !would_block(&e) => return self.note_reset(),
            _ => return false,
        }
        true
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if !std::thread::panicking() && self.stream.borrow().is_some() {
            self.close_stream();
        }
    }
}

impl Inner {
    /// 关闭套接字；其中还有没读的字节，就是重置连接。
    fn close_stream(&self) {
        self.look();
        match self.seen.get() {
            0 => self.note(self.sent, "关闭连接", None),
            n => self.note(self.sent, &format!("重置连接（{n} 字节没有读）"), None),
        }
        self.stream.take();
    }
}

impl Program {
    /// 由测试扮演客户端，连接这个服务端。
    #[track_caller]
    pub fn connect(&self) -> Peer {
        let client = self.rule().0.timeline.borrow_mut().test_is_client();
        self.rule().note((client, "-->", self.who()), "连接", None);
        match TcpStream::connect_timeout(&self.addr(), Duration::from_secs(3)) {
            Ok(stream) => Peer::new(self, stream, [client, self.who()], ["-->", "<--"]),
            Err(e) => {
                let expected = format!("服务端 {} 接受连接", self.addr());
                self.wrong(Outcome::Closed, &expected, &format!("无法连接：{e}"))
            }
        }
    }
}

impl Peer {
    fn new(
        program: &Program,
        stream: TcpStream,
        ends: [Who; 2],
        arrows: [&'static str; 2],
    ) -> Peer {
        stream.set_nonblocking(true).expect("可以设为不阻塞");
        let _ = stream.set_nodelay(true); // 一次 send 就是一段
        let peer = Peer(Rc::new(Inner {
            rule: program.rule().clone(),
            program: program.clone(),
            client: ends[0],
            server: ends[1],
            sent: arrows[0],
            received: arrows[1],
            stream: RefCell::new(Some(stream)),
            seen: Cell::new(0),
            arrived: Cell::new(Instant::now()),
            end: Cell::new(None),
            silent: Cell::new(true),
        }));
        let inner: Rc<dyn Source> = peer.0.clone();
        peer.world().watch(Rc::downgrade(&inner));
        peer
    }

    fn world(&self) -> &World {
        &self.0.rule.0
    }

    #[track_caller]
    fn fail(
        &self,
        outcome: impl Into<Option<Outcome>>,
        expected: &str,
        actual: &str,
        general: &[&str],
    ) -> ! {
        self.world().timeline.borrow_mut().fails_with(self.0.client);
        self.world().fail(outcome, Some(&self.0.program), expected, actual, general)
    }

    /// 发送 `bytes`，一次写出。对方已经离开也不算失败：由下一步的 `expect` 说明。
    #[track_caller]
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        self.world().look(); // 先到的先画
        if bytes.is_empty() {
            return; // 什么也没有发，就没有什么可画
        }
        self.0.note(self.0.sent, "", Some(bytes));
        let sent = self.write(bytes, Duration::from_secs(3));
        if sent < bytes.len() && self.0.end.get().is_none() {
            let actual = format!("3 秒之内只收下 {sent} 字节（测试一共发送 {} 字节）", bytes.len());
            self.fail(Outcome::Silence, "程序收下测试发送的数据", &actual, &[]);
        }
    }

    /// 不停地发送 `bytes`，直到对方一会儿之内一个字节也收不下；最多发送 `most` 字节。返回发送了多少字节。
    pub fn flood(&self, bytes: &[u8], most: usize) -> usize {
        let mut total = 0;
        self.0.note(self.0.sent, "不停地发送", Some(bytes));
        while total < most {
            let sent = self.write(bytes, PAUSE);
            total += sent;
            if sent < bytes.len() {
                break;
            }
        }
        self.0.note(self.0.sent, &format!("一共发送了 {total} 字节"), None);
        total
    }

    /// 写 `bytes`，直到写完、对方离开，或者 `limit` 之内一个字节也写不进去；返回写了多少。
    fn write(&self, bytes: &[u8], limit: Duration) -> usize {
        let mut sent = 0;
        let mut go_on = true;
        while go_on && sent < bytes.len() {
            let written = self.world().wait(limit, || {
                let result = match self.0.stream.borrow().as_ref() {
                    Some(mut stream) => stream.write(&bytes[sent..]),
                    None => return Some(None),
                };
                match result {
                    Ok(n) => Some(Some(n)),
                    Err(e) if would_block(&e) => None,
                    Err(_) => Some(None),
                }
            });
            match written {
                Some(Some(n)) => sent += n,
                Some(None) => {
                    self.0.look(); // 先到的先画
                    self.0.note_reset(); // 写的时候得知，套接字的错误就已经取走
                    go_on = false;
                }
                None => go_on = false,
            }
        }
        sent
    }

    /// 接下来收到的正是 `bytes`；返回它从第一段到最后一段隔了多久。
    #[track_caller]
    pub fn expect(&self, bytes: impl AsRef<[u8]>) -> Duration {
        let (bytes, mut got) = (bytes.as_ref(), Vec::new());
        let mut first = None;
        self.world().wait_patiently(|| {
            let n = self.0.seen.get().min(bytes.len() - got.len());
            if n > 0 {
                first = first.or(Some(self.0.arrived.get()));
                got.extend(self.0.take(n));
            }
            let wrong = got != bytes[..got.len()];
            let over = wrong || got.len() == bytes.len();
            (over || self.0.seen.get() == 0 && self.gone()).then_some(())
        });
        let gap = self.0.arrived.get() - first.unwrap_or(self.0.arrived.get());
        self.0.look(); // 后面就是连接的结尾时，这时就画
        if got == bytes {
            return gap;
        }
        let expected = format!("收到 {}", show(bytes));
        self.fail_received(&expected, bytes, got)
    }

    /// 收到的 `got` 不是 `expected` 的 `bytes`：说明差在哪里。
    #[track_caller]
    fn fail_received(&self, expected: &str, bytes: &[u8], mut got: Vec<u8>) -> ! {
        if got != bytes[..got.len().min(bytes.len())] {
            self.world().watch_for(Duration::from_millis(30), || false); // 后面还有什么
        }
        got.extend(self.0.take(self.0.seen.get().min(1000)));
        let what = match got.is_empty() {
            true => "什么也没有收到".to_string(),
            false => format!("收到 {}", show(&got)),
        };
        let (outcome, how) = match self.0.end.get() {
            _ if !bytes.starts_with(&got) => (Outcome::Other, ""),
            Some(End::Closed) if !got.is_empty() && [&got[..], b"\n"].concat() == bytes => {
                let actual = format!("{what}，后面没有 \\n，连接就结束了");
                self.fail(None, expected, &actual, &["约定每一行以 \\n 结束"]);
            }
            Some(End::Closed) => (Outcome::Closed, "，连接就结束了"),
            Some(End::Reset) => (Outcome::Closed, "，连接就被重置了"),
            None if [&got[..], b"\n"].concat() == bytes => (Outcome::NoNewline, "，后面没有 \\n"),
            None if got.is_empty() => (Outcome::Silence, "（等了 3 秒）"),
            None => (Outcome::Silence, "，后面什么也没有（等了 3 秒）"),
        };
        let general: &[&str] = match outcome {
            Outcome::NoNewline => &["约定每一行以 \\n 结束"],
            Outcome::Other if got.contains(&0) && !bytes.contains(&0) => {
                &["发送了整个缓冲区（多出来的字节是 0）：应当是 &buffer[..n]"]
            }
            Outcome::Other if without_cr(&got) == without_cr(bytes) => {
                self.fail(None, expected, &what, &["一行以 \\n 结束，不是 \\r\\n"]);
            }
            Outcome::Silence if got.is_empty() && self.0.silent.get() => {
                &["写进了 BufWriter 而没有 flush"]
            }
            _ => &[],
        };
        self.fail(outcome, expected, &format!("{what}{how}"), general)
    }

    /// 对方不会再发来什么：连接结束了，或者程序结束了。
    fn gone(&self) -> bool {
        self.0.end.get().is_some() || self.0.program.ended() && !self.0.look()
    }

    /// 一会儿之内什么也收不到，连接也不结束。
    #[track_caller]
    pub fn expect_silence(&self) {
        self.expect_silence_for(PAUSE);
    }

    /// `duration` 之内什么也收不到，连接也不结束。
    #[track_caller]
    pub fn expect_silence_for(&self, duration: Duration) {
        self.world().watch_for(duration, || self.heard());
        if self.heard() {
            let got = self.0.take(self.0.seen.get());
            let (outcome, actual) = match got.is_empty() {
                true => (Outcome::Closed, "连接结束了".to_string()),
                false => (Outcome::Other, format!("收到 {}", show(&got))),
            };
            self.fail(outcome, "这时什么也不发，连接保持打开", &actual, &[]);
        }
        self.0.note("", &format!("沉默 {} ms", duration.as_millis()), None);
    }

    /// 对方结束连接（关闭或重置），之前什么也不发。
    #[track_caller]
    pub fn expect_close(&self) {
        self.expect_close_within(Duration::from_secs(3));
    }

    /// 同 [`Peer::expect_close`]，最多等 `limit`。
    #[track_caller]
    pub fn expect_close_within(&self, limit: Duration) {
        let got = self.receive_to_end_within(limit);
        if !got.is_empty() {
            let actual = format!("收到 {}", show(&got));
            self.fail(Outcome::Other, "结束连接，之前什么也不发", &actual, &[]);
        }
    }

    /// 对方结束连接之前发来的全部字节。
    #[track_caller]
    pub fn receive_to_end(&self) -> Vec<u8> {
        self.receive_to_end_within(Duration::from_secs(3))
    }

    /// 同 [`Peer::receive_to_end`]；最后一件事之后最多等 `limit`。
    #[track_caller]
    pub fn receive_to_end_within(&self, limit: Duration) -> Vec<u8> {
        let mut got = Vec::new();
        let ended = self.world().wait(limit, || {
            if got.len() < 16 << 20 {
                got.extend(self.0.take(self.0.seen.get()));
            }
            self.gone().then_some(())
        });
        if ended.is_none() {
            let actual = match got.is_empty() {
                true => "没有结束，连接仍然打开".to_string(),
                false => format!("收到 {}之后，连接仍然打开", show(&got)),
            };
            self.fail(Outcome::Open, "对方结束发送：关闭写方向，或者关闭连接", &actual, &[]);
        }
        got
    }

    /// 到达了还没有核对的字节，或者对方不会再发来什么；不等待。
    pub fn heard(&self) -> bool {
        self.0.seen.get() > 0 || self.gone()
    }

    /// 连接是不是被重置了（对方关闭之后再发送，得到的也是重置）。
    pub fn was_reset(&self) -> bool {
        self.world().look();
        self.0.end.get() == Some(End::Reset)
    }

    /// 关闭写方向：不再发送，仍然接收。
    pub fn finish(&self) {
        self.world().look();
        self.0.note(self.0.sent, "关闭写方向", None);
        if let Some(stream) = self.0.stream.borrow().as_ref() {
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    /// 关闭连接。
    pub fn close(self) {}

    /// 以重置断开连接：等对方的数据到达，不读就关闭（`std` 不能随意重置）。
    #[track_caller]
    pub fn reset(self) {
        let arrived = || (self.0.seen.get() > 0 || self.gone()).then_some(());
        if self.world().wait_patiently(arrived).is_none() || self.0.seen.get() == 0 {
            let expected = "程序发来数据（测试不读它，就断开连接）";
            self.fail(Outcome::Silence, expected, "什么也没有收到", &[]);
        }
    }

    /// 测试的套接字：由调用者重置它。
    #[cfg(unix)]
    pub(crate) fn stream_to_reset(self) -> TcpStream {
        self.world().look();
        self.0.note(self.0.sent, "重置连接", None);
        self.0.stream.take().expect("还没有关闭")
    }
}

fn without_cr(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().copied().filter(|byte| *byte != b'\r').collect()
}

/// 用于失败信息：`bytes` 的样子。
pub(crate) fn show(bytes: &[u8]) -> String {
    match bytes.len() {
        0 => String::new(),
        1..=60 => Bytes::new(bytes).show(200),
        n => format!("{n} 字节：{}", Bytes::new(bytes).show(100)),
    }
}

/// 由测试扮演的 TCP 服务端。
pub struct Listener {
    rule: Rule,
    listener: TcpListener,
    who: Who,
}

impl Rule {
    /// 由测试扮演服务端：监听 127.0.0.1 的一个空闲端口。
    pub fn listen(&self) -> Listener {
        let listener = TcpListener::bind("127.0.0.1:0").expect("可以监听 127.0.0.1");
        listener.set_nonblocking(true).expect("可以设为不阻塞");
        let who = self.0.timeline.borrow_mut().test_is_server();
        Listener { rule: self.clone(), listener, who }
    }
}

impl Listener {
    /// 监听的地址。
    pub fn addr(&self) -> SocketAddr {
        self.listener.local_addr().expect("已经绑定")
    }

    /// 接受客户端 `program` 的连接。
    #[track_caller]
    pub fn accept(&self, program: &Program) -> Peer {
        let accepted = self.rule.0.wait(START, || match self.listener.accept() {
            Ok((stream, _)) => Some(Some(stream)),
            Err(_) => program.ended().then_some(None),
        });
        let Some(stream) = accepted.flatten() else {
            let expected = format!("客户端连接 {}", self.addr());
            program.wrong(Outcome::Silence, &expected, "没有连接");
        };
        self.peer(program, stream)
    }

    /// 客户端 `program` 已经结束：它没有连接过，或者连接了而一个字节也没有发。
    #[track_caller]
    pub fn expect_nothing_sent(&self, program: &Program) {
        if let Ok((stream, _)) = self.listener.accept() {
            self.peer(program, stream).expect_close();
        }
    }

    fn peer(&self, program: &Program, stream: TcpStream) -> Peer {
        let ends = [program.who(), self.who];
        self.rule.note((ends[0], "-->", ends[1]), "连接", None);
        Peer::new(program, stream, ends, ["<--", "-->"])
    }
}

/// 没有人监听的地址：连接它，立即被拒绝。返回的套接字占用着它，离开作用域之前别的程序得不到它。
pub fn nobody_listens() -> (TcpStream, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("可以监听 127.0.0.1");
    let used = TcpStream::connect(listener.local_addr().expect("已经绑定")).expect("可以连接");
    let addr = used.local_addr().expect("已经连接");
    (used, addr)
}
