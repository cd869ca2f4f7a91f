//! 测试扮演的 UDP 一方：服务端，向服务端发数据报的客户端，或者不相干的程序。

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::rc::Rc;
use std::time::Instant;

use crate::program::Program;
use crate::tcp::show;
use crate::timeline::{Who, alone};
use crate::world::{Outcome, PAUSE, Rule, START, Source, World};

/// 测试的一个 UDP 套接字。
pub struct UdpPeer(Rc<Inner>);

struct Inner {
    rule: Rule,
    socket: UdpSocket,
    me: Who,
    /// 对方的程序；测试扮演服务端时，由 [`UdpPeer::serves`] 说明。
    program: RefCell<Option<Program>>,
    /// 已经到达、还没有取走的数据报：内容，来自哪里，什么时候到达。
    queue: RefCell<VecDeque<(Vec<u8>, SocketAddr, Instant)>>,
    /// 最近取走的数据报是什么时候到达的。
    taken: Cell<Instant>,
}

impl Inner {
    fn is_client(&self) -> bool {
        matches!(self.me, Who::Client(_))
    }

    /// 画一个数据报；程序可能换过端口，所以测试不是客户端时，也写出它的端口。
    fn note(&self, sent: bool, peer: SocketAddr, bytes: &[u8]) {
        let program = self.program.borrow();
        let other = program.as_ref().map_or(Who::Nobody, Program::who);
        let arrow = if sent == self.is_client() { "-->" } else { "<--" };
        let (sides, label) = match self.is_client() {
            true => ((self.me, arrow, other), String::new()),
            false => ((other, arrow, self.me), format!("端口 {}", peer.port())),
        };
        self.rule.note(sides, &label, Some(bytes));
    }
}

impl Source for Inner {
    fn look(&self) -> bool {
        if self.socket.peek(&mut [0]).is_err_and(|e| e.kind() == ErrorKind::WouldBlock) {
            return false;
        }
        let mut happened = false;
        let mut buffer = [0; 65_536];
        // 别的错误（Windows 上对方的端口已经关闭）：没有收到什么
        while let Ok((n, from)) = self.socket.recv_from(&mut buffer) {
            self.note(false, from, &buffer[..n]);
            self.queue.borrow_mut().push_back((buffer[..n].to_vec(), from, Instant::now()));
            happened = true;
        }
        happened
    }
}

impl Program {
    /// 由测试扮演客户端，向这个 UDP 服务端发数据报。
    pub fn udp(&self) -> UdpPeer {
        let me = self.rule().0.timeline.borrow_mut().test_is_client();
        UdpPeer::new(self.rule(), "127.0.0.1:0", Some(self.clone()), me)
    }

    /// 由测试扮演不相干的程序，向这个客户端发数据报。
    pub fn udp_stranger(&self) -> UdpPeer {
        UdpPeer::new(self.rule(), "127.0.0.1:0", Some(self.clone()), Who::Stranger)
    }
}

impl Rule {
    /// 由测试扮演 UDP 服务端，绑定 `addr`（例如 `127.0.0.1:0`）。
    pub fn udp_server(&self, addr: &str) -> UdpPeer {
        let me = self.0.timeline.borrow_mut().test_is_server();
        UdpPeer::new(self, addr, None, me)
    }
}

