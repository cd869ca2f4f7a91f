//! 测试工具：启动被测程序，等它的地址，同它对话，每次等待都有期限。只用于测试。
//!
//! 等不到时，失败信息列出命令、期望和程序的全部输出。

pub mod answers;
pub mod draw;
#[cfg(unix)]
pub mod fire;
mod net;
mod timeline;

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

pub use answers::neighbour;
pub use net::{TcpListener, TcpStream, UdpSocket};
use timeline::{Arrow, Timeline, Who};

/// 一次等待的期限：远多于正常所需，只有出错时才会等满。
pub const DEADLINE: Duration = Duration::from_secs(10);

/// 程序已经结束，但它做的事可能还在路上（已建立的连接、已发出的数据报）：再等这么久。
const GRACE: Duration = Duration::from_millis(500);

/// 程序的一个输出最多收这么多字节：不停地打印的程序停在这里，不占内存，也不占处理器。
const MAX_OUTPUT: usize = 1 << 20;

/// 被测程序发生的一件事，由后台线程报告。
enum Event {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    EndOfOutput,
    /// 输出太多：不再读，留着管道。
    TooMuch(Box<dyn Send>),
    Accepted(TcpStream),
}

/// 一个正在运行的被测程序；离开作用域时被终止并回收。
pub struct Program {
    command: String,
    child: Child,
    stdin: Option<Sender<Vec<u8>>>,
    sender: Sender<Event>,
    events: Receiver<Event>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
    open_outputs: usize,
    watched: Arc<AtomicUsize>,
    endless: Vec<Box<dyn Send>>,
    accepted: Vec<TcpStream>,
    timeline: Arc<Timeline>,
    who: Who,
    seen: usize,
    situation: String,
    reported: bool,
}

impl Program {
    /// 启动 `exe`，参数为 `args`；不等待。
    #[track_caller]
    pub fn start(exe: impl AsRef<Path>, args: &[&str]) -> Program {
        Program::spawn(Command::new(exe.as_ref()).args(args))
    }

    /// 同 [`Program::start`]，工作目录为 `dir`。
    #[track_caller]
    pub fn start_in(dir: impl AsRef<Path>, exe: impl AsRef<Path>, args: &[&str]) -> Program {
        Program::spawn(Command::new(exe.as_ref()).args(args).current_dir(dir))
    }

    #[track_caller]
    fn spawn(command: &mut Command) -> Program {
        let shown = format!("{command:?}");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("RUST_BACKTRACE", "0"); // 崩溃时只要一句话
        let mut child = command.spawn().unwrap_or_else(|e| panic!("无法启动 {command:?}：{e}"));
        let (sender, events) = mpsc::channel();
        let timeline = Timeline::current();
        timeline.restart_budget();
        let who = role(command, &timeline);
        let open = Arc::new(AtomicUsize::new(2));
        let watch =
            |label| Watch { timeline: Arc::downgrade(&timeline), who, label, open: open.clone() };
        forward(child.stdout.take(), sender.clone(), Event::Stdout, watch("打印"));
        forward(child.stderr.take(), sender.clone(), Event::Stderr, watch(timeline::STDERR));
        Program {
            command: shown,
            stdin: Some(typist(child.stdin.take())),
            child,
            sender,
            events,
            stdout: Vec::new(),
            stderr: Vec::new(),
            open_outputs: 2,
            watched: open,
            endless: Vec::new(),
            accepted: Vec::new(),
            timeline,
            who,
            seen: 0,
            situation: String::new(),
            reported: false,
        }
    }

    /// 说明测试做了什么、失败的常见原因；测试失败时显示。
    pub fn explain(&mut self, situation: &str) {
        self.situation = situation.to_string();
    }

