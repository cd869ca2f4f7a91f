//! 几个测试文件共用的：课程的文件、一次编译、同时进行的检查。

#![allow(dead_code)] // 每个测试文件只用其中的一部分

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use course::cargo::{self, Built};
use course::exercise;
pub use course::exercise::root;
use testkit::Program;

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

/// 结束 `program` 的输入，等它结束，不超过期限。
pub fn finish(program: &Program) {
    program.end_input();
    let end = Instant::now() + DEADLINE;
    while !program.ended() && Instant::now() < end {
        program.wait(Duration::from_millis(20));
    }
}
