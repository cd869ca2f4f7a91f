//! 典型错误：一次 `read` 就是一个问题。
//!
//! - 想法：客户端每次 `write` 一个问题，服务端每次 `read` 就得到一个问题，在本机上试也没有出错。
//! - 结果：TCP 是字节流：问题可能分几次到达，几个问题也可能一次到达，于是半个问题也得到回答，粘在一起的只回答一个。
//!
//! 拒绝它的测试：`robust` 的 `question_in_pieces`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_one_read -- server`

use std::env;
use std::io::{self, Read, Write};
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
    let mut buffer = [0; 1025];
    loop {
        let n = stream.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        let answer = server::answer(&String::from_utf8_lossy(&buffer[..n]));
        stream.write_all(format!("{answer}\n").as_bytes())?;
    }
}
