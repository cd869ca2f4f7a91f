//! 典型错误：没有等到回答就放弃，不重发。
//!
//! - 想法：等 1 秒还没有回答，就是服务端不在。
//! - 结果：丢失一个数据报是 UDP 的常事，重发一次多半就有回答；用户却要自己再输入一遍。
//!
//! 拒绝它的测试：`robust` 的 `no_answer`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_one_try -- client`

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
        udp_socket.connect(&addr)?;
        udp_socket.set_read_timeout(Some(Duration::from_secs(1)))?;
        udp_socket.send(line.trim().as_bytes())?;
        match udp_socket.recv(&mut buffer) {
            Ok(n) => println!("{}", String::from_utf8_lossy(&buffer[..n])),
            Err(e) => eprintln!("没有收到回答：{e}"),
        }
    }
}
