//! 调用 cargo 的唯一的地方：程序和测试在哪里，由 cargo 说，不从别的路径推算。

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Result;

/// 一次编译的结果。
pub struct Built {
    /// 要编译的都编译成功了。
    pub success: bool,
    /// cargo 和编译器写在标准错误上的话。
    pub messages: String,
    /// 清单的路径、目标的名字、可执行文件的路径。
    executables: Vec<(String, String, PathBuf)>,
}

impl Built {
    /// 目录 `member` 的包中，名为 `target` 的程序、测试或示例的路径。
    pub fn path(&self, member: &str, target: &str) -> Result<&Path> {
        let manifest = format!("/{member}/Cargo.toml");
        let found = self.executables.iter().find(|(m, t, _)| m.ends_with(&manifest) && t == target);
        let problem = || format!("cargo 没有编译 {member} 的 {target}：\n{}", self.messages);
        Ok(&found.ok_or_else(problem)?.2)
    }

    /// 包 `package` 的程序写错了，而不是 cargo 自己出错（没有网络、版本太旧、清单写错）。
    pub fn does_not_compile(&self, package: &str) -> bool {
        self.messages.contains(&format!("could not compile `{package}`"))
    }
}

/// 命令 `cargo`：正在运行本程序的那一个。
pub fn command() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
}

/// 在目录 `dir` 中运行 `cargo build`，其余的参数为 `args`。
pub fn build(dir: &Path, args: &[&str]) -> Result<Built> {
    let mut cargo = pinned(command());
    cargo.args(["build", "--quiet", "--message-format", "json-render-diagnostics"]).args(args);
    cargo.current_dir(dir).env("CARGO_TERM_COLOR", "never");
    let output = cargo.output().map_err(|e| format!("无法运行 cargo：{e}"))?;
    let lines = String::from_utf8_lossy(&output.stdout);
    Ok(Built {
        success: output.status.success(),
        messages: String::from_utf8_lossy(&output.stderr).trim().to_string(),
        executables: lines.lines().filter_map(executable).collect(),
    })
}

/// 同一个命令，不受个人的设置影响：颜色、详略、并行的个数……
pub fn pinned(mut command: Command) -> Command {
    for (name, _) in env::vars_os() {
        let settings = ["CARGO_TERM_", "RUST_TEST_", "RUST_LIB_BACKTRACE", "NEXTEST", "TESTKIT_"];
        if settings.iter().any(|setting| name.to_string_lossy().starts_with(setting)) {
            command.env_remove(name);
        }
    }
    command.env("RUST_BACKTRACE", "0");
    command
}

/// cargo 的一行 JSON 所说的可执行文件：清单的路径、目标的名字、它自己的路径。
fn executable(line: &str) -> Option<(String, String, PathBuf)> {
    let (_, path) = line.split_once("\"executable\":\"")?;
    let (_, manifest) = line.split_once("\"manifest_path\":\"")?;
    let (_, target) = line.split_once("\"target\":{")?;
    let (_, name) = target.split_once("\"name\":\"")?;
    Some((literal(manifest).replace('\\', "/"), literal(name), literal(path).into()))
}

/// 字符串字面量的值，JSON 的和 Rust 的都是这样；`text` 从开头的引号之后开始。
pub fn literal(text: &str) -> String {
    let mut value = String::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('\n') => while chars.next_if(|c| c.is_whitespace()).is_some() {},
                escaped => value.extend(escaped),
            },
            _ => value.push(c),
        }
    }
    value
}
