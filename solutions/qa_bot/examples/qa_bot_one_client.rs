//! 典型错误：服务完一个客户端，才接受下一个。
//!
//! - 想法：照着 `tcp_server` 写，一个客户端离开之后等待下一个。
//! - 结果：第一个客户端想多久，后面的就等多久；它们已经连接成功（系统替服务端完成了握手），却没有回答。
//!
//! 拒绝它的测试：`basic` 的 `server_serves_many_clients_at_once`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_one_client -- server`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

#[allow(dead_code)]
#[path = "../src/server.rs"]
mod server; // 只用其中的 answer：错误不在查表

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let tcp_socket = TcpListener::bind(addr)?;
    eprintln!("问答服务端已启动：{}", tcp_socket.local_addr()?);
    loop {
        let (conn, _) = tcp_socket.accept()?;
        let _ = serve(&conn);
    }
}

fn serve(mut conn: &TcpStream) -> io::Result<()> {
    for question in BufReader::new(conn).split(b'\n') {
        let answer = server::answer(&String::from_utf8_lossy(&question?));
        conn.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}
