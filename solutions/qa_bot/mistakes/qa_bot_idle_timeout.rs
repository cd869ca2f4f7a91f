//! 典型错误：给空闲的连接设置读超时。
//!
//! - 想法：别的练习都有 5 秒的时限，这里也加上，免得线程一直占用。
//! - 结果：人要思考才提问：过了 5 秒，连接已被服务端关闭。时限是否合适，取决于对面是程序还是人。
//!
//! 拒绝它的测试：`robust` 的 `idle_client_is_kept`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_idle_timeout -- server`

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

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
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut question = Vec::new();
        if reader.by_ref().take(1025).read_until(b'\n', &mut question)? == 0 {
            return Ok(());
        }
        let answer = server::answer(&String::from_utf8_lossy(&question));
        stream.write_all(format!("{answer}\n").as_bytes())?;
    }
}
