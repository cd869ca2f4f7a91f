//! 看得见的网络：站在客户端与服务端之间，原样转发，同时画出谁在什么时候发给谁哪些字节。
//!
//! 终端 1 启动服务端：        `cargo run -p tcp_server`
//! 终端 2 启动本程序：        `cargo run -p wire -- 127.0.0.1:6000 127.0.0.1:5555`
//! 终端 3 客户端改连本程序：  `cargo run -p tcp_client -- 127.0.0.1:6000`

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};
use std::{env, thread};

use testkit::draw::{Bytes, COLUMNS, client_name, cut, prefix, width};

const USAGE: &str = "\
用法：cargo run -p wire -- [选项] 监听地址 服务端地址
例如：cargo run -p wire -- 127.0.0.1:6000 127.0.0.1:5555   客户端改连 127.0.0.1:6000
  --slow N    每次只转发 N 个字节，停 100 毫秒再转发后面的
  --glue MS   收到字节之后等 MS 毫秒，合在一起转发
  --udp       转发 UDP 数据报（默认是 TCP）
  --lose N    每 N 个数据报丢失一个（用于 --udp）";

/// 一次最多读这么多字节：最大的数据报也装得下。
const BUFFER_SIZE: usize = 65_536;

/// `--slow` 的两段之间停这么久。
const PAUSE: Duration = Duration::from_millis(100);

/// 命令行的选项；0 表示没有写。
#[derive(Clone, Copy, Default)]
struct Options {
    udp: bool,
    slow: usize,
    glue: usize,
    lose: usize,
}

fn main() -> ExitCode {
    let Some((options, listen, server)) = parse(env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    let result = match options.udp {
        true => relay_datagrams(options, listen, server),
        false => relay_streams(options, listen, server),
    };
    if let Err(e) = result {
        eprintln!("错误：无法在 {listen} 上转发：{e}");
    }
    ExitCode::FAILURE
}

/// 解析命令行；不合用法时返回 `None`。
fn parse(mut args: impl Iterator<Item = String>) -> Option<(Options, SocketAddr, SocketAddr)> {
    let (mut options, mut addrs) = (Options::default(), Vec::new());
    while let Some(arg) = args.next() {
        let mut number = || args.next()?.parse().ok().filter(|n| *n > 0);
        match arg.as_str() {
            "--udp" => options.udp = true,
            "--slow" => options.slow = number()?,
            "--glue" => options.glue = number()?,
            "--lose" => options.lose = number()?,
            addr => addrs.push(addr.parse().ok()?),
        }
    }
    let misplaced = if options.udp { options.slow + options.glue } else { options.lose };
    match addrs[..] {
        [listen, server] if misplaced == 0 => Some((options, listen, server)),
        _ => None,
    }
}

/// 为每个连接到 `listen` 的客户端连接 `server`，两个方向各用一个线程转发。
fn relay_streams(options: Options, listen: SocketAddr, server: SocketAddr) -> io::Result<()> {
    let listener = TcpListener::bind(listen)?;
    eprintln!("转发程序已启动，服务端是 {server}，客户端请连接 {}", listener.local_addr()?);
    for number in 0.. {
        let (client, addr) = listener.accept()?;
        draw(number, "-->", &format!("连接（{addr}）"));
        thread::spawn(move || match TcpStream::connect(server) {
            Ok(server) => thread::scope(|scope| {
                scope.spawn(|| forward(&server, &client, number, "<--", options));
                forward(&client, &server, number, "-->", options);
            }),
            Err(e) => draw(number, "<--", &format!("无法连接 {server}：{e}")),
        });
    }
    Ok(())
}

/// 把第 `number` 个连接的一个方向从 `from` 转发到 `to`，直到 `from` 不再发送。
fn forward(mut from: &TcpStream, to: &TcpStream, number: usize, arrow: &str, options: Options) {
    let mut buffer = vec![0; BUFFER_SIZE];
    let mut lost = false; // to 已经不接收：仍然读完，from 才收得到 to 先前的回答
    let _ = to.set_nodelay(true); // 一段就是一段，不等后面的
    loop {
        let n = match from.read(&mut buffer) {
            Ok(0) => break draw(number, arrow, "不再发送"),
            Ok(n) => n,
            Err(e) => break draw(number, arrow, &format!("不能接收：{e}")),
        };
        let mut data = buffer[..n].to_vec();
        if options.glue > 0 {
            glue(from, &mut data, Duration::from_millis(options.glue as u64));
        }
        if lost {
            continue;
        }
        if let Err(e) = pass_on(&data, to, number, arrow, options.slow) {
            draw(number, arrow, &format!("对方已不接收：{e}"));
            lost = true;
        }
    }
    // 半关闭照样传过去；std 不能任意重置连接，所以重置传过去也是这样
    let _ = to.shutdown(Shutdown::Write);
}

/// 再读 `time` 之久，接在 `data` 后面。
fn glue(mut from: &TcpStream, data: &mut Vec<u8>, time: Duration) {
    let end = Instant::now() + time;
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() || from.set_read_timeout(Some(left)).is_err() {
            break;
        }
        match from.read(&mut buffer) {
            Ok(n @ 1..) => data.extend(&buffer[..n]),
            _ => break, // 时间到了，或者不再发送：下一次读会知道
        }
    }
    let _ = from.set_read_timeout(None);
}

