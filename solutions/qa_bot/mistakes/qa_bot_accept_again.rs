//! 典型错误：接受连接出错时，立即再试。
//!
//! - 想法：`accept` 出错只是这一个连接的事，`continue`，接受下一个。
//! - 结果：描述符用完时，它每次都立即失败：循环空转，占满一个处理器，也不说明错误，直到有客户端离开。
//!   先用 `ulimit -n 20` 限制描述符，再连接 20 个客户端，用 `top` 看。
//!
//! 拒绝它的测试：`robust` 的 `descriptors_run_out`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_accept_again -- server`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

#[allow(dead_code)]
#[path = "../src/server.rs"]
mod server; // 只用其中的 answer：错误不在查表

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("问答服务端已启动：{}", listener.local_addr()?);
    loop {
        let Ok((stream, _)) = listener.accept() else { continue };
        thread::spawn(move || serve(&stream));
    }
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    for question in BufReader::new(stream).split(b'\n') {
        let answer = server::answer(&String::from_utf8_lossy(&question?));
        stream.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}
