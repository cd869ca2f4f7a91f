//! 图片上传（课程 2.3.3 节随堂练习）：解析命令行参数，交给 `server.rs` 或 `client.rs`。
//!
//! 本文件已经写好，不需要修改；任务见 `README.md`。

mod client;
mod server;

use std::env;
use std::path::Path;
use std::process::ExitCode;

const SERVER_ADDR: &str = "0.0.0.0:5555"; // 0.0.0.0：本机的所有网卡
const CLIENT_ADDR: &str = "127.0.0.1:5555";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (file, addr) = match args[..] {
        ["server"] => (None, SERVER_ADDR),
        ["server", addr] => (None, addr),
        ["client", file] => (Some(file), CLIENT_ADDR),
        ["client", file, addr] => (Some(file), addr),
        _ => return usage(),
    };
    let Ok(addr) = addr.parse() else { return usage() };
    let result = match file {
        Some(file) => client::run(Path::new(file), addr),
        None => server::run(addr),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("错误：{e}");
            ExitCode::FAILURE
        }
    }
}

/// 在标准错误上说明用法，返回退出状态 2。
fn usage() -> ExitCode {
    eprintln!("用法：cargo run -p image_upload -- server [地址]");
    eprintln!("      cargo run -p image_upload -- client 文件 [地址]");
    eprintln!("地址形如 127.0.0.1:5555；默认：服务端 {SERVER_ADDR}，客户端 {CLIENT_ADDR}");
    ExitCode::from(2)
}