    /// 等服务端写出标准错误的第一行，返回行尾的地址。
    #[track_caller]
    pub fn addr(&mut self) -> SocketAddr {
        const EXPECTED: &str =
            "标准错误的第一行，以套接字的地址结尾（eprintln!，local_addr）；它要最先写出";
        let mut on_stdout = None; // 启动信息写到了标准输出：从这时起再等片刻
        let elsewhere = self.wait(EXPECTED, |p| {
            let elsewhere = p.stderr.is_empty() && shows_address(&p.stdout);
            let since = *on_stdout.get_or_insert_with(Instant::now);
            if !elsewhere {
                on_stdout = None;
            } else if since.elapsed() > GRACE {
                return Some(true);
            }
            p.stderr.contains(&b'\n').then_some(false)
        });
        if elsewhere {
            self.fail(&format!("{EXPECTED}；实际写到了标准输出（println!）"));
        }
        let stderr = self.stderr();
        let tail = stderr.lines().next().unwrap_or_default().rsplit([' ', '：']).next();
        match tail.and_then(|tail| tail.parse::<SocketAddr>().ok()) {
            Some(addr) if addr.port() == 0 => self
                .fail("实际的端口；实际写出的是 0，即参数中的端口，应当写出套接字的 local_addr()"),
            Some(addr) => {
                if let Who::Server(number) = self.who {
                    self.timeline.register(addr, number);
                }
                addr
            }
            None => self.fail(EXPECTED),
        }
    }

    /// 记入经过：程序自己的一件事。
    fn note(&self, label: &str, bytes: Option<&[u8]>) {
        self.timeline.note(alone(self.who), label, bytes);
    }

    /// 在程序的标准输入中键入一行。
    pub fn type_line(&mut self, line: &str) {
        self.type_bytes(format!("{line}\n").as_bytes());
    }

