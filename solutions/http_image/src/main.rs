//! 图片网页（课程 2.4.6 节随堂练习）：解析命令行参数，交给 `server.rs`。
//!
//! 本文件已经写好，不需要修改；任务见 `README.md`。

mod server;

use std::env;
use std::process::ExitCode;

const ADDR: &str = "0.0.0.0:8000"; // 0.0.0.0：本机的所有网卡

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let addr = args.next().unwrap_or(ADDR.to_string());
    let (Ok(addr), None) = (addr.parse(), args.next()) else { return usage() };
    match server::run(addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("错误：{e}");
            ExitCode::FAILURE
        }
    }
}

/// 在标准错误上说明用法，返回退出状态 2。
fn usage() -> ExitCode {
    eprintln!("用法：cargo run -p http_image -- [地址]");
    eprintln!("地址形如 127.0.0.1:8000；默认：{ADDR}");
    ExitCode::from(2)
}