/// 画出 `data`，发给 `to`；`slow` 大于 0 时每次只发这么多字节。
fn pass_on(
    data: &[u8],
    mut to: &TcpStream,
    number: usize,
    arrow: &str,
    slow: usize,
) -> io::Result<()> {
    let size = if slow > 0 { slow } else { data.len() };
    for (i, piece) in data.chunks(size).enumerate() {
        if i > 0 {
            thread::sleep(PAUSE);
        }
        draw_bytes(number, arrow, piece, "");
        to.write_all(piece)?;
    }
    Ok(())
}

/// 把发到 `listen` 的数据报转给 `server`，回复转给各自的客户端：一个客户端用一个套接字。
fn relay_datagrams(options: Options, listen: SocketAddr, server: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind(listen)?;
    eprintln!("转发程序已启动，服务端是 {server}，客户端请发到 {}", socket.local_addr()?);
    let mut clients: HashMap<SocketAddr, (usize, UdpSocket)> = HashMap::new();
    let mut buffer = vec![0; BUFFER_SIZE];
    loop {
        // Windows 上，前一个客户端已经离开时会出错：只放弃这一个
        let Ok((n, addr)) = socket.recv_from(&mut buffer) else { continue };
        let number = clients.len();
        if let Entry::Vacant(place) = clients.entry(addr) {
            draw(number, "-->", &format!("第一次发来（{addr}）"));
            place.insert((number, bring_back(&socket, server, addr, number, options)?));
        }
        let (number, to_server) = &clients[&addr];
        post(&buffer[..n], *number, "-->", options, |data| to_server.send(data));
    }
}

/// 为客户端 `addr` 新建一个只与 `server` 收发的套接字，在后台把回复转给它；返回这个套接字。
fn bring_back(
    socket: &UdpSocket,
    server: SocketAddr,
    addr: SocketAddr,
    number: usize,
    options: Options,
) -> io::Result<UdpSocket> {
    let to_server = UdpSocket::bind(if server.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" })?;
    to_server.connect(server)?;
    let (socket, from_server) = (socket.try_clone()?, to_server.try_clone()?);
    thread::spawn(move || {
        let mut buffer = vec![0; BUFFER_SIZE];
        loop {
            match from_server.recv(&mut buffer) {
                Ok(n) => {
                    post(&buffer[..n], number, "<--", options, |data| socket.send_to(data, addr))
                }
                Err(e) => draw(number, "<--", &format!("不能接收：{e}")), // 没有服务端
            }
        }
    });
    Ok(to_server)
}

/// 画出数据报 `data`，用 `send` 发出；数到第 `lose` 个就丢失。
fn post(
    data: &[u8],
    number: usize,
    arrow: &str,
    options: Options,
    send: impl Fn(&[u8]) -> io::Result<usize>,
) {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Relaxed) + 1;
    if options.lose > 0 && count % options.lose == 0 {
        let lost = if arrow == "-->" { "--x" } else { "x--" };
        return draw_bytes(number, lost, data, "（丢失）");
    }
    draw_bytes(number, arrow, data, "");
    if let Err(e) = send(data) {
        draw(number, arrow, &format!("不能发送：{e}"));
    }
}

/// 画一行：第 `number` 个客户端与服务端之间发生了 `what`。
fn draw(number: usize, arrow: &str, what: &str) {
    static START: OnceLock<Instant> = OnceLock::new();
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock(); // 行的次序就是时间的次序
    let at = START.get_or_init(Instant::now).elapsed(); // 从第一件事开始计时
    let prefix = prefix(at, &client_name(number), arrow, "服务端", [8, 6]);
    // 标准输出已经关闭也不影响转发
    let _ = writeln!(io::stdout(), "{prefix}{}", cut(what, COLUMNS - width(&prefix)));
}

/// 画一行：第 `number` 个客户端与服务端之间传送了 `data`。
fn draw_bytes(number: usize, arrow: &str, data: &[u8], note: &str) {
    let count = format!("{} 字节{note}  ", data.len());
    let room = COLUMNS - width("123456 ms  客户端甲 --> 服务端  ") - width(&count);
    draw(number, arrow, &format!("{count}{}", Bytes::new(data).show(room)));
}
