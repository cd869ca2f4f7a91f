//! 几个测试文件共用的：课程的文件、一次编译、同时进行的检查、在终端里运行的程序。

#![allow(dead_code)] // 每个测试文件只用其中的一部分

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use course::cargo::{self, Built};
use course::exercise;
pub use course::exercise::root;

/// 等一件事的最长的时间。
pub const DEADLINE: Duration = Duration::from_secs(10);

/// 课程的文件 `file`；没有的话，失败的信息中有它的名字。
#[track_caller]
pub fn text(file: &str) -> String {
    exercise::read(&root().join(file)).unwrap_or_else(|e| panic!("{e}"))
}

/// 全部练习的名字。
pub fn exercises() -> Vec<String> {
    exercise::names(&root()).unwrap()
}

/// 目录 `dir` 中扩展名为 `extension` 的文件，不包括编辑器的（`.` 开头）。
pub fn files(dir: &str, extension: &str) -> BTreeSet<PathBuf> {
    let entries = fs::read_dir(root().join(dir)).into_iter().flatten().flatten();
    let hidden = |path: &Path| path.file_name().unwrap().to_string_lossy().starts_with('.');
    let known = |path: &PathBuf| path.extension().is_some_and(|e| e == extension) && !hidden(path);
    entries.map(|entry| entry.path()).filter(known).collect()
}

/// 练习 `name` 还是骨架：`run` 中只有步骤和 `todo!`。正在做的练习不检查，说一声；CI 中一律检查。
pub fn is_stub(name: &str) -> bool {
    let started = |file: &PathBuf| {
        let source = fs::read_to_string(file).unwrap_or_default();
        let mut body = source.lines().skip_while(|line| !line.starts_with("pub fn run(")).skip(1);
        let next = body.find(|line| !line.is_empty() && !line.trim_start().starts_with("//"));
        !next.is_some_and(|line| line.starts_with("    todo!("))
    };
    let mut given = files(&format!("exercises/{name}/src"), "rs");
    given.retain(|file| !file.ends_with("main.rs"));
    let started = given.iter().find(|file| started(file));
    if let (Some(file), None) = (started, env::var_os("CI")) {
        let file = file.strip_prefix(root()).unwrap_or(file).display();
        tell(&format!("{file} 已经动手写了：没有检查 {name} 的骨架"));
        return false;
    }
    true
}

/// 不能启动 cargo：用 Wine 运行 Windows 的测试时是这样；说一声，不算失败。
pub fn no_cargo() -> bool {
    let missing = cargo::command().arg("--version").stdout(Stdio::null()).status().is_err();
    if missing {
        tell("这里不能启动 cargo：没有检查");
    }
    missing
}

/// 说一声；直接写，因此通过的测试也显示。
fn tell(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// 编译工作区中的程序和测试，产物在这次测试所用的目标目录中（`--target-dir` 也可能指定了别处）。
#[track_caller]
pub fn build(args: &[&str]) -> Built {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().display().to_string();
    let args = [&["--target-dir", target.as_str()], args].concat();
    let built = cargo::build(&root(), &args).unwrap_or_else(|e| panic!("{e}"));
    assert!(built.success, "没有编译成功：\n{}", built.messages);
    built
}

/// 全部问题汇总为一次失败，一行一个。
#[track_caller]
pub fn report(problems: Vec<String>) {
    assert!(problems.is_empty(), "{} 处不对：\n{}", problems.len(), problems.join("\n"));
}

/// 同时检查每一项，返回各项的问题。
pub fn side_by_side<T: Sync>(items: &[T], check: impl Fn(&T) -> Vec<String> + Sync) -> Vec<String> {
    thread::scope(|scope| {
        let check = &check;
        let checks: Vec<_> = items.iter().map(|item| scope.spawn(move || check(item))).collect();
        checks.into_iter().flat_map(|check| check.join().expect("一项检查崩溃")).collect()
    })
}

/// 正在运行的程序；不再用它时结束它。
pub struct Program {
    child: Child,
    output: [Arc<Mutex<Vec<u8>>>; 2],
    arrived: Receiver<()>,
    _open: Sender<()>, // 程序关闭输出之后，wait 仍然等到时间
}

impl Program {
    /// 启动 `command`。
    pub fn start(mut command: Command) -> Program {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("无法运行 {command:?}：{e}"));
        let (sender, arrived) = mpsc::channel();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let output = [collect(stdout, sender.clone()), collect(stderr, sender.clone())];
        Program { child, output, arrived, _open: sender }
    }

    /// 到现在为止的标准输出和标准错误。
    pub fn output(&self) -> [String; 2] {
        [0, 1].map(|i| String::from_utf8_lossy(&self.output[i].lock().unwrap()).replace('\r', ""))
    }

    /// 等到有新的输出，最多等 `time`。
    pub fn wait(&self, time: Duration) {
        let _ = self.arrived.recv_timeout(time);
    }

    /// 键入一行；程序已经结束就不管，由它的输出看得出来。
    pub fn type_line(&mut self, line: &str) {
        let _ = self.child.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes());
    }

    /// 关闭标准输入，等程序结束，返回退出状态；过了期限就是 `None`。
    pub fn finish(&mut self) -> Option<i32> {
        drop(self.child.stdin.take());
        let end = Instant::now() + DEADLINE;
        // 读输出的线程结束之后，输出才完整
        let reading = |output: &Arc<_>| Arc::strong_count(output) > 1;
        loop {
            let status = self.child.try_wait().unwrap();
            if status.is_some() && !self.output.iter().any(reading) || Instant::now() > end {
                return status.map(|status| status.code().unwrap_or(-1));
            }
            self.wait(Duration::from_millis(20));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// 在一个线程中把 `from` 读到结束。
fn collect(mut from: impl Read + Send + 'static, arrived: Sender<()>) -> Arc<Mutex<Vec<u8>>> {
    let output = Arc::new(Mutex::new(Vec::new()));
    let shared = Arc::clone(&output);
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut buffer) {
            shared.lock().unwrap().extend(&buffer[..n]);
            let _ = arrived.send(());
        }
    });
    output
}
