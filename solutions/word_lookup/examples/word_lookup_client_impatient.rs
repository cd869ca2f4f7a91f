//! 典型错误：`recv` 返回错误，就当作等满了 1 秒。
//!
//! - 想法：设了时限的 `recv` 出错，就是等到了时限。
//! - 结果：没有服务端时，系统立即报告“连接被拒绝”，三次发送在一毫秒之内用完；服务端晚半秒启动，就错过了。
//!
//! 拒绝它的测试：`robust` 的 `no_server_yet`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_client_impatient -- client`

use std::env;
use std::io::{self, Write};
use std::net::UdpSocket;
use std::time::Duration;

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("127.0.0.1:5555".to_string());
    loop {
        print!(">>");
        io::stdout().flush()?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line)? == 0 || line.trim() == "##" {
            return Ok(());
        }
        match look_up(&addr, line.trim()) {
            Ok(answer) => println!("{answer}"),
            Err(e) => eprintln!("无法查询 {addr}：{e}"),
        }
    }
}

fn look_up(addr: &str, word: &str) -> io::Result<String> {
    let any_addr = if addr.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let udp_socket = UdpSocket::bind(any_addr)?;
    udp_socket.connect(addr)?;
    udp_socket.set_read_timeout(Some(Duration::from_secs(1)))?;
    let mut buffer = [0; 65_535];
    for _ in 0..3 {
        udp_socket.send(word.as_bytes())?;
        if let Ok(n) = udp_socket.recv(&mut buffer) {
            return Ok(String::from_utf8_lossy(&buffer[..n]).to_string());
        }
    }
    Err(io::Error::other("没有回答（已发送 3 次）"))
}
