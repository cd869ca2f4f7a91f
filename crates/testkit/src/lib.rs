//! 测试工具：启动被测程序，等它的地址，同它对话，每次等待都有期限。只用于测试。
//!
//! 等不到时，失败信息列出命令、期望和程序的全部输出。

use std::env::consts::EXE_SUFFIX;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

/// 一次等待的期限：远多于正常所需，只有出错时才会等满。
pub const DEADLINE: Duration = Duration::from_secs(10);

/// 程序已经结束，但它做的事可能还在路上（已建立的连接、已发出的数据报）：再等这么久。
const GRACE: Duration = Duration::from_secs(1);

/// 被测程序发生的一件事，由后台线程报告。
enum Event {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    EndOfOutput,
    Accepted(TcpStream),
}

/// 一个正在运行的被测程序；离开作用域时被终止并回收。
pub struct Program {
    command: String,
    child: Child,
    stdin: Option<ChildStdin>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    open_outputs: usize,
    accepted: Vec<TcpStream>,
    seen: usize,
    situation: String,
}

impl Program {
    /// 启动 `exe`，参数为 `args`；不等待。
    #[track_caller]
    pub fn start(exe: impl AsRef<Path>, args: &[&str]) -> Program {
        Program::start_in(".", exe, args)
    }

    /// 同 [`Program::start`]，工作目录为 `dir`。
    #[track_caller]
    pub fn start_in(dir: impl AsRef<Path>, exe: impl AsRef<Path>, args: &[&str]) -> Program {
        let mut command = Command::new(exe.as_ref());
        command.args(args).current_dir(dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("无法启动 {command:?}：{e}"));
        let (sender, events) = mpsc::channel();
        forward(child.stdout.take(), sender.clone(), Event::Stdout);
        forward(child.stderr.take(), sender.clone(), Event::Stderr);
        Program {
            command: format!("{command:?}"),
            stdin: child.stdin.take(),
            child,
            sender,
            events,
            stdout: Vec::new(),
            stderr: Vec::new(),
            open_outputs: 2,
            accepted: Vec::new(),
            seen: 0,
            situation: String::new(),
        }
    }

    /// 说明测试做了什么、失败的常见原因；测试失败时显示。
    pub fn explain(mut self, situation: &str) -> Program {
        self.situation = situation.to_string();
        self
    }

    /// 等服务端写出标准错误的第一行，返回行尾的地址。
    #[track_caller]
    pub fn addr(&mut self) -> SocketAddr {
        const EXPECTED: &str =
            "标准错误的第一行，以套接字的地址结尾（eprintln!，local_addr）；它要最先写出";
        self.wait(EXPECTED, |p| p.stderr.contains(&b'\n').then_some(()));
        let stderr = self.stderr();
        let tail = stderr.lines().next().unwrap_or_default().rsplit([' ', '：']).next();
        if let Some(addr) = tail.and_then(|tail| tail.parse().ok()) {
            return addr;
        }
        self.fail(EXPECTED)
    }

    /// 在程序的标准输入中键入一行。
    pub fn type_line(&mut self, line: &str) {
        self.type_bytes(format!("{line}\n").as_bytes());
    }