impl UdpPeer {
    fn new(rule: &Rule, addr: &str, program: Option<Program>, me: Who) -> UdpPeer {
        // 正在启动的别的进程，一时可能还占着刚刚关闭的套接字：再试
        let socket = rule.0.wait_patiently(|| UdpSocket::bind(addr).ok());
        let socket = socket.unwrap_or_else(|| panic!("测试无法绑定 {addr}"));
        socket.set_nonblocking(true).expect("可以设为不阻塞");
        let peer = UdpPeer(Rc::new(Inner {
            rule: rule.clone(),
            socket,
            me,
            program: RefCell::new(program),
            queue: RefCell::default(),
            taken: Cell::new(Instant::now()),
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
        self.world().look(); // 先到的先画
        self.0.note(true, addr, bytes.as_ref());
        // Windows 上，对方的端口关闭之后，下一次发送会出错：再发一次
        let send = || self.0.socket.send_to(bytes.as_ref(), addr);
        send().or_else(|_| send()).expect("可以发送");
    }

    /// 离开：从现在起，系统拒绝发到这个地址的数据报，如同没有程序；端口仍然占着，别的测试得不到它。
    pub fn leave(&self) {
        self.world().look(); // 先到的先画
        self.0.rule.note(alone(self.0.me), "离开（系统拒绝发到这里的数据报）", None);
        self.0.socket.connect(self.addr()).expect("可以只收自己发的");
        while self.0.socket.recv(&mut [0; 65_536]).is_ok() {} // 刚刚到达的：没有人收
    }

    /// 离开之后，在同一个地址上回来。
    pub fn come_back(self) -> UdpPeer {
        let (rule, addr, me) = (self.0.rule.clone(), self.addr().to_string(), self.0.me);
        let program = self.0.program.take();
        drop(self);
        let peer = UdpPeer::new(&rule, &addr, program, me);
        rule.note(alone(me), "回来（在同一个地址上）", None);
        peer
    }

    /// 下一个收到的数据报正是 `bytes`；返回它来自哪里。
    #[track_caller]
    pub fn expect(&self, bytes: impl AsRef<[u8]>) -> SocketAddr {
        let bytes = bytes.as_ref();
        let expected = format!("收到一个数据报：{}", datagram(bytes));
        let (got, from) = self.receive(&expected);
        let program = self.0.program.borrow();
        let server = program.as_ref().filter(|_| self.0.is_client()).map(Program::addr);
        let mut actual = format!("收到 {}", datagram(&got));
        // 看得出原因的，就只说这个原因
        let (outcome, general) = if [bytes, b"\n"].concat() == got {
            (None, "数据报自带边界，后面不加 \\n")
        } else if got.contains(&0) && !bytes.contains(&0) {
            (None, "发送了整个缓冲区（多出来的字节是 0）：应当是 &buffer[..n]")
        } else if got != bytes {
            (Some(Outcome::Other), "")
        } else if server.is_some_and(|addr| addr != from) {
            actual += &format!("，来自 {from}，不是服务端的地址");
            (None, "用新的套接字发送回答；应当用收到单词的那一个")
        } else {
            return from;
        };
        let general = if general.is_empty() { &[][..] } else { &[general] };
        self.world().fail(outcome, program.as_ref(), &expected, &actual, general)
    }

    /// 取走下一个数据报；没有则以 `expected` 失败。
    #[track_caller]
    fn receive(&self, expected: &str) -> (Vec<u8>, SocketAddr) {
        let program = self.0.program.borrow();
        let ended = || program.as_ref().is_some_and(Program::ended);
        let next = || {
            let next = self.0.queue.borrow_mut().pop_front();
            next.map(Some).or(ended().then_some(None))
        };
        // 扮演服务端时，客户端可能刚刚启动，还什么也没有打印
        let started = program.as_ref().is_some_and(|program| !program.stdout().is_empty());
        let received = match self.0.is_client() || started {
            true => self.world().wait_patiently(next),
            false => self.world().wait(START, next),
        };
        let Some(Some((bytes, from, at))) = received else {
            let actual = "什么也没有收到";
            self.world().fail(Outcome::Silence, program.as_ref(), expected, actual, &[]);
        };
        self.0.taken.set(at);
        (bytes, from)
    }

    /// 最近一次 [`UdpPeer::expect`] 的数据报是什么时候到达的。
    pub fn arrived(&self) -> Instant {
        self.0.taken.get()
    }

    /// 到达了数据报，还没有取走。
    pub fn is_asked(&self) -> bool {
        self.world().look();
        !self.0.queue.borrow().is_empty()
    }

    /// 一会儿之内什么也收不到。
    #[track_caller]
    pub fn expect_silence(&self) {
        self.world().watch_for(PAUSE, || !self.0.queue.borrow().is_empty());
        if let Some((got, ..)) = self.0.queue.borrow_mut().pop_front() {
            let actual = format!("收到 {}", datagram(&got));
            let program = self.0.program.borrow();
            self.world().fail(Outcome::Other, program.as_ref(), "这时什么也不发", &actual, &[]);
        }
    }
}

/// 用于失败信息：数据报 `bytes` 的样子。
fn datagram(bytes: &[u8]) -> String {
    if bytes.is_empty() { "空的数据报（0 字节）".to_string() } else { show(bytes) }
}
