//! 典型错误：一行分两次写。
//!
//! - 想法：`writeln!` 写一行文字，正是这里要的。
//! - 结果：它先写文字，再写 `\n`。后一次要等前一次得到确认，对方推迟确认，约 40 毫秒：
//!   回答都正确，可是一秒只能回答二十几个问题，处理器却空着。
//!
//! 拒绝它的测试：`robust` 的 `answer_is_written_at_once`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_two_writes -- server`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
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
    for question in BufReader::new(conn).split(b'\n') {
        let answer = server::answer(&String::from_utf8_lossy(&question?));
        writeln!(conn, "{answer}")?;
    }
    Ok(())
}
