//! 典型错误：一直读到 `\n`，不管有多长。
//!
//! - 想法：问题都很短，`read_until` 或 `split` 读到换行就会返回。
//! - 结果：只要对方不发换行，内存就一直增长；一个客户端可以用尽整台机器的内存。
//!
//! 拒绝它的测试：`robust` 的 `question_over_1024_bytes_ends_its_connection_only`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_no_limit -- server`

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
    for question in BufReader::new(stream).split(b'\n') {
        let answer = server::answer(&String::from_utf8_lossy(&question?));
        stream.write_all(format!("{answer}\n").as_bytes())?;
    }
    Ok(())
}
