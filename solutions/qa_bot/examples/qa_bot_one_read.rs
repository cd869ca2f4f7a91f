//! 典型错误：一次 `read` 就是一个问题。
//!
//! - 想法：客户端每次 `write` 一个问题，服务端每次 `read` 就得到一个问题，在本机上试也没有出错。
//! - 结果：TCP 是字节流：问题可能分几次到达，几个问题也可能一次到达，于是半个问题也得到回答，粘在一起的只回答一个。
//!
//! 拒绝它的测试：`basic` 的 `server_waits_for_the_end_of_the_line`。
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
    let tcp_socket = TcpListener::bind(addr)?;
    eprintln!("问答服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        let (conn, _) = tcp_socket.accept()?;
        thread::spawn(move || serve(&conn));
    }
}

fn serve(mut conn: &TcpStream) -> io::Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let n = conn.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        let answer = server::answer(&String::from_utf8_lossy(&buffer[..n]));
        conn.write_all(format!("{answer}\n").as_bytes())?;
    }
}
