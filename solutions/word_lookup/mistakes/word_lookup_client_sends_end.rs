//! 典型错误：`##` 也发给了服务端。
//!
//! - 想法：像 `udp_client` 那样，先发送，再看是不是 `##`。
//! - 结果：聊天的服务端靠 `##` 知道对方离开；这里的服务端没有“对方”，只会把它当作单词来查，白白回答一次。
//!
//! 拒绝它的测试：`basic` 的 `client_asks_and_prints`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_sends_end -- client`

use std::env;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
    let mut buffer = vec![0; 65_535];
    loop {
        print!(">>");
        io::stdout().flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line.trim().is_empty() {
            continue;
        }
        let udp_socket = UdpSocket::bind("0.0.0.0:0")?;
        udp_socket.connect(&addr)?;
        udp_socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut answer = None;
        for _ in 0..3 {
            let _ = udp_socket.send(line.trim().as_bytes());
            if line.trim() == "##" {
                return Ok(());
            }
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
