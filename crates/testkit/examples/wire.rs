//! 看得见的网络：站在客户端与服务端之间，原样转发，同时画出谁在什么时候发给谁哪些字节。
//!
//! 终端 1 启动服务端：        `cargo run -p tcp_server`
//! 终端 2 启动本程序：        `cargo run -p testkit --example wire -- 127.0.0.1:6000 127.0.0.1:5555`
//! 终端 3 客户端改连本程序：  `cargo run -p tcp_client -- 127.0.0.1:6000`
//!
//! `--slow 3` 把字节流拆成 3 字节一段，`--glue 500` 把 500 毫秒之内的字节合成一段；
//! `--udp` 转发数据报，加上 `--lose 3` 则每三个丢失一个。

use std::collections::HashMap;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::exit;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use testkit::draw::{Bytes, COLUMNS, client_name, cut, prefix, width};
use testkit::timed_out;

const USAGE: &str = "\
用法：wire [选项] 监听地址 服务端地址
例如：wire 127.0.0.1:6000 127.0.0.1:5555   客户端改连 127.0.0.1:6000
  --slow N    每次只转发 N 个字节，停 100 毫秒再转发后面的
  --glue MS   收到字节之后等 MS 毫秒，合在一起转发
  --udp       转发 UDP 数据报（默认是 TCP）
  --lose N    每 N 个数据报丢失一个（用于 --udp）";

/// 一次最多读这么多字节；最大的数据报也装得下。
const BUFFER: usize = 65_536;

/// `--glue` 最多积攒这么多字节。
const MAX_GLUED: usize = 1 << 20;

/// `--slow` 的两段之间停这么久。
const SLOW: Duration = Duration::from_millis(100);

/// 一个方向一秒之内最多画这么多行；更多的，一秒合成一行。
const LINES: usize = 20;

/// UDP 客户端这么久没有收到回复，就不再等。
const IDLE: Duration = Duration::from_secs(60);

/// 命令行的选项。
#[derive(Clone, Copy)]
struct Options {
    udp: bool,
    slow: Option<usize>,
    glue: Option<Duration>,
    lose: Option<usize>,
}

/// 解析命令行；不合用法时返回 `None`。
fn parse(mut args: impl Iterator<Item = String>) -> Option<(Options, SocketAddr, SocketAddr)> {
    let mut options = Options { udp: false, slow: None, glue: None, lose: None };
    let mut addrs: Vec<SocketAddr> = Vec::new();
    while let Some(arg) = args.next() {
        let mut number = || args.next()?.parse().ok().filter(|n| *n > 0);
        match arg.as_str() {
            "--udp" => options.udp = true,
            "--slow" => options.slow = Some(number()?),
            "--glue" => options.glue = Some(Duration::from_millis(number()? as u64)),
            "--lose" => options.lose = Some(number()?),
            addr => addrs.push(addr.parse().ok()?),
        }
    }
    let fits = if options.udp {
        options.slow.is_none() && options.glue.is_none()
    } else {
        options.lose.is_none()
    };
    match addrs[..] {
        [listen, server] if fits => Some((options, listen, server)),
        _ => None,
    }
}

fn main() {
    let Some((options, listen, server)) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        exit(2);
    };
    let result = match options.udp {
        true => relay_datagrams(options, listen, server),
        false => relay_streams(options, listen, server),
    };
    if let Err(e) = result {
        eprintln!("错误：无法监听 {listen}：{e}");
        exit(1);
    }
}

/// 为每个连接到 `listen` 的客户端连接 `server`，两个方向各用一个线程转发。
fn relay_streams(options: Options, listen: SocketAddr, server: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(listen)?;
    eprintln!("转发程序已启动，服务端是 {server}，客户端请连接 {}", listener.local_addr()?);
    let drawing = Drawing::start();
    let mut number = 0;
    loop {
        match listener.accept() {
            Ok((client, addr)) => {
                let (drawing, n) = (drawing.clone(), number);
                thread::spawn(move || serve(client, addr, n, server, options, &drawing));
                number += 1;
            }
            Err(e) => {
                eprintln!("无法接受连接：{e}");
                thread::sleep(SLOW);
            }
        }
    }
}

