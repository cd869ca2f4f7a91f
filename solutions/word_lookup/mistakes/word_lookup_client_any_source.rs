//! 典型错误：不看数据报是谁发来的。
//!
//! - 想法：自己的端口只有服务端知道，收到的当然是它的回答。
//! - 结果：任何程序都能向这个端口发数据报，冒充回答；应当 `connect`，或者比较 `recv_from` 返回的来源。
//!
//! 拒绝它的测试：`robust` 的 `answer_from_a_stranger`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_any_source -- client`

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
        if io::stdin().read_line(&mut line)? == 0 || line.trim() == "##" {
            return Ok(());
        }
        if line.trim().is_empty() {
            continue;
        }
        let udp_socket = UdpSocket::bind("0.0.0.0:0")?;
        udp_socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        let mut answer = None;
        for _ in 0..3 {
            udp_socket.send_to(line.trim().as_bytes(), &addr)?;
            if let Ok((n, _)) = udp_socket.recv_from(&mut buffer) {
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
