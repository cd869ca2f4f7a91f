//! 典型错误：客户端一次 `read` 就是一个回答。
//!
//! - 想法：像 `tcp_client` 那样，发一个问题，收一次。
//! - 结果：长的回答、分段到达的回答只打印出开头，其余部分成了下一个问题的“回答”，从此一直错位。
//!
//! 拒绝它的测试：`basic` 的 `client_asks_and_prints`。
//! 运行：`cargo run -p qa_bot_solution --example qa_bot_client_one_read -- client`

use std::env;
use std::io::{self, Read, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
    let mut stream = TcpStream::connect(addr)?;
    let mut buffer = [0; 256];
    loop {
        print!(">>");
        io::stdout().flush()?;
        let mut question = String::new();
        if io::stdin().read_line(&mut question)? == 0 || question.trim_end() == "##" {
            return Ok(());
        }
        stream.write_all(question.as_bytes())?;
        let n = stream.read(&mut buffer)?;
        println!("{}", String::from_utf8_lossy(&buffer[..n]).trim_end());
    }
}
