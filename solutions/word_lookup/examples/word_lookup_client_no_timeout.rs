//! 典型错误：接收没有时限。
//!
//! - 想法：像 `udp_client` 那样，发一个单词，收一个回答，在本机上试从来没有丢失。
//! - 结果：单词或回答在途中丢失一次，客户端就永远等下去：UDP 不重发，也不通知。
//!
//! 拒绝它的测试：`robust` 的 `no_answer`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_no_timeout -- client`

use std::env;
use std::io::{self, Write};
use std::net::UdpSocket;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
    let mut buffer = [0; 65_535];
    loop {
        print!(">>");
        io::stdout().flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 || line.trim() == "##" {
            return Ok(());
        }
        let udp_socket = UdpSocket::bind("0.0.0.0:0")?;
        udp_socket.connect(&addr)?;
        udp_socket.send(line.trim().as_bytes())?;
        match udp_socket.recv(&mut buffer) {
            Ok(n) => println!("{}", String::from_utf8_lossy(&buffer[..n])),
            Err(e) => eprintln!("无法查询 {addr}：{e}"),
        }
    }
}
