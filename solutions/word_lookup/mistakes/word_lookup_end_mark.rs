//! 典型错误：服务端收到 `##` 就结束。
//!
//! - 想法：`udp_server` 收到 `##` 就退出循环，这里照做。
//! - 结果：聊天只有两个人；查单词的服务端有许多客户端，不能因为其中一个发来 `##` 就结束。
//!
//! 拒绝它的测试：`basic` 的 `server_does_not_know_every_word`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_end_mark -- server`

use std::collections::HashMap;
use std::env;
use std::io;
use std::net::UdpSocket;

const DICT: &str = include_str!("../dict.txt");

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let udp_socket = UdpSocket::bind(addr)?;
    eprintln!("单词服务端已启动：{}", udp_socket.local_addr()?);
    let dict: HashMap<&str, &str> = DICT.lines().filter_map(|line| line.split_once('\t')).collect();
    let mut buffer = vec![0; 65_535];
    loop {
        let Ok((n, client)) = udp_socket.recv_from(&mut buffer) else { continue };
        if buffer[..n] == *b"##" {
            return Ok(());
        }
        let word = String::from_utf8_lossy(&buffer[..n]).trim().to_lowercase();
        let explanation = dict.get(word.as_str()).unwrap_or(&"没有找到这个单词");
        let _ = udp_socket.send_to(explanation.as_bytes(), client);
    }
}
