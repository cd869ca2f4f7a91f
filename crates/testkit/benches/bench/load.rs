//! 负载：许多客户端同时提问，量出速率、延迟和服务端用的处理器时间。

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use testkit::Program;

/// 每次测量之前，先让负载运行一会儿：客户端都已经在提问。
const WARM_UP: Duration = Duration::from_millis(200);

/// 每次测量的时间。
const DURATION: Duration = Duration::from_millis(800);

/// 一千个客户端线程，每个的栈不必用默认的 2 MiB。
const STACK: usize = 64 * 1024;

/// 等一个回答的时间；超过就是对方没有回答。
const PATIENCE: Duration = Duration::from_secs(20);

/// 一次测量的结果。
#[derive(Clone, Copy)]
pub struct Sample {
    /// 每件工作平均占用的时间（秒）：全部时间除以件数。
    pub time: f64,
    /// 做了几件。
    pub count: usize,
    /// 一共用的处理器时间；没有 `/proc` 的系统上是 `None`。
    pub cpu: Option<Cpu>,
    /// 延迟的中位数和第 99 百分位数（秒）。
    pub latency: Option<(f64, f64)>,
}

/// 处理器时间，秒。
#[derive(Clone, Copy)]
pub struct Cpu {
    /// 执行程序自己的代码。
    pub user: f64,
    /// 操作系统为它工作。
    pub system: f64,
}

impl Cpu {
    /// 进程 `pid` 到目前为止用的处理器时间；结束而没有回收的进程也可以。
    pub fn of(pid: u32) -> Option<Cpu> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // 程序名在括号里，可能有空格；utime 和 stime 是它后面的第 12、13 项，单位 1/100 秒
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let seconds = |i: usize| Some(fields.get(i)?.parse::<f64>().ok()? / 100.0);
        Some(Cpu { user: seconds(11)?, system: seconds(12)? })
    }

    /// 用户时间与系统时间之和。
    pub fn total(&self) -> f64 {
        self.user + self.system
    }

    /// 从 `before` 到现在的处理器时间。
    fn since(self, before: Cpu) -> Cpu {
        Cpu { user: self.user - before.user, system: self.system - before.system }
    }

    /// 两段处理器时间之和。
    pub fn plus(self, other: Cpu) -> Cpu {
        Cpu { user: self.user + other.user, system: self.system + other.system }
    }
}

/// 进程 `pid` 现在占用的内存（RSS），单位 MiB；没有 `/proc` 的系统上是 `None`。
pub fn memory(pid: u32) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<f64>().ok()? / 1024.0)
}

