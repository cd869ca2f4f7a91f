//! 两关共用的：在一个目录中启动服务端，核对它写的 `records.txt`。

use std::fs;
use std::path::Path;

use assert_cmd::cargo::cargo_bin;
use testkit::draw::Bytes;
use testkit::{Program, Rule};

/// 在目录 `dir` 中启动服务端。
#[track_caller]
pub fn server(rule: &Rule, dir: &Path) -> Program {
    rule.server_in(dir, cargo_bin!(), &["server"])
}

/// 目录 `dir` 中的 `records.txt` 这时正是 `expected`。
#[track_caller]
pub fn expect_saved(server: &Program, dir: &Path, expected: impl AsRef<[u8]>) {
    let (expected, content) = (expected.as_ref(), fs::read(dir.join("records.txt")));
    let saved = content.as_deref().unwrap_or_default();
    if saved == expected {
        return;
    }
    let line = |bytes: &[u8], i| {
        let line = bytes.split_inclusive(|byte| *byte == b'\n').nth(i);
        line.map_or(format!("没有第 {} 行", i + 1), |line| {
            format!("第 {} 行是 {}", i + 1, Bytes::new(line).show(100))
        })
    };
    let i = (0..).find(|i| line(saved, *i) != line(expected, *i)).unwrap_or(0);
    let actual = content.as_ref().map_or_else(|e| format!("打不开：{e}"), |_| line(saved, i));
    server.fail(&format!("工作目录的 records.txt，{}", line(expected, i)), &actual);
}
