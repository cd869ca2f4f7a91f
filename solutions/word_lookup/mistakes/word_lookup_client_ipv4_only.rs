//! 典型错误：套接字总是绑定 `0.0.0.0:0`。
//!
//! - 想法：`0.0.0.0` 是所有的地址，当然能发送到任何地址。
//! - 结果：它是所有的 IPv4 地址；服务端的地址是 `[::1]:5555` 时，地址族不同，客户端就结束了。
//!
//! 拒绝它的测试：`robust` 的 `server_at_an_ipv6_address`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_ipv4_only -- client`

use std::env;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::time::{Duration, Instant};

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
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
        let udp_socket = UdpSocket::bind("0.0.0.0:0")?;
        udp_socket.connect(&addr)?;
        let mut answer = None;
        for _ in 0..3 {
            let start = Instant::now();
            udp_socket.send(line.trim().as_bytes())?;
            while answer.is_none() && start.elapsed() < Duration::from_secs(1) {
                udp_socket.set_read_timeout(Some(Duration::from_millis(100)))?;
                answer = udp_socket.recv(&mut buffer).ok();
            }
            if answer.is_some() {
                break;
            }
        }
        match answer {
            Some(n) => println!("{}", String::from_utf8_lossy(&buffer[..n])),
            None => eprintln!("{addr} 没有回答"),
        }
    }
}