/// `clients` 中的每一个在自己的线程里反复做 `work`，之前停顿 `pause`，量服务端 `server` 的速率、延迟和处理器时间。
///
/// 各用各的线程，一个客户端等得久，不会拖住别的客户端，延迟才是真的。
fn load<T: Send>(
    server: &Program,
    clients: Vec<T>,
    pause: Duration,
    work: impl Fn(&mut T) -> io::Result<()> + Sync,
) -> Sample {
    let (measuring, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let gate = RwLock::new(());
    let count = clients.len() as u32;
    let run = |i: usize, mut client: T| {
        let mut latencies = Vec::new();
        drop(gate.read());
        thread::sleep(pause * i as u32 / count); // 停顿的客户端先后错开
        while !stop.load(Relaxed) {
            if !pause.is_zero() {
                thread::sleep(pause);
            }
            let counted = measuring.load(Relaxed);
            let asked = Instant::now();
            work(&mut client).expect("服务端没有正确回答");
            if counted {
                latencies.push(asked.elapsed().as_secs_f64());
            }
        }
        latencies
    };
    thread::scope(|scope| {
        let run = &run;
        let closed = gate.write(); // 线程都创建好了，再一起开始
        let threads = clients.into_iter().enumerate().map(|(i, client)| {
            let thread = thread::Builder::new().stack_size(STACK);
            thread.spawn_scoped(scope, move || run(i, client)).unwrap_or_else(|e| {
                stop.store(true, Relaxed); // 已经创建的线程不会一直运行
                panic!("无法创建线程：{e}")
            })
        });
        let threads: Vec<_> = threads.collect();
        drop(closed);
        thread::sleep(WARM_UP);
        let (start, before) = (Instant::now(), Cpu::of(server.id()));
        measuring.store(true, Relaxed);
        thread::sleep(DURATION);
        let (elapsed, after) = (start.elapsed().as_secs_f64(), Cpu::of(server.id()));
        measuring.store(false, Relaxed); // 正在停顿的客户端还要问最后一次，不计
        stop.store(true, Relaxed);
        let results = threads.into_iter().map(|thread| thread.join().expect("客户端的线程崩溃"));
        let mut latencies: Vec<f64> = results.collect::<Vec<_>>().concat();
        latencies.sort_by(f64::total_cmp);
        let n = latencies.len();
        let cpu = before.zip(after).map(|(before, after)| after.since(before));
        let latency = Some((latencies[n / 2], latencies[n * 99 / 100]));
        Sample { time: elapsed / n as f64, count: n, cpu, latency }
    })
}

/// 检查回答；不对时返回错误。
fn check(right: bool) -> io::Result<()> {
    if right { Ok(()) } else { Err(io::Error::other("回答不对")) }
}

/// 一个提问的客户端。
pub struct Asker {
    stream: BufReader<TcpStream>,
    received: Vec<u8>,
}

impl Asker {
    /// 连接 `addr`，提一次问：得到回答，就知道服务端已经在服务这个连接。
    pub fn connect(addr: SocketAddr, question: &str, answer: &str) -> io::Result<Asker> {
        let stream = TcpStream::connect(addr)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut asker = Asker { stream: BufReader::new(stream), received: Vec::new() };
        asker.ask(question, answer)?;
        Ok(asker)
    }

    /// 发送一行 `question`，应得到一行 `answer`。
    fn ask(&mut self, question: &str, answer: &str) -> io::Result<()> {
        self.stream.get_mut().write_all(question.as_bytes())?;
        self.received.clear();
        self.stream.read_until(b'\n', &mut self.received)?;
        check(self.received == answer.as_bytes())
    }
}

/// `connections` 个客户端，各在一个连接上反复停顿 `pause`，再发送一行 `question`，应得到一行 `answer`。
pub fn lines(
    server: &Program,
    addr: SocketAddr,
    connections: usize,
    pause: Duration,
    question: &str,
    answer: &str,
) -> Sample {
    let clients = (0..connections).map(|_| Asker::connect(addr, question, answer));
    let clients = clients.collect::<io::Result<_>>().expect("无法连接服务端");
    load(server, clients, pause, |client: &mut Asker| client.ask(question, answer))
}

/// `clients` 个客户端，各用一个套接字依次发送 `words`；`explain` 给出应得到的回答。
pub fn datagrams(
    server: &Program,
    addr: SocketAddr,
    clients: usize,
    words: &[&str],
    explain: impl Fn(&str) -> String,
) -> Sample {
    let answers: Vec<(&str, String)> = words.iter().map(|word| (*word, explain(word))).collect();
    let client = || {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(addr)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok((socket, answers.iter().cycle()))
    };
    let clients =
        (0..clients).map(|_| client()).collect::<io::Result<_>>().expect("无法创建套接字");
    load(server, clients, Duration::ZERO, |(socket, answers)| {
        let (word, answer) = answers.next().expect("词典不是空的");
        socket.send(word.as_bytes())?;
        let mut buffer = [0; 2048];
        let n = socket.recv(&mut buffer)?;
        check(&buffer[..n] == answer.as_bytes())
    })
}

/// `clients` 个浏览器，反复建立连接，请求 `path`，收完整个响应；响应体应有 `size` 字节。
pub fn requests(
    server: &Program,
    addr: SocketAddr,
    clients: usize,
    path: &str,
    size: usize,
) -> Sample {
    load(server, vec![Vec::new(); clients], Duration::ZERO, |received| {
        let header = get(addr, path, received)?;
        check(received.len() == header + size)
    })
}

/// 请求 `path`，把整个响应读入 `received`，返回响应头的长度；响应码不是 200 时返回错误。
pub fn get(addr: SocketAddr, path: &str, received: &mut Vec<u8>) -> io::Result<usize> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?; // write! 会分几次写
    received.clear();
    stream.read_to_end(received)?;
    check(received.starts_with(b"HTTP/1.1 200 "))?;
    let end = received.windows(4).position(|bytes| bytes == b"\r\n\r\n");
    end.map(|end| end + 4).ok_or(io::Error::other("响应没有空行"))
}

/// 运行 `client`，量它从开始到结束的时间；处理器时间是它与服务端 `server` 之和。
pub fn upload(server: &Program, client: &mut Command) -> Sample {
    let before = Cpu::of(server.id());
    let start = Instant::now();
    let mut child = client.stdout(Stdio::piped()).spawn().expect("无法启动客户端");
    let mut output = Vec::new();
    let _ = child.stdout.take().expect("输出是管道").read_to_end(&mut output);
    let time = start.elapsed().as_secs_f64();
    // 关闭了输出，还要等它成为僵尸进程：那时时间不再增加，而且没有回收，还能读到
    let stat = format!("/proc/{}/stat", child.id());
    while std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z ")) {
        thread::yield_now();
    }
    let (client, after) = (Cpu::of(child.id()), Cpu::of(server.id()));
    assert!(child.wait().expect("无法等待客户端").success(), "上传失败");
    let server = before.zip(after).map(|(before, after)| after.since(before));
    let cpu = server.zip(client).map(|(server, client)| server.plus(client));
    Sample { time, count: 1, cpu, latency: None }
}

/// 启动 `start`，量到它写出地址为止。
pub fn start_up(start: impl FnOnce() -> Program) -> Sample {
    let begin = Instant::now();
    let mut program = start();
    program.addr();
    Sample { time: begin.elapsed().as_secs_f64(), count: 1, cpu: None, latency: None }
}
