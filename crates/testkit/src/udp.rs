//! 测试扮演的 UDP 一方。

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::rc::Rc;
use std::time::Duration;

use crate::draw::Bytes;
use crate::program::Program;
use crate::timeline::Who;
use crate::world::{Outcome, PAUSE, Rule, START, Source, World};

/// 测试的一个 UDP 套接字：向服务端发数据报的客户端，或者收下客户端的数据报的服务端。
pub struct UdpPeer(Rc<Inner>);

struct Inner {
    rule: Rule,
    socket: UdpSocket,
    /// 测试扮演客户端时，服务端是谁；扮演服务端时，客户端是谁。
    program: RefCell<Option<Program>>,
    /// 测试自己。
    me: Who,
    /// 测试扮演客户端。
    client: bool,
    /// 已经到达、还没有取走的数据报。
    queue: RefCell<VecDeque<(Vec<u8>, SocketAddr)>>,
    /// 客户端换过的端口：不止一个，就画出来。
    port: Cell<u16>,
}

impl Inner {
    fn note(&self, sent: bool, peer: SocketAddr, bytes: &[u8]) {
        let program = self.program.borrow();
        let other = program.as_ref().map_or(Who::Nobody, Program::who);
        let arrow = if sent == self.client { "-->" } else { "<--" };
        let sides = if self.client { (self.me, arrow, other) } else { (other, arrow, self.me) };
        let label = match (self.client, self.port.get()) {
            (false, _) => format!("端口 {}", peer.port()),
            _ => String::new(),
        };
        self.rule.note(sides, &label, Some(bytes));
    }
}

impl Source for Inner {
    fn look(&self) -> bool {
        let mut happened = false;
        let mut buffer = [0; 65_536];
        // 别的错误（Windows 上对方的端口已经关闭）：没有收到什么
        while let Ok((n, from)) = self.socket.recv_from(&mut buffer) {
            self.note(false, from, &buffer[..n]);
            self.queue.borrow_mut().push_back((buffer[..n].to_vec(), from));
            happened = true;
        }
        happened
    }
}

impl Program {
    /// 由测试扮演客户端，向这个 UDP 服务端发数据报。
    pub fn udp(&self) -> UdpPeer {
        let me = {
            let mut timeline = self.rule().0.timeline.borrow_mut();
            timeline.test_plays("客户端");
            timeline.new_client()
        };
        UdpPeer::new(self.rule(), "127.0.0.1:0", Some(self.clone()), me, true)
    }
}

impl Rule {
    /// 由测试扮演 UDP 服务端，绑定 `addr`（例如 `127.0.0.1:0`）。
    pub fn udp_server(&self, addr: &str) -> UdpPeer {
        let me = {
            let mut timeline = self.0.timeline.borrow_mut();
            timeline.test_plays("服务端");
            timeline.new_server()
        };
        UdpPeer::new(self, addr, None, me, false)
    }
}

impl UdpPeer {
    fn new(rule: &Rule, addr: &str, program: Option<Program>, me: Who, client: bool) -> UdpPeer {
        let socket = UdpSocket::bind(addr).unwrap_or_else(|e| panic!("测试无法绑定 {addr}：{e}"));
        socket.set_nonblocking(true).expect("可以设为不阻塞");
        let peer = UdpPeer(Rc::new(Inner {
            rule: rule.clone(),
            socket,
            program: RefCell::new(program),
            me,
            client,
            queue: RefCell::default(),
            port: Cell::new(0),
        }));
        let inner: Rc<dyn Source> = peer.0.clone();
        rule.0.watch(Rc::downgrade(&inner));
        peer
    }

    fn world(&self) -> &World {
        &self.0.rule.0
    }

    /// 测试的地址。
    pub fn addr(&self) -> SocketAddr {
        self.0.socket.local_addr().expect("已经绑定")
    }

    /// 失败时显示客户端 `program`，它的数据报也画在它的一边。
    pub fn serves(&self, program: &Program) {
        *self.0.program.borrow_mut() = Some(program.clone());
    }

    /// 测试扮演客户端：向服务端发一个数据报。
    pub fn send(&self, bytes: impl AsRef<[u8]>) {
        let server = self.0.program.borrow().as_ref().expect("测试扮演客户端").addr();
        self.send_to(bytes, server);
    }

    /// 向 `addr` 发一个数据报。
    pub fn send_to(&self, bytes: impl AsRef<[u8]>, addr: SocketAddr) {
        self.world().look();
        self.0.note(true, addr, bytes.as_ref());
        // Windows 上，对方的端口关闭之后，下一次发送会出错：再发一次
        let send = || self.0.socket.send_to(bytes.as_ref(), addr);
        send().or_else(|_| send()).expect("可以发送");
    }

    /// 下一个收到的数据报正是 `bytes`；返回它来自哪里。
    #[track_caller]
    pub fn expect(&self, bytes: impl AsRef<[u8]>) -> SocketAddr {
        let bytes = bytes.as_ref();
        let expected = format!("收到一个数据报 {}", Bytes::new(bytes).show(200));
        let (got, from) = self.receive(&expected);
        if got != bytes {
            let actual = format!("收到 {}", Bytes::new(&got).show(200));
            let outcome = if [&got[..], b"\n"].concat() == bytes {
                Outcome::NoNewline
            } else {
                Outcome::Other
            };
            let zeros = got.contains(&0) && !bytes.contains(&0);
            let general = "发送了整个缓冲区（多出来的字节是 0）：应当是 &buffer[..n]";
            let general = if zeros { &[general][..] } else { &[] };
            let program = self.0.program.borrow();
            self.world().fail_with(outcome, program.as_ref(), &expected, &actual, general);
        }
        from
    }

    /// 下一个数据报和它来自哪里；没有则以 `expected` 失败。
    #[track_caller]
    pub fn receive(&self, expected: &str) -> (Vec<u8>, SocketAddr) {
        // 扮演服务端时，客户端可能刚刚启动
        let limit = if self.0.client { Duration::from_secs(3) } else { START };
        let program = self.0.program.borrow();
        let ended = || program.as_ref().is_some_and(Program::ended);
        let next = || self.0.queue.borrow_mut().pop_front();
        match self.world().wait(limit, || next().map(Some).or(ended().then_some(None))) {
            Some(Some(received)) => received,
            _ => self.world().fail(Outcome::Silence, program.as_ref(), expected, "什么也没有收到"),
        }
    }

    /// 一会儿之内什么也收不到。
    #[track_caller]
    pub fn expect_silence(&self) {
        let heard = || !self.0.queue.borrow().is_empty();
        self.world().watch_for(PAUSE, heard);
        if let Some((got, _)) = self.0.queue.borrow_mut().pop_front() {
            let actual = format!("收到 {}", Bytes::new(&got).show(200));
            let program = self.0.program.borrow();
            self.world().fail(Outcome::Other, program.as_ref(), "这时什么也不发", &actual);
        }
    }
}
