//! 典型错误：接收出错就结束客户端。
//!
//! - 想法：只有超时才重发，其他的错误用 `?` 返回，由 `main` 说明。
//! - 结果：没有服务端时，系统报告“连接被拒绝”，客户端就结束了；服务端稍后启动，用户也要重新运行客户端。
//!
//! 拒绝它的测试：`robust` 的 `no_server`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_refused -- client`

use std::env;
use std::io::{self, ErrorKind, Write};
use std::net::UdpSocket;
use std::time::Duration;

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
        udp_socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut answer = None;
        for _ in 0..3 {
            udp_socket.send(line.trim().as_bytes())?;
            match udp_socket.recv(&mut buffer) {
                Ok(n) => {
                    answer = Some(n);
                    break;
                }
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(e) => return Err(e),
            }
        }
        match answer {
            Some(n) => println!("{}", String::from_utf8_lossy(&buffer[..n])),
            None => eprintln!("{addr} 没有回答"),
        }
    }
}
