//! `cargo course progress`：一个练习一行，通过了多少测试。

use std::io::{self, Write};
use std::path::Path;
use std::thread;

use crate::cargo::{self, Built};
use crate::exercise::{self, STAGES};
use crate::{Result, mirror, runner};

/// 编译全部练习，同时测试，各打印一行；没有做完不算失败。
pub fn progress(root: &Path) -> Result<bool> {
    let mut out = io::stdout();
    writeln!(out, "正在编译、测试各个练习……（第一次要等一会儿）")?;
    let copy = root.join("target/course");
    mirror::mirror(root, &copy)?;
    let names = exercise::names(root)?;
    let mut args = vec!["--target-dir=target", "--keep-going", "--test=basic", "--test=robust"];
    args.extend(names.iter().flat_map(|name| ["-p", name]));
    let built = cargo::build(&copy, &args)?;
    thread::scope(|scope| {
        let (copy, built) = (&copy, &built);
        let start = |name| scope.spawn(move || line(root, copy, name, built));
        let lines: Vec<_> = names.iter().map(|name: &String| start(name.as_str())).collect();
        for (name, line) in names.iter().zip(lines) {
            let line = line.join().map_err(|_| format!("检查 {name} 时崩溃"))??;
            writeln!(out, "{name:<14} {line}")?;
        }
        Ok(true)
    })
}

/// 练习 `name` 的一行：`第一关  5/5   第二关 11/13`。
fn line(root: &Path, copy: &Path, name: &str, built: &Built) -> Result<String> {
    if built.does_not_compile(name) {
        return Ok(format!("不能编译：cargo course check {name}"));
    }
    let member = format!("exercises/{name}");
    let mut line = String::new();
    for (stage, file) in STAGES {
        let tests = exercise::tests(root, name, file)?;
        let report = runner::run(built.path(&member, file)?, &copy.join(&member), None, &tests)?;
        line += &format!("{stage} {:>2}/{:<2}   ", report.passed.len(), tests.len());
        if !report.missing.is_empty() {
            line += &format!("（这个系统上不能检查：{}）", report.missing.join("、"));
        }
    }
    Ok(line.trim_end().to_string())
}
