//! 被测的程序：启动它，向它键入，看它打印了什么、怎样结束。

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::rc::Rc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use crate::draw::cut;
use crate::timeline::{Who, alone};
use crate::world::{Outcome, PATIENCE, PAUSE, Rule, START, Source, World};

/// 程序的输出太多时，只留开头和结尾的这么多字节；读仍然读，程序不会因此停下来。
const KEPT: usize = 256 << 10;

/// 程序结束之后，它的输出可能还在管道里（或者被别的进程占着）：再看这么多遍，每遍隔 1 毫秒。
/// 不用时间：计算机停顿之后，读输出的线程可能还没有轮到。
const DRAIN: usize = 2000;

/// 一个输出：还没有核对过的部分，和全部（太长则只有开头和结尾）。
#[derive(Default)]
struct Output {
    unread: Vec<u8>,
    all: Vec<u8>,
}

impl Output {
    fn add(&mut self, bytes: &[u8]) {
        for kept in [&mut self.unread, &mut self.all] {
            kept.extend(bytes);
            if kept.len() > 2 * KEPT {
                kept.drain(KEPT..kept.len() - KEPT);
            }
        }
    }
}

/// 程序的情形，用于失败信息。
#[derive(Default)]
pub(crate) struct State {
    pub ended: bool,
    /// 未完成的一步：位置和要做的事。
    pub todo: Option<String>,
    /// 崩溃的位置和原因。
    pub panic: Option<String>,
    /// 命令和两个输出。
    pub text: String,
}

/// 正在运行的程序；离开作用域时被终止。
#[derive(Clone)]
pub struct Program(Rc<Inner>);

struct Inner {
    rule: Rule,
    who: Who,
    command: String,
    child: RefCell<Child>,
    typist: RefCell<Option<Sender<Vec<u8>>>>,
    /// 两个输出读到的：`true` 是标准输出；空的表示这个输出关闭了。
    events: Receiver<(bool, Vec<u8>)>,
    open: Cell<usize>,
    stdout: RefCell<Output>,
    stderr: RefCell<Output>,
    /// 标准错误中还没有画的部分：等它成为一行。
    line: RefCell<Vec<u8>>,
    /// 标准错误中 panicked at 的位置，等下一行的原因。
    panic: RefCell<Option<String>>,
    addr: Cell<Option<SocketAddr>>,
    status: Cell<Option<(ExitStatus, usize)>>,
    ended: Cell<bool>,
    /// 已经等到过的行：服务端不应当再打印一遍。
    lines: RefCell<Vec<String>>,
}

/// 被测程序的路径：环境变量 `TESTKIT_PROGRAM` 指定的程序，没有时是 `exe`。
pub(crate) fn under_test(exe: &Path) -> PathBuf {
    std::env::var_os("TESTKIT_PROGRAM").map_or(exe.to_path_buf(), PathBuf::from)
}

