//! 典型错误：用 `read_line` 读网络上的字节。
//!
//! - 想法：问题是一行文字，`read_line` 正好读一行文字。
//! - 结果：`read_line` 要求 UTF-8，遇到其他字节返回错误，这个连接随即中断；网络上来的是字节，先读完再转换。
//!
//! 拒绝它的测试：`robust` 的 `question_that_is_not_utf8`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_read_line -- server`

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
    for stream in listener.incoming().flatten() {
        thread::spawn(move || serve(&stream));
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut question = String::new();
    while reader.read_line(&mut question)? > 0 {
        stream.write_all(format!("{}\n", server::answer(&question)).as_bytes())?;
        question.clear();
    }
    Ok(())
}