    /// 在程序的标准输入中键入任意字节。
    pub fn type_bytes(&mut self, bytes: &[u8]) {
        self.note("键入", Some(bytes));
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.send(bytes.to_vec()); // 程序已经结束：由之后的等待报告
        }
    }

    /// 结束程序的标准输入（相当于 Ctrl-D）。
    pub fn end_input(&mut self) {
        self.note("键入 Ctrl-D（输入结束）", None);
        self.stdin = None;
    }

    /// 等 `text` 出现在标准输出中（从上一次等到的位置往后找）。
    #[track_caller]
    pub fn wait_stdout(&mut self, text: &str) {
        let before = String::from_utf8_lossy(&self.stdout[..self.seen]).contains(text);
        let expected = match before {
            true => format!("标准输出中再次出现 {text:?}（前面的不算）"),
            false => format!("标准输出中出现 {text:?}"),
        };
        self.seen += self.wait(&expected, |p| {
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
        let addr = listener.local_addr().expect("无法取得地址");
        let listener = listener.as_std().try_clone().expect("无法复制监听套接字");
        let (sender, timeline) = (self.sender.clone(), Arc::downgrade(&self.timeline));
        thread::spawn(move || {
            let Ok((stream, _)) = listener.accept() else { return };
            if let Some(timeline) = timeline.upgrade() {
                let _ = sender.send(Event::Accepted(TcpStream::accepted(stream, timeline, addr)));
            }
        });
        with_deadline(self.wait("程序连接到测试的服务端", |p| p.accepted.pop()))
    }

    /// 等程序发给 `socket` 的一个数据报，返回内容和来源。
    #[track_caller]
    pub fn recv_from(&mut self, socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
        let mut buffer = vec![0; 65_536];
        let limit = Some(Duration::from_millis(50));
        socket.as_std().set_read_timeout(limit).expect("无法设置超时");
        let received = self.wait("程序发来一个数据报", |_| {
            match socket.as_std().recv_from(&mut buffer) {
                Ok(received) => Some(received),
                Err(e) if timed_out(&e) || e.kind() == ErrorKind::Interrupted => None,
                Err(e) => panic!("无法接收数据报：{e}"),
            }
        });
        buffer.truncate(received.0);
        socket.note_received(&buffer, received.1);
        (buffer, received.1)
    }

    /// 检查 `socket` 收到的下一个数据报正是 `text`。
    #[track_caller]
    pub fn assert_datagram(&mut self, socket: &UdpSocket, text: &str) {
        if let Some(received) = receive_other_than(socket, text) {
            let problem = format!("应收到 {text:?}");
            self.fail_at(&format!("收到数据报 {text:?}；实际：{received}"), &problem);
        }
    }

    /// 从 `socket` 发出数据报 `question`，检查收到的下一个数据报正是 `answer`。
    #[track_caller]
    pub fn assert_answer(&mut self, socket: &UdpSocket, question: impl AsRef<[u8]>, answer: &str) {
        let question = question.as_ref();
        let _ = socket.send(question); // 程序已经结束：由下面的接收报告
        if let Some(received) = receive_other_than(socket, answer) {
            let n = question.len();
            let start: String = String::from_utf8_lossy(question).chars().take(20).collect();
            self.fail_at(
                &format!("发出 {start:?}（共 {n} 字节），收到 {answer:?}；实际：{received}"),
                &format!("应收到 {answer:?}"),
            );
        }
    }

    /// 从 `stream` 读到 `text` 为止；读到的与它不同、对方关闭或期限已过则测试失败。
    #[track_caller]
    pub fn assert_receives(&mut self, stream: &mut TcpStream, text: &str) {
        let mut received = Vec::new();
        while received != text.as_bytes() {
            let mut buffer = vec![0; text.len() - received.len()]; // 多余的字节留给下一次
            let end = match stream.read(&mut buffer) {
                Ok(0) => "，然后连接关闭".to_string(),
                Err(e) if timed_out(&e) => "，然后不再有数据，连接仍然打开".to_string(),
                Err(e) => format!("，然后：{e}"),
                Ok(n) => {
                    received.extend(&buffer[..n]);
                    if text.as_bytes().starts_with(&received) {
                        continue;
                    }
                    received.extend(stream.rest(GRACE)); // 让失败信息包含整个回复
                    String::new()
                }
            };
            let received = String::from_utf8_lossy(&received).into_owned();
            self.fail_at(
                &format!("从连接收到 {text:?}；实际收到 {received:?}{end}"),
                &format!("应收到 {text:?}"),
            );
        }
    }

    /// 检查对方在 `duration` 内一个字节也不发，也不关闭连接。
    #[track_caller]
    pub fn assert_silent(&mut self, stream: &mut TcpStream, duration: Duration) {
        stream.set_read_timeout(Some(duration)).expect("无法设置超时");
        let mut buffer = [0; 1000];
        match stream.read(&mut buffer) {
            Err(e) if timed_out(&e) => {}
            Err(e) => self.fail_at(&format!("连接保持打开；实际：{e}"), "连接应保持打开"),
            Ok(0) => self.fail_at("连接保持打开；实际被关闭", "连接应保持打开"),
            Ok(n) => {
                let received = String::from_utf8_lossy(&buffer[..n]).into_owned();
                self.fail_at(
                    &format!("这时没有数据发来；实际收到 {received:?}"),
                    "这时不应发来数据",
                )
            }
        }
        stream.set_read_timeout(Some(DEADLINE)).expect("无法设置超时");
    }

    /// 检查对方一个字节也不再发，就结束连接（关闭或重置）。
    #[track_caller]
    pub fn assert_closes(&mut self, stream: &mut TcpStream) {
        let mut buffer = [0; 200];
        match stream.read(&mut buffer) {
            Ok(0) => {}
            Ok(n) => {
                let received = String::from_utf8_lossy(&buffer[..n]).into_owned();
                self.fail_at(
                    &format!("对方结束连接，不再发数据；实际收到 {received:?}"),
                    "应不再发数据，结束连接",
                )
            }
            Err(e) if timed_out(&e) => {
                self.fail_at("对方结束连接；实际没有数据，连接仍然打开", "连接应已结束")
            }
            Err(_) => {} // 重置也是结束
        }
    }

    /// 等程序结束，检查退出状态为 `code`。
    #[track_caller]
    pub fn assert_exit(&mut self, code: i32) {
        if !self.wait_end(self.timeline.limit(DEADLINE)) {
            self.fail(&format!("程序结束，退出状态为 {code}"));
        }
        let status = self.child.wait().expect("无法取得退出状态");
        if status.code() != Some(code) {
            let actual = status.code().map_or(status.to_string(), |code| code.to_string());
            self.fail(&format!("程序结束，退出状态为 {code}；实际：{actual}"));
        }
    }

    /// 等程序以一行错误结束：退出状态为 1，标准错误的最后一行包含 `parts` 的每一项。
    #[track_caller]
    pub fn assert_error(&mut self, parts: &[&str]) {
        self.assert_exit(1);
        let stderr = self.stderr();
        let line = stderr.lines().last().unwrap_or_default();
        if parts.iter().any(|part| !line.contains(part)) {
            let parts: Vec<String> = parts.iter().map(|part| format!("“{part}”")).collect();
            self.fail(&format!("标准错误的最后一行说明错误，含有{}", parts.join("和")));
        }
        if line.contains("kind:") {
            self.fail("错误信息用 {e} 显示，不是 io::Error 的 Debug 输出（{e:?}）");
        }
    }

    /// 检查程序还在运行。
    #[track_caller]
    pub fn assert_running(&mut self) {
        if self.wait_end(Duration::ZERO) {
            self.fail("程序继续运行");
        }
    }

    /// 检查程序还在运行，而且没有一个线程崩溃过。
    #[track_caller]
    pub fn assert_not_panicked(&mut self) {
        self.assert_running();
        if self.stderr().contains(" panicked at ") {
            self.fail("没有一个线程崩溃（panicked）");
        }
    }

    /// 等程序在标准错误上写完 `n` 行；比启动时多一行，就是说明了一个错误。
    #[track_caller]
    pub fn wait_stderr_lines(&mut self, n: usize) {
        self.wait(
            &format!("标准错误中至少有 {n} 行：启动时的，和说明错误的一行"),
            |p| {
                let lines = p.stderr.iter().filter(|&&byte| byte == b'\n').count();
                (lines >= n).then_some(())
            },
        );
    }

    /// 检查到目前为止的标准输出正是 `text`。
    #[track_caller]
    pub fn assert_stdout(&mut self, text: &str) {
        if self.stdout() != text {
            self.fail(&format!("标准输出正是 {text:?}"));
        }
    }

    /// 检查程序在 `duration` 内不写标准输出，也不结束。
    #[track_caller]
    pub fn assert_quiet(&mut self, duration: Duration) {
        let before = self.stdout();
        self.wait_end(duration);
        if self.stdout() != before {
            self.fail_at(&format!("标准输出正是 {before:?}"), "这时不应打印什么");
        }
        self.assert_running();
    }

    /// 强行终止程序（SIGKILL），等它结束。
    pub fn kill(&mut self) {
        self.note("被强行终止", None);
        self.end();
    }

    /// 终止程序，回收。
    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.watched.store(0, Relaxed); // 是测试终止它，不画“程序结束”
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
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

    /// 程序用去的处理器时间，取自 Linux 的 /proc；没有它的系统上总是 0。
    pub fn processor_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        // 程序名在括号中，之后的第 12、13 项是用户时间和系统时间，单位 10 毫秒
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        let ticks = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        Duration::from_millis(10 * ticks.sum::<u64>())
    }

    /// 程序的进程号。
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// 等新的输出，最多等 `limit`；测试的时间已经用完则失败。
    #[track_caller]
    pub fn wait_output(&mut self, limit: Duration) {
        if self.timeline.limit(limit).is_zero() && !limit.is_zero() {
            self.fail("测试在 15 秒之内完成");
        }
        self.take_events(limit);
    }

    /// 让测试失败：说明期望，附上命令和程序的全部输出。
    #[track_caller]
    pub fn fail(&mut self, expected: &str) -> ! {
        let problem = expected.lines().find_map(|line| line.strip_prefix("问题："));
        self.fail_at(expected, &problem.map_or(format!("应当：{expected}"), str::to_string))
    }

    /// 同 [`Program::fail`]；`problem` 是经过中最后一件事的问题，短短一句。
    #[track_caller]
    fn fail_at(&mut self, expected: &str, problem: &str) -> ! {
        self.reported = true;
        let at = self.timeline.now();
        self.wait_end(Duration::from_millis(100)); // 程序正在崩溃时，等它写完原因
        let state =
            if self.open_outputs == 0 { "程序已经结束" } else { "程序还在运行" };
        let (command, situation) = (self.command.clone(), self.situation.clone());
        let (stdout, stderr) = (shorten(&self.stdout()), shorten(&self.stderr()));
        if let Some((place, step)) = stderr.split_once("not yet implemented: ") {
            let place = place.rsplit(" panicked at ").next().unwrap_or_default().trim();
            let step = step.lines().next().unwrap_or_default();
            panic!(
                "\n还没有完成（not yet implemented），从这里开始：{place}\n{step}\n任务见这个练习的 README.md"
            );
        }
        let crashed = if stderr.contains(" panicked at ") {
            if self.open_outputs == 0 {
                "程序崩溃了，原因见标准错误。\n"
            } else {
                "有线程崩溃了，原因见标准错误。\n"
            }
        } else if !self.endless.is_empty() {
            "程序不停地打印。\n"
        } else {
            ""
        };
        let timeline = self.timeline.draw(at, problem);
        panic!(
            "\n{crashed}应当：{expected}\n{situation}\n命令：{command}（{state}）\n\
             标准输出：\n{stdout}\n标准错误：\n{stderr}\n{timeline}"
        )
    }

    /// 等到 `check` 给出结果为止；期限已过或程序已结束则测试失败。
    #[track_caller]
    fn wait<T>(&mut self, expected: &str, mut check: impl FnMut(&mut Program) -> Option<T>) -> T {
        let mut end = Instant::now() + self.timeline.limit(DEADLINE);
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
            if Instant::now() >= end || !self.endless.is_empty() {
                self.fail(expected);
            }
            self.take_events(Duration::from_millis(20));
        }
    }

    /// 最多等 `limit`，直到程序关闭全部输出（也就是结束）；返回是否等到。
    fn wait_end(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.open_outputs > 0 && self.endless.is_empty() && Instant::now() < end {
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
                Event::TooMuch(pipe) => self.endless.push(pipe),
                Event::Accepted(stream) => self.accepted.push(stream),
            }
            next = self.events.try_recv().ok();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.end();
        // 测试在别处失败（例如连接不上）：原因常常在程序的输出里
        if thread::panicking() && !self.reported && !self.timeline.is_drawn() {
            self.wait_end(GRACE);
            let (stdout, stderr) = (shorten(&self.stdout()), shorten(&self.stderr()));
            let (command, situation) = (&self.command, &self.situation);
            eprintln!("{situation}\n命令：{command}\n标准输出：\n{stdout}\n标准错误：\n{stderr}");
        }
    }
}