impl Program {
    #[track_caller]
    pub(crate) fn start(rule: &Rule, dir: &Path, exe: &Path, args: &[&str], who: Who) -> Program {
        let mut command = Command::new(exe);
        command.args(args).current_dir(dir).env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|e| panic!("无法启动 {}：{e}", exe.display()));
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (typist, typed) = mpsc::channel::<Vec<u8>>();
        let (sender, events) = mpsc::channel();
        // 由 sh -c 启动的（限制了描述符）：显示的是其中的程序
        let (exe, args) = match args {
            ["-c", _, exe, args @ ..] => (Path::new(exe), args),
            _ => (exe, args),
        };
        let name = exe.file_stem().unwrap_or_default().to_string_lossy();
        let program = Program(Rc::new(Inner {
            rule: rule.clone(),
            who,
            command: format!("{name} {}", args.join(" ")),
            child: RefCell::new(child), // 从这里起，离开作用域就被终止
            typist: RefCell::new(Some(typist)),
            events,
            open: Cell::new(2),
            stdout: RefCell::default(),
            stderr: RefCell::default(),
            line: RefCell::default(),
            panic: RefCell::default(),
            addr: Cell::new(None),
            status: Cell::new(None),
            ended: Cell::new(false),
            lines: RefCell::default(),
        }));
        let mut stdin = stdin.expect("输入是管道");
        thread::spawn(move || typed.iter().try_for_each(|bytes| stdin.write_all(&bytes)));
        forward(stdout, sender.clone(), true);
        forward(stderr, sender, false);
        rule.0.restart_budget();
        let inner: Rc<dyn Source> = program.0.clone();
        rule.0.watch(Rc::downgrade(&inner));
        program
    }

    fn world(&self) -> &World {
        &self.0.rule.0
    }

    /// 启动它的规则。
    pub fn rule(&self) -> &Rule {
        &self.0.rule
    }

    /// 测试失败，结果是 `outcome`。
    #[track_caller]
    pub(crate) fn wrong(
        &self,
        outcome: impl Into<Option<Outcome>>,
        expected: &str,
        actual: &str,
    ) -> ! {
        self.world().fail(outcome, Some(self), expected, actual, &[])
    }

    pub(crate) fn who(&self) -> Who {
        self.0.who
    }

    /// 服务端写出的地址。
    pub fn addr(&self) -> SocketAddr {
        self.0.addr.get().expect("服务端已经写出地址")
    }

    /// 等标准错误上以地址结尾的一行；地址的 IP 应为 `ip`，端口不是 0。
    #[track_caller]
    pub fn wait_address(&self, ip: &str) {
        let started = Instant::now();
        let found = self.world().wait(START, || {
            let addr = address(&self.stderr());
            // 写了别的，却没有写地址：不必等那么久
            let said = !self.stderr().is_empty() || !self.stdout().is_empty();
            let waited = started.elapsed() > PATIENCE && said;
            (addr.is_some() || waited || self.ended()).then_some(addr)
        });
        let expected =
            format!("服务端在标准错误上写一行，以监听的地址结尾，例如“……服务端已启动：{ip}:41235”");
        let actual = match found.flatten() {
            Some(addr) if addr.ip().to_string() == ip && addr.port() > 0 => {
                return self.0.addr.set(Some(addr));
            }
            Some(addr) if addr.port() > 0 => format!("监听的是 {addr}，不是参数中的 {ip}"),
            Some(addr) => format!(
                "写出的是参数 {addr}：端口 0 由系统选择，写的应当是实际的地址，local_addr()"
            ),
            None if address(&self.stdout()).is_some() => {
                "这一行写在了标准输出上（println!）：标准错误用 eprintln!".to_string()
            }
            None => format!("没有这样的一行；标准错误上有 {:?}", cut(&self.stderr(), 60)),
        };
        self.wrong(None, &expected, &actual)
    }

    /// 键入一行。
    pub fn type_line(&self, text: &str) {
        let line = format!("{text}\n").into_bytes();
        self.0.rule.note(alone(self.0.who), "键入", Some(&line));
        if let Some(typist) = &*self.0.typist.borrow() {
            let _ = typist.send(line);
        }
    }

    /// 结束输入（Ctrl-D）。
    pub fn end_input(&self) {
        self.0.rule.note(alone(self.0.who), "键入 Ctrl-D（输入结束）", None);
        self.0.typist.take();
    }

    /// 等标准输出接下来正是 `text`。
    #[track_caller]
    pub fn expect_stdout(&self, text: &str) {
        let found = self.world().wait_patiently(|| {
            let unread = &self.0.stdout.borrow().unread;
            let n = unread.len().min(text.len());
            if unread[..n] != text.as_bytes()[..n] {
                return Some(false);
            }
            if n == text.len() { Some(true) } else { self.ended().then_some(false) }
        });
        if found != Some(true) {
            let unread = self.0.stdout.borrow().unread.clone();
            let outcome = if unread.is_empty() { Outcome::Silence } else { Outcome::Other };
            let actual = match unread.is_empty() {
                true => "没有新的输出".to_string(),
                false => crate::tcp::show(&unread),
            };
            // 看得出原因的，就只说这个原因
            let whole = unread.contains(&0) && !text.contains('\0');
            let general: &[&str] = match (unread.is_empty(), text.ends_with('\n')) {
                (true, false) if self.stdout().is_empty() => {
                    &["没有换行的输出留在缓冲区里：显示之后要 flush"]
                }
                _ if whole => &["打印了整个缓冲区（多出来的字节是 0）：应当是 &buffer[..n]"],
                _ => &[],
            };
            let outcome = (!whole).then_some(outcome);
            let expected = format!("标准输出接着显示 {}", crate::tcp::show(text.as_bytes()));
            self.world().fail(outcome, Some(self), &expected, &actual, general);
        }
        self.0.stdout.borrow_mut().unread.drain(..text.len());
    }

    /// 等标准输出上有独占一行的 `line`；之前的别的行不管。
    #[track_caller]
    pub fn expect_line(&self, line: &str) {
        let found = self.world().wait_patiently(|| {
            let unread = self.unread();
            let at = format!("\n{unread}").find(&format!("\n{line}\n"));
            at.map(|at| Some(at + line.len() + 1)).or(self.ended().then_some(None))
        });
        match found.flatten() {
            Some(end) => {
                self.0.stdout.borrow_mut().unread.drain(..end);
                self.0.lines.borrow_mut().push(line.to_string());
            }
            None => {
                let unread = self.unread();
                let outcome = if unread.is_empty() { Outcome::Silence } else { Outcome::Other };
                let expected = format!("标准输出上有一行 {line:?}");
                self.wrong(outcome, &expected, &format!("{:?}", cut(&unread, 200)));
            }
        }
    }

    fn unread(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout.borrow().unread).into_owned()
    }

    /// 一会儿之内，程序不打印，也不结束。
    #[track_caller]
    pub fn expect_quiet(&self) {
        self.world().watch_for(PAUSE, || !self.unread().is_empty() || self.ended());
        if !self.unread().is_empty() {
            let actual = format!("打印了 {:?}", cut(&self.unread(), 200));
            self.wrong(Outcome::Other, "程序这时不打印什么", &actual);
        }
        self.expect_running();
    }

    /// 等程序结束，退出状态为 `code`；客户端的标准输出应当都核对过了。
    #[track_caller]
    pub fn expect_exit(&self, code: i32) {
        let expected = format!("程序结束，退出状态为 {code}");
        if self.world().wait_patiently(|| self.ended().then_some(())).is_none() {
            self.wrong(Outcome::Open, &expected, "程序还在运行");
        }
        let (status, _) = self.0.status.get().expect("程序已经结束");
        if status.code() != Some(code) {
            let actual =
                status.code().map_or(status.to_string(), |code| format!("退出状态为 {code}"));
            self.wrong(Outcome::Ended, &expected, &actual);
        }
        // 结束时换一行，是自由的
        if matches!(self.0.who, Who::Client(_)) && !self.unread().trim().is_empty() {
            let actual = format!("还打印了 {:?}", cut(&self.unread(), 200));
            self.wrong(Outcome::Other, "程序结束之前不再打印什么", &actual);
        }
    }

    /// 等程序以一行错误结束：退出状态为 1，标准错误正好多一行，用中文说明，含有 `parts` 的每一项。
    #[track_caller]
    pub fn expect_error(&self, parts: &[&str]) {
        self.expect_exit(1);
        let stderr = self.stderr();
        let lines: Vec<&str> =
            stderr.lines().skip(usize::from(self.0.addr.get().is_some())).collect();
        let named: Vec<String> = parts.iter().map(|part| format!("“{part}”")).collect();
        let expected =
            format!("标准错误上是一行错误，用中文说明做什么失败，含有{}", named.join("、"));
        let actual = match lines[..] {
            [] => "标准错误上没有说明".to_string(),
            [line] if line.contains("kind:") => "错误用了 {e:?} 显示；应当用 {e}".to_string(),
            [line] => {
                let chinese = |c: char| ('一'..='龥').contains(&c);
                let missing = parts.iter().find(|part| !line.contains(*part));
                match missing {
                    Some(part) => format!("这一行没有“{part}”：{line}"),
                    None if !line.trim_start_matches("错误：").contains(chinese) => {
                        format!("没有说明做什么失败：{line}")
                    }
                    None => return,
                }
            }
            [..] => format!(
                "是 {} 行（错误中不能有换行，收到的文字用 {{:?}} 显示）：{:?}",
                lines.len(),
                cut(&stderr, 200)
            ),
        };
        let general = "错误 e 中没有地址和文件名，要自己写上：format!(\"无法…… {addr}：{e}\")";
        let general = if actual.starts_with("这一行没有“") { &[general][..] } else { &[] };
        self.world().fail(None, Some(self), &expected, &actual, general);
    }

    /// 程序还在运行，没有一个线程崩溃过，等到过的行没有再打印一遍。
    #[track_caller]
    pub fn expect_running(&self) {
        self.world().look();
        if self.ended() {
            self.wrong(Outcome::Ended, "程序继续运行", "程序结束了");
        }
        if self.state().panic.is_some() {
            self.wrong(Outcome::Ended, "没有线程崩溃", "有线程崩溃了");
        }
        let unread = self.unread();
        let again =
            unread.lines().find(|line| self.0.lines.borrow().iter().any(|seen| seen == line));
        if let Some(line) = again {
            let actual = format!("又打印了 {line:?}");
            self.wrong(Outcome::Other, "这一行只打印一次", &actual);
        }
    }

    /// 等标准错误上有 `n` 行（服务端的第一行是地址）。
    #[track_caller]
    pub fn expect_stderr_lines(&self, n: usize) {
        let lines = || self.stderr().matches('\n').count(); // 写到一半的不算
        let found = self.world().wait_patiently(|| (lines() >= n || self.ended()).then_some(()));
        if found.is_none() || lines() < n {
            let actual = format!("有 {} 行", lines());
            self.wrong(Outcome::Silence, &format!("标准错误上至少有 {n} 行"), &actual);
        }
    }

    /// 到目前为止的标准输出；不是 UTF-8 的字节显示为 `�`。
    pub fn stdout(&self) -> String {
        String::from_utf8_lossy(&self.0.stdout.borrow().all).into_owned()
    }

    /// 到目前为止的标准错误；不是 UTF-8 的字节显示为 `�`。
    pub fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.0.stderr.borrow().all).into_owned()
    }

    /// 看着它和它的对方，直到有事发生，最多 `limit`。
    pub fn wait(&self, limit: Duration) {
        let end = Instant::now() + limit;
        while !self.world().look() && Instant::now() < end {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// 程序结束了没有；它的输出可能还没有读完。
    pub(crate) fn exited(&self) -> bool {
        self.0.status.get().is_some()
    }

    /// 程序结束了没有，它的输出也都读完了。
    pub fn ended(&self) -> bool {
        self.0.ended.get()
    }

    /// 进程号。
    pub fn id(&self) -> u32 {
        self.0.child.borrow().id()
    }

    /// 强行终止程序（SIGKILL），等它结束。
    pub fn kill(&self) {
        self.0.rule.note(alone(self.0.who), "被强行终止", None);
        self.0.end();
    }

    /// 让程序停下，再继续：它正在做的系统调用可能只做了一部分就返回。
    #[cfg(unix)]
    pub fn interrupt(&self) {
        for (signal, what) in [("-STOP", "停下（Ctrl-Z）"), ("-CONT", "继续（fg）")] {
            self.0.rule.note(alone(self.0.who), what, None);
            let _ = Command::new("kill").args([signal, &self.id().to_string()]).status();
            self.world().watch_for(PAUSE / 4, || false);
        }
    }

    /// 测试失败：`expected` 是应当怎样，`actual` 是实际怎样。
    #[track_caller]
    pub fn fail(&self, expected: &str, actual: &str) -> ! {
        self.wrong(Outcome::Other, expected, actual)
    }

    pub(crate) fn state(&self) -> State {
        // 启动时的地址、空行和怎样显示调用栈，都不是程序要说的
        let noise = |line: &&str| {
            let announced =
                self.0.addr.get().is_some() && ending_address(line) == self.0.addr.get();
            line.is_empty() || line.starts_with("note: ") || announced
        };
        let said = self.stderr().lines().filter(|line| !noise(line)).collect::<Vec<_>>().join("\n");
        let mut lines = said.lines();
        let mut state = State { ended: self.ended(), ..State::default() };
        while let Some(line) = lines.next() {
            if let Some((_, place)) = line.split_once(" panicked at ") {
                let place = place.trim_end_matches(':');
                let why = lines.next().unwrap_or_default();
                match why.strip_prefix("not yet implemented: ") {
                    Some(step) => state.todo = Some(format!("{place}\n{step}")),
                    None => state.panic = Some(format!("{place}：{why}")),
                }
            }
        }
        let running = if self.ended() { "已经结束" } else { "还在运行" };
        state.text = format!("程序：{}（{running}）\n", self.0.command);
        for (name, output) in [("标准输出", self.stdout()), ("标准错误", said)] {
            state.text += &show(name, &output);
        }
        state
    }
}

/// 用于失败信息：一个输出的开头和结尾几行，控制字符显示为 `�`；没有就不写。
fn show(name: &str, output: &str) -> String {
    let output = output.replace(|c: char| c.is_control() && !matches!(c, '\n' | '\t'), "�"); // 例如 0
    let lines: Vec<String> = output.lines().map(|line| cut(line, 200)).collect();
    match lines.len() {
        0 => String::new(),
        1 => format!("{name}：{}\n", lines[0]),
        2..=10 => format!("{name}：\n  {}\n", lines.join("\n  ")),
        n => {
            let (start, end) = (lines[..5].join("\n  "), lines[n - 5..].join("\n  "));
            format!("{name}：\n  {start}\n  ……（省略 {} 行）\n  {end}\n", n - 10)
        }
    }
}

/// 以套接字地址结尾的第一行中的地址。
fn address(text: &str) -> Option<SocketAddr> {
    let whole = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    whole.lines().find_map(ending_address)
}

/// 一行结尾的套接字地址。
fn ending_address(line: &str) -> Option<SocketAddr> {
    line.char_indices().find_map(|(start, _)| line[start..].parse().ok())
}

/// 在后台线程中不停地读 `pipe`，每读到一段就报告；最后报告空的一段。
fn forward(
    pipe: Option<impl Read + Send + 'static>,
    sender: Sender<(bool, Vec<u8>)>,
    stdout: bool,
) {
    let mut pipe = pipe.expect("输出是管道");
    thread::spawn(move || {
        let mut buffer = [0; 8192];
        loop {
            let n = pipe.read(&mut buffer).unwrap_or(0);
            if sender.send((stdout, buffer[..n].to_vec())).is_err() || n == 0 {
                return;
            }
        }
    });
}

impl Source for Inner {
    fn look(&self) -> bool {
        let mut happened = false;
        for (stdout, bytes) in self.events.try_iter().take(1000) {
            happened = true;
            match (stdout, bytes.is_empty()) {
                (_, true) => self.open.set(self.open.get() - 1),
                (true, _) => self.printed(&bytes),
                (false, _) => self.complained(&bytes),
            }
        }
        if self.status.get().is_none() {
            if let Ok(Some(status)) = self.child.borrow_mut().try_wait() {
                self.status.set(Some((status, 0)));
            }
        }
        if let Some((status, looks)) = self.status.get() {
            self.status.set(Some((status, looks + 1)));
            if !self.ended.get() && (self.open.get() == 0 || looks > DRAIN) {
                self.ended.set(true);
                happened = true;
                let code =
                    status.code().map_or(status.to_string(), |code| format!("退出状态 {code}"));
                self.rule.note(alone(self.who), &format!("程序结束（{code}）"), None);
            }
        }
        happened
    }
}

impl Inner {
    fn printed(&self, bytes: &[u8]) {
        self.stdout.borrow_mut().add(bytes);
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.rule.note(alone(self.who), "打印", Some(line));
        }
    }

    /// 标准错误的一行画作一件事；崩溃的位置和原因是一件事。
    fn complained(&self, bytes: &[u8]) {
        self.stderr.borrow_mut().add(bytes);
        let mut rest = self.line.borrow_mut();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = KEPT.saturating_sub(rest.len());
            rest.extend(&piece[..piece.len().min(room)]);
            if !piece.ends_with(b"\n") {
                return;
            }
            let line = std::mem::take(&mut *rest);
            let line = String::from_utf8_lossy(&line).trim_end().to_string();
            if let Some((_, place)) = line.split_once(" panicked at ") {
                *self.panic.borrow_mut() = Some(place.trim_end_matches(':').to_string());
            } else if let Some(place) = self.panic.take() {
                self.rule.note(alone(self.who), &format!("崩溃 {place}：{line}"), None);
            } else if !line.is_empty() && !line.starts_with("note: run with") {
                self.rule.note(alone(self.who), "标准错误", Some(line.as_bytes()));
            }
        }
    }

    fn end(&self) {
        let mut child = self.child.borrow_mut();
        let _ = child.kill();
        let _ = child.wait();
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}