/// 转发第 `number` 个客户端与服务端之间的字节，直到两个方向都结束。
fn serve(
    client: TcpStream,
    addr: SocketAddr,
    number: usize,
    server: SocketAddr,
    options: Options,
    drawing: &Drawing,
) {
    drawing.event(number, "-->", &format!("连接（{addr}）"));
    let server = match TcpStream::connect(server) {
        Ok(server) => server,
        Err(e) => return drawing.event(number, "<--", &format!("无法连接 {server}：{e}")),
    };
    for stream in [&client, &server] {
        let _ = stream.set_nodelay(true); // 一段就是一段，不等后面的
    }
    let ended = [AtomicBool::new(false), AtomicBool::new(false)];
    thread::scope(|scope| {
        scope.spawn(|| {
            let flow = Flow { from: &server, to: &client, number, arrow: "<--", options, drawing };
            flow.run(&ended[1]);
            ended[0].store(true, Relaxed);
        });
        let flow = Flow { from: &client, to: &server, number, arrow: "-->", options, drawing };
        flow.run(&ended[0]);
        ended[1].store(true, Relaxed);
    });
}

/// 一个连接的一个方向。
struct Flow<'a> {
    from: &'a TcpStream,
    to: &'a TcpStream,
    number: usize,
    arrow: &'static str,
    options: Options,
    drawing: &'a Drawing,
}

impl Flow<'_> {
    /// 转发到结束为止；`other_ended` 是另一个方向有没有结束。
    fn run(&self, other_ended: &AtomicBool) {
        let result = self.copy(other_ended);
        let what = match &result {
            Ok(true) => "不再发送".to_string(),
            Ok(false) => return, // 对方已经不收，说过了
            Err(e) if e.kind() == ErrorKind::ConnectionReset => "重置连接".to_string(),
            Err(e) => format!("出错：{e}"),
        };
        self.drawing.event(self.number, self.arrow, &what);
        // 半关闭照样传过去；std 不能任意重置连接，所以重置传过去也是这样
        let _ = self.to.shutdown(Shutdown::Write);
    }

    /// 转发到发送的一方不再发送为止；接收的一方先离开则返回 `false`。
    fn copy(&self, other_ended: &AtomicBool) -> io::Result<bool> {
        let mut buffer = vec![0; BUFFER];
        loop {
            let n = read(self.from, &mut buffer)?;
            if n == 0 {
                return Ok(true);
            }
            let mut data = buffer[..n].to_vec();
            let reads = match self.options.glue {
                Some(time) => 1 + self.glue(&mut data, time)?,
                None => 1,
            };
            if let Err(e) = self.pass_on(&data, reads) {
                self.drawing.event(self.number, self.arrow, &format!("对方已不接收：{e}"));
                // 对方的回答可能还在路上：另一个方向结束了，才断开
                self.from.set_read_timeout(Some(SLOW))?;
                while !other_ended.load(Relaxed) {
                    match read(self.from, &mut buffer) {
                        Ok(1..) => {}
                        Err(e) if timed_out(&e) => {}
                        _ => break,
                    }
                }
                return Ok(false);
            }
        }
    }

    /// 再读 `time` 之久，接在 `data` 后面；返回读了几次。
    fn glue(&self, data: &mut Vec<u8>, time: Duration) -> io::Result<usize> {
        let (end, mut reads) = (Instant::now() + time, 0);
        let mut buffer = vec![0; BUFFER];
        while data.len() < MAX_GLUED {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            self.from.set_read_timeout(Some(left))?;
            match read(self.from, &mut buffer) {
                Ok(n @ 1..) => data.extend(&buffer[..n]),
                Ok(_) => break, // 下一次读还会得到 0
                Err(e) if timed_out(&e) => break,
                Err(e) => return Err(e),
            }
            reads += 1;
        }
        self.from.set_read_timeout(None)?;
        Ok(reads)
    }

    /// 画出 `data`，再发给接收的一方；`--slow` 时分段。
    fn pass_on(&self, data: &[u8], reads: usize) -> io::Result<()> {
        let mut to = self.to;
        for (i, piece) in data.chunks(self.options.slow.unwrap_or(usize::MAX)).enumerate() {
            if i > 0 {
                thread::sleep(SLOW);
            }
            let note = if reads > 1 { format!("（{reads} 段合成）") } else { String::new() };
            self.drawing.data(self.number, self.arrow, piece, &note);
            to.write_all(piece)?;
        }
        Ok(())
    }
}