/// 在后台线程中向 `pipe` 键入送来的字节：程序不读时，等的不是测试。
fn typist(pipe: Option<ChildStdin>) -> Sender<Vec<u8>> {
    let mut pipe = pipe.expect("输入是管道");
    let (sender, typed) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || typed.iter().try_for_each(|bytes| pipe.write_all(&bytes)));
    sender
}

/// 在后台线程中不停地读 `pipe`，每读到一段就报告。
fn forward(
    pipe: Option<impl Read + Send + 'static>,
    sender: Sender<Event>,
    event: fn(Vec<u8>) -> Event,
    watch: Watch,
) {
    let mut pipe = pipe.expect("输出是管道");
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        let mut room = MAX_OUTPUT;
        while let Ok(n @ 1..) = pipe.read(&mut buffer) {
            watch.printed(&buffer[..n]);
            let _ = sender.send(event(buffer[..n].to_vec()));
            room = room.saturating_sub(n);
            if room == 0 {
                let _ = sender.send(Event::TooMuch(Box::new(pipe)));
                return;
            }
        }
        watch.ended();
        let _ = sender.send(Event::EndOfOutput);
    });
}

/// 程序自己的一件事，画在程序的一边。
fn alone(who: Who) -> (Who, Arrow, Who) {
    match who {
        Who::Server(_) => (Who::Nobody, Arrow::None, who),
        _ => (who, Arrow::None, Who::Nobody),
    }
}

