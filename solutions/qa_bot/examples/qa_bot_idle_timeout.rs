//! 典型错误：给思考的人设置了时限。
//!
//! - 想法：`image_upload` 的服务端不等沉默的客户端，这里也设置 5 秒的读超时。
//! - 结果：人要思考才提问。客户端停在 `>>` 处超过 5 秒，下一个问题就得到“已断开连接”。
//!   沉默的上传占着唯一的服务端；沉默的提问者只占着自己的线程。
//!
//! 拒绝它的测试：`robust` 的 `idle_client_is_kept`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_idle_timeout -- server`

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

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
    conn.set_read_timeout(Some(Duration::from_secs(5)))?;
    for question in BufReader::new(conn).split(b'\n') {
        let answer = server::answer(&String::from_utf8_lossy(&question?));
        conn.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}
