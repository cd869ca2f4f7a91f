//! 典型错误：服务完一个客户端，再接受下一个。
//!
//! - 想法：像 `tcp_server` 那样：外层循环接受连接，内层循环收发消息。
//! - 结果：第一个客户端不离开，第二个就一直等待；在自己的机器上只开一个客户端时看不出来。
//!
//! 拒绝它的测试：`basic` 的 `server_serves_two_clients_at_once`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_one_client -- server`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

#[allow(dead_code)]
#[path = "../src/server.rs"]
mod server; // 只用其中的 answer：错误不在查表

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let listener = TcpListener::bind(addr)?;
    eprintln!("问答服务端已启动：{}", listener.local_addr()?);
    for stream in listener.incoming().flatten() {
        let _ = serve(&stream);
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    for question in BufReader::new(stream).split(b'\n') {
        let answer = server::answer(&String::from_utf8_lossy(&question?));
        stream.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}