/// 由命令看出程序是服务端（有 server 或 http 字样）还是客户端。
fn role(command: &Command, timeline: &Timeline) -> Who {
    let args: Vec<&str> = command.get_args().filter_map(|arg| arg.to_str()).collect();
    let words = args.iter().map(Path::new).chain([Path::new(command.get_program())]);
    let mut names = words.filter_map(|word| word.file_stem()).filter_map(|stem| stem.to_str());
    if names.any(|name| name.ends_with("server") || name.contains("http")) {
        return Who::Server(timeline.new_server());
    }
    Who::Client(timeline.new_client(args.iter().filter_map(|arg| arg.parse().ok())), None)
}

/// 把程序的输出记入经过；不延长经过的寿命。
struct Watch {
    timeline: Weak<Timeline>,
    who: Who,
    label: &'static str,
    open: Arc<AtomicUsize>,
}

impl Watch {
    /// 程序打印了 `bytes`。
    fn printed(&self, bytes: &[u8]) {
        if let Some(timeline) = self.timeline.upgrade() {
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                timeline.arrived(alone(self.who), self.label, line);
            }
        }
    }

    /// 一个输出关闭了；两个都关闭，就是程序结束了。
    fn ended(&self) {
        if self.open.fetch_sub(1, Relaxed) == 1 {
            if let Some(timeline) = self.timeline.upgrade() {
                timeline.note(alone(self.who), "程序结束", None);
            }
        }
    }
}

