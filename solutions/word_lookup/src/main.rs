//! 网络单词查询（课程 2.2.2 节随堂练习）：解析命令行参数，交给 `server.rs` 或 `client.rs`。
//!
//! 本文件已经写好，不需要修改；任务见 `README.md`。

mod client;
mod server;

use std::env;
use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

const SERVER_ADDR: &str = "0.0.0.0:5555"; // 0.0.0.0：本机的所有网卡
const CLIENT_ADDR: &str = "127.0.0.1:5555";

type Run = fn(SocketAddr) -> Result<(), Box<dyn Error>>;

fn main() -> ExitCode {
    let mut args = env::args().skip(1);
    let (run, default_addr): (Run, &str) = match args.next().as_deref() {
        Some("server") => (server::run, SERVER_ADDR),
        Some("client") => (client::run, CLIENT_ADDR),
        _ => return usage(),
    };
    let addr = args.next().unwrap_or(default_addr.to_string());
    let (Ok(addr), None) = (addr.parse(), args.next()) else { return usage() };
    match run(addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("错误：{e}");
            ExitCode::FAILURE
        }
    }
}

/// 在标准错误上说明用法，返回退出状态 2。
fn usage() -> ExitCode {
    eprintln!("用法：cargo run -p word_lookup -- server [地址]");
    eprintln!("      cargo run -p word_lookup -- client [地址]");
    eprintln!("地址形如 127.0.0.1:5555；默认：服务端 {SERVER_ADDR}，客户端 {CLIENT_ADDR}");
    ExitCode::from(2)
}
