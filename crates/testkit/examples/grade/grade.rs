//! 评分：用两关的测试检验一个班交来的程序，写出成绩表和每名学生的一页说明。用法见 `docs/instructor.md`。
//!
//! ```text
//! cargo run -p testkit --example grade -- DIR [--unsafe] [--jobs N]
//! ```
//!
//! `DIR` 中每名学生一个目录，其中有 `exercises/NAME/src`；结果写在 `DIR-results`。每个程序编译一次，
//! 每个测试各用一个沙箱（见 `sandbox.rs`），以测试程序的退出状态为准：学生的程序印什么，都不影响成绩。

#[cfg(unix)]
mod sandbox;
#[cfg(unix)]
mod submission;
#[cfg(unix)]
mod unix;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(unix)]
    return unix::main();
    #[cfg(not(unix))]
    {
        eprintln!("评分要在 Linux、macOS 或者 Windows 的 WSL 中运行");
        ExitCode::from(2)
    }
}