/// 输出中有没有以套接字地址结尾的一行。
fn shows_address(output: &[u8]) -> bool {
    let output = String::from_utf8_lossy(&output[..output.len().min(1000)]);
    let tails = output.lines().filter_map(|line| line.rsplit([' ', '：']).next());
    tails.into_iter().any(|tail| tail.parse::<SocketAddr>().is_ok())
}

/// 用于失败信息：每行最多 300 个字符，最多 40 行。
fn shorten(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let shown = |lines: &[&str]| -> String {
        let shown = lines.iter().map(|line| match line.char_indices().nth(300) {
            Some((end, _)) => format!("{}…\n", &line[..end]),
            None => format!("{line}\n"),
        });
        shown.collect()
    };
    match lines.len() {
        0..=40 => shown(&lines),
        n => {
            let (start, end) = (shown(&lines[..20]), shown(&lines[n - 20..]));
            format!("{start}……（省略 {} 行）\n{end}", n - 40)
        }
    }
}

/// 收下一个数据报；正是 `text` 时返回 `None`，否则返回实际的情形。
fn receive_other_than(socket: &UdpSocket, text: &str) -> Option<String> {
    let mut buffer = vec![0; 65_536];
    match socket.recv(&mut buffer) {
        Ok(n) if buffer[..n] == *text.as_bytes() => None,
        Ok(n) => Some(format!("{:?}", String::from_utf8_lossy(&buffer[..n]))),
        Err(e) if timed_out(&e) => Some(format!("{DEADLINE:?} 之内没有收到")),
        Err(e) => Some(e.to_string()),
    }
}

/// 读操作是否因超时而结束（Unix 和 Windows 的错误种类不同）。
pub fn timed_out(e: &io::Error) -> bool {
    matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// 读写都以 [`DEADLINE`] 为限的 `stream`。
fn with_deadline(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(DEADLINE)).expect("无法设置超时");
    stream.set_write_timeout(Some(DEADLINE)).expect("无法设置超时");
    stream
}

/// 连接到 `addr`；读写都以 [`DEADLINE`] 为限。
#[track_caller]
pub fn connect(addr: SocketAddr) -> TcpStream {
    match TcpStream::connect(addr) {
        Ok(stream) => with_deadline(stream),
        Err(e) => panic!(
            "\n测试无法连接服务端 {addr}：{e}\n服务端多半已经结束：只服务了一个客户端，\
             或者在接受连接的循环里用了 ? 或 unwrap，一个客户端的错误结束了整个程序。"
        ),
    }
}

/// 由测试扮演的 TCP 服务端：监听 127.0.0.1 的一个空闲端口，返回套接字和地址。
pub fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("无法监听 127.0.0.1");
    let addr = listener.local_addr().expect("无法取得地址");
    (listener, addr)
}

/// 没有人监听的地址：连接它，立即被拒绝。返回的套接字占用着它，离开作用域之前别的程序得不到它。
pub fn nobody_listens() -> (std::net::TcpStream, SocketAddr) {
    let (_listener, other) = listen();
    let used = std::net::TcpStream::connect(other).expect("无法连接 127.0.0.1");
    let addr = used.local_addr().expect("无法取得地址");
    (used, addr)
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
    let actual = match stream.peek(&mut [0]) {
        Ok(1) => return stream.note_reset(),
        Ok(_) => "连接关闭".to_string(),
        Err(e) if timed_out(&e) => "期限之内没有数据".to_string(),
        Err(e) => e.to_string(),
    };
    panic!("\n应当：程序发来数据（测试不读它，就断开连接）；实际：{actual}");
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
