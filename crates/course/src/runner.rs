//! 运行编译好的测试，读它的结果。

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use crate::Result;
use crate::cargo::pinned;

/// 几个测试的结果，次序不变。
#[derive(Default)]
pub struct Report {
    /// 通过的测试。
    pub passed: Vec<String>,
    /// 没有通过的测试，和它说的话。
    pub failed: Vec<(String, String)>,
    /// 这个系统上没有的测试。
    pub missing: Vec<String>,
}

/// 在目录 `dir` 中运行测试程序 `exe` 的测试 `tests`；要测试的程序是 `program`，没有就是练习的程序。
pub fn run(exe: &Path, dir: &Path, program: Option<&Path>, tests: &[String]) -> Result<Report> {
    let mut command = pinned(Command::new(exe));
    command.args(["--test-threads=16", "--color=never", "--format=pretty", "--exact"]);
    command.args(tests).current_dir(dir);
    if let Some(program) = program {
        command.env("TESTKIT_PROGRAM", program);
    }
    let output = command.output().map_err(|e| format!("无法运行 {}：{e}", exe.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
    if !text.contains("\ntest result: ") {
        let said = String::from_utf8_lossy(&output.stderr);
        let status = output.status;
        return Err(format!("{} 没有运行完（{status}）：\n{text}{said}", exe.display()).into());
    }
    // 先是各个测试的结果，然后是没有通过的测试说的话，最后是它们的名字
    let (results, rest) = text.split_once("\nfailures:\n").unwrap_or((&text, ""));
    let results: Vec<&str> = results.lines().collect();
    let mut said: HashMap<&str, String> = HashMap::new();
    let mut current = "";
    for line in rest.rsplit_once("\nfailures:\n").unwrap_or_default().0.lines() {
        let title = line.strip_prefix("---- ").and_then(|line| line.strip_suffix(" stdout ----"));
        if let Some(title) = title {
            current = title;
        } else if !line.starts_with("note: run with `RUST_BACKTRACE") {
            *said.entry(current).or_default() += &format!("{line}\n");
        }
    }
    let mut report = Report::default();
    for test in tests {
        if results.contains(&format!("test {test} ... ok").as_str()) {
            report.passed.push(test.clone());
        } else if results.contains(&format!("test {test} ... FAILED").as_str()) {
            let said = said.remove(test.as_str()).unwrap_or_default();
            report.failed.push((test.clone(), said.trim().to_string()));
        } else {
            report.missing.push(test.clone());
        }
    }
    Ok(report)
}
