//! 典型错误：发送之前清空套接字，以为这样就没有迟到的回答。
//!
//! - 想法：共用一个套接字，查下一个单词之前把残留的数据报都读掉。
//! - 结果：清空之后才到的回答照样显示为下一个单词的解释；每个单词用新的套接字，才与它无关。
//!
//! 拒绝它的测试：`robust` 的 `late_answer`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_drain -- client`

use std::env;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
    let udp_socket = UdpSocket::bind("0.0.0.0:0")?;
    udp_socket.connect(&addr)?;
    udp_socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut buffer = vec![0; 65_535];
    loop {
        print!(">>");
        io::stdout().flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 || line.trim() == "##" {
            return Ok(());
        }
        if line.trim().is_empty() {
            continue;
        }
        udp_socket.set_nonblocking(true)?;
        while udp_socket.recv(&mut buffer).is_ok() {}
        udp_socket.set_nonblocking(false)?;
        let mut answer = None;
        for _ in 0..3 {
            let _ = udp_socket.send(line.trim().as_bytes());
            if let Ok(n) = udp_socket.recv(&mut buffer) {
                answer = Some(n);
                break;
            }
        }
        match answer {
            Some(n) => println!("{}", String::from_utf8_lossy(&buffer[..n])),
            None => eprintln!("{addr} 没有回答"),
        }
    }
}