    /// 在程序的标准输入中键入任意字节。
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(bytes); // 程序已经结束：由之后的等待报告
        }
    }

    /// 结束程序的标准输入（相当于 Ctrl-D）。
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// 等 `text` 出现在标准输出中（从上一次等到的位置往后找）。
    #[track_caller]
    pub fn wait_stdout(&mut self, text: &str) {
        self.seen += self.wait(&format!("标准输出中出现 {text:?}"), |p| {
            let rest = &p.stdout[p.seen..];
            let found = rest.windows(text.len()).position(|window| window == text.as_bytes());
            found.map(|start| start + text.len())
        });
    }

    /// 等 `text` 出现在标准错误中。
    #[track_caller]
    pub fn wait_stderr(&mut self, text: &str) {
        self.wait(&format!("标准错误中出现 {text:?}"), |p| {
            String::from_utf8_lossy(&p.stderr).contains(text).then_some(())
        });
    }

    /// 等程序连接到 `listener`，返回这个连接；它的读写都以 [`DEADLINE`] 为限。
    #[track_caller]
    pub fn accept(&mut self, listener: &TcpListener) -> TcpStream {
        let listener = listener.try_clone().expect("无法复制监听套接字");
        let sender = self.sender.clone();
        thread::spawn(move || {
            if let Ok((stream, _)) = listener.accept() {
                let _ = sender.send(Event::Accepted(stream));
            }
        });
        with_deadline(self.wait("程序连接到测试的服务端", |p| p.accepted.pop()))
    }

    /// 等程序发给 `socket` 的一个数据报，返回内容和来源。
    #[track_caller]
    pub fn recv_from(&mut self, socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_536];
        socket.set_read_timeout(Some(Duration::from_millis(50))).expect("无法设置超时");
        let received =
            self.wait("程序发来一个数据报", |_| match socket.recv_from(&mut buffer) {
                Ok(received) => Some(received),
                Err(e) if timed_out(&e) => None,
                Err(e) => panic!("无法接收数据报：{e}"),
            });
        buffer.truncate(received.0);
        (buffer, received.1)
    }

    /// 从 `stream` 读到 `text` 为止；读到的与它不同、对方关闭或期限已过则测试失败。
    #[track_caller]
    pub fn assert_receives(&mut self, stream: &mut TcpStream, text: &str) {
        let mut received = Vec::new();
        let mut byte = [0];
        while received != text.as_bytes() {
            let end = match stream.read(&mut byte) {
                Ok(0) => "，然后连接关闭".to_string(),
                Err(e) => format!("，然后：{e}"),
                Ok(_) => {
                    received.push(byte[0]);
                    if text.as_bytes().starts_with(&received) {
                        continue;
                    }
                    stream.set_read_timeout(Some(GRACE)).expect("无法设置超时");
                    let _ = stream.take(1000).read_to_end(&mut received); // 让失败信息包含整个回复
                    String::new()
                }
            };
            let received = String::from_utf8_lossy(&received).into_owned();
            self.fail(&format!("从连接收到 {text:?}；实际收到 {received:?}{end}"));
        }
    }

    /// 检查对方在 `duration` 内一个字节也不发，也不关闭连接。
    #[track_caller]
    pub fn assert_silent(&mut self, stream: &mut TcpStream, duration: Duration) {
        stream.set_read_timeout(Some(duration)).expect("无法设置超时");
        let mut buffer = [0; 1000];
        match stream.read(&mut buffer) {
            Err(e) if timed_out(&e) => {}
            Err(e) => self.fail(&format!("连接保持打开；实际：{e}")),
            Ok(0) => self.fail("连接保持打开；实际被关闭"),
            Ok(n) => {
                let received = String::from_utf8_lossy(&buffer[..n]).into_owned();
                self.fail(&format!("这时不应发来数据；实际收到 {received:?}"))
            }
        }
        stream.set_read_timeout(Some(DEADLINE)).expect("无法设置超时");
    }

    /// 检查对方一个字节也不再发，就结束连接（关闭或重置）。
    #[track_caller]
    pub fn assert_closes(&mut self, stream: &mut TcpStream) {
        let mut received = Vec::new();
        let result = stream.read_to_end(&mut received);
        if !received.is_empty() || result.is_err_and(|e| timed_out(&e)) {
            let received = String::from_utf8_lossy(&received).into_owned();
            self.fail(&format!("对方结束连接，不再发数据；实际收到 {received:?}"));
        }
    }

    /// 等程序结束，返回退出状态（被信号终止时为 -1）。
    #[track_caller]
    pub fn wait_exit(&mut self) -> i32 {
        if !self.wait_end(DEADLINE) {
            self.fail("程序结束");
        }
        self.child.wait().expect("无法取得退出状态").code().unwrap_or(-1)
    }

    /// 到目前为止的标准输出；不是 UTF-8 的字节显示为 `�`。
    pub fn stdout(&mut self) -> String {
        self.take_events(Duration::ZERO);
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// 到目前为止的标准错误；不是 UTF-8 的字节显示为 `�`。
    pub fn stderr(&mut self) -> String {
        self.take_events(Duration::ZERO);
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// 让测试失败：说明期望，附上命令和程序的全部输出。
    #[track_caller]
    pub fn fail(&mut self, expected: &str) -> ! {
        self.wait_end(Duration::from_millis(100)); // 程序正在崩溃时，等它写完原因
        let state =
            if self.open_outputs == 0 { "程序已经结束" } else { "程序还在运行" };
        let (command, situation) = (self.command.clone(), self.situation.clone());
        let (stdout, stderr) = (self.stdout(), self.stderr());
        panic!(
            "\n没有等到：{expected}\n{situation}\n命令：{command}（{state}）\n\
             标准输出：\n{stdout}\n标准错误：\n{stderr}"
        )
    }

    /// 等到 `check` 给出结果为止；期限已过或程序已结束则测试失败。
    #[track_caller]
    fn wait<T>(&mut self, expected: &str, mut check: impl FnMut(&mut Program) -> Option<T>) -> T {
        let mut end = Instant::now() + DEADLINE;
        let mut running = true;
        loop {
            self.take_events(Duration::ZERO);
            if let Some(result) = check(self) {
                return result;
            }
            if running && self.open_outputs == 0 {
                running = false;
                end = Instant::now() + GRACE;
            }
            if Instant::now() >= end {
                self.fail(expected);
            }
            self.take_events(Duration::from_millis(20));
        }
    }

    /// 最多等 `limit`，直到程序关闭全部输出（也就是结束）；返回是否等到。
    fn wait_end(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.open_outputs > 0 && Instant::now() < end {
            self.take_events(end.saturating_duration_since(Instant::now()));
        }
        self.open_outputs == 0
    }

    /// 取出已经发生的事；一件也没有时最多等 `limit`。
    fn take_events(&mut self, limit: Duration) {
        let mut next = self.events.recv_timeout(limit).ok();
        while let Some(event) = next {
            match event {
                Event::Stdout(bytes) => self.stdout.extend(bytes),
                Event::Stderr(bytes) => self.stderr.extend(bytes),
                Event::EndOfOutput => self.open_outputs -= 1,
                Event::Accepted(stream) => self.accepted.push(stream),
            }
            next = self.events.try_recv().ok();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// 在后台线程中不停地读 `pipe`，每读到一段就报告。
fn forward(
    pipe: Option<impl Read + Send + 'static>,
    sender: Sender<Event>,
    event: fn(Vec<u8>) -> Event,
) {
    let mut pipe = pipe.expect("输出是管道");
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = pipe.read(&mut buffer) {
            let _ = sender.send(event(buffer[..n].to_vec()));
        }
        let _ = sender.send(Event::EndOfOutput);
    });
}

/// 读操作是否因超时而结束（Unix 和 Windows 的错误种类不同）。
fn timed_out(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn with_deadline(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(DEADLINE)).expect("无法设置超时");
    stream.set_write_timeout(Some(DEADLINE)).expect("无法设置超时");
    stream
}

/// 连接到 `addr`；读写都以 [`DEADLINE`] 为限。
#[track_caller]
pub fn connect(addr: SocketAddr) -> TcpStream {
    with_deadline(TcpStream::connect(addr).unwrap_or_else(|e| panic!("无法连接 {addr}：{e}")))
}

/// 由测试扮演的 TCP 服务端：监听 127.0.0.1 的一个空闲端口，返回套接字和地址。
pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("无法监听 127.0.0.1");
    let addr = listener.local_addr().expect("无法取得地址");
    (listener, addr)
}

/// 由测试扮演的 UDP 一方：绑定 127.0.0.1 的一个空闲端口，返回套接字（读以 [`DEADLINE`] 为限）和地址。
pub fn udp_socket() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("无法绑定 127.0.0.1");
    socket.set_read_timeout(Some(DEADLINE)).expect("无法设置超时");
    let addr = socket.local_addr().expect("无法取得地址");
    (socket, addr)
}

