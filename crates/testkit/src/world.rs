//! 一个测试：它的规则、常见的原因、经过，和唯一的等待。

use std::cell::{Cell, RefCell};
use std::panic::{Location, resume_unwind};
use std::path::Path;
use std::rc::{Rc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::Program;
use crate::timeline::{Timeline, Who};

/// 最后一件事之后，再等这么久就算失败。
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// 程序启动之后，等它的第一件事（写出地址、连接）等这么久。
pub(crate) const START: Duration = Duration::from_secs(8);

/// 启动最后一个程序之后，一个测试一共这么久：程序不停地发送或打印，测试也会结束。
const BUDGET: Duration = Duration::from_secs(20);

/// 足够一个错误的程序露出破绽；正确的程序在这段时间里没有事做。
pub const PAUSE: Duration = Duration::from_millis(200);

/// 等到的是什么：不同的结果有不同的原因。
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome {
    /// 什么也没有到达。
    Silence,
    /// 到达了别的。
    Other,
    /// 只差最后的 `\n`。
    NoNewline,
    /// 对方结束了连接。
    Closed,
    /// 对方没有结束连接。
    Open,
    /// 程序结束了，或者崩溃了。
    Ended,
}

/// 测试要看着的一样东西：程序或套接字。
pub(crate) trait Source {
    /// 记下已经发生的事；返回有没有事发生。
    fn look(&self) -> bool;
}

pub(crate) struct World {
    sentence: String,
    causes: RefCell<Vec<(Outcome, String)>>,
    sources: RefCell<Vec<Weak<dyn Source>>>,
    pub timeline: RefCell<Timeline>,
    end: Cell<Instant>,
    /// 看一眼还没有读的字节，一次最多这么多；大家共用。
    pub buffer: RefCell<Vec<u8>>,
}

impl World {
    /// 从现在起看着 `source`。
    pub fn watch(&self, source: Weak<dyn Source>) {
        self.sources.borrow_mut().push(source);
    }

    /// 启动了一个程序：测试的时间从这时算起。
    pub fn restart_budget(&self) {
        self.end.set(Instant::now() + BUDGET);
    }

    /// 看遍全部程序和套接字；返回有没有事发生。
    pub fn look(&self) -> bool {
        let sources: Vec<_> = self.sources.borrow().iter().filter_map(Weak::upgrade).collect();
        let mut happened = false;
        for source in sources {
            happened |= source.look();
        }
        happened
    }

    /// 等到 `check` 有结果；最后一件事之后过了 `limit` 还没有，则返回 `None`。
    pub fn wait<T>(&self, limit: Duration, mut check: impl FnMut() -> Option<T>) -> Option<T> {
        let start = Instant::now();
        let mut last = start;
        if limit > PATIENCE {
            self.end.set(self.end.get() + limit);
        }
        loop {
            let happened = self.look();
            if happened {
                last = Instant::now();
            }
            let result = check();
            // 对方不停地发送、打印别的：也不能一直等
            let over = last.elapsed() >= limit || start.elapsed() >= 2 * limit;
            if result.is_some() || over || Instant::now() >= self.end.get() {
                return result;
            }
            if !happened {
                thread::sleep(Duration::from_millis(1)); // 不是同步：每毫秒看一遍
            }
        }
    }

    /// 同 [`World::wait`]，等的时间是 [`PATIENCE`]。
    pub fn wait_patiently<T>(&self, check: impl FnMut() -> Option<T>) -> Option<T> {
        self.wait(PATIENCE, check)
    }

    /// 不管发生什么，看满 `duration`，或者直到 `stop`。
    pub fn watch_for(&self, duration: Duration, mut stop: impl FnMut() -> bool) {
        let end = Instant::now() + duration;
        self.end.set(self.end.get() + duration);
        self.wait(duration, || (Instant::now() >= end || stop()).then_some(()));
    }

    /// 测试失败：应当怎样，实际怎样，程序说了什么，常见的原因，经过。
    ///
    /// `outcome` 是 `None` 时，与规则的原因无关；`general` 是不论哪条规则都有的原因，排在规则自己的之后。
    #[track_caller]
    pub fn fail(
        &self,
        outcome: impl Into<Option<Outcome>>,
        program: Option<&Program>,
        expected: &str,
        actual: &str,
        general: &[&str],
    ) -> ! {
        let (mut outcome, place) = (outcome.into(), Location::caller());
        self.watch_for(PAUSE / 4, || false); // 程序正在崩溃时，等它说完
        if program.is_some_and(Program::exited) {
            self.wait(PAUSE, || program.is_some_and(Program::ended).then_some(()));
        }
        let state = program.map(Program::state).unwrap_or_default();
        if let Some(step) = &state.todo {
            let text = "还没有完成（not yet implemented），从这里开始：";
            give_up(format!("\n{text}{step}\n任务见这个练习的 README.md"));
        }
        // 到达了别的，就是到达了别的；别的结果都是因为程序结束了
        if (state.ended || state.panic.is_some()) && outcome != Some(Outcome::Other) {
            outcome = outcome.and(Some(Outcome::Ended));
        }
        let mut text = format!("\n规则：{}\n应当：{expected}\n实际：{actual}\n", self.sentence);
        if let Some(panic) = &state.panic {
            text += &format!("程序崩溃了：{panic}\n");
        }
        text += &state.text; // 程序自己说的，在原因之前
        let causes = self.causes.borrow();
        let mut causes: Vec<&str> =
            causes.iter().filter(|c| Some(c.0) == outcome).map(|c| c.1.as_str()).collect();
        if outcome != Some(Outcome::Ended) {
            causes.extend(general);
        }
        if !causes.is_empty() {
            text += &format!("常见的原因：{}\n", causes.join("；\n            "));
        }
        if ["重置", "Connection reset", "Broken pipe"].iter().any(|word| text.contains(word)) {
            text += "什么是重置、什么时候出现：docs/2.3.1-connection.md 的“重置：RST”\n";
        }
        text += &self.timeline.borrow().draw();
        let file = place.file().rsplit("../").next().unwrap_or_default(); // 答案也用练习的测试
        if !file.starts_with('/') {
            text += &format!("\n（{file} 第 {} 行）", place.line()); // 不是标准库里的
        }
        give_up(text)
    }
}

/// 测试以 `text` 失败；不经过 `panic!`，所以没有 RUST_BACKTRACE 的提示和调用栈。
fn give_up(text: String) -> ! {
    eprintln!("{text}");
    resume_unwind(Box::new(text))
}

/// 一条规则，也就是一个测试。
#[derive(Clone)]
pub struct Rule(pub(crate) Rc<World>);

/// 开始一个测试：`sentence` 是它检查的规则，失败时先说出来。
pub fn rule(sentence: &str) -> Rule {
    Rule(Rc::new(World {
        sentence: sentence.to_string(),
        causes: RefCell::default(),
        sources: RefCell::default(),
        timeline: RefCell::new(Timeline::new()),
        end: Cell::new(Instant::now() + BUDGET),
        buffer: RefCell::new(vec![0; 64 << 10]),
    }))
}

impl Rule {
    /// 从这一步起，结果是 `outcome` 时，常见的原因是 `text`（最常见的先写）；代替以前写的。
    pub fn cause(&self, outcome: Outcome, text: &str) -> Rule {
        let mut causes = self.0.causes.borrow_mut();
        causes.retain(|cause| cause.0 != outcome);
        causes.push((outcome, text.to_string()));
        self.clone()
    }

    /// 在临时目录中启动服务端 `exe`，参数是 `args` 和 `127.0.0.1:0`；等它写出监听的地址。
    #[track_caller]
    pub fn server(&self, exe: &Path, args: &[&str]) -> Program {
        self.server_in(&std::env::temp_dir(), exe, args)
    }

    /// 同 [`Rule::server`]，工作目录是 `dir`。
    #[track_caller]
    pub fn server_in(&self, dir: &Path, exe: &Path, args: &[&str]) -> Program {
        let who = self.0.timeline.borrow_mut().new_server();
        let args = [args, &["127.0.0.1:0"]].concat();
        let program = Program::start(self, dir, &crate::program::under_test(exe), &args, who);
        program.wait_address("127.0.0.1");
        program
    }

    /// 同 [`Rule::server_in`]，由 sh 启动，之前先执行 `limit`（例如 `ulimit -n 20`）。
    #[cfg(unix)]
    #[track_caller]
    pub fn server_limited(&self, dir: &Path, limit: &str, exe: &Path, args: &[&str]) -> Program {
        let exe = crate::program::under_test(exe);
        let script = format!("{limit}; exec \"$0\" \"$@\"");
        let exe = exe.to_str().expect("路径是 UTF-8");
        let args = [&["-c", &script, exe], args, &["127.0.0.1:0"]].concat();
        let server = self.program_in(dir, Path::new("sh"), &args);
        server.wait_address("127.0.0.1");
        server
    }

    /// 启动客户端 `exe`，参数是 `args` 和服务端的地址 `addr`。
    #[track_caller]
    pub fn client(&self, exe: &Path, args: &[&str], addr: impl ToString) -> Program {
        let who = self.0.timeline.borrow_mut().new_client();
        let addr = addr.to_string();
        let args = [args, &[&addr]].concat();
        Program::start(self, &std::env::temp_dir(), &crate::program::under_test(exe), &args, who)
    }

    /// 启动程序 `exe`，不看 `TESTKIT_PROGRAM`，工作目录是 `dir`；第一个参数是 `client` 的画在客户端一边。
    #[track_caller]
    pub fn program_in(&self, dir: &Path, exe: &Path, args: &[&str]) -> Program {
        let who = match args.first().is_some_and(|arg| *arg == "client") {
            true => self.0.timeline.borrow_mut().new_client(),
            false => self.0.timeline.borrow_mut().new_server(),
        };
        Program::start(self, dir, exe, args, who)
    }

    /// 测试在这里失败：`expected` 是应当怎样，`actual` 是实际怎样。
    #[track_caller]
    pub fn fail(&self, expected: &str, actual: &str) -> ! {
        self.0.fail(Outcome::Other, None, expected, actual, &[])
    }

    pub(crate) fn note(&self, sides: (Who, &'static str, Who), label: &str, bytes: Option<&[u8]>) {
        self.0.timeline.borrow_mut().note(sides, label, bytes);
    }
}
