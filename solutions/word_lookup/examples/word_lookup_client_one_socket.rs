//! 典型错误：所有的单词共用一个套接字。
//!
//! - 想法：套接字创建一次就够了，像 `udp_client` 那样放在循环外面。
//! - 结果：前一个单词的回答迟到，或者重发之后来了两个，就显示为下一个单词的解释，此后一直错位。
//!
//! 拒绝它的测试：`robust` 的 `late_answer`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_one_socket -- client`

use std::env;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

const TIMEOUT: Duration = Duration::from_secs(1);

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
    let any_addr = if addr.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let udp_socket = UdpSocket::bind(any_addr)?;
    udp_socket.connect(&addr)?;
    udp_socket.set_read_timeout(Some(TIMEOUT / 10))?;
    loop {
        print!(">>");
        io::stdout().flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 || line.trim() == "##" {
            return Ok(());
        }
        match look_up(&udp_socket, line.trim()) {
            Ok(answer) => println!("{answer}"),
            Err(e) => eprintln!("无法查询 {addr}：{e}"),
        }
    }
}

fn look_up(udp_socket: &UdpSocket, word: &str) -> io::Result<String> {
    let mut buffer = [0; 65_535];
    for _ in 0..3 {
        let start = Instant::now();
        udp_socket.send(word.as_bytes())?;
        while start.elapsed() < TIMEOUT {
            if let Ok(n) = udp_socket.recv(&mut buffer) {
                return Ok(String::from_utf8_lossy(&buffer[..n]).to_string());
            }
        }
    }
    Err(io::Error::other("没有回答（已发送 3 次）"))
}
