//! 典型错误：用 `starts_with` 在词典中找单词。
//!
//! - 想法：每行以单词开头，找到以它开头的一行就行了。
//! - 结果：“tc”得到 `tcp` 的解释，空的数据报得到第一个单词的解释；应切开一行，比较整个单词。
//!
//! 拒绝它的测试：`robust` 的 `part_of_a_word_is_another_word`。
//! 运行：`cargo run -p word_lookup_solution --example word_lookup_prefix -- server`

use std::env;
use std::io;
use std::net::UdpSocket;

const DICT: &str = include_str!("../dict.txt");

fn main() -> io::Result<()> {
    let addr = env::args().nth(2).unwrap_or("0.0.0.0:5555".to_string());
    let udp_socket = UdpSocket::bind(addr)?;
    eprintln!("单词服务端已启动：{}", udp_socket.local_addr()?);
    let mut buffer = vec![0; 65_535];
    loop {
        let Ok((n, client)) = udp_socket.recv_from(&mut buffer) else { continue };
        let word = String::from_utf8_lossy(&buffer[..n]).trim().to_lowercase();
        let line = DICT.lines().find(|line| line.starts_with(&word));
        let explanation = line.and_then(|line| line.split('\t').nth(1));
        let explanation = explanation.unwrap_or("没有找到这个单词");
        let _ = udp_socket.send_to(explanation.as_bytes(), client);
    }
}