/// 被测程序的路径：环境变量 `TESTKIT_PROGRAM` 指定的程序，没有时是 `exe`。
pub fn program(exe: &Path) -> PathBuf {
    std::env::var_os("TESTKIT_PROGRAM").map_or(exe.to_path_buf(), PathBuf::from)
}

/// 以重置（RST）断开连接：等对方的数据到达，不读它就关闭。
#[track_caller]
pub fn reset(stream: TcpStream) {
    let n = stream.peek(&mut [0]).expect("没有等到对方的数据，无法重置连接");
    assert_eq!(n, 1, "对方已经关闭，无法重置连接");
}

/// 检查程序以一行错误结束：退出状态为 1，标准错误只有一行、包含 `parts` 的每一项，不是 `Debug` 输出。
#[track_caller]
pub fn assert_one_line_error(output: &Output, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "退出状态应为 1，标准错误：\n{stderr}");
    assert_eq!(stderr.lines().count(), 1, "标准错误应只有一行：\n{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "错误信息中应有 {part:?}：\n{stderr}");
    }
    assert!(!stderr.contains("kind:"), "错误信息是 io::Error 的 Debug 输出：\n{stderr}");
}

/// 编译工作区中的另一个程序 `name`，返回它的路径；`exe` 是本包程序的路径。
pub fn neighbour(exe: &Path, name: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "-p", name]);
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("无法运行 cargo").success(), "{name} 没有通过编译");
    exe.with_file_name(format!("{name}{EXE_SUFFIX}"))
}
