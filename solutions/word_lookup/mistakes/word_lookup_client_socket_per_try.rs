//! 典型错误：每次发送都用新的套接字。
//!
//! - 想法：一个单词用新的套接字，迟到的回答就不会弄错；那么每次重发也用新的。
//! - 结果：回答只要慢于 1 秒，就到达已经关闭的端口，发送几次都收不到；同一个单词的几次发送应当共用一个。
//!
//! 拒绝它的测试：`robust` 的 `answer_to_an_earlier_try`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_socket_per_try -- client`

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
        let mut answer = None;
        for _ in 0..3 {
            let udp_socket = UdpSocket::bind("0.0.0.0:0")?;
            udp_socket.connect(&addr)?;
            udp_socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            udp_socket.send(line.trim().as_bytes())?;
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