/// 读一段；被信号打断就再读。
fn read(mut from: &TcpStream, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match from.read(buffer) {
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// 把发到 `listen` 的数据报转给 `server`，回复转给各自的客户端：一个客户端用一个套接字。
fn relay_datagrams(options: Options, listen: SocketAddr, server: SocketAddr) -> io::Result<()> {
    let socket = Arc::new(UdpSocket::bind(listen)?);
    eprintln!("转发程序已启动，服务端是 {server}，客户端请发到 {}", socket.local_addr()?);
    let post = Arc::new(Post {
        drawing: Drawing::start(),
        lose: options.lose,
        count: AtomicUsize::new(0),
    });
    let clients = Arc::new(Clients::default());
    let mut buffer = vec![0; BUFFER];
    let mut number = 0;
    loop {
        let (n, client) = match socket.recv_from(&mut buffer) {
            Ok(received) => received,
            Err(e) => {
                post.drawing.note(&format!("接收出错：{e}")); // Windows：客户端已经离开
                continue;
            }
        };
        let known = clients.lock().expect("转发的线程崩溃").get(&client).cloned();
        let (this, to_server) = match known {
            Some(known) => known,
            None => match connected_to(server) {
                Ok(to_server) => {
                    let new = (number, Arc::new(to_server));
                    number += 1;
                    clients.lock().expect("转发的线程崩溃").insert(client, new.clone());
                    post.drawing.event(new.0, "-->", &format!("第一次发来（{client}）"));
                    let (this, from_server) = new.clone();
                    let (socket, clients, post) = (socket.clone(), clients.clone(), post.clone());
                    thread::spawn(move || {
                        post.bring_back(this, &from_server, &socket, client);
                        clients.lock().expect("转发的线程崩溃").remove(&client);
                    });
                    new
                }
                Err(e) => {
                    post.drawing.note(&format!("无法发给 {server}：{e}"));
                    continue;
                }
            },
        };
        post.send(this, "-->", &buffer[..n], || to_server.send(&buffer[..n]));
    }
}

/// 各个客户端：地址，是第几个，用哪个套接字与服务端收发。
type Clients = Mutex<HashMap<SocketAddr, (usize, Arc<UdpSocket>)>>;

/// 只与 `server` 收发的套接字。
fn connected_to(server: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(IDLE))?;
    Ok(socket)
}

/// 转发数据报，数到第 N 个就丢失。
struct Post {
    drawing: Arc<Drawing>,
    lose: Option<usize>,
    count: AtomicUsize,
}

impl Post {
    /// 画出数据报 `data`，再用 `send` 发出，或者丢失。
    fn send(&self, number: usize, arrow: &str, data: &[u8], send: impl Fn() -> io::Result<usize>) {
        let count = self.count.fetch_add(1, Relaxed) + 1;
        if self.lose.is_some_and(|n| count % n == 0) {
            let lost = if arrow == "-->" { "--x" } else { "x--" };
            return self.drawing.data(number, lost, data, "（丢失）");
        }
        self.drawing.data(number, arrow, data, "");
        if let Err(e) = send() {
            self.drawing.event(number, arrow, &format!("发送出错：{e}"));
        }
    }

    /// 把 `from_server` 收到的回复转给 `client`，直到很久没有回复。
    fn bring_back(
        &self,
        number: usize,
        from_server: &UdpSocket,
        socket: &UdpSocket,
        client: SocketAddr,
    ) {
        let mut buffer = vec![0; BUFFER];
        loop {
            match from_server.recv(&mut buffer) {
                Ok(n) => {
                    self.send(number, "<--", &buffer[..n], || socket.send_to(&buffer[..n], client));
                }
                Err(e) if timed_out(&e) => return,
                Err(e) => self.drawing.event(number, "<--", &format!("出错：{e}")), // 没有服务端
            }
        }
    }
}

/// 边转发边画；一秒之内超过 [`LINES`] 段，就一秒画一行，直到不再那么多。
struct Drawing {
    start: OnceLock<Instant>,
    flows: Mutex<HashMap<(usize, String), Recent>>,
}

/// 一个方向最近一秒画了几行，还有几段、几个字节没有画。
#[derive(Default)]
struct Recent {
    lines: usize,
    pieces: usize,
    bytes: usize,
}

impl Drawing {
    /// 从第一件事开始计时；每秒画一次还没有画的。
    fn start() -> Arc<Drawing> {
        let drawing = Arc::new(Drawing { start: OnceLock::new(), flows: Mutex::default() });
        let ticking = drawing.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_secs(1));
                let mut flows = ticking.flows.lock().expect("画图的线程崩溃");
                for ((number, arrow), recent) in flows.iter_mut() {
                    if recent.pieces == 0 {
                        recent.lines = 0; // 不再那么多了
                    }
                    ticking.draw_rest(*number, arrow, recent);
                }
                flows.retain(|_, recent| recent.lines > 0);
            }
        });
        drawing
    }

    /// 第 `number` 个客户端与服务端之间传送了 `data`。
    fn data(&self, number: usize, arrow: &str, data: &[u8], note: &str) {
        let mut flows = self.flows.lock().expect("画图的线程崩溃");
        let recent = flows.entry((number, arrow.to_string())).or_default();
        if recent.lines == LINES {
            recent.pieces += 1;
            recent.bytes += data.len();
            return;
        }
        recent.lines += 1;
        let prefix = self.prefix(number, arrow);
        let count = format!("{} 字节{note}  ", data.len());
        let room = COLUMNS.saturating_sub(width(&prefix) + width(&count));
        print(&format!("{prefix}{count}{}", Bytes::new(data).show(room)));
    }

    /// 第 `number` 个客户端与服务端之间发生了 `what`；之前的数据先画。
    fn event(&self, number: usize, arrow: &str, what: &str) {
        let mut flows = self.flows.lock().expect("画图的线程崩溃");
        if let Some(recent) = flows.get_mut(&(number, arrow.to_string())) {
            self.draw_rest(number, arrow, recent);
        }
        let prefix = self.prefix(number, arrow);
        print(&format!("{prefix}{}", cut(what, COLUMNS - width(&prefix))));
    }

    /// 与客户端无关的一件事。
    fn note(&self, what: &str) {
        print(&format!("{:>6} ms  {what}", self.now().as_millis()));
    }

    /// 画出没有画的各段。
    fn draw_rest(&self, number: usize, arrow: &str, recent: &mut Recent) {
        let Recent { pieces, bytes, .. } = *recent;
        if pieces > 0 {
            print(&format!("{}……又有 {pieces} 段，共 {bytes} 字节", self.prefix(number, arrow)));
            (recent.pieces, recent.bytes) = (0, 0);
        }
    }

    /// 从第一件事到现在。
    fn now(&self) -> Duration {
        self.start.get_or_init(Instant::now).elapsed()
    }

    /// 一行的开头。
    fn prefix(&self, number: usize, arrow: &str) -> String {
        prefix(self.now(), &client_name(number), arrow, "服务端", [8, 6])
    }
}

/// 打印一行；标准输出已经关闭也不影响转发。
fn print(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}
